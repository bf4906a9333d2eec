import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineBudget } from './line-budget.ts';

function budget(): { lines: LineBudget; wait: (ms: number) => void } {
  let now = 1_000;
  const lines = new LineBudget({ lines: 10, bytes: 100, burstSeconds: 2 }, () => now);
  return {
    lines,
    wait: (ms) => {
      now += ms;
    },
  };
}

test('a burst is free, what comes faster than the rate after it is not', () => {
  const { lines, wait } = budget();
  for (let i = 0; i < 20; i++) {
    assert.equal(lines.overdrawnMs(), 0);
    lines.spend(1);
  }
  assert.equal(lines.overdrawnMs(), 0);
  lines.spend(1);
  assert.equal(Math.round(lines.overdrawnMs()), 100);
  wait(100);
  assert.equal(lines.overdrawnMs(), 0);
  for (let i = 0; i < 1_000; i++) {
    wait(100);
    lines.spend(10);
    assert.ok(lines.overdrawnMs() < 1e-6, 'exactly at the rate');
  }
});

test('a large line counts by its bytes and may overdraw alone; a pause earns no more than the burst', () => {
  const { lines, wait } = budget();
  lines.spend(1_000);
  assert.equal(lines.overdrawnMs(), 8_000);
  wait(1e6);
  for (let i = 0; i < 21; i++) lines.spend(1);
  assert.equal(Math.round(lines.overdrawnMs()), 100);
});
