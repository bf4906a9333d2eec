import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { ConfigError, formatFault } from './faults.ts';
import { type LoadResult, loadConfig } from './load.ts';
import type { ReadFile } from './source.ts';

/** What the tests of the loader share. */

export const ENV = { AGENT_NAME: 'demo', AGENT_AUTH_TOKEN: 'tok' };
export const FILE = '/etc/outrider/outrider.yaml';

export function disk(files: Record<string, string | Uint8Array>): ReadFile {
  return (path) => {
    const file = files[path];
    if (file === undefined) throw Object.assign(new Error('absent'), { code: 'ENOENT' });
    return typeof file === 'string' ? new TextEncoder().encode(file) : file;
  };
}

export function load(text: string | undefined, env: Record<string, string> = ENV): Promise<LoadResult> {
  return loadConfig({ env, cwd: '/srv', readFile: disk(text === undefined ? {} : { [FILE]: text }) });
}

/** Every fault as `config check` prints it, without the file's name. */
export async function faults(text: string | undefined, env: Record<string, string> = ENV): Promise<string[]> {
  const error: unknown = await load(text, env).then(
    () => new Error('the configuration was accepted'),
    (thrown) => thrown,
  );
  assert.ok(error instanceof ConfigError, inspect(error));
  return error.faults.map((fault) => formatFault(fault).replace(`${FILE}:`, '').trimStart());
}
