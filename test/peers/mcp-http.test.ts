// oxlint-disable typescript/no-explicit-any -- JSON that the assertions take apart

import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { type McpServers, mcpServers } from '../../src/peers/mcp.ts';
import type { McpServerOptions } from '../../src/peers/mcp-transport.ts';
import { freePort } from '../support/ports.ts';
import { listen, post, type Running, recordedLog, serve, startEverything, until } from './support.ts';

function setUp(
  t: TestContext,
  servers: Record<string, McpServerOptions>,
  options: { timeoutMs?: number; bodyLimit?: number } = {},
): McpServers {
  const mcp = mcpServers({
    servers,
    version: '1.2.3',
    timeoutMs: options.timeoutMs ?? 10_000,
    bodyLimit: options.bodyLimit ?? 1_000_000,
    spawnEnv: {},
    log: recordedLog(),
  });
  t.after(() => mcp.close());
  return mcp;
}

const list = (mcp: McpServers, name: string): ReturnType<typeof post> =>
  post(mcp.service, `/mcp/${name}`, { method: 'tools/list', params: {} });
const callTool = (mcp: McpServers, name: string, tool: string, args: object = {}): ReturnType<typeof post> =>
  post(mcp.service, `/mcp/${name}`, { id: 1, method: 'tools/call', params: { name: tool, arguments: args } });

for (const [mode, transport, path] of [
  ['streamableHttp', 'http', '/mcp'],
  ['sse', 'sse', '/sse'],
] as const) {
  test(`the reference server over ${mode}: one JSON reply, also after the server was restarted`, async (t) => {
    const port = await freePort();
    let server = await startEverything(mode, port);
    t.after(() => server.stop());
    const mcp = setUp(t, { it: { transport, url: `http://127.0.0.1:${port}${path}` } });
    const replies = await Promise.all([list(mcp, 'it'), list(mcp, 'it'), list(mcp, 'it')]);
    assert.ok(replies.every((reply) => reply.status === 200 && reply.json.result.tools.length > 5));
    assert.equal(mcp.status()['it']?.sessions, 1);
    assert.equal((await callTool(mcp, 'it', 'echo', { message: 'hi' })).json.result.content[0].text, 'Echo: hi');

    await server.stop();
    if (mode === 'sse') await until(() => mcp.status()['it']?.state === 'idle');
    server = await startEverything(mode, port);
    // Safe even for a tool: the new server does not know the session, so nothing ran.
    assert.equal((await callTool(mcp, 'it', 'echo', { message: 'again' })).json.result.content[0].text, 'Echo: again');
    assert.equal(mcp.status()['it']?.sessions, 2);

    await server.stop();
    const down = await list(mcp, 'it');
    assert.deepEqual([down.status, down.json.error.code], [502, -32_011]);
    assert.ok(!down.text.includes(String(port)), 'the reply names the address');
  });
}

test('an MCP client of the official SDK works against the path of a server', async (t) => {
  const port = await freePort();
  const server = await startEverything('streamableHttp', port);
  t.after(() => server.stop());
  const mcp = setUp(t, { everything: { transport: 'streamable_http', url: `http://127.0.0.1:${port}/mcp` } });
  const front = await serve(mcp.service);
  t.after(() => front.close());
  const client = new Client({ name: 'an-agent', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${front.url}/mcp/everything`)));
  t.after(() => client.close());
  assert.equal(client.getServerVersion()?.name, 'mcp-servers/everything');
  assert.ok(client.getServerCapabilities()?.tools);
  assert.equal(client.getNegotiatedProtocolVersion(), '2025-11-25');
  await client.ping();
  const { tools } = await client.listTools();
  assert.ok(tools.some((tool) => tool.name === 'get-sum'));
  const structured = await client.callTool({ name: 'get-structured-content', arguments: { location: 'New York' } });
  assert.ok(structured.structuredContent);
  await assert.rejects(client.getPrompt({ name: 'no-such-prompt' }), { code: -32_602 });
  const leave = new AbortController();
  const long = client.callTool(
    { name: 'trigger-long-running-operation', arguments: { duration: 20, steps: 2 } },
    { signal: leave.signal },
  );
  setTimeout(() => leave.abort(), 200);
  await assert.rejects(long);
  await client.ping();
});

test('only POST is served', async (t) => {
  const mcp = setUp(t, { it: { transport: 'http', url: 'http://127.0.0.1:1/mcp' } });
  for (const method of ['GET', 'DELETE', 'PUT']) {
    const reply = await post(mcp.service, '/mcp/it', '', { method });
    assert.equal(reply.status, 405);
    assert.ok(reply.headers.includes('Allow'));
  }
});

test('unknown servers are -32010 with the id of the caller, whatever the name', async (t) => {
  const mcp = setUp(t, { it: { transport: 'http', url: 'http://127.0.0.1:1/mcp' } });
  for (const name of ['nope', '', 'it/', 'it/../it', '__proto__', 'constructor', 'IT', '%69t']) {
    const reply = await post(mcp.service, `/mcp/${name}`, { id: 9, method: 'tools/list' });
    assert.equal(reply.status, 404, name);
    assert.equal(reply.json.error.code, -32_010);
    assert.equal(reply.json.id, 9);
  }
});

test('requests that are none are refused before any server is asked', async (t) => {
  const mcp = setUp(t, { it: { transport: 'http', url: 'http://127.0.0.1:1/mcp' } }, { bodyLimit: 1000 });
  const refused = async (body: unknown): Promise<[number, number]> => {
    const reply = await post(mcp.service, '/mcp/it', body);
    return [reply.status, reply.json.error.code];
  };
  assert.deepEqual(await refused('{'), [400, -32_700]);
  assert.deepEqual(await refused([{ method: 'ping' }]), [400, -32_600]);
  assert.deepEqual(await refused({ params: {} }), [400, -32_600]);
  assert.deepEqual(await refused({ method: 'ping', params: [1] }), [400, -32_600]);
  assert.deepEqual(await refused({ method: 'ping', params: { text: 'x'.repeat(1000) } }), [413, -32_014]);
});

/** A hand-written streamable-HTTP server: answers `initialize`, the rest is the test's. */
async function handWritten(
  t: TestContext,
  answer: (message: any, request: IncomingMessage, response: ServerResponse) => void,
): Promise<Running & { seen: { method: string; headers: IncomingMessage['headers'] }[] }> {
  const seen: { method: string; headers: IncomingMessage['headers'] }[] = [];
  let sessions = 0;
  const running = await listen((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const message = chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString());
      seen.push({ method: message.method ?? request.method, headers: request.headers });
      if (message.method === 'initialize') {
        response.setHeader('mcp-session-id', `session-${++sessions}`);
        const { protocolVersion } = message.params;
        const serverInfo = { name: 'hand-written', version: '1' };
        json(response, { jsonrpc: '2.0', id: message.id, result: { protocolVersion, capabilities: {}, serverInfo } });
      } else if (message.id === undefined) {
        response.writeHead(202).end();
      } else {
        answer(message, request, response);
      }
    });
  });
  t.after(() => running.close());
  return { ...running, seen };
}

function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

test('an expired session (404) is opened anew and the request sent again, a tool call too', async (t) => {
  let expired = true;
  let runs = 0;
  const server = await handWritten(t, (message, request, response) => {
    if (expired && request.headers['mcp-session-id'] === 'session-1') {
      response.writeHead(404).end();
      return;
    }
    runs++;
    json(response, { jsonrpc: '2.0', id: message.id, result: { runs } });
  });
  const mcp = setUp(t, { it: { transport: 'http', url: server.url } });
  assert.equal((await callTool(mcp, 'it', 'pay')).json.result.runs, 1);
  assert.equal(server.seen.at(-1)?.headers['mcp-session-id'], 'session-2');
  expired = false;
});

test('a server that answers 404 to everything is asked twice, not for ever', async (t) => {
  const server = await handWritten(t, (_, __, response) => {
    response.writeHead(404).end();
  });
  const mcp = setUp(t, { it: { transport: 'http', url: server.url } });
  assert.equal((await list(mcp, 'it')).status, 502);
  assert.equal(server.seen.filter(({ method }) => method === 'tools/list').length, 2);
});

test('a tool call whose connection broke is not sent again; a list is', async (t) => {
  const server = await handWritten(t, (_, request) => {
    request.socket.destroy();
  });
  const mcp = setUp(t, { it: { transport: 'http', url: server.url } });
  const tool = await callTool(mcp, 'it', 'pay');
  assert.equal(tool.json.error.code, -32_011);
  assert.match(tool.json.error.message, /may have run/);
  assert.equal(server.seen.filter(({ method }) => method === 'tools/call').length, 1);
  assert.equal((await list(mcp, 'it')).status, 502);
  assert.equal(server.seen.filter(({ method }) => method === 'tools/list').length, 2);
});

test('an event stream that ends before the response is noticed at once', async (t) => {
  const server = await handWritten(t, (_, __, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(': nothing to say\n\n');
  });
  const mcp = setUp(t, { it: { transport: 'http', url: server.url } });
  const started = performance.now();
  assert.equal((await callTool(mcp, 'it', 'x')).json.error.code, -32_011);
  assert.ok(performance.now() - started < 5_000);
});

test("a server's JSON-RPC error on an HTTP error status is handed on; other refusals are unreachable", async (t) => {
  const server = await handWritten(t, (message, _, response) => {
    if (message.params.name === 'rpc') {
      const error = { code: -32_002, message: 'not here', data: { uri: 'x' } };
      json(response, { jsonrpc: '2.0', id: message.id, error }, 422);
    } else {
      response.writeHead(401, { 'content-type': 'text/html' }).end('<h1>secret details</h1>');
    }
  });
  const mcp = setUp(t, { it: { transport: 'http', url: server.url } });
  const rpc = await callTool(mcp, 'it', 'rpc');
  assert.deepEqual([rpc.status, rpc.json.error], [200, { code: -32_002, message: 'not here', data: { uri: 'x' } }]);
  const html = await callTool(mcp, 'it', 'html');
  assert.deepEqual([html.status, html.json.error.code, html.json.error.data.status], [502, -32_011, 401]);
  assert.ok(!html.text.includes('secret details'));
});

test('a silent server times out, and its request is given up', async (t) => {
  let gone = 0;
  const server = await handWritten(t, (message, request, response) => {
    if (message.method === 'ping') json(response, { jsonrpc: '2.0', id: message.id, result: {} });
    else request.socket.on('close', () => gone++);
  });
  const mcp = setUp(t, { it: { transport: 'http', url: server.url } }, { timeoutMs: 300 });
  const reply = await callTool(mcp, 'it', 'x');
  assert.deepEqual([reply.status, reply.json.error.code], [504, -32_012]);
  await until(() => gone === 1);
  await until(() => server.seen.some(({ method }) => method === 'notifications/cancelled'));
});

test('a caller that leaves cancels the request at the server', async (t) => {
  let gone = 0;
  const server = await handWritten(t, (_, request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': wait\n\n');
    request.socket.on('close', () => gone++);
  });
  const mcp = setUp(t, { it: { transport: 'http', url: server.url } });
  const caller = new AbortController();
  const body = { method: 'tools/call', params: { name: 'x' } };
  const pending = post(mcp.service, '/mcp/it', body, { signal: caller.signal });
  await until(() => server.seen.some(({ method }) => method === 'tools/call'));
  caller.abort();
  assert.equal((await pending).status, 499);
  await until(() => gone === 1);
});

for (const type of ['application/json', 'text/event-stream']) {
  test(`a response beyond the limit (${type}) is 413, and not read to its end`, async (t) => {
    let sent = 0;
    const server = await handWritten(t, (message, _, response) => {
      response.writeHead(200, { 'content-type': type });
      const open = `{"jsonrpc":"2.0","id":${message.id},"result":{"x":"`;
      response.write(type === 'application/json' ? open : `data: ${open}`);
      const more = (): void => {
        while (!response.destroyed && sent < 50_000_000 && response.write('y'.repeat(10_000))) sent += 10_000;
      };
      response.on('drain', more);
      more();
    });
    const mcp = setUp(t, { it: { transport: 'http', url: server.url } }, { bodyLimit: 100_000 });
    const reply = await callTool(mcp, 'it', 'x');
    assert.deepEqual([reply.status, reply.json.error.code], [413, -32_014]);
    assert.ok(sent < 20_000_000, `${sent} bytes were taken`);
  });
}

test("a server's token and headers go to it alone: not to another server, nor along a redirect", async (t) => {
  const thief = await handWritten(t, (message, _, response) =>
    json(response, { jsonrpc: '2.0', id: message.id, result: {} }),
  );
  const honest = await handWritten(t, (message, _, response) => {
    if (message.method === 'tools/list') response.writeHead(307, { location: thief.url }).end();
    else json(response, { jsonrpc: '2.0', id: message.id, result: {} });
  });
  const mcp = setUp(t, {
    honest: { transport: 'http', url: honest.url, token: 'honest-token', headers: { 'X-Key': 'honest-key' } },
    other: { transport: 'http', url: thief.url },
  });
  const redirected = await list(mcp, 'honest');
  assert.deepEqual([redirected.status, redirected.json.error.data.status], [502, 307]);
  assert.equal(thief.seen.length, 0);
  const headers = ['Authorization', 'Bearer inbound', 'Cookie', 'a=b', 'X-Key', 'from-caller'];
  await post(mcp.service, '/mcp/other', { method: 'ping' }, { headers });
  assert.ok(thief.seen.length > 0);
  assert.ok(thief.seen.every((request) => !/honest|inbound|a=b|from-caller/.test(JSON.stringify(request.headers))));
  await post(mcp.service, '/mcp/honest', { method: 'ping' }, { headers });
  assert.equal(honest.seen.at(-1)?.headers.authorization, 'Bearer honest-token');
  assert.equal(honest.seen.at(-1)?.headers['x-key'], 'honest-key');
  assert.ok(honest.seen.every((request) => !/inbound|a=b|from-caller/.test(JSON.stringify(request.headers))));
});

test('a server whose address answers something else is unreachable', async (t) => {
  const web = await listen((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>');
  });
  t.after(() => web.close());
  const mcp = setUp(t, { a: { transport: 'http', url: web.url }, b: { transport: 'sse', url: web.url } });
  assert.equal((await list(mcp, 'a')).json.error.code, -32_011);
  assert.equal((await list(mcp, 'b')).json.error.code, -32_011);
});

test('an SSE server that never says where to post times out', async (t) => {
  const silent = await listen((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n');
  });
  t.after(() => silent.close());
  const mcp = setUp(t, { it: { transport: 'sse', url: silent.url } }, { timeoutMs: 300 });
  const reply = await list(mcp, 'it');
  assert.deepEqual([reply.status, reply.json.error.code], [504, -32_012]);
});

test('the id comes back exactly as it was sent', async (t) => {
  const server = await handWritten(t, (message, _, response) =>
    json(response, { jsonrpc: '2.0', id: message.id, result: {} }),
  );
  const mcp = setUp(t, { it: { transport: 'http', url: server.url } });
  for (const id of ['null', '"a\\"b"', '0', '-7', '1.5', '12345678901234567890']) {
    const reply = await post(mcp.service, '/mcp/it', `{"id":${id},"method":"ping"}`);
    assert.ok(reply.text.startsWith(`{"jsonrpc":"2.0","id":${id},`), reply.text);
  }
});

test('a notification that the server does not take times out; closing tells the server that the session ends', async (t) => {
  let deleted: unknown;
  const server = await listen((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.method === 'DELETE') {
        deleted = request.headers['mcp-session-id'];
        response.writeHead(200).end();
        return;
      }
      const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString());
      if (method === 'notifications/initialized') response.writeHead(202).end();
      if (method !== 'initialize') return;
      response.setHeader('mcp-session-id', 'the-session');
      const { protocolVersion } = params;
      json(response, {
        jsonrpc: '2.0',
        id,
        result: { protocolVersion, capabilities: {}, serverInfo: { name: 'x', version: '1' } },
      });
    });
  });
  t.after(() => server.close());
  const mcp = setUp(t, { it: { transport: 'http', url: server.url } }, { timeoutMs: 300 });
  const reply = await post(mcp.service, '/mcp/it', { jsonrpc: '2.0', method: 'notifications/custom' });
  assert.deepEqual([reply.status, reply.json.error.code], [504, -32_012]);
  await mcp.close();
  assert.equal(deleted, 'the-session');
  assert.equal((await list(mcp, 'it')).status, 503);
});

test('an event of an SSE server beyond the limit is 413', async (t) => {
  let stream: ServerResponse | undefined;
  const server = await listen((request, response) => {
    if (request.method === 'GET') {
      stream = response;
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('event: endpoint\ndata: /post\n\n');
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString());
      response.writeHead(202).end();
      const result =
        method === 'initialize'
          ? { protocolVersion: params.protocolVersion, capabilities: {}, serverInfo: { name: 'x', version: '1' } }
          : { text: 'y'.repeat(method === 'tools/call' ? 200_000 : 10) };
      if (id !== undefined) stream?.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`);
    });
  });
  t.after(() => server.close());
  const mcp = setUp(t, { it: { transport: 'sse', url: server.url } }, { bodyLimit: 100_000 });
  assert.equal((await list(mcp, 'it')).status, 200);
  const reply = await callTool(mcp, 'it', 'x');
  assert.deepEqual([reply.status, reply.json.error.code], [413, -32_014]);
  assert.equal((await list(mcp, 'it')).status, 200);
});
