import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutriderError } from '../errors.ts';
import { CommitQueue, type QueueUnit } from './commit-queue.ts';

const unit = (bytes: number, awaited = true): QueueUnit<string, void> => ({
  records: ['record'],
  bytes,
  ...(awaited && { settle: () => undefined }),
});

test('more than its limits is refused as overloaded, and room comes back', () => {
  const queue = new CommitQueue({ records: 2, bytes: 100 }, 'full');
  queue.push(unit(90));
  assert.throws(
    () => queue.push(unit(20)),
    (error) => error instanceof OutriderError && error.code === 'overloaded' && error.retryAfter === 1,
  );
  queue.push(unit(10));
  assert.throws(() => queue.push(unit(0)));
  assert.equal(queue.take().length, 2);
  assert.deepEqual([queue.records, queue.bytes], [0, 0]);
  queue.push(unit(1_000));
  assert.equal(queue.take().length, 1);
});

test('a transaction is bounded, in order, and never empty', () => {
  const queue = new CommitQueue({ records: 10_000, bytes: 2 ** 30 }, 'full');
  const units = Array.from({ length: 600 }, (_, index) => unit(index));
  for (const one of units) queue.push(one);
  assert.deepEqual(queue.take(), units.slice(0, 512));
  assert.deepEqual(queue.take(), units.slice(512));
  queue.push(unit(2 ** 22));
  queue.push(unit(1));
  assert.equal(queue.take().length, 1);
});

test('what somebody waits for can be taken out alone', () => {
  const queue = new CommitQueue({ records: 10, bytes: 100 }, 'full');
  const kept = unit(5, false);
  queue.push(unit(1));
  queue.push(kept);
  assert.equal(queue.takeAwaited().length, 1);
  assert.deepEqual([queue.records, queue.bytes], [1, 5]);
  const back = unit(7, false);
  queue.unshift([back]);
  assert.deepEqual(queue.take(), [back, kept]);
});
