import { z } from 'zod';

/**
 * The only truth of what may be configured. Every description here becomes documentation and JSON Schema.
 * Keys at the top are those of AgentBreeder's `sidecar.yaml`, so that such a file is read as it is.
 */

const UNITS_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const UNITS_BYTES: Record<string, number> = {
  '': 1,
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
};

/** A span of time: `250ms`, `25s`, `5m`, `1h`, or a number of seconds. Parsed to milliseconds. */
const duration = z
  .union([
    z
      .number()
      .nonnegative()
      .transform((seconds) => seconds * 1000),
    z
      .string()
      .regex(/^\d+(\.\d+)?(ms|s|m|h)$/, 'expected a duration such as 250ms, 25s, 5m or 1h')
      .transform((text) => Number.parseFloat(text) * (UNITS_MS[text.replace(/[\d.]+/, '')] ?? Number.NaN)),
  ])
  .meta({ examples: ['25s', '5m', '250ms'] });

/** An amount of bytes: `16KiB`, `10MiB`, `1GB`, or a number of bytes. Parsed to bytes. */
const bytes = z
  .union([
    z.int().nonnegative(),
    z
      .string()
      .regex(/^\d+(\.\d+)?(B|KiB|MiB|GiB|kB|MB|GB)?$/, 'expected a size such as 16KiB, 10MiB or 1GB')
      .transform((text) =>
        Math.round(Number.parseFloat(text) * (UNITS_BYTES[text.replace(/[\d.]+/, '')] ?? Number.NaN)),
      ),
  ])
  .meta({ examples: ['10MiB', '64KiB'] });

const httpUrl = z.url({ protocol: /^https?$/, error: 'expected an http:// or https:// URL' });

/** `host:port` or `:port`, as listeners take it; IPv6 hosts in brackets. Port 0 takes any free port. */
const address = z.string().regex(/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]*):\d{1,5}$/, 'expected HOST:PORT or :PORT');

const slug = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'expected letters, digits, ".", "_" and "-", at most 128');

const environmentName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an environment variable');

export const guardrailRule = z
  .strictObject({
    name: z.string().min(1).max(128).describe('Shown in replies, audit rows and metrics'),
    type: z
      .enum(['regex', 'keyword'])
      .describe('`regex`: RE2 syntax; `keyword`: comma-separated words, compared without case'),
    pattern: z.string().min(1).max(100_000).describe('The expression, or the words'),
    action: z
      .enum(['block', 'redact', 'warn'])
      .default('redact')
      .describe('`block` answers 403, `redact` rewrites and forwards, `warn` records and forwards'),
    replace: z.string().default('[REDACTED]').describe('What stands in place of a redacted match'),
  })
  .meta({ id: 'GuardrailRule' });

const a2aPeerObject = z.strictObject({
  url: httpUrl.describe("The peer's base URL"),
  token: z.string().min(1).optional().describe('Bearer token for this peer; prefer `token_env`'),
  token_env: environmentName.optional().describe("Environment variable that holds this peer's bearer token"),
  path: z
    .string()
    .regex(/^(\/\S*)?$/, 'expected an absolute path')
    .default('/a2a')
    .describe("JSON-RPC endpoint below the peer's URL"),
});

const a2aPeerText = z.string().transform((text, context): z.infer<typeof a2aPeerObject> => {
  const at = text.indexOf('@@');
  const url = at < 0 ? text : text.slice(at + 2);
  if (!httpUrl.safeParse(url).success || at === 0) {
    context.addIssue({ code: 'custom', message: 'expected URL or TOKEN@@URL, with an http:// or https:// URL' });
    return z.NEVER;
  }
  return { url, path: '/a2a', ...(at > 0 && { token: text.slice(0, at) }) };
});

export const mcpServer = z
  .discriminatedUnion('transport', [
    z.strictObject({
      transport: z.enum(['http', 'streamable_http']).describe('Streamable HTTP'),
      url: httpUrl,
      headers: z.record(z.string(), z.string()).optional().describe('Sent with every request to this server'),
      token_env: environmentName
        .optional()
        .describe('Environment variable that holds the bearer token for this server'),
    }),
    z.strictObject({
      transport: z.literal('sse').describe('HTTP with SSE, the transport before streamable HTTP'),
      url: httpUrl,
      headers: z.record(z.string(), z.string()).optional(),
      token_env: environmentName.optional(),
    }),
    z.strictObject({
      transport: z.literal('stdio').describe('A child process of the sidecar'),
      command: z.string().min(1),
      args: z.array(z.string()).default([]),
      env: z.record(environmentName, z.string()).default({}).describe('Added to a minimal environment'),
      cwd: z.string().optional(),
    }),
  ])
  .meta({ id: 'McpServer' });

export const configSchema = z
  .strictObject({
    agent_name: slug.describe("The agent's name, in costs, traces and audit rows"),
    agent_version: z.string().max(128).optional().describe("The agent's version"),
    team: z.string().max(128).optional().describe('Default team of cost events'),
    agent_url: httpUrl.default('http://127.0.0.1:8081').describe('Where the agent listens'),
    inbound_addr: address.default(':8080').describe('Public listener'),
    a2a_addr: address.default('127.0.0.1:9090').describe('Helper listener with all helpers; loopback only'),
    mcp_addr: address.default('127.0.0.1:9091').describe('Helper listener with `/mcp` alone; loopback only'),
    cost_addr: address.default('127.0.0.1:9092').describe('Helper listener with `/cost` alone; loopback only'),
    auth_tokens_file: z
      .string()
      .optional()
      .describe('File of bearer tokens, one a line, optionally `NAME TOKEN`; re-read when it changes'),
    allow_no_auth: z.boolean().default(false).describe('Start without any bearer token; every caller is let in'),
    forward_authorization: z.boolean().default(false).describe("Pass the caller's `Authorization` header to the agent"),
    limits: z
      .strictObject({
        header_bytes: bytes.default(16_384).describe('All request headers together; more is 431'),
        body_bytes: bytes.default(10 * 2 ** 20).describe('A body that a rule must read; more is 413'),
        concurrent_requests: z.int().positive().default(1024).describe('Requests in flight at once; more is 503'),
        requests_per_second: z
          .number()
          .positive()
          .optional()
          .describe('For each principal (token); more is 429. Unset: no limit'),
        burst: z
          .int()
          .positive()
          .optional()
          .describe('Requests a principal may make at once before the rate applies; default: one second of them'),
        header_timeout: duration
          .default(10_000)
          .describe('From connection or previous reply to the end of the headers; longer is 408'),
      })
      .prefault({})
      .describe('Bounds on what callers may send'),
    timeouts: z
      .strictObject({
        agent_connect: duration.default(5_000).describe('To open a connection to the agent'),
        agent_response: duration
          .default(300_000)
          .describe("From the request's end to the agent's response headers; longer is 504"),
        idle: duration.default(300_000).describe('Between two pieces of a body or stream, in either direction'),
        peer: duration.default(30_000).describe('For the reply of an A2A peer or MCP server, before its first byte'),
      })
      .prefault({})
      .describe('Idle times; no stream has a total limit'),
    drain_timeout: duration.default(25_000).describe('After SIGTERM, how long requests in flight may take to finish'),
    guardrails: z
      .array(guardrailRule)
      .max(10_000)
      .default([])
      .describe('Rules that run after the built-in ones, in order'),
    a2a_peers: z
      .record(slug, z.union([a2aPeerText, a2aPeerObject]))
      .default({})
      .describe('A2A peers by name: `URL`, `TOKEN@@URL`, or an object'),
    mcp_servers: z.record(slug, mcpServer).default({}).describe('MCP servers by name'),
    api_base_url: httpUrl
      .optional()
      .describe('Ledger to ship costs and audit rows to. Unset: they stay in the local database'),
    data_dir: z
      .string()
      .min(1)
      .optional()
      .describe('Local state. Default: `/var/lib/outrider` if it can be written, else `./.outrider`'),
    outbox_max_bytes: bytes
      .default(2 ** 30)
      .describe('Bound of the local database; when it is full, cost events are refused with 507'),
    retention: duration.default(30 * 24 * 3_600_000).describe('How long rows that were shipped are kept locally'),
    otlp_endpoint: httpUrl.optional().describe('As `OTEL_EXPORTER_OTLP_ENDPOINT`, which wins'),
    otlp_headers: z.record(z.string(), z.string()).default({}).describe('As `OTEL_EXPORTER_OTLP_HEADERS`, which wins'),
    log_level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Least severity that is logged'),
    log_format: z
      .enum(['auto', 'json', 'pretty'])
      .default('auto')
      .describe('`auto`: pretty on a terminal, JSON lines otherwise'),
  })
  .meta({ id: 'OutriderConfig', title: 'Outrider sidecar configuration' });

/** The YAML file, checked and with every default in place. */
export type FileConfig = z.output<typeof configSchema>;
export type GuardrailRule = z.output<typeof guardrailRule>;
export type A2aPeer = z.output<typeof a2aPeerObject>;
export type McpServer = z.output<typeof mcpServer>;
