import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatGrpcTimeout, grpcStatusName, isGrpc, parseGrpcTimeout } from './grpc.ts';

test('gRPC by its content type, and nothing that only begins like it', () => {
  for (const type of [
    'application/grpc',
    'application/grpc+proto',
    'Application/GRPC+json',
    'application/grpc;charset=x',
    'application/grpc+proto ; a=b',
  ])
    assert.equal(isGrpc(['Content-Type', type]), true, type);
  for (const type of [
    'application/grpc-web',
    'application/grpc-web+proto',
    'application/grpcx',
    'application/json',
    'application/grpc, a/b',
    'x/application/grpc',
  ])
    assert.equal(isGrpc(['content-type', type]), false, type);
  assert.equal(isGrpc([]), false);
});

test('grpc-timeout: eight digits and a unit, nothing else', () => {
  assert.deepEqual(['1H', '2M', '3S', '4m', '5u', '6n', '0m', '99999999H'].map(parseGrpcTimeout), [
    3_600_000,
    120_000,
    3_000,
    4,
    0.005,
    0.000006,
    0,
    99_999_999 * 3_600_000,
  ]);
  for (const text of ['', 'S', '1', '1s', '1h', '-1S', '1.5S', '123456789S', ' 1S', '1S ', '1e3S', '0x1S', '１S'])
    assert.equal(parseGrpcTimeout(text), undefined, text);
});

test('a timeout that is said is read as the same or a little less, never as more', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.001, max: 99_999_999 * 3_600_000, noNaN: true }), (ms) => {
      const text = formatGrpcTimeout(ms);
      assert.match(text, /^\d{1,8}[HMSmu]$/);
      const read = parseGrpcTimeout(text) ?? Number.NaN;
      assert.ok(read <= ms * (1 + 1e-9), `${ms}: ${text}`);
      // Never more than one of the unit is lost.
      assert.ok(read >= ms / 2 || ms < 0.002, `${ms}: ${text}`);
    }),
  );
  assert.deepEqual([0, -5, Number.NaN, 0.5, 1, 30_000, 123_456_789, 1e20].map(formatGrpcTimeout), [
    '1n',
    '1n',
    '1n',
    '500u',
    '1m',
    '30000m',
    '123456S',
    '99999999H',
  ]);
});

test('names of statuses; what is none is UNKNOWN', () => {
  assert.deepEqual(['0', '4', '14', '16', '17', '-1', '1.5', '', 'OK', undefined].map(grpcStatusName), [
    'OK',
    'DEADLINE_EXCEEDED',
    'UNAVAILABLE',
    'UNAUTHENTICATED',
    ...Array.from({ length: 6 }, () => 'UNKNOWN'),
  ]);
});
