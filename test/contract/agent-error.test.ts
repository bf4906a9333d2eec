import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentError } from '../../src/contract/agent-error.ts';
import { grpcStatusOf } from '../../src/contract/grpc-status.ts';
import { STATUS_OF } from '../../src/errors.ts';

/** What programs count on: code, HTTP status, gRPC status, whether a later call may do better. Only ever added to. */
const CODES: Record<string, [http: number, grpc: number, retryable: boolean]> = {
  bad_request: [400, 3, false],
  unauthenticated: [401, 16, false],
  forbidden: [403, 7, false],
  blocked: [403, 7, false],
  not_found: [404, 5, false],
  method_not_allowed: [405, 12, false],
  request_timeout: [408, 4, false],
  conflict: [409, 6, false],
  body_too_large: [413, 8, false],
  unsupported_media_type: [415, 3, false],
  expectation_failed: [417, 9, false],
  unprocessable: [422, 3, false],
  rate_limited: [429, 8, true],
  headers_too_large: [431, 8, false],
  cancelled: [499, 1, false],
  internal: [500, 13, false],
  unreachable: [502, 14, true],
  agent_failed: [502, 2, false],
  unreadable: [502, 13, false],
  interrupted: [502, 10, true],
  overloaded: [503, 14, true],
  draining: [503, 14, true],
  not_ready: [503, 14, true],
  timeout: [504, 4, true],
  storage_full: [507, 8, false],
};

test('codes, statuses and retryability are what they always were', () => {
  const actual = Object.keys(CODES).map((code) => {
    const { status, retryable } = new AgentError(code, '');
    return [code, [status, grpcStatusOf(code, status), retryable]];
  });
  assert.deepEqual(Object.fromEntries(actual), CODES);
});

test('there is no code that is not on record', () => {
  assert.deepEqual(
    Object.keys(STATUS_OF).filter((code) => !(code in CODES)),
    [],
  );
});
