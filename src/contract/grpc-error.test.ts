import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BinaryWriter, base64Encode, WireType } from '@bufbuild/protobuf/wire';
import { findTrailerError } from '@connectrpc/connect/protocol-grpc';
import fc from 'fast-check';
import { getField } from '../fields.ts';
import { AgentError } from './agent-error.ts';
import { errorCodec } from './codec.ts';
import {
  agentErrorFromDetail,
  agentErrorFromGrpc,
  ERROR_TYPE,
  errorForTrailers,
  grpcErrorReply,
} from './grpc-error.ts';
import { codeOfGrpcStatus, grpcStatusOf, httpStatusOfGrpc } from './grpc-status.ts';

const ERROR = new AgentError('rate_limited', 'Grüße: 100 %\n', {
  retryAfter: 3,
  details: { a: 1 },
  cause: new AgentError('overloaded', 'full'),
});

const field = (error: AgentError, name: string): string => getField(grpcErrorReply(error).headers, name) ?? '';

test('an error is a reply of trailers alone', () => {
  const { status, headers, body, trailers } = grpcErrorReply(ERROR);
  assert.deepEqual([status, body, trailers], [200, null, undefined]);
  assert.deepEqual(headers.slice(0, 6), [
    'Content-Type',
    'application/grpc',
    'grpc-status',
    '8',
    'grpc-message',
    'Gr%C3%BC%C3%9Fe: 100 %25%0A',
  ]);
});

test('it is read back whole', () => {
  const back = agentErrorFromGrpc(8, '', field(ERROR, 'grpc-status-details-bin'));
  const { code, message, retryable, retryAfter, details, status, cause } = back;
  assert.deepEqual(
    [code, message, retryable, retryAfter, details, status],
    ['rate_limited', ERROR.message, true, 3, { a: 1 }, 429],
  );
  assert.ok(cause instanceof AgentError);
  assert.deepEqual([cause.code, cause.message], ['overloaded', 'full']);
});

test('another implementation reads it too', () => {
  const error = findTrailerError(new Headers(pairs(grpcErrorReply(ERROR).headers)));
  assert.ok(error !== undefined);
  assert.deepEqual([error.code, error.rawMessage], [8, ERROR.message]);
  const [detail] = error.details as { type: string; value: Uint8Array }[];
  assert.equal(detail?.type, ERROR_TYPE);
  assert.equal(ERROR_TYPE, 'outrider.agent.v1.Error');
  assert.equal(agentErrorFromDetail(8, '', detail.value).retryAfter, 3);
});

function pairs(fields: readonly string[]): [string, string][] {
  return fields.flatMap((name, i): [string, string][] => (i % 2 === 0 ? [[name, fields[i + 1] ?? '']] : []));
}

test('an error that is too long for trailers is sent without what is long', () => {
  const long = new AgentError('conflict', 'ä'.repeat(4_000), {
    retryable: true,
    retryAfter: 7,
    details: { text: 'x'.repeat(4_000) },
    cause: new AgentError('x', 'y'.repeat(4_000)),
  });
  const json = errorForTrailers(long);
  assert.deepEqual(json.details, { retryable: true, retry_after_seconds: 7 });
  assert.equal(json.message, 'ä'.repeat(512));
  const size = grpcErrorReply(long).headers.join('').length;
  assert.ok(size < 8_192, String(size));
  const back = agentErrorFromGrpc(6, '', field(long, 'grpc-status-details-bin'));
  assert.deepEqual([back.code, back.retryable, back.retryAfter], ['conflict', true, 7]);
});

test('no message can end its field or begin another', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (message) => {
      const sent = field(new AgentError('x', message), 'grpc-message');
      assert.match(sent, /^[\x20-\x7e]*$/);
      assert.equal(decodeURIComponent(sent), message === '' ? 'the agent failed' : message.toWellFormed());
    }),
  );
});

test('an error of another server has the code of its status', () => {
  for (const [status, code, http] of [
    [1, 'cancelled', 499],
    [2, 'agent_failed', 502],
    [4, 'timeout', 504],
    [5, 'not_found', 404],
    [8, 'rate_limited', 429],
    [14, 'unreachable', 502],
    [16, 'unauthenticated', 401],
    [99, 'agent_failed', 502],
    [-1, 'agent_failed', 502],
    [Number.NaN, 'agent_failed', 502],
  ] as const) {
    const error = agentErrorFromGrpc(status, 'theirs');
    assert.deepEqual([error.code, error.message, error.status], [code, 'theirs', http], String(status));
  }
  assert.equal(agentErrorFromGrpc(5, '').message, 'the call failed');
});

test('the status of a code that is not known is that of its HTTP status', () => {
  assert.equal(grpcStatusOf('budget_exceeded', 429), 8);
  assert.equal(grpcStatusOf('budget_exceeded', 402), 2);
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty'])
    assert.equal(grpcStatusOf(name, 502), 2);
  const newer = agentErrorFromDetail(8, '', errorCodec.encode({ code: 'budget_exceeded', message: 'm' }));
  assert.deepEqual([newer.code, newer.status, grpcStatusOf(newer.code, newer.status)], ['budget_exceeded', 429, 8]);
});

test('every gRPC status has a code and an HTTP status', () => {
  for (let status = 1; status <= 16; status++) {
    assert.match(codeOfGrpcStatus(status), /^[a-z_]+$/);
    assert.ok(httpStatusOfGrpc(status) >= 400);
  }
});

test('details that are not ours, too long or broken are passed over', () => {
  const any = (url: string, value: Uint8Array): string => {
    const writer = new BinaryWriter();
    writer.tag(3, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(url);
    writer.tag(2, WireType.LengthDelimited).bytes(value);
    return base64Encode(writer.join().finish());
  };
  const ours = errorCodec.encode({ code: 'conflict', message: 'ours' });
  const read = (details: string | Uint8Array): string => agentErrorFromGrpc(5, 'theirs', details).code;
  assert.equal(read(any('type.googleapis.com/outrider.agent.v1.Error', ours)), 'conflict');
  for (const details of [
    '',
    '%%%',
    any('type.googleapis.com/google.rpc.RetryInfo', ours),
    any('type.googleapis.com/evil.outrider.agent.v1.Error', ours),
    any('type.googleapis.com/outrider.agent.v1.Error', Uint8Array.of(0xff)),
    'A'.repeat(100_000),
    Uint8Array.of(0x1a, 0xff),
    new Uint8Array(60_000).fill(0x7b),
  ]) {
    assert.equal(read(details), 'not_found');
  }
});

test('random details are read or passed over', () => {
  const whole = Buffer.from(field(ERROR, 'grpc-status-details-bin'), 'base64');
  fc.assert(
    fc.property(fc.nat(whole.length), fc.uint8Array({ maxLength: 8 }), fc.nat(8), (at, put, cut) => {
      const bytes = Uint8Array.from([...whole.subarray(0, at), ...put, ...whole.subarray(at + cut)]);
      assert.ok(agentErrorFromGrpc(8, 'm', bytes) instanceof AgentError);
    }),
    { numRuns: 2_000 },
  );
});
