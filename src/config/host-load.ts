import { resolve as absolute, dirname } from 'node:path';
import { check, resolutionOf } from './check.ts';
import { DEFAULT_DATA_DIRS } from './data-dirs.ts';
import { ConfigError, type Fault, formatPath } from './faults.ts';
import { type Gathered, gather, type LoadOptions } from './gather.ts';
import { type HostAgentEntry, resolveHostAgents } from './host-agents.ts';
import { type HostAuth, resolveHostAuth } from './host-auth.ts';
import { HOST, HOST_VARIABLES } from './host-environment.ts';
import { type HostFile, hostSchema } from './host-schema.ts';
import { otelEnvironment } from './otel-environment.ts';
import { secrets } from './resolve.ts';
import { objectShape } from './shape-tree.ts';
import { overlay, textScalar, type Written, type WrittenMap } from './written.ts';

/** The effective configuration of a host. Nothing in it prints a secret: see `Secret`. */
export interface HostConfig extends Omit<HostFile, 'auth' | 'agents' | 'otlp_endpoint' | 'otlp_headers' | 'data_dir'> {
  readonly auth: HostAuth;
  readonly agents: ReadonlyMap<string, HostAgentEntry>;
  /** A fault that is found later, at the place of an agent. */
  readonly faultAt: (id: string, message: string) => Fault;
  /** Environment variables that hold secrets of the host: no process that it starts may see them. */
  readonly secretVariables: readonly string[];
  /** Directories for the local state, absolute: the first one that can be written is to be used. */
  readonly dataDirs: readonly string[];
  /** Every `OTEL_*` variable, with what the file says of the exporter where the environment says nothing. Holds secrets. */
  readonly otelEnvironment: () => Record<string, string>;
}

export interface HostLoadOptions extends LoadOptions {
  /** From `--addr`; wins over all else. */
  readonly addr?: string | undefined;
  /** From the command line; come after those of the file. */
  readonly modules?: readonly string[];
}

export interface HostLoadResult {
  readonly config: HostConfig;
  /** What an operator should hear of at each start. */
  readonly warnings: readonly string[];
  /** The file that was read, when there was one. */
  readonly file: string | undefined;
}

/** Reads the command line, the environment and the configuration file. Throws `ConfigError` with every fault of all three. */
export async function loadHostConfig(options: HostLoadOptions): Promise<HostLoadResult> {
  const { env, cwd = process.cwd() } = options;
  const gathered = withCommandLine(await gather(options, cwd, HOST), options);
  const { parsed, known } = check(gathered, hostSchema, objectShape(hostSchema, 'in'), HOST_VARIABLES);
  const resolution = resolutionOf(gathered, env);
  const { file } = gathered;
  /** Paths are relative to the file in which they stand, and elsewhere to the working directory. */
  const pathAt = (path: string, ...where: PropertyKey[]): string =>
    absolute(cwd, file !== undefined && resolution.placeOf(where).file === file ? dirname(file) : '.', path);
  const auth = resolveHostAuth(known, resolution, pathAt);
  const agents = resolveHostAgents(known.agents ?? {}, resolution, pathAt);
  if (parsed === undefined || gathered.faults.length > 0) throw new ConfigError(gathered.faults);

  const { otlp_endpoint, otlp_headers, data_dir, modules, agents: entries, ...plain } = parsed;
  const namedByAgents = Object.values(entries).flatMap((entry) =>
    'token_env' in entry && entry.token_env !== undefined ? [entry.token_env] : [],
  );
  const config: HostConfig = {
    ...plain,
    auth,
    agents,
    faultAt: (id, message) => ({
      ...resolution.placeOf(['agents', id]),
      path: formatPath(['agents', id]),
      message,
    }),
    modules: modules.map((path, index) => pathAt(path, 'modules', index)),
    secretVariables: ['AGENT_AUTH_TOKEN', ...parsed.auth.keys.map(({ key_env }) => key_env), ...namedByAgents],
    dataDirs:
      data_dir === undefined
        ? DEFAULT_DATA_DIRS.map((directory) => absolute(cwd, directory))
        : [pathAt(data_dir, 'data_dir')],
    otelEnvironment: otelEnvironment(env, otlp_endpoint, secrets(otlp_headers)),
  };
  return { config, warnings: gathered.warnings, file };
}

function withCommandLine(gathered: Gathered, { addr, modules = [] }: HostLoadOptions): Gathered {
  const at = { file: 'command line' };
  const said = new Map<string, { key: typeof at; value: Written }>();
  if (addr !== undefined) said.set('addr', { key: at, value: textScalar(addr, { file: '--addr' }) });
  if (modules.length > 0) {
    const before = gathered.root.entries.get('modules')?.value;
    const items = [...(before?.kind === 'list' ? before.items : []), ...modules.map((path) => textScalar(path, at))];
    said.set('modules', { key: at, value: { kind: 'list', items, at } });
  }
  const line: WrittenMap = { kind: 'map', entries: said, at };
  return { ...gathered, root: overlay(gathered.root, line, new Set()) };
}
