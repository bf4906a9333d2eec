import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atDeadline } from './at-deadline.ts';

test('it calls back at the deadline and not before, even when that has passed', async () => {
  for (const ms of [-5, 0, 0.4, 20]) {
    const deadline = performance.now() + ms;
    const at = await new Promise<number>((resolve) => atDeadline(deadline, () => resolve(performance.now())));
    assert.ok(at >= deadline, `${at - deadline} ms`);
  }
});

test('a wait that is longer than a timer can be is one of several', (t) => {
  const timers = t.mock.method(globalThis, 'setTimeout');
  const stop = atDeadline(performance.now() + 1e12, () => assert.fail('it is not over'));
  assert.deepEqual(
    timers.mock.calls.map(({ arguments: [, ms] }) => ms),
    [2 ** 31 - 1],
  );
  stop();
});

test('who has stopped it is not called back', async () => {
  let called = false;
  const stop = atDeadline(performance.now() + 5, () => (called = true));
  stop();
  await new Promise<void>((resolve) => {
    atDeadline(performance.now() + 15, resolve);
  });
  assert.equal(called, false);
});
