import { resolve as absolute } from 'node:path';
import { check, resolutionOf } from './check.ts';
import { DEFAULT_DATA_DIRS } from './data-dirs.ts';
import { ConfigError, type Origin, type Path } from './faults.ts';
import { gather, type LoadOptions } from './gather.ts';
import { type GuardConfig, HASH_KEY, resolveGuard } from './guard.ts';
import type { guardKeys } from './guard-schema.ts';
import { type GuardSource, guardSource } from './guard-source.ts';
import { otelEnvironment } from './otel-environment.ts';
import * as resolve from './resolve.ts';
import { configSchema, type FileConfig } from './schema.ts';
import type { Secret } from './secret.ts';
import { writtenShape } from './shape.ts';
import { VARIABLES } from './variables.ts';
import { find, type WrittenMap } from './written.ts';

/** The effective configuration. Nothing in it prints a secret: see `Secret`. */
export interface Config
  extends Omit<
    FileConfig,
    | 'a2a_peers'
    | 'mcp_servers'
    | 'otlp_endpoint'
    | 'otlp_headers'
    | 'api_base_url'
    | 'data_dir'
    | 'auth_tokens_file'
    | keyof typeof guardKeys
  > {
  /** From the environment. Neither this nor a tokens file: every caller is let in, and a warning says so. */
  readonly authToken?: Secret;
  /** Path of a file of further tokens; it has not been read. */
  readonly authTokensFile?: string;
  /** Where rows are shipped to. */
  readonly ledger?: { readonly url: string; readonly token?: Secret };
  readonly a2a_peers: ReadonlyMap<string, resolve.Peer>;
  readonly mcp_servers: ReadonlyMap<string, resolve.Server>;
  /** What the guardrails do, as read at the start. */
  readonly guard: GuardConfig;
  /** Where what the guardrails do is read again. */
  readonly guardSource: GuardSource;
  /** Environment variables that hold secrets of ours, such as those that `token_env` names: no process that we start may see them. */
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
  const gathered = await gather(options, cwd);
  const { file, root, faults, warnings } = gathered;
  const { written, parsed, known } = check(gathered, configSchema, writtenShape(), VARIABLES);
  const resolution = resolutionOf(gathered, env);
  resolve.checkListeners(known, resolution);
  const resolved = {
    ...resolve.resolveAuth(known, resolution),
    ...resolve.resolveLedger(known, resolution),
    a2a_peers: resolve.resolvePeers(known.a2a_peers ?? {}, resolution),
    mcp_servers: resolve.resolveServers(known.mcp_servers ?? {}, resolution),
  };
  const guard = resolveGuard(known, resolution);
  if (parsed === undefined || faults.length > 0) throw new ConfigError(faults);

  const { otlp_endpoint, otlp_headers, api_base_url: _, data_dir, auth_tokens_file, ...plain } = parsed;
  const config: Config = {
    ...plain,
    ...resolved,
    guard,
    guardSource: guardSource({ ...options, cwd }, file, written),
    ...(auth_tokens_file !== undefined && { authTokensFile: absolute(cwd, auth_tokens_file) }),
    secretVariables: [HASH_KEY, ...namedVariables(parsed)],
    dataDirs: (data_dir === undefined ? DEFAULT_DATA_DIRS : [data_dir]).map((directory) => absolute(cwd, directory)),
    otelEnvironment: otelEnvironment(env, otlp_endpoint, resolve.secrets(otlp_headers)),
  };
  return { config, warnings, file, values: parsed, originOf: (path) => originIn(root, path) };
}

/** Those that `token_env` names. */
function namedVariables({ a2a_peers, mcp_servers, guardrails }: FileConfig): string[] {
  const all = [...Object.values(a2a_peers), ...Object.values(mcp_servers), ...guardrails];
  return all.flatMap((entry) => ('token_env' in entry && entry.token_env !== undefined ? [entry.token_env] : []));
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
