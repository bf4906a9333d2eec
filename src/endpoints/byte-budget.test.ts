import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { OutriderError } from '../errors.ts';
import { ByteBudget } from './byte-budget.ts';

const KIB = 1024;

/** A body that sends each of these at once and then waits for `end`. */
async function* body(sizes: readonly number[], end?: Promise<void>): AsyncIterable<Uint8Array> {
  for (const size of sizes) yield new Uint8Array(size).fill(size % 251);
  await end;
  yield new Uint8Array(1);
}

const codeOf = (error: OutriderError): string => error.code;

test('chunks of any size are put together as they came', async () => {
  const budget = new ByteBudget(256 * KIB);
  const sizes = [1, 32 * KIB - 1, 5, 100 * KIB, 0, 7];
  const seen = await budget.read(body(sizes), 256 * KIB, (bytes) => Buffer.from(bytes));
  const expected = Buffer.concat([...sizes.map((size) => Buffer.alloc(size, size % 251)), Buffer.alloc(1)]);
  assert.ok(seen.equals(expected));
  assert.deepEqual(await budget.read(null, 1, (bytes) => bytes.length), 0);
});

test('what is larger than its limit is refused, and what it held is free again', async () => {
  const budget = new ByteBudget(64 * KIB);
  for (let round = 0; round < 10; round++) {
    await assert.rejects(
      budget.read(body([60 * KIB, 60 * KIB]), 64 * KIB, () => 0),
      { code: 'body_too_large' },
    );
  }
  assert.equal(await budget.read(body([60 * KIB]), 64 * KIB, (bytes) => bytes.length), 60 * KIB + 1);
});

test('where all is held the largest gives way, of equals the first, and small ones get through', async () => {
  const budget = new ByteBudget(128 * KIB);
  const { promise, resolve } = Promise.withResolvers<void>();
  const read = (size: number): Promise<number | string> =>
    budget.read(body([size], promise), 128 * KIB, (bytes) => bytes.length).catch(codeOf);
  const first = read(64 * KIB);
  const second = read(64 * KIB);
  await setImmediate();
  assert.equal(await budget.read(body([10]), 128 * KIB, (bytes) => bytes.length), 11);
  resolve();
  assert.equal(await first, 'overloaded');
  assert.equal(await second, 64 * KIB + 1);
});

test('one that wants more than there is gives way itself', async () => {
  const budget = new ByteBudget(64 * KIB);
  await assert.rejects(
    budget.read(body([100 * KIB]), 128 * KIB, () => 0),
    { code: 'overloaded' },
  );
  assert.equal(await budget.read(body([10]), 128 * KIB, (bytes) => bytes.length), 11);
});
