import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lazy } from './lazy.ts';

test('it is made once, for all who ask meanwhile, and not before', async () => {
  let made = 0;
  const thing = lazy(async () => ++made);
  assert.deepEqual([thing.value, made], [undefined, 0]);
  assert.deepEqual(await Promise.all([thing.load(), thing.load()]), [1, 1]);
  assert.equal(await thing.load(), 1);
  assert.equal(thing.value, 1);
});

test('after a failure, of which all who waited are told, it is tried anew', async () => {
  let tries = 0;
  const thing = lazy(async () => {
    if (++tries === 1) throw new Error('no such file');
    return 'made';
  });
  const both = await Promise.allSettled([thing.load(), thing.load()]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.equal(thing.value, undefined);
  assert.equal(await thing.load(), 'made');
  assert.equal(tries, 2);
});
