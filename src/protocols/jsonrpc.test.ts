// oxlint-disable typescript/no-explicit-any -- JSON that the assertions take apart
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type ErrorCode, OutriderError, STATUS_OF } from '../errors.ts';
import { isJsonRpcResponse, JsonRpcError, jsonRpcErrorReply, jsonRpcReply, parseRequest } from './jsonrpc.ts';

const newId = (): string => 'made';
const parse = (text: string, defaultMethod?: string): ReturnType<typeof parseRequest> =>
  parseRequest(Buffer.from(text), { newId, ...(defaultMethod !== undefined && { defaultMethod }) });

function fault(text: string | Uint8Array): [number, string] {
  try {
    parseRequest(Buffer.from(text), { newId });
  } catch (error) {
    assert.ok(error instanceof JsonRpcError);
    assert.equal(error.status, 400);
    return [error.rpcCode, error.idText];
  }
  return assert.fail('it was taken');
}

function bodyOf(reply: { body: unknown }): any {
  assert.ok(reply.body instanceof Uint8Array);
  return JSON.parse(Buffer.from(reply.body).toString());
}

test('what is missing is filled in, and nothing else is touched', () => {
  assert.equal(parse(' { "n":1.0, "method":"x" }').text, '{"jsonrpc":"2.0","id":"made", "n":1.0, "method":"x" }');
  assert.equal(parse('{}', 'tasks/send').text, '{"jsonrpc":"2.0","id":"made","method":"tasks/send"}');
  assert.equal(parse('{"id":1,"params":{}}', 'm').text, '{"jsonrpc":"2.0","method":"m","id":1,"params":{}}');
  const whole = '{"jsonrpc":"2.0","id":null,"method":"x","params":[1]}';
  assert.equal(parse(whole).text, whole);
  assert.equal(parse('\uFEFF{"method":"x"}').text, '{"jsonrpc":"2.0","id":"made","method":"x"}');
});

test('a filled-in request is valid JSON with every member of the original', () => {
  const members = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }));
  fc.assert(
    fc.property(
      members,
      fc.option(fc.oneof(fc.string(), fc.integer(), fc.constant(null)), { nil: undefined }),
      (extra, id) => {
        const { id: _, jsonrpc: __, method: ___, params: ____, ...rest } = extra;
        const source = { ...rest, ...(id !== undefined && { id }) };
        const request = parse(JSON.stringify(source), 'tasks/send');
        const filled = JSON.parse(request.text);
        assert.deepEqual(filled, {
          ...JSON.parse(JSON.stringify(rest)),
          jsonrpc: '2.0',
          method: 'tasks/send',
          id: id === undefined ? 'made' : id,
        });
        assert.deepEqual(JSON.parse(request.idText), filled.id);
      },
    ),
  );
});

test('ids keep their exact form, at whatever place and beside whatever other ids', () => {
  const big = '98765432109876543210';
  assert.equal(parse(`{"id":${big},"method":"x"}`).idText, big);
  assert.equal(parse(`{"params":{"id":12345678901234567890},"id":${big},"method":"x"}`).idText, big);
  assert.equal(parse(`{"id":${big},"method":"x","params":{"id":12345678901234567890}}`).idText, big);
  assert.equal(parse('{"id":1e400,"method":"x"}').idText, '1e400');
  assert.equal(parse('{"id":1.5,"method":"x"}').idText, '1.5');
  assert.equal(parse('{"id":"","method":"x"}').idText, '""');
  assert.equal(parse('{"id":null,"method":"x"}').idText, 'null');
  assert.deepEqual([parse('{"id":0,"method":"x"}').hasId, parse('{"method":"x"}').hasId], [true, false]);
});

test('what is not JSON in UTF-8 is -32700', () => {
  for (const text of ['', '{', '{"method":"x"}}', "{'a':1}", 'NaN', new Uint8Array([0x22, 0xff, 0x22])]) {
    assert.deepEqual(fault(text), [-32_700, 'null']);
  }
});

test('what is not one request is -32600, under its id when it has one', () => {
  for (const text of [
    '[]',
    '[{"method":"x"}]',
    'null',
    '1',
    '"x"',
    '{"id":{},"method":"x"}',
    '{"id":true,"method":"x"}',
  ]) {
    assert.deepEqual(fault(text), [-32_600, 'null'], text);
  }
  for (const rest of ['', ',"method":1', ',"method":""', ',"method":null', ',"method":"x","params":null']) {
    assert.deepEqual(fault(`{"id":7${rest}}`), [-32_600, '7'], rest);
  }
  assert.deepEqual(fault('{"id":7,"method":"x","params":"y"}'), [-32_600, '7']);
  assert.deepEqual(fault('{"id":7,"method":"x","jsonrpc":"1.0"}'), [-32_600, '7']);
});

test('nesting is bounded, and brackets inside strings do not count', () => {
  const nested = (depth: number): string => `{"method":"x","params":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  assert.equal(parse(nested(255)).method, 'x');
  assert.deepEqual(fault(nested(256)), [-32_600, 'null']);
  assert.deepEqual(fault('['.repeat(5_000_000)), [-32_600, 'null']);
  const text = JSON.stringify({ method: 'x', params: { a: '\\"[{'.repeat(1000) } });
  assert.equal(parse(text).text.endsWith(text.slice(1)), true);
});

test('no input does anything but parse or fail as a JsonRpcError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        parseRequest(bytes, { newId });
      } catch (error) {
        assert.ok(error instanceof JsonRpcError);
      }
    }),
  );
});

test('the JSON-RPC code of every error code is pinned', () => {
  const codes = Object.fromEntries(
    // The keys of STATUS_OF are the error codes.
    (Object.keys(STATUS_OF) as ErrorCode[]).map((code) => [
      code,
      bodyOf(jsonRpcErrorReply(new OutriderError(code, 'x'))).error.code,
    ]),
  );
  assert.deepEqual(codes, {
    bad_request: -32_600,
    unauthenticated: -32_013,
    forbidden: -32_013,
    blocked: -32_013,
    not_found: -32_010,
    method_not_allowed: -32_600,
    request_timeout: -32_012,
    conflict: -32_600,
    body_too_large: -32_014,
    unsupported_media_type: -32_600,
    expectation_failed: -32_600,
    unprocessable: -32_600,
    rate_limited: -32_017,
    headers_too_large: -32_014,
    cancelled: -32_018,
    internal: -32_015,
    unreachable: -32_011,
    agent_failed: -32_011,
    unreadable: -32_013,
    overloaded: -32_016,
    draining: -32_016,
    not_ready: -32_016,
    timeout: -32_012,
    storage_full: -32_019,
  });
});

test('an error reply: status, id, closed code, retry, no cause', () => {
  const error = new OutriderError('unreachable', 'not there', {
    cause: new Error('10.0.0.1 refused'),
    retryAfter: 1.2,
    details: { status: 502 },
  });
  const reply = jsonRpcErrorReply(new JsonRpcError(error, '"a"'));
  assert.equal(reply.status, 502);
  assert.deepEqual(reply.headers, ['Content-Type', 'application/json', 'Retry-After', '2']);
  assert.deepEqual(bodyOf(reply), {
    jsonrpc: '2.0',
    id: 'a',
    error: { code: -32_011, message: 'not there', data: { status: 502, code: 'unreachable', retry_after: 2 } },
  });
  assert.equal(bodyOf(jsonRpcErrorReply(error)).id, null);
  const refused = jsonRpcErrorReply(new OutriderError('method_not_allowed', 'x'));
  assert.deepEqual([refused.status, refused.headers.slice(2)], [405, ['Allow', 'POST']]);
});

test("a reply carries the caller's id and the other side's outcome", () => {
  assert.deepEqual(bodyOf(jsonRpcReply('5', { result: { a: [1] } })), { jsonrpc: '2.0', id: 5, result: { a: [1] } });
  assert.deepEqual(bodyOf(jsonRpcReply('null', { error: { code: 1, message: 'm' } })), {
    jsonrpc: '2.0',
    id: null,
    error: { code: 1, message: 'm' },
  });
});

test('a response is told from everything else', () => {
  assert.ok(isJsonRpcResponse({ jsonrpc: '2.0', id: 1, result: null }));
  assert.ok(isJsonRpcResponse({ jsonrpc: '2.0', error: { code: 1, message: '' } }));
  for (const value of [null, [], 'x', { result: 1 }, { jsonrpc: '2.0' }, { jsonrpc: '2.0', error: 'x' }]) {
    assert.equal(isJsonRpcResponse(value), false);
  }
});
