import { isIP } from 'node:net';
import { isLoopback } from '../address.ts';

/** Base URLs of the helper listeners, without a path: `http://127.0.0.1:9090`. */
export interface HelperUrls {
  /** The listener that has every helper. */
  readonly local: string;
  /** The listener of `/mcp` alone; without one, agents are sent to `local`. */
  readonly mcp?: string | undefined;
  /** The listener of `/cost` alone; without one, agents are sent to `local`. */
  readonly cost?: string | undefined;
}

export interface AgentEnvironmentOptions {
  /** What the agent inherits, usually our own environment. */
  readonly base: Readonly<Record<string, string | undefined>>;
  /** Where the agent has to listen. */
  readonly port: number;
  /** The address on which it is to listen, so that nobody reaches it but through us. Unset: on whatever it likes. */
  readonly host?: string | undefined;
  /** Set aside what `base` says of them. */
  readonly agent: { readonly name?: string | undefined; readonly version?: string | undefined };
  /** Unset when the sidecar is switched off and the agent stands alone. */
  readonly helpers?: HelperUrls | undefined;
  /** Variables that the configuration names as holding a secret of ours, such as a peer's `token_env`. */
  readonly secretNames?: Iterable<string>;
}

/**
 * Secrets of the sidecar, and variables that may hold one: the MCP servers' JSON has headers, the configuration
 * peers' tokens. `OTEL_*` stay, because an agent exports spans of its own to the same collector.
 */
const OURS: readonly string[] = [
  'OUTRIDER_GUARD_HASH_KEY',
  'OUTRIDER_AUTH_TOKENS_FILE',
  'OUTRIDER_LEDGER_TOKEN',
  'OUTRIDER_MCP_SERVERS',
  'OUTRIDER_CONFIG_YAML',
  'AGENTBREEDER_API_TOKEN',
  'AGENTBREEDER_SIDECAR_MCP_SERVERS',
];

/** Removed only when the sidecar checks it: an agent that stands alone is the only one who can. */
const CALLERS_TOKEN = 'AGENT_AUTH_TOKEN';

/** What the agent finds its helpers by. Paths such as `/a2a/{peer}` are added to each. Kept stable: agents read these. */
export const HELPER_VARIABLES = [
  'OUTRIDER_LOCAL_URL',
  'OUTRIDER_A2A_URL',
  'OUTRIDER_MCP_URL',
  'OUTRIDER_COST_URL',
] as const;

/** The agent's complete environment: what it inherits, without our secrets, with its port, its name and its helpers. */
export function agentEnvironment(options: AgentEnvironmentOptions): Record<string, string> {
  const { base, port, host, agent, helpers, secretNames = [] } = options;
  const removed = new Set<string>([...OURS, ...HELPER_VARIABLES, 'AGENT_NAME', 'AGENT_VERSION', ...secretNames]);
  if (helpers !== undefined) removed.add(CALLERS_TOKEN);

  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) {
    if (value !== undefined && !removed.has(name)) env[name] = value;
  }
  env['PORT'] = String(port);
  if (host !== undefined) env['HOST'] = host;
  if (agent.name !== undefined) env['AGENT_NAME'] = agent.name;
  if (agent.version !== undefined) env['AGENT_VERSION'] = agent.version;
  if (helpers !== undefined) Object.assign(env, helperVariables(helpers));
  return env;
}

function helperVariables(helpers: HelperUrls): Record<(typeof HELPER_VARIABLES)[number], string> {
  const local = withoutSlash(helpers.local);
  return {
    OUTRIDER_LOCAL_URL: local,
    OUTRIDER_A2A_URL: local,
    OUTRIDER_MCP_URL: withoutSlash(helpers.mcp ?? local),
    OUTRIDER_COST_URL: withoutSlash(helpers.cost ?? local),
  };
}

function withoutSlash(url: string): string {
  return url.endsWith('/') ? url.slice(0, -1) : url;
}

/** The loopback address to listen on for whoever is reached at an agent URL. Throws a TypeError when it is not a URL. */
export function hostOfUrl(url: string): string {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  return isIP(host) !== 0 && isLoopback(host) ? host : '127.0.0.1';
}

/** The port of an agent URL, with the scheme's default where it names none. Throws a TypeError when it is not a URL. */
export function portOfUrl(url: string): number {
  const { port, protocol } = new URL(url);
  if (port !== '') return Number(port);
  return protocol === 'https:' ? 443 : 80;
}
