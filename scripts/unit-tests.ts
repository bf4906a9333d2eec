// Runs the unit tests under another Node: `npm run test:unit:with -- PATH`.
import { spawnSync } from 'node:child_process';

const [node = process.execPath] = process.argv.slice(2);
const { status } = spawnSync(
  node,
  ['--test', '--import', './test/support/seed.ts', '--test-timeout=120000', 'src/**/*.test.ts'],
  { stdio: 'inherit' },
);
process.exitCode = status ?? 1;
