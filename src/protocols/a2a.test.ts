import assert from 'node:assert/strict';
import { test } from 'node:test';
import { peerResponse, requestFields } from './a2a.ts';

test("of the caller's fields only the named ones go out, in any case, and the token is the peer's", () => {
  const from = [
    'AUTHORIZATION',
    'Bearer in',
    'cookie',
    'a',
    'TraceParent',
    't',
    'a2a-version',
    '1.0',
    'Accept',
    'text/html',
  ];
  const base = ['Content-Type', 'application/json', 'Accept', 'application/json, text/event-stream'];
  assert.deepEqual(requestFields(from, undefined), [...base, 'TraceParent', 't', 'a2a-version', '1.0']);
  assert.deepEqual(requestFields([], 'secret'), [...base, 'Authorization', 'Bearer secret']);
});

test('what counts as the response of a peer', () => {
  assert.ok(peerResponse(200, '{"jsonrpc":"2.0","id":1,"result":null}'));
  assert.ok(peerResponse(500, '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}'));
  assert.ok(peerResponse(200, '{"result":{}}'));
  assert.ok(peerResponse(200, '{"error":{"code":1}}'));
  assert.equal(peerResponse(401, '{"error":{"message":"log in"}}'), undefined);
  assert.equal(peerResponse(200, '{"error":"no"}'), undefined);
  assert.equal(peerResponse(200, '{"jsonrpc":"1.0","result":1}'), undefined);
  assert.equal(peerResponse(200, '[]'), undefined);
  assert.equal(peerResponse(200, ''), undefined);
});
