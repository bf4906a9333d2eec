import { test } from 'node:test';
import { singleContainer } from './platforms.ts';
import { roll } from './rolling.ts';

test('outrider run: 20 generations under constant load lose no request and no open stream', { timeout: 120_000 }, (t) =>
  roll(
    t,
    Array.from({ length: 21 }, () => singleContainer),
  ),
);
