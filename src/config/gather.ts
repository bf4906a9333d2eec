import type { Environment } from '../environment.ts';
import { readEnvironment } from './environment.ts';
import type { Fault, Origin } from './faults.ts';
import { type Places, type ReadFile, readConfigFile, readFromDisk, SIDECAR_PLACES } from './source.ts';
import type { Variable } from './variable.ts';
import { MERGED_KEYS, VARIABLES } from './variables.ts';
import { emptyMap, overlay, type WrittenMap } from './written.ts';

export interface LoadOptions {
  readonly env: Environment;
  /** From `--config`. */
  readonly configPath?: string | undefined;
  /** Default: the process's. */
  readonly cwd?: string;
  /** Default: the file system. */
  readonly readFile?: ReadFile;
}

/** What tells the programs apart that have a configuration. */
export interface Program extends Places {
  readonly variables: readonly Variable[];
  /** Keys whose entries the environment overrides one by one. */
  readonly mergedKeys: ReadonlySet<string>;
}

const SIDECAR: Program = {
  variables: VARIABLES,
  mergedKeys: MERGED_KEYS,
  ...SIDECAR_PLACES,
};

/** A configuration before it is checked. */
export interface Gathered {
  readonly file: string | undefined;
  readonly root: WrittenMap;
  /** False when the file could not be read to its end: it may well hold the keys that seem to be missing. */
  readonly complete: boolean;
  readonly faults: Fault[];
  readonly warnings: string[];
}

/** The file, or what stands for it, with the environment laid over it. */
export async function gather(options: LoadOptions, cwd: string, program: Program = SIDECAR): Promise<Gathered> {
  const { env, configPath, readFile = readFromDisk } = options;
  const source = readConfigFile({ env, configPath, cwd, readFile, places: program });
  const place: Origin = { file: source.place };
  // Loaded only where there is something to parse: the parser is a good part of the time to start.
  const yaml = source.text === undefined ? undefined : (await import('./yaml.ts')).readYaml(source.text, place.file);
  const environment = readEnvironment(env, program.variables);
  const unread = [...(source.fault ? [source.fault] : []), ...(yaml?.faults ?? [])];
  return {
    file: source.file,
    root: overlay(yaml?.root ?? emptyMap(place), environment.root, program.mergedKeys),
    complete: source.fault === undefined && yaml?.complete !== false,
    faults: [...unread, ...environment.faults],
    warnings: [...source.warnings, ...environment.warnings],
  };
}
