// How fast the executable starts and what it holds, against the same version as a package under Node.js. Build both first:
// `npm run build && npm run build:binary && npm exec -- node scripts/measure-binary.ts`
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Process } from '../test/support/process.ts';
import { addressOf, groundAt, sidecarEnv } from './binary/check/ground.ts';

const RUNS = 15;
const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const KINDS: Readonly<Record<string, readonly string[]>> = {
  package: [process.execPath, join(root, 'bin/outrider.js')],
  executable: [join(root, 'dist-binary', `outrider-${version}-${process.platform}-${process.arch}`)],
};

interface Measured {
  readonly versionMs: number;
  readonly listeningMs: number;
  /** What is the process's own, of its resident memory; pages of the file come and go with the system's cache. */
  readonly ownMb: number;
}

async function measure([program = '', ...args]: readonly string[]): Promise<Measured> {
  const began = performance.now();
  spawnSync(program, [...args, '--version']);
  const versionMs = performance.now() - began;

  const folder = mkdtempSync(join(tmpdir(), 'outrider-measure-'));
  const env = sidecarEnv(groundAt(folder, program), 'http://127.0.0.1:9');
  const started = performance.now();
  const child = new Process(program, [...args, 'sidecar'], env, folder);
  await addressOf(child, 'inbound');
  const listeningMs = performance.now() - started;
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  await child.stop();
  rmSync(folder, { recursive: true, force: true });
  return { versionMs, listeningMs, ownMb: Number(/RssAnon:\s+(\d+)/.exec(status)?.[1]) / 1024 };
}

// By turns, and the least of each: whatever else the machine does only adds.
const measured = new Map<string, Measured[]>(Object.keys(KINDS).map((name) => [name, []]));
for (let run = 0; run < RUNS; run++) {
  for (const [name, command] of Object.entries(KINDS)) measured.get(name)?.push(await measure(command));
}
for (const [name, runs] of measured) {
  const least = (key: keyof Measured): number => Math.min(...runs.map((run) => run[key]));
  const times = `--version ${least('versionMs').toFixed(0)} ms, sidecar listens ${least('listeningMs').toFixed(0)} ms`;
  console.log(`${name}: ${times}, own ${least('ownMb').toFixed(1)} MB (least of ${RUNS})`);
}
