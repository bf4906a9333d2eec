import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reading } from './api.ts';

test('later words on usage go over earlier ones, nulls say nothing, and there is room for so many', () => {
  const reading = new Reading();
  assert.equal(reading.sawUsage(undefined), false);
  assert.equal(reading.sawUsage([1]), false);
  assert.ok(reading.sawUsage({ input: 1, output: 2, other: null }));
  assert.ok(reading.sawUsage({ input: null, output: 3 }));
  assert.deepEqual({ ...reading.usage }, { input: 1, output: 3 });
  for (let i = 0; i < 10_000; i++) reading.sawUsage({ [`n${i}`]: i });
  assert.ok(Object.keys(reading.usage ?? {}).length <= 64);
  reading.sawUsage({ output: 4 });
  assert.equal(reading.usage?.['output'], 4);
});

test('a name that the ledger would refuse does not replace one that it takes', () => {
  const reading = new Reading();
  reading.sawModel('good');
  for (const bad of ['', 'a\u0000', 'x'.repeat(257), 5, null]) reading.sawModel(bad);
  assert.equal(reading.model, 'good');
});
