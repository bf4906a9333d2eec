import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { a2aSpan, costAttributes, mcpSpan, pathOf, rpcFailure, serverAttributes } from './attributes.ts';

const files = { server: 'files', transport: 'pipe' } as const;

function known(attributes: object): object {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

test('an MCP tool call is named for its tool; arguments are content and stay out', () => {
  const request = { method: 'tools/call', id: 7, params: { name: 'read', arguments: { path: '/hush' } } };
  const { name, attributes } = mcpSpan(request, { ...files, sessionId: 's-1', protocolVersion: '2025-11-25' });
  assert.equal(name, 'tools/call read');
  assert.deepEqual(known(attributes), {
    'mcp.method.name': 'tools/call',
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'read',
    'jsonrpc.request.id': '7',
    'mcp.session.id': 's-1',
    'mcp.protocol.version': '2025-11-25',
    'network.transport': 'pipe',
    'outrider.mcp.server': 'files',
  });
});

test('MCP prompts, resources and other methods', () => {
  const prompt = mcpSpan({ method: 'prompts/get', params: { name: 'greet' } }, files);
  assert.equal(prompt.name, 'prompts/get greet');
  assert.equal(prompt.attributes['gen_ai.prompt.name'], 'greet');
  const resource = mcpSpan({ method: 'resources/read', params: { uri: 'file:///home/jane', name: 'jane' } }, files);
  assert.equal(resource.name, 'resources/read');
  assert.doesNotMatch(JSON.stringify(resource), /jane/);
});

test('an A2A call is an RPC, and one that makes the peer work an agent invocation', () => {
  const { name, attributes } = a2aSpan({ method: 'tasks/send', id: 'x', params: { message: 'hush' } }, 'weather');
  assert.equal(name, 'tasks/send weather');
  assert.deepEqual(known(attributes), {
    'rpc.system.name': 'jsonrpc',
    'rpc.method': 'tasks/send',
    'jsonrpc.request.id': 'x',
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.agent.name': 'weather',
  });
  assert.equal(a2aSpan({ method: 'tasks/get' }, 'weather').attributes['gen_ai.operation.name'], undefined);
});

test('failures that come with status 200', () => {
  assert.deepEqual(rpcFailure({ error: { code: -32602, message: 'hush' } }), {
    code: '-32602',
    attributes: { 'rpc.response.status_code': '-32602' },
  });
  assert.deepEqual(rpcFailure({ result: { isError: true } }), { code: 'tool_error', attributes: {} });
  for (const fine of [undefined, null, 'x', {}, { result: {} }, { error: null }])
    assert.equal(rpcFailure(fine), undefined);
});

test('a model call', () => {
  const event = { model: 'gpt-5', provider: null, input_tokens: 3, output_tokens: 4 };
  assert.deepEqual(known(costAttributes(event)), {
    'gen_ai.request.model': 'gpt-5',
    'gen_ai.usage.input_tokens': 3,
    'gen_ai.usage.output_tokens': 4,
  });
});

test('where a request was sent', () => {
  const at = (host: string | undefined): unknown[] => {
    const request = {
      method: 'GET',
      route: undefined,
      path: '/',
      host,
      remote: '',
      userAgent: undefined,
      surface: 'inbound',
    };
    const attributes = serverAttributes(request);
    return [attributes['server.address'], attributes['server.port']];
  };
  assert.deepEqual(at('a.example'), ['a.example', undefined]);
  assert.deepEqual(at('a.example:80'), ['a.example', 80]);
  assert.deepEqual(at('[::1]:8080'), ['[::1]', 8080]);
  assert.deepEqual(at('[::1]'), ['[::1]', undefined]);
  assert.deepEqual(at(undefined), [undefined, undefined]);
});

test('a path never holds the query', () => {
  fc.assert(fc.property(fc.string(), fc.string(), (path, query) => !pathOf(`/${path}?${query}`).includes('?')));
  assert.equal(pathOf('/a/b'), '/a/b');
  assert.equal(pathOf('*'), '*');
});

test('property: whatever a request holds, its description is small', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 2_000 }), fc.anything(), fc.anything(), (method, params, id) => {
      for (const { name, attributes } of [
        mcpSpan({ method, params, id }, files),
        a2aSpan({ method, params, id }, 'p'),
      ]) {
        assert.ok(name.length <= 300);
        for (const value of Object.values(attributes)) assert.ok(String(value).length <= 256);
      }
    }),
  );
});
