import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONTRACT_VERSION } from '../src/contract/version.ts';
import { BufFailed, buf } from './contract/buf.ts';
import { differences } from './contract/differences.ts';
import { generate } from './contract/generate.ts';
import { temporary } from './contract/temporary.ts';

/**
 * What is made of `proto/`, by buf alone and without the network.
 *
 *   node scripts/contract.ts             writes the code in `src/contract/gen`
 *   node scripts/contract.ts --check     writes nothing; fails when the protos are not well written, when they would break those who
 *                                        speak a version that was released, or when the code was made of others
 *   node scripts/contract.ts --release   keeps the descriptors of this version in `proto/released`, for ever
 */
const ROOT = join(import.meta.dirname, '..');
const GENERATED = join(ROOT, 'src/contract/gen');
const RELEASED = join(ROOT, 'proto/released');

function check(): void {
  buf(['lint']);
  buf(['format', '--diff', '--exit-code']);
  const released = readdirSync(RELEASED).filter((name) => name.endsWith('.binpb'));
  if (released.length === 0) throw new BufFailed(`${RELEASED}: no released version to compare with`);
  for (const name of released) buf(['breaking', '--against', join(RELEASED, name)]);
  temporary((directory) => {
    generate(directory);
    const faults = differences(directory, GENERATED);
    if (faults.length > 0)
      throw new BufFailed([...faults, 'src/contract/gen is out of date: npm run contract'].join('\n'));
  });
}

function write(): void {
  temporary((directory) => {
    generate(directory);
    rmSync(GENERATED, { recursive: true, force: true });
    for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      mkdirSync(join(GENERATED, name, '..'), { recursive: true });
      writeFileSync(join(GENERATED, name), readFileSync(join(directory, name)));
    }
  });
}

function release(): void {
  const file = join(RELEASED, `v${CONTRACT_VERSION}.binpb`);
  if (existsSync(file)) throw new BufFailed(`${file}: a released version never changes`);
  mkdirSync(RELEASED, { recursive: true });
  buf(['build', '--exclude-source-info', '--output', file]);
}

try {
  const mode = process.argv[2];
  if (mode === '--check') check();
  else if (mode === '--release') release();
  else write();
} catch (thrown) {
  if (!(thrown instanceof BufFailed)) throw thrown;
  console.error(thrown.message);
  process.exitCode = 1;
}
