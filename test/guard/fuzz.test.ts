import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeFailure, fuzz } from './fuzz.ts';

/** The same inputs each time; `npm run fuzz:guard` goes on from there. */
const SEED = 7;

test('the engine keeps its invariants on some thousand random and grammar-made inputs', () => {
  const failures = fuzz({ seed: SEED, from: 0, count: 12_000, most: 5 });
  assert.equal(failures.length, 0, failures.map((failure) => describeFailure(SEED, failure)).join('\n'));
});
