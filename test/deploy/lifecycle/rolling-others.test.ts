import { test } from 'node:test';
import { PLATFORMS } from './platforms.ts';
import { roll } from './rolling.ts';

/** Those that replace replicas in turn, and that have no test of their own. */
const OTHERS = PLATFORMS.filter(({ name }) => !['Kubernetes', 'Compose', 'outrider run'].includes(name));

test(
  'ECS, Cloud Run, Container Apps, Nomad: 10 generations in turn lose no request and no open stream',
  {
    timeout: 120_000,
  },
  (t) =>
    roll(
      t,
      Array.from({ length: 11 }, (_, n) => OTHERS[n % OTHERS.length] ?? never()),
    ),
);

function never(): never {
  throw new Error('there are others');
}
