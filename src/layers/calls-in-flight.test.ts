import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cancelBody, isStream } from '../body.ts';
import type { Call, Reply } from '../call.ts';
import { callsInFlight } from './calls-in-flight.ts';

const REPLY: Reply = { status: 200, headers: [], body: null };
const WHY = new Error('the end');

function callWith(signal: AbortSignal = new AbortController().signal): Call {
  return { method: 'GET', target: '/', headers: [], body: null, signal };
}

test('a call that is answered is no business of the end', async () => {
  const calls = callsInFlight();
  let seen: AbortSignal | undefined;
  await calls.layer(callWith(), async ({ signal }) => {
    seen = signal;
    return REPLY;
  });
  calls.breakOff(WHY);
  assert.equal(seen?.aborted, false);
});

test('one that waits is told why, and so is one whose stream has not ended', async () => {
  const calls = callsInFlight();
  const waiting = Promise.withResolvers<Reply>();
  const signals: (AbortSignal | undefined)[] = [];
  const unary = calls.layer(callWith(), async ({ signal }) => {
    signals.push(signal);
    return waiting.promise;
  });
  const stream = await calls.layer(callWith(), async ({ signal }) => {
    signals.push(signal);
    return { ...REPLY, body: (async function* () {})() };
  });
  calls.breakOff(WHY);
  assert.deepEqual(
    signals.map((signal) => signal?.reason),
    [WHY, WHY],
  );
  waiting.resolve(REPLY);
  assert.equal((await unary).status, 200);
  assert.ok(isStream(stream.body));
});

test('a stream that was given up, or a call that failed, is one no more', async () => {
  const calls = callsInFlight();
  const signals: (AbortSignal | undefined)[] = [];
  const { body } = await calls.layer(callWith(), async ({ signal }) => {
    signals.push(signal);
    return { ...REPLY, body: (async function* () {})() };
  });
  await cancelBody(body);
  const failed = calls.layer(callWith(), async ({ signal }) => {
    signals.push(signal);
    throw WHY;
  });
  await assert.rejects(failed, WHY);
  calls.breakOff(WHY);
  assert.deepEqual(
    signals.map((signal) => signal?.aborted),
    [false, false],
  );
});

test('a caller who leaves aborts its call with its own reason', async () => {
  const left = new AbortController();
  const seen: (AbortSignal | undefined)[] = [];
  const { layer } = callsInFlight();
  await layer(callWith(left.signal), async ({ signal }) => {
    seen.push(signal);
    left.abort(WHY);
    return REPLY;
  });
  await layer(callWith(left.signal), async ({ signal }) => {
    seen.push(signal);
    return REPLY;
  });
  assert.deepEqual(
    seen.map((signal) => signal?.reason),
    [WHY, WHY],
  );
});
