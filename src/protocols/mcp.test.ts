import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRepeatable, isSessionUnknown, rpcErrorOf, withTraceContext } from './mcp.ts';

const HEADERS = ['Traceparent', 'tp', 'tracestate', 'ts'];

test('trace context is put into _meta, and nothing of the caller is overwritten', () => {
  const filled = { _meta: { traceparent: 'tp', tracestate: 'ts' } };
  assert.deepEqual(withTraceContext(undefined, HEADERS), filled);
  assert.deepEqual(withTraceContext({ a: 1, _meta: { b: 2 } }, HEADERS), { a: 1, _meta: { b: 2, ...filled._meta } });
  assert.deepEqual(withTraceContext({}, ['traceparent', 'tp']), { _meta: { traceparent: 'tp' } });
  const own = { _meta: { traceparent: 'own' } };
  assert.equal(withTraceContext(own, HEADERS), own);
  assert.equal(withTraceContext(undefined, ['tracestate', 'ts']), undefined);
  const odd = { _meta: 'not an object' };
  assert.equal(withTraceContext(odd, HEADERS), odd);
});

test('calling a tool is never repeatable', () => {
  assert.ok(isRepeatable('tools/list'));
  assert.equal(isRepeatable('tools/call'), false);
  assert.equal(isRepeatable('vendor/anything'), false);
});

test('a refusal that says the session is unknown', () => {
  const text = (code: number, message: string): string =>
    JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null });
  assert.ok(isSessionUnknown(404, ''));
  assert.ok(isSessionUnknown(400, text(-32_000, 'Bad Request: No valid session ID provided')));
  assert.ok(isSessionUnknown(400, text(-32_000, 'Bad Request: Server not initialized')));
  assert.ok(isSessionUnknown(404, text(-32_001, 'Session not found')));
  assert.equal(isSessionUnknown(404, text(-32_601, 'Method not found')), false);
  assert.equal(isSessionUnknown(400, text(-32_602, 'no such session argument')), false);
  assert.equal(isSessionUnknown(500, text(-32_000, 'session')), false);
  assert.equal(isSessionUnknown(400, 'session'), false);
});

test('the error object of an error response', () => {
  assert.deepEqual(rpcErrorOf('{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"m","data":null,"x":1}}'), {
    code: -1,
    message: 'm',
    data: null,
  });
  for (const text of [
    '',
    '{}',
    '{"error":{"code":1,"message":"m"}}',
    '{"jsonrpc":"2.0","error":{"code":"1","message":"m"}}',
  ]) {
    assert.equal(rpcErrorOf(text), undefined);
  }
});
