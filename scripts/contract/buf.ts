import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const BIN = join(ROOT, 'node_modules/.bin');

/** What buf found; its message is what buf printed. */
export class BufFailed extends Error {}

/** Runs buf, and throws `BufFailed` with what it printed when it has found something. Its plugins are those of `node_modules`. */
export function buf(args: readonly string[], cwd = ROOT): void {
  const { status, stdout, stderr, error } = spawnSync(join(BIN, 'buf'), args, {
    cwd,
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, PATH: [BIN, process.env['PATH'] ?? ''].join(delimiter) },
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new BufFailed(`buf ${args.join(' ')}\n${stdout}${stderr}`.trimEnd());
}
