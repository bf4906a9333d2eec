import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from './backoff.ts';

test('the first failure costs nothing, then the wait doubles up to its bound', () => {
  const backoff = new Backoff();
  const waits: number[] = [];
  for (let i = 0; i < 10; i++) {
    backoff.failed(1000, 0);
    waits.push(backoff.remaining(1000));
  }
  assert.deepEqual(waits, [0, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  assert.equal(backoff.remaining(31_000), 0);
  backoff.reset();
  assert.equal(backoff.remaining(1000), 0);
});

test('jitter takes off at most half', () => {
  const backoff = new Backoff();
  backoff.failed(0, 1);
  backoff.failed(0, 1);
  assert.equal(backoff.remaining(0), 250);
});
