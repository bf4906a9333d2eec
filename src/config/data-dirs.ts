import { resolve } from 'node:path';
import type { Environment } from '../environment.ts';
import { readVariable } from './environment.ts';
import { textOf } from './settle.ts';
import { readConfigFile, readFromDisk } from './source.ts';

/** Where local state is kept when nothing says so: the first that can be written. */
export const DEFAULT_DATA_DIRS = ['/var/lib/outrider', '.outrider'] as const;

/**
 * Where a sidecar with this environment, file and directory keeps its local state, best first. Reads this one key and no
 * other, so that its ledger can be looked at without what a sidecar needs to start. Throws nothing: a file that cannot be read
 * says nothing.
 */
export async function findDataDirs(env: Environment, configPath?: string, cwd = process.cwd()): Promise<string[]> {
  const named = readVariable(env, 'OUTRIDER_DATA_DIR')?.value ?? (await dataDirInFile(env, configPath, cwd));
  return (named === undefined ? DEFAULT_DATA_DIRS : [named]).map((directory) => resolve(cwd, directory));
}

async function dataDirInFile(
  env: Environment,
  configPath: string | undefined,
  cwd: string,
): Promise<string | undefined> {
  const source = readConfigFile({ env, configPath, cwd, readFile: readFromDisk });
  if (source.text === undefined) return undefined;
  const { readYaml } = await import('./yaml.ts');
  const value = textOf(readYaml(source.text, source.place).root, 'data_dir');
  return typeof value === 'string' && value !== '' ? value : undefined;
}
