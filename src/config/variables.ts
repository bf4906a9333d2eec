import type { FileConfig } from './schema.ts';
import type { Variable } from './variable.ts';

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
