// Builds the single executable: `npm run build:binary -- [--target linux-x64,darwin-arm64|all] [--out FOLDER]`.
// Without a target, for this machine. See docs/deploy/image.md.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle } from './binary/bundle.ts';
import { makeExecutable } from './binary/executable.ts';
import { licenses } from './binary/licenses.ts';
import { checkRuntimes, thisMachine } from './binary/runtime.ts';
import { nameOf, parseTargets, TARGETS } from './binary/targets.ts';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

try {
  await buildAll();
} catch (error) {
  // The bundler's errors name file and line themselves.
  process.stderr.write(`build-binary: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function buildAll(): Promise<void> {
  const { values } = parseArgs({ options: { target: { type: 'string' }, out: { type: 'string' } } });
  const targets = values.target === undefined ? [thisMachine(TARGETS)] : parseTargets(values.target);
  const out = resolve(values.out ?? join(root, 'dist-binary'));
  checkRuntimes(root);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const bundled = await bundle(root);
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, `outrider-${version}-licenses.txt`), licenses(root, bundled.packages));
  for (const target of targets) {
    const folder = mkdtempSync(join(out, '.building-'));
    try {
      const file = join(out, `outrider-${version}-${nameOf(target)}`);
      makeExecutable(target, bundled, folder, file);
      const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
      console.log(`${file}  ${(statSync(file).size / 1e6).toFixed(1)} MB  sha256:${sha256}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}
