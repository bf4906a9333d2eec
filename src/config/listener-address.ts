import { type Address, parseAddress } from '../address.ts';
import type { Environment } from '../environment.ts';
import { readInboundAddress, readVariable } from './environment.ts';
import { readConfigFile, readFromDisk } from './source.ts';

const INBOUND = ':8080';
const LOCAL = '127.0.0.1:9090';

/** Where a sidecar finds its configuration, but for its environment. */
export interface ConfigPlace {
  readonly configPath?: string | undefined;
  readonly cwd?: string;
}

/**
 * Where a sidecar with this environment, file and directory listens for callers. Reads this one key and no other, so that it can
 * be found whatever else is wrong: a file that cannot be read says nothing. Undefined when what it says is no address.
 */
export async function findInboundAddress(env: Environment, place: ConfigPlace = {}): Promise<Address | undefined> {
  return parseAddress(readInboundAddress(env) ?? (await textInFile('inbound_addr', env, place)) ?? INBOUND);
}

/** The same for the listener of its helpers. */
export async function findLocalAddress(env: Environment, place: ConfigPlace = {}): Promise<Address | undefined> {
  const found = readVariable(env, 'OUTRIDER_LOCAL_ADDR')?.value;
  return parseAddress(found ?? (await textInFile('a2a_addr', env, place)) ?? LOCAL);
}

async function textInFile(
  key: string,
  env: Environment,
  { configPath, cwd = process.cwd() }: ConfigPlace,
): Promise<string | undefined> {
  const { text, place } = readConfigFile({ env, configPath, cwd, readFile: readFromDisk });
  // The parser takes longer to load than everything else here.
  if (text === undefined || !text.includes(key)) return undefined;
  const [{ readYaml }, { textOf }] = await Promise.all([import('./yaml.ts'), import('./settle.ts')]);
  const value = textOf(readYaml(text, place).root, key);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
