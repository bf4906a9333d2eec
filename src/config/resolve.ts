import { type Address, collide, isLoopback, parseAddress, reaches } from '../address.ts';
import type { Environment } from '../environment.ts';
import { readVariable } from './environment.ts';
import { type Fault, formatPath, type Origin, type Path } from './faults.ts';
import { bearerToken } from './scalars.ts';
import type { FileConfig, McpServer } from './schema.ts';
import { Secret } from './secret.ts';
import type { VariableName } from './variables.ts';

/** An A2A peer, with its token found. */
export interface Peer {
  readonly url: string;
  /** Below `url`; empty or absolute. */
  readonly path: string;
  readonly token?: Secret;
}

/** An MCP server, with its token found. */
export type Server = RemoteServer | StdioServer;

export interface RemoteServer {
  readonly transport: 'http' | 'streamable_http' | 'sse';
  readonly url: string;
  readonly headers: Readonly<Record<string, Secret>>;
  readonly token?: Secret;
}
export interface StdioServer {
  readonly transport: 'stdio';
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, Secret>>;
  readonly cwd?: string;
}

/** What the rules that span several keys, or the environment, need to know, and where they report. */
export interface Resolution {
  readonly env: Environment;
  /** False when the file could not be read to its end. */
  readonly complete: boolean;
  readonly placeOf: (path: Path) => Origin;
  /** False for a default. */
  readonly isWritten: (path: Path) => boolean;
  readonly faults: Fault[];
  readonly warnings: string[];
}

const HELPERS = ['a2a_addr', 'mcp_addr', 'cost_addr'] as const;

/** Helpers on loopback only, no port twice, and an agent that is not ourselves. */
export function checkListeners(config: Partial<FileConfig>, resolution: Resolution): void {
  const listeners: { key: string; address: Address }[] = [];
  for (const key of ['inbound_addr', ...HELPERS] as const) {
    const address = parseAddress(config[key] ?? '');
    if (address === undefined) continue;
    const twin = listeners.find((other) => collide(other.address, address));
    // Nobody looks for a default in the file: the key that was written is the one to change.
    const [blamed, other] = resolution.isWritten([key]) ? [key, twin?.key] : [twin?.key, key];
    if (twin !== undefined && blamed !== undefined) fault(resolution, [blamed], `the same port as ${other}`);
    listeners.push({ key, address });
  }
  for (const key of HELPERS) {
    const address = parseAddress(config[key] ?? '');
    if (address === undefined || isLoopback(address.host)) continue;
    fault(resolution, [key], 'helpers ask for no token, so they listen on loopback only: expected 127.0.0.1:PORT');
  }
  const agent = config.agent_url === undefined ? null : URL.parse(config.agent_url);
  if (agent === null) return;
  const port = agent.port === '' ? { 'http:': 80, 'https:': 443 }[agent.protocol] : Number(agent.port);
  const target = { host: agent.hostname.replace(/^\[|\]$/g, ''), port: port ?? 0 };
  const self = listeners.find((listener) => target.port !== 0 && reaches(target, listener.address));
  if (self === undefined) return;
  if (resolution.isWritten(['agent_url']) || !resolution.isWritten([self.key])) {
    fault(resolution, ['agent_url'], `points at ourselves: ${self.key} is the same address`);
  } else {
    fault(resolution, [self.key], 'the same address as agent_url, where the agent listens');
  }
}

/** The token that callers must send. Without any, starting takes explicit leave, and a warning each time. */
export function resolveAuth(config: Partial<FileConfig>, resolution: Resolution): { authToken?: Secret } {
  const authToken = readToken('AGENT_AUTH_TOKEN', resolution);
  const configured = readVariable(resolution.env, 'AGENT_AUTH_TOKEN') !== undefined || config.auth_tokens_file;
  if (!configured && config.allow_no_auth === true) {
    resolution.warnings.push('no token for callers is configured, and allow_no_auth is set: every caller is let in');
  } else if (configured && config.allow_no_auth === true) {
    resolution.warnings.push('allow_no_auth has no effect: a token is configured, and callers must send it');
  } else if (!configured && config.allow_no_auth === false && resolution.complete) {
    const message =
      'no bearer token: set AGENT_AUTH_TOKEN, or OUTRIDER_AUTH_TOKENS_FILE for several, or, to let every caller in, OUTRIDER_ALLOW_NO_AUTH=1';
    resolution.faults.push({ file: 'env AGENT_AUTH_TOKEN', path: '', message });
  }
  return authToken === undefined ? {} : { authToken };
}

export function resolveLedger(
  config: Partial<FileConfig>,
  resolution: Resolution,
): { ledger?: { readonly url: string; readonly token?: Secret } } {
  const token = readToken('OUTRIDER_LEDGER_TOKEN', resolution);
  if (config.api_base_url !== undefined) return { ledger: { url: config.api_base_url, ...(token && { token }) } };
  if (token !== undefined)
    resolution.warnings.push('a ledger token is set, but no ledger: rows stay in the local database');
  return {};
}

export function resolvePeers(peers: FileConfig['a2a_peers'], resolution: Resolution): ReadonlyMap<string, Peer> {
  return new Map(
    Object.entries(peers).map(([name, { url, path, token, token_env }]) => {
      const named = namedToken(token_env, ['a2a_peers', name, 'token_env'], resolution);
      const secret = token === undefined ? named : new Secret(token);
      return [name, { url, path, ...(secret && { token: secret }) }];
    }),
  );
}

export function resolveServers(
  servers: FileConfig['mcp_servers'],
  resolution: Resolution,
): ReadonlyMap<string, Server> {
  return new Map(Object.entries(servers).map(([name, server]) => [name, resolveServer(name, server, resolution)]));
}

/** Every value wrapped, so that none of them is printed by accident. */
export function secrets(plain: Readonly<Record<string, string>>): Record<string, Secret> {
  return Object.fromEntries(Object.entries(plain).map(([name, text]) => [name, new Secret(text)]));
}

function resolveServer(name: string, server: McpServer, resolution: Resolution): Server {
  if (server.transport === 'stdio') {
    const { transport, command, args, env, cwd } = server;
    return { transport, command, args, env: secrets(env), ...(cwd !== undefined && { cwd }) };
  }
  const token = namedToken(server.token_env, ['mcp_servers', name, 'token_env'], resolution);
  const { transport, url, headers = {} } = server;
  return { transport, url, headers: secrets(headers), ...(token && { token }) };
}

/** What the variable holds that `token_env` at this path names. */
export function namedToken(variable: string | undefined, path: Path, resolution: Resolution): Secret | undefined {
  if (variable === undefined) return undefined;
  const value = resolution.env[variable];
  if (value) return checkedToken(value, { file: `env ${variable}` }, formatPath(path), resolution);
  fault(resolution, path, `the environment variable ${variable} is not set`);
  return undefined;
}

/** What a variable of ours holds; undefined when it is not set. */
export function readToken(name: VariableName, resolution: Resolution): Secret | undefined {
  const found = readVariable(resolution.env, name);
  return found === undefined ? undefined : checkedToken(found.value, found.at, '', resolution);
}

/** Tokens come out of files and secret stores with a line break at their end, which no header can carry. */
function checkedToken(text: string, at: Origin, path: string, { faults, warnings }: Resolution): Secret | undefined {
  const token = text.trim();
  const checked = bearerToken.safeParse(token);
  if (!checked.success) {
    faults.push({ ...at, path, message: 'expected a token of visible ASCII characters, without spaces' });
    return undefined;
  }
  if (token !== text) warnings.push(`${at.file}: white space around the token is left out`);
  return new Secret(token);
}

/** Reports what is wrong with the value at a path. */
export function fault(resolution: Resolution, path: Path, message: string): void {
  resolution.faults.push({ ...resolution.placeOf(path), path: formatPath(path), message });
}
