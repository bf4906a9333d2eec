import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as check, integer, property } from 'fast-check';
import { nanosToDecimal, nanosToUsd, usdToNanos } from './money.ts';

test('a price becomes the nano-dollars that its text says', () => {
  for (const [usd, nanos] of [
    [0, 0],
    [0.0038, 3_800_000],
    [1e-9, 1],
    [1.5e-9, 2],
    [4.9e-10, 0],
    [5e-324, 0],
    [0.1 + 0.2, 300_000_000],
    [1.005, 1_005_000_000],
    [123456.789012345, 123_456_789_012_345],
    [1e6, 1_000_000_000_000_000],
  ] as const) {
    assert.equal(usdToNanos(usd), nanos, String(usd));
  }
});

test('a price that is none is refused', () => {
  for (const usd of [-0.01, 1_000_000.01, Number.NaN, Number.POSITIVE_INFINITY])
    assert.equal(usdToNanos(usd), undefined);
});

test('every amount of nano-dollars survives the way to dollars, to JSON and back', () => {
  check(
    property(integer({ min: 0, max: 1e15 }), (nanos) => {
      const usd: unknown = JSON.parse(JSON.stringify(nanosToUsd(nanos)));
      assert.equal(usdToNanos(Number(usd)), nanos);
    }),
  );
});

test('sums keep all their digits', () => {
  assert.equal(nanosToDecimal(0n), '0');
  assert.equal(nanosToDecimal(3_800_000n), '0.0038');
  assert.equal(nanosToDecimal(9_223_372_036_854_775_807n * 10n), '92233720368.54775807');
});
