import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { countField, getField } from '../fields.ts';
import { parseGrpcTimeout } from '../protocols/grpc.ts';
import { Stack } from '../stack.ts';
import { grpcCalls } from './grpc.ts';
import { grpcTimeLeft } from './grpc-time-left.ts';

const SPENT_MS = 30;

/** The call as it goes on, after some time was spent on the way. */
async function passed(timeout: string | undefined): Promise<Call> {
  let seen: Call | undefined;
  const service = Stack.empty()
    .add(grpcCalls())
    .add(async (_call, next) => {
      const until = performance.now() + SPENT_MS;
      while (performance.now() < until) await new Promise(setImmediate);
      return next({});
    })
    .add(grpcTimeLeft())
    .serve(async (call) => {
      seen = call;
      return { status: 200, headers: [], body: null };
    });
  const headers = ['content-type', 'application/grpc', ...(timeout === undefined ? [] : ['grpc-timeout', timeout])];
  await service({
    method: 'POST',
    target: '/a.B/C',
    headers,
    body: null,
    http2: true,
    signal: new AbortController().signal,
  });
  return seen ?? assert.fail('it did not get through');
}

test('what was spent on the way is taken off the time of a call', async () => {
  for (const [timeout, ms] of [
    ['5S', 5_000],
    ['700m', 700],
  ] as const) {
    const { headers } = await passed(timeout);
    const left = parseGrpcTimeout(getField(headers, 'grpc-timeout') ?? '');
    assert.ok(left !== undefined && left <= ms - SPENT_MS && left > 0, `${left} of ${timeout}`);
    assert.equal(countField(headers, 'grpc-timeout'), 1);
  }
});

test('a call whose time is over goes no further', async () => {
  await assert.rejects(passed('20m'), (error) => error instanceof OutriderError && error.code === 'timeout');
});

test('what sets no time, or none that can be read, goes on as it is', async () => {
  assert.equal(getField((await passed(undefined)).headers, 'grpc-timeout'), undefined);
  assert.equal(getField((await passed('soon')).headers, 'grpc-timeout'), 'soon');
});
