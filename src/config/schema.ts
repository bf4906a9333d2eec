import { z } from 'zod';
import { guardKeys } from './guard-schema.ts';
import {
  address,
  agentPath,
  bearerToken,
  bytes,
  duration,
  environmentName,
  headers,
  httpUrl,
  LONGEST_TIMER_MS,
  slug,
  timeout,
} from './scalars.ts';
import { telemetryKeys } from './telemetry-keys.ts';
import { traits } from './traits.ts';

/**
 * The only truth of what may be configured; what one value may be stands in `scalars.ts`, what guardrails may be in
 * `guard-schema.ts`. Every description here becomes documentation and JSON Schema.
 * Keys at the top are those of AgentBreeder's `sidecar.yaml`, so that such a file is read as it is.
 */

const a2aPeerObject = z
  .strictObject({
    url: httpUrl.describe("The peer's base URL"),
    token: bearerToken
      .register(traits, { secret: true })
      .optional()
      .describe('Bearer token for this peer; prefer `token_env`'),
    token_env: environmentName.optional().describe("Environment variable that holds this peer's bearer token"),
    path: z
      .string()
      .regex(/^(\/[^\s#]*)?$/, 'expected an absolute path')
      .default('/a2a')
      .describe("JSON-RPC endpoint below the peer's URL"),
  })
  .refine((peer) => peer.token === undefined || peer.token_env === undefined, {
    path: ['token_env'],
    error: '`token` and `token_env` exclude each other',
  });

const PEER_TEXT = 'expected URL or TOKEN@@URL, with an http:// or https:// URL';

const a2aPeerText = z
  .string()
  .register(traits, { secret: true })
  .transform((text, context): z.input<typeof a2aPeerObject> => {
    const at = text.indexOf('@@');
    const url = at < 0 ? text : text.slice(at + 2);
    const token = at < 0 ? undefined : text.slice(0, at);
    if (!httpUrl.safeParse(url).success || (token !== undefined && !bearerToken.safeParse(token).success)) {
      context.addIssue({ code: 'custom', message: PEER_TEXT });
      return z.NEVER;
    }
    return token === undefined ? { url } : { url, token };
  })
  .pipe(a2aPeerObject);

const remoteMcpServer = {
  url: httpUrl.describe("The server's endpoint"),
  headers: headers.optional().describe('Sent with every request to this server'),
  token_env: environmentName.optional().describe('Environment variable that holds the bearer token for this server'),
};

const mcpServer = z
  .discriminatedUnion('transport', [
    z.strictObject({
      transport: z.enum(['http', 'streamable_http']).describe('Streamable HTTP'),
      ...remoteMcpServer,
    }),
    z.strictObject({
      transport: z.literal('sse').describe('HTTP with SSE, the transport before streamable HTTP'),
      ...remoteMcpServer,
    }),
    z.strictObject({
      transport: z.literal('stdio').describe('A child process of the sidecar'),
      command: z.string().min(1).describe('Program to start; searched in `PATH`'),
      args: z.array(z.string()).default([]).describe('Its arguments'),
      env: z
        .record(environmentName, z.string().register(traits, { secret: true }))
        .default({})
        .describe('Added to a minimal environment'),
      cwd: z.string().min(1).optional().describe("Its working directory; default: the sidecar's own"),
    }),
  ])
  .meta({ id: 'McpServer' });

export const configSchema = z
  .strictObject({
    agent_name: slug.describe("The agent's name, in costs, traces and audit rows"),
    agent_version: z.string().max(128).optional().describe("The agent's version"),
    team: z.string().max(128).optional().describe('Default team of cost events'),
    agent_url: httpUrl.default('http://127.0.0.1:8081').describe('Where the agent listens'),
    agent_ready_path: agentPath
      .optional()
      .describe(
        'Asked below `agent_url` by `/ready`: the agent is ready when it answers 2xx or 3xx. Unset: when it accepts connections',
      ),
    agent_health_path: agentPath
      .optional()
      .describe(
        'Asked below `agent_url` by `/health/agent`: the agent is well when it answers 2xx or 3xx. Unset: when it accepts connections',
      ),
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
        header_bytes: bytes.prefault('16KiB').describe('All request headers together; more is 431'),
        body_bytes: bytes.prefault('10MiB').describe('A body that a rule must read; more is 413'),
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
        header_timeout: timeout
          .prefault('10s')
          .describe('From connection or previous reply to the end of the headers; longer is 408'),
      })
      .prefault({})
      .describe('Bounds on what callers may send'),
    timeouts: z
      .strictObject({
        agent_start: duration(0, LONGEST_TIMER_MS)
          .prefault('0s')
          .describe(
            'Until the agent is ready for the first time, how long calls wait for it; `0s`: they are 502 at once',
          ),
        agent_connect: timeout.prefault('5s').describe('To open a connection to the agent'),
        agent_response: timeout
          .prefault('5m')
          .describe("From the request's end to the agent's response headers; longer is 504"),
        idle: timeout.prefault('5m').describe('Between two pieces of a body or stream, in either direction'),
        peer: timeout.prefault('30s').describe('For the reply of an A2A peer or MCP server, before its first byte'),
      })
      .prefault({})
      .describe('Idle times; no stream has a total limit'),
    drain_timeout: duration(0, LONGEST_TIMER_MS)
      .prefault('25s')
      .describe('After SIGTERM, how long requests in flight may take to finish'),
    drain_delay: duration(0, LONGEST_TIMER_MS)
      .prefault('0s')
      .describe(
        'Of the drain timeout, how long new requests are still taken, for load balancers that go on sending for a while; `/ready` says no at once',
      ),
    ...guardKeys,
    a2a_peers: z
      .record(
        slug,
        z.union([a2aPeerText, a2aPeerObject], { error: 'expected URL, TOKEN@@URL, or a mapping with `url`' }),
      )
      .prefault({})
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
      .prefault('1GiB')
      .describe('Bound of the local database; when it is full, cost events are refused with 507'),
    retention: duration(0, Number.MAX_SAFE_INTEGER)
      .prefault('30d')
      .describe('How long rows that were shipped are kept locally'),
    ...telemetryKeys,
  })
  .meta({ id: 'OutriderConfig', title: 'Outrider sidecar configuration' });

/** The YAML file, checked and with every default in place. */
export type FileConfig = z.output<typeof configSchema>;
export type McpServer = z.output<typeof mcpServer>;
