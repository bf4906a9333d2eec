import { type Address, parseAddress } from '../address.ts';
import type { Environment } from '../environment.ts';
import { readInboundAddress } from './environment.ts';
import { readConfigFile, readFromDisk } from './source.ts';

const DEFAULT = ':8080';

/**
 * Where a sidecar with this environment, file and directory listens for callers. Reads this one key and no other, so that it can
 * be found whatever else is wrong: a file that cannot be read says nothing. Undefined when what it says is no address.
 */
export async function findInboundAddress(
  env: Environment,
  configPath?: string,
  cwd = process.cwd(),
): Promise<Address | undefined> {
  return parseAddress(readInboundAddress(env) ?? (await addressInText(env, configPath, cwd)) ?? DEFAULT);
}

async function addressInText(
  env: Environment,
  configPath: string | undefined,
  cwd: string,
): Promise<string | undefined> {
  const { text, place } = readConfigFile({ env, configPath, cwd, readFile: readFromDisk });
  // The parser takes longer to load than everything else here.
  if (text === undefined || !text.includes('inbound_addr')) return undefined;
  const [{ readYaml }, { textOf }] = await Promise.all([import('./yaml.ts'), import('./settle.ts')]);
  const value = textOf(readYaml(text, place).root, 'inbound_addr');
  return typeof value === 'string' && value !== '' ? value : undefined;
}
