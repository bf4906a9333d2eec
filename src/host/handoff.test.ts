import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handoff } from './handoff.ts';

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('who gives waits until it is taken', async () => {
  const { give, take, end } = handoff<number>();
  let given = 0;
  const giver = (async () => {
    for (const value of [1, 2, 3]) {
      await give(value);
      given++;
    }
    end();
  })();
  await soon();
  assert.equal(given, 0);
  assert.equal(await take(), 1);
  await soon();
  assert.equal(given, 1);
  assert.deepEqual([await take(), await take(), await take(), await take()], [2, 3, undefined, undefined]);
  await giver;
});

test('who takes waits until something is given, or nothing comes any more', async () => {
  const { give, take, end } = handoff<string>();
  const first = take();
  await give('a');
  assert.equal(await first, 'a');
  const second = take();
  end();
  assert.equal(await second, undefined);
});

test('what is given after nobody takes any more is dropped, and nobody is kept waiting', async () => {
  const { give, take, close } = handoff<string>();
  const waiting = give('a');
  close();
  await waiting;
  await give('b');
  assert.equal(await take(), undefined);
});
