import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call, Reply } from '../call.ts';
import { awaitAgent } from './await-agent.ts';

const REPLY: Reply = { status: 200, headers: [], body: null };

function call(signal = new AbortController().signal): Call {
  return { method: 'GET', target: '/', headers: [], body: null, signal };
}

test('calls wait until the agent is ready for the first time, and never again', async () => {
  let ready = false;
  let asked = 0;
  const layer = awaitAgent({
    isReady: async () => {
      asked++;
      return ready;
    },
    timeoutMs: 60_000,
  });
  let through = 0;
  const next = async (): Promise<Reply> => {
    through++;
    return REPLY;
  };
  const waiting = [layer(call(), next), layer(call(), next)];
  await sleep(120);
  assert.equal(through, 0);
  ready = true;
  await Promise.all(waiting);
  assert.equal(through, 2);
  ready = false;
  const before = asked;
  await layer(call(), next);
  assert.deepEqual([through, asked], [3, before]);
});

test('a call that has waited long enough, or whose caller has left, goes on', async () => {
  const layer = awaitAgent({ isReady: async () => false, timeoutMs: 100 });
  assert.equal(await layer(call(), async () => REPLY), REPLY);
  const leave = new AbortController();
  const patient = awaitAgent({ isReady: async () => false, timeoutMs: 60_000 });
  const left = patient(call(leave.signal), async () => REPLY);
  leave.abort();
  assert.equal(await left, REPLY);
});

test('without a timeout nobody asks', async () => {
  const layer = awaitAgent({ isReady: () => assert.fail('asked'), timeoutMs: 0 });
  assert.equal(await layer(call(), async () => REPLY), REPLY);
});
