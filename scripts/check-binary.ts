// Tries the single executable as somebody would who has nothing else: an empty folder, no Node.js on the path.
// `npm run check:binary` builds it first; `node scripts/check-binary.ts FILE` tries another one.
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkCommands, checkLedger } from './binary/check/commands.ts';
import { groundAt } from './binary/check/ground.ts';
import { checkHost } from './binary/check/host.ts';
import { checkSidecar } from './binary/check/sidecar.ts';
import { readHeader } from './binary/header.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const built = join(root, 'dist-binary', `outrider-${version}-${process.platform}-${process.arch}`);
const binary = resolve(process.argv[2] ?? built);

const folder = mkdtempSync(join(tmpdir(), 'outrider-binary-'));
try {
  const ground = groundAt(folder, binary);
  const header = readHeader(binary);
  ground.expect(`${binary}: ${(statSync(binary).size / 1e6).toFixed(1)} MB`, header.hasBlob, header);
  await checkCommands(ground, version);
  await checkSidecar(ground);
  await checkLedger(ground);
  await checkHost(ground);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
