import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentError } from '../contract/agent-error.ts';
import { OutriderError, STATUS_OF } from '../errors.ts';
import { getField } from '../fields.ts';
import { envelopeReply, errorReply, toHostError } from './envelope.ts';

const bodyOf = (body: unknown) => JSON.parse(Buffer.from(body as Uint8Array).toString());

test('each code has its status, and the envelope of the contract', () => {
  for (const [code, status] of Object.entries(STATUS_OF)) {
    const reply = envelopeReply(toHostError(new OutriderError(code as keyof typeof STATUS_OF, 'why')));
    assert.equal(reply.status, status);
    const { error } = bodyOf(reply.body);
    assert.deepEqual([error.code, error.message, typeof error.details.retryable], [code, 'why', 'boolean']);
  }
});

test('what is not known is a fault of the host, and is not shown', () => {
  for (const thrown of [new Error('swordfish'), 'swordfish', undefined, { code: 'swordfish' }]) {
    const reply = envelopeReply(toHostError(thrown));
    assert.equal(reply.status, 500);
    assert.doesNotMatch(Buffer.from(reply.body as Uint8Array).toString(), /swordfish/);
  }
});

test('an error of an agent has the status that it says, when that is one of an error', () => {
  for (const [status, expected] of [
    [418, 418],
    [599, 599],
    [200, 502],
    [101, 502],
    [404.5, 502],
    [Number.NaN, 502],
    [1e9, 502],
  ] as const) {
    assert.equal(envelopeReply(new AgentError('of_its_own', 'x', { status })).status, expected);
  }
});

test('headers say what the error says, and take nothing else from it', () => {
  const { headers } = envelopeReply(
    new AgentError('method_not_allowed', 'x', { retryAfter: 0.2, details: { allow: ['GET', 'POST'] } }),
  );
  assert.equal(getField(headers, 'allow'), 'GET, POST');
  assert.equal(getField(headers, 'retry-after'), '1');
  for (const allow of [['GET\r\nx: y'], 'GET', [5], [['GET']]]) {
    const evil = envelopeReply(new AgentError('method_not_allowed', 'x', { retryAfter: -1, details: { allow } }));
    assert.deepEqual(evil.headers, ['Content-Type', 'application/json']);
  }
  assert.deepEqual(envelopeReply(new AgentError('not_found', 'x', { details: { allow: ['GET'] } })).headers.length, 2);
});

test('gRPC callers are answered in gRPC', () => {
  const call = { method: 'POST', target: '/', body: null, signal: new AbortController().signal };
  const error = new AgentError('unauthenticated', 'no');
  const grpc = errorReply(error, { ...call, headers: ['content-type', 'application/grpc+proto'] });
  assert.equal(grpc.status, 200);
  assert.equal(getField(grpc.headers, 'grpc-status'), '16');
  for (const type of ['application/grpc-web', 'application/json', 'application/connect+proto']) {
    assert.equal(errorReply(error, { ...call, headers: ['content-type', type] }).status, 401, type);
  }
});
