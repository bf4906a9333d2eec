import { resolve as absolute } from 'node:path';
import { safeParse } from 'zod';
import type { Environment } from '../environment.ts';
import { DEFAULT_DATA_DIRS } from './data-dirs.ts';
import { MERGED_KEYS, readEnvironment, VARIABLES } from './environment.ts';
import { explain } from './explain.ts';
import { ConfigError, type Fault, formatPath, type Origin, type Path } from './faults.ts';
import * as resolve from './resolve.ts';
import { configSchema, type FileConfig } from './schema.ts';
import { revealAll, type Secret } from './secret.ts';
import { settle } from './settle.ts';
import { type Field, type ObjectShape, writtenShape } from './shape.ts';
import { type ReadFile, readConfigFile, readFromDisk } from './source.ts';
import { emptyMap, find, overlay, placeOf, type WrittenMap } from './written.ts';

export interface LoadOptions {
  readonly env: Environment;
  /** From `--config`. */
  readonly configPath?: string | undefined;
  /** Default: the process's. */
  readonly cwd?: string;
  /** Default: the file system. */
  readonly readFile?: ReadFile;
}

/** The effective configuration. Nothing in it prints a secret: see `Secret`. */
export interface Config
  extends Omit<
    FileConfig,
    'a2a_peers' | 'mcp_servers' | 'otlp_endpoint' | 'otlp_headers' | 'api_base_url' | 'data_dir' | 'auth_tokens_file'
  > {
  /** From the environment. Neither this nor a tokens file: every caller is let in, and a warning says so. */
  readonly authToken?: Secret;
  /** Path of a file of further tokens; it has not been read. */
  readonly authTokensFile?: string;
  /** Where rows are shipped to. */
  readonly ledger?: { readonly url: string; readonly token?: Secret };
  readonly a2a_peers: ReadonlyMap<string, resolve.Peer>;
  readonly mcp_servers: ReadonlyMap<string, resolve.Server>;
  /** Environment variables that `token_env` names: secrets of ours, which no process that we start may see. */
  readonly secretVariables: readonly string[];
  /** Directories for the local state, absolute: the first one that can be written is to be used. */
  readonly dataDirs: readonly string[];
  /** Every `OTEL_*` variable, with what the file says of the exporter where the environment says nothing. Holds secrets. */
  readonly otelEnvironment: () => Record<string, string>;
}

export interface LoadResult {
  readonly config: Config;
  /** What an operator should hear of at each start. */
  readonly warnings: readonly string[];
  /** The file that was read, when there was one. */
  readonly file: string | undefined;
  /** The values of all keys with their places, for `config show`. Hold secrets. */
  readonly values: FileConfig;
  /** Where the value of a path was written; undefined for a default. */
  readonly originOf: (path: Path) => Origin | undefined;
}

/** Reads the environment and the configuration file. Throws `ConfigError` with every fault of both. */
export async function loadConfig(options: LoadOptions): Promise<LoadResult> {
  const { env, cwd = process.cwd() } = options;
  const { file, root, complete, faults, warnings } = await gather(options, cwd);
  const shape = writtenShape();
  const settled = settle(root, shape);
  if (settled.faults.length > 0) throw new ConfigError([...faults, ...settled.faults]);

  // Parsed once in a process's life: compiling the schema first would only cost time.
  const parsed = configSchema.safeParse(settled.value, { jitless: true });
  if (!parsed.success) {
    const explained = explain(parsed.error.issues, root, shape);
    faults.push(...explained.faults);
    if (complete) faults.push(...explained.missing.map((path) => missingKey(path, root)));
  }
  const known = parsed.success ? parsed.data : soundKeys(settled.value, shape);
  const resolution = {
    env,
    complete,
    faults,
    warnings,
    placeOf: (path: Path) => placeOf(root, path),
    isWritten: (path: Path) => find(root, path) !== undefined,
  };
  resolve.checkListeners(known, resolution);
  const resolved = {
    ...resolve.resolveAuth(known, resolution),
    ...resolve.resolveLedger(known, resolution),
    a2a_peers: resolve.resolvePeers(known.a2a_peers ?? {}, resolution),
    mcp_servers: resolve.resolveServers(known.mcp_servers ?? {}, resolution),
  };
  if (!parsed.success || faults.length > 0) throw new ConfigError(faults);

  const { otlp_endpoint, otlp_headers, api_base_url: _, data_dir, auth_tokens_file, ...plain } = parsed.data;
  const config: Config = {
    ...plain,
    ...resolved,
    ...(auth_tokens_file !== undefined && { authTokensFile: absolute(cwd, auth_tokens_file) }),
    secretVariables: [...Object.values(parsed.data.a2a_peers), ...Object.values(parsed.data.mcp_servers)].flatMap(
      (peer) => ('token_env' in peer && peer.token_env !== undefined ? [peer.token_env] : []),
    ),
    dataDirs: (data_dir === undefined ? DEFAULT_DATA_DIRS : [data_dir]).map((directory) => absolute(cwd, directory)),
    otelEnvironment: otelEnvironment(env, otlp_endpoint, resolve.secrets(otlp_headers)),
  };
  return { config, warnings, file, values: parsed.data, originOf: (path) => originIn(root, path) };
}

interface Gathered {
  readonly file: string | undefined;
  readonly root: WrittenMap;
  /** False when the file could not be read to its end: it may well hold the keys that seem to be missing. */
  readonly complete: boolean;
  readonly faults: Fault[];
  readonly warnings: string[];
}

/** The file with the environment laid over it. */
async function gather(options: LoadOptions, cwd: string): Promise<Gathered> {
  const { env, configPath, readFile = readFromDisk } = options;
  const source = readConfigFile({ env, configPath, cwd, readFile });
  const place: Origin = { file: source.file ?? 'configuration' };
  // Loaded only where there is something to parse: the parser is a good part of the time to start.
  const yaml = source.text === undefined ? undefined : (await import('./yaml.ts')).readYaml(source.text, place.file);
  const environment = readEnvironment(env);
  const unread = [...(source.fault ? [source.fault] : []), ...(yaml?.faults ?? [])];
  return {
    file: source.file,
    root: overlay(yaml?.root ?? emptyMap(place), environment.root, MERGED_KEYS),
    complete: source.fault === undefined && yaml?.complete !== false,
    faults: [...unread, ...environment.faults],
    warnings: [...environment.warnings],
  };
}

/** The keys whose values are right on their own, so that the rules between keys can be checked for these. */
function soundKeys(value: unknown, shape: ObjectShape): Partial<FileConfig> {
  const written = new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  const sound = [...shape.fields].flatMap(([key, field]) => {
    const parsed = safeParse(field.schema, soundEntries(written.get(key), field));
    return parsed.success && parsed.data !== undefined ? [[key, parsed.data]] : [];
  });
  // Each value came out of the schema of its own key.
  return Object.fromEntries(sound) as Partial<FileConfig>;
}

/** Of a mapping from names to anything, the entries that are right. */
function soundEntries(value: unknown, { shape, schema }: Field): unknown {
  if (shape.kind !== 'record' || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([name, entry]) => safeParse(schema, { [name]: entry }).success),
  );
}

function missingKey(path: Path, root: WrittenMap): Fault {
  const variable = VARIABLES.find((candidate) => 'key' in candidate && path.length === 1 && candidate.key === path[0]);
  const message = variable === undefined ? 'required' : `required: set ${variable.name}, or this key in the file`;
  return { ...placeOf(root, path), path: formatPath(path), message };
}

/** Where the value, or the text that holds it, was written. */
function originIn(root: WrittenMap, path: Path): Origin | undefined {
  for (let length = path.length; length > 0; length--) {
    const written = find(root, path.slice(0, length));
    if (written === undefined) continue;
    return length === path.length || written.kind === 'scalar' ? written.at : undefined;
  }
  return undefined;
}

function otelEnvironment(
  env: Environment,
  endpoint: string | undefined,
  headers: Readonly<Record<string, Secret>>,
): () => Record<string, string> {
  return () => {
    const standard = Object.entries(env).filter((entry): entry is [string, string] => {
      return entry[0].startsWith('OTEL_') && Boolean(entry[1]);
    });
    const pairs = Object.entries(revealAll(headers)).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    return {
      ...Object.fromEntries(standard),
      ...(endpoint !== undefined && { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }),
      ...(pairs.length > 0 && { OTEL_EXPORTER_OTLP_HEADERS: pairs.join(',') }),
    };
  };
}
