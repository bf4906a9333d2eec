import { test } from 'node:test';
import { kubernetes } from './platforms.ts';
import { roll } from './rolling.ts';

test('Kubernetes: 20 generations under constant load lose no request and no open stream', { timeout: 120_000 }, (t) =>
  roll(
    t,
    Array.from({ length: 21 }, () => kubernetes),
  ),
);
