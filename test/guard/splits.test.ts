import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadCorpus } from './corpus/load.ts';
import { trySplits } from './splits.ts';

/** One body in so many; `node test/guard/splits.ts` takes all. */
const EVERY = 40;

test('what leaves a stream is what leaves the whole, wherever a body of the corpus is parted', () => {
  const { tried, faults } = trySplits(loadCorpus().filter((_, place) => place % EVERY === 0));
  assert.ok(tried > 10_000, `${tried} places`);
  assert.deepEqual(faults, []);
});
