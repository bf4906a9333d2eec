import { parseAddress } from '../address.ts';
import type { Environment } from '../environment.ts';
import { type Fault, formatPath, type Origin } from './faults.ts';
import { HOST_ONLY } from './host-variables.ts';
import { jsonFault } from './json-fault.ts';
import type { FileConfig } from './schema.ts';
import { nearest } from './suggest.ts';
import type { Form, Variable } from './variable.ts';
import { fromJson, textScalar, type Written, type WrittenEntry, type WrittenMap } from './written.ts';

/** Every environment variable that a sidecar reads, but those that `token_env` names and the rest of the standard `OTEL_*`. */
export const VARIABLES = [
  {
    name: 'AGENT_NAME',
    key: 'agent_name',
    form: 'text',
    description: "The agent's name; required here or in the file",
  },
  { name: 'AGENT_VERSION', key: 'agent_version', form: 'text', description: "The agent's version" },
  {
    name: 'AGENT_AUTH_TOKEN',
    form: 'text',
    description: 'Bearer token that callers must send; required, unless a tokens file is given or no token is allowed',
    secret: true,
  },
  {
    name: 'OUTRIDER_AUTH_TOKENS_FILE',
    key: 'auth_tokens_file',
    form: 'text',
    description: 'File of several bearer tokens, one a line; re-read when it changes',
  },
  {
    name: 'OUTRIDER_ALLOW_NO_AUTH',
    alias: 'AGENTBREEDER_SIDECAR_ALLOW_NO_AUTH',
    key: 'allow_no_auth',
    form: 'flag',
    description: '`1`: start without any bearer token; every caller is let in',
  },
  {
    name: 'OUTRIDER',
    alias: 'AGENTBREEDER_SIDECAR',
    form: 'switch',
    description: '`disabled`, `off`, `false`, `0` or `no`: no sidecar; `outrider run` starts the agent alone',
  },
  {
    name: 'OUTRIDER_AGENT_URL',
    alias: 'AGENTBREEDER_SIDECAR_AGENT_URL',
    key: 'agent_url',
    form: 'text',
    description: 'Where the agent listens',
  },
  {
    name: 'OUTRIDER_AGENT_READY_PATH',
    key: 'agent_ready_path',
    form: 'text',
    description: 'Path of the agent that `/ready` asks as well',
  },
  {
    name: 'OUTRIDER_AGENT_HEALTH_PATH',
    key: 'agent_health_path',
    form: 'text',
    description: 'Path of the agent that `/health/agent` asks',
  },
  {
    name: 'OUTRIDER_INBOUND_ADDR',
    alias: 'AGENTBREEDER_SIDECAR_INBOUND_ADDR',
    key: 'inbound_addr',
    form: 'address',
    description: "Public listener; in `:$PORT` stands the platform's `PORT`, 8080 when that is not set",
  },
  {
    name: 'OUTRIDER_LOCAL_ADDR',
    alias: 'AGENTBREEDER_SIDECAR_A2A_ADDR',
    key: 'a2a_addr',
    form: 'text',
    description: 'Helper listener with all helpers; loopback only',
  },
  {
    name: 'OUTRIDER_MCP_ADDR',
    alias: 'AGENTBREEDER_SIDECAR_MCP_ADDR',
    key: 'mcp_addr',
    form: 'text',
    description: 'Helper listener with `/mcp` alone; loopback only',
  },
  {
    name: 'OUTRIDER_COST_ADDR',
    alias: 'AGENTBREEDER_SIDECAR_COST_ADDR',
    key: 'cost_addr',
    form: 'text',
    description: 'Helper listener with `/cost` alone; loopback only',
  },
  {
    name: 'OUTRIDER_MCP_SERVERS',
    alias: 'AGENTBREEDER_SIDECAR_MCP_SERVERS',
    key: 'mcp_servers',
    form: 'json',
    description: 'MCP servers as a JSON object; each entry replaces the one of that name in the file',
    secret: true,
  },
  {
    name: 'OUTRIDER_LEDGER_URL',
    alias: 'AGENTBREEDER_API_URL',
    key: 'api_base_url',
    form: 'text',
    description: 'Ledger to ship costs and audit rows to',
  },
  {
    name: 'OUTRIDER_LEDGER_TOKEN',
    alias: 'AGENTBREEDER_API_TOKEN',
    form: 'text',
    description: 'Bearer token for that ledger',
    secret: true,
  },
  {
    name: 'OUTRIDER_GUARD_HASH_KEY',
    form: 'text',
    description: 'Key of the hash that guardrails with `style: hash` put in place of a match; at least 16 characters',
    secret: true,
  },
  { name: 'OUTRIDER_TEAM', key: 'team', form: 'text', description: 'Default team of cost events' },
  { name: 'OUTRIDER_DATA_DIR', key: 'data_dir', form: 'text', description: 'Directory of the local state' },
  {
    name: 'OUTRIDER_DRAIN_TIMEOUT',
    key: 'drain_timeout',
    form: 'text',
    description: 'After SIGTERM, how long requests in flight may take to finish',
  },
  {
    name: 'OUTRIDER_DRAIN_DELAY',
    key: 'drain_delay',
    form: 'text',
    description: 'Of the drain timeout, how long new requests are still taken',
  },
  {
    name: 'OUTRIDER_AGENT_START_TIMEOUT',
    key: 'timeouts.agent_start',
    form: 'text',
    description: 'How long calls wait for an agent that has not been ready yet',
  },
  { name: 'OUTRIDER_CONFIG', form: 'text', description: 'The configuration file; `--config` wins over it' },
  {
    name: 'OUTRIDER_CONFIG_YAML',
    form: 'text',
    description: 'The configuration itself, as YAML text; read when no file is named, and then no other file is',
    // It may hold some, such as a peer's token.
    secret: true,
  },
  { name: 'OUTRIDER_LOG_LEVEL', key: 'log_level', form: 'text', description: 'Least severity that is logged' },
  { name: 'OUTRIDER_LOG_FORMAT', key: 'log_format', form: 'text', description: '`auto`, `json` or `pretty`' },
  {
    name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    key: 'otlp_endpoint',
    form: 'text',
    description: 'Where traces go; every other `OTEL_*` variable keeps its standard meaning too',
  },
  {
    name: 'OTEL_EXPORTER_OTLP_HEADERS',
    key: 'otlp_headers',
    form: 'pairs',
    description: 'Headers for it, `NAME=VALUE` with commas between; each replaces the one of that name in the file',
    secret: true,
  },
] as const satisfies readonly (Variable & {
  readonly key?: keyof FileConfig | `timeouts.${keyof FileConfig['timeouts']}`;
})[];

export type VariableName = (typeof VARIABLES)[number]['name'];

/** Keys whose entries the environment overrides one by one. */
export const MERGED_KEYS: ReadonlySet<string> = new Set(['mcp_servers', 'otlp_headers']);

interface Found {
  readonly value: string;
  readonly at: Origin;
}

/** The value of a variable under either of its names; an empty one is as if it were not set. */
export function readVariable(env: Environment, name: VariableName): Found | undefined {
  return lookUp(env, VARIABLES.find((candidate) => candidate.name === name) ?? { name });
}

function lookUp(env: Environment, { name, alias }: Pick<Variable, 'name' | 'alias'>): Found | undefined {
  for (const key of [name, alias]) {
    const value = key === undefined ? undefined : env[key];
    if (value) return { value, at: { file: `env ${key}` } };
  }
  return undefined;
}

/** The address of the public listener, as far as the environment says it. */
export function readInboundAddress(env: Environment): string | undefined {
  const found = readVariable(env, 'OUTRIDER_INBOUND_ADDR');
  return found && withPort(found.value, env);
}

/** Whether a variable of form `flag` is set to what means yes. */
export function isSwitchedOn(env: Environment, name: VariableName): boolean {
  const value = readVariable(env, name)?.value.trim().toLowerCase() ?? '';
  return ['1', 'true', 'yes', 'on'].includes(value);
}

/** Whether the environment says that there is to be no sidecar. */
export function isSwitchedOff(env: Environment): boolean {
  const value = readVariable(env, 'OUTRIDER')?.value.trim().toLowerCase() ?? '';
  return ['disabled', 'off', 'false', '0', 'no'].includes(value);
}

/** What the environment says about the keys of the configuration file; a sidecar's, unless told otherwise. */
export function readEnvironment(
  env: Environment,
  variables: readonly Variable[] = VARIABLES,
): { root: WrittenMap; faults: Fault[]; warnings: string[] } {
  const faults: Fault[] = [];
  const warnings = [...bothNames(env, variables), ...misspelt(env)];
  const entries = new Map<string, WrittenEntry>();
  for (const variable of variables) {
    const { key, form } = variable;
    const found = key === undefined ? undefined : lookUp(env, variable);
    if (key === undefined || found === undefined || form === 'switch') continue;
    const value = readers[form](found.value, found.at, key, { env, faults, warnings });
    if (value !== undefined) put(entries, key.split('.'), { key: found.at, value });
  }
  return { root: { kind: 'map', entries, at: { file: 'environment' } }, faults, warnings };
}

/** A key with dots stands in a mapping. */
function put(entries: Map<string, WrittenEntry>, [first = '', ...rest]: readonly string[], entry: WrittenEntry): void {
  if (rest.length === 0) return void entries.set(first, entry);
  const inner = new Map<string, WrittenEntry>();
  put(inner, rest, entry);
  entries.set(first, { key: entry.key, value: { kind: 'map', entries: inner, at: entry.key } });
}

interface Findings {
  readonly env: Environment;
  readonly faults: Fault[];
  readonly warnings: string[];
}

const readers: Record<
  Exclude<Form, 'switch'>,
  (text: string, at: Origin, key: string, findings: Findings) => Written | undefined
> = {
  text: (text, at) => textScalar(text, at),
  address: readAddress,
  flag: readFlag,
  json: readJson,
  pairs: readPairs,
};

function readAddress(text: string, at: Origin, path: string, { env, faults }: Findings): Written | undefined {
  const expanded = withPort(text, env);
  if (expanded === text || parseAddress(expanded) !== undefined) return textScalar(expanded, at);
  faults.push({ file: 'env PORT', path, message: `expected a port: ${at.file} refers to it` });
  return undefined;
}

/** A platform that chooses the port says it in `PORT`, and expands no variables in the values of others. */
function withPort(text: string, env: Environment): string {
  return text.replace(/:\$(PORT|\{PORT\})$/, () => `:${env['PORT'] || '8080'}`);
}

function readFlag(text: string, at: Origin, path: string, { faults }: Findings): Written | undefined {
  const on = /^(1|true|yes|on)$/i.test(text);
  if (on || /^(0|false|no|off)$/i.test(text)) return { kind: 'scalar', value: on, text: undefined, at };
  faults.push({ ...at, path, message: 'expected 1 or 0' });
  return undefined;
}

function readJson(text: string, at: Origin, path: string, { faults }: Findings): Written | undefined {
  const problem = jsonFault(text);
  if (problem === undefined) return fromJson(JSON.parse(text), at, faults, [path]);
  const before = text.slice(0, problem.offset).split('\n');
  const place = { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  faults.push({ ...at, ...place, path, message: `malformed JSON: expected ${problem.expected}` });
  return undefined;
}

function readPairs(text: string, at: Origin, path: string, { warnings }: Findings): Written {
  const entries = new Map<string, WrittenEntry>();
  for (const [index, pair] of text.split(',').entries()) {
    if (pair.trim() === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(pair.slice(0, equals));
    const value = decode(pair.slice(equals + 1));
    if (equals > 0 && name && value !== undefined) entries.set(name, { key: at, value: textScalar(value, at) });
    else warnings.push(`${at.file}: ${formatPath([path])}: entry ${index + 1} is not NAME=VALUE, and is left out`);
  }
  return { kind: 'map', entries, at };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return undefined;
  }
}

function bothNames(env: Environment, variables: readonly Variable[]): string[] {
  return variables.flatMap(({ name, alias }) =>
    alias !== undefined && env[name] && env[alias] ? [`${name} and ${alias} are both set; ${name} is used`] : [],
  );
}

/** Only near misses: orchestrators put variables of their own behind any prefix. */
function misspelt(env: Environment): string[] {
  const known = [...VARIABLES, ...HOST_ONLY].flatMap(({ name, alias }: Variable) =>
    alias === undefined ? [name] : [name, alias],
  );
  return Object.keys(env).flatMap((name) => {
    if (!/^(OUTRIDER|AGENTBREEDER_SIDECAR)_/.test(name) || known.includes(name) || !env[name]) return [];
    const suggestion = nearest(name, known, 2);
    return suggestion === undefined ? [] : [`${name} is not read; did you mean ${suggestion}?`];
  });
}
