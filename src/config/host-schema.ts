import { z } from 'zod';
import { agentEntry } from './agent-entry.ts';
import {
  address,
  bytes,
  duration,
  environmentName,
  httpUrl,
  LONGEST_TIMER_MS,
  role,
  slug,
  timeout,
} from './scalars.ts';
import { telemetryKeys } from './telemetry-keys.ts';

/**
 * The only truth of what may be configured of `outrider host`; what an agent may be stands in `agent-entry.ts`. Every description
 * here becomes documentation and JSON Schema.
 */

const MOST = 1_000;

const apiKey = z
  .strictObject({
    name: slug.describe('Who calls with it: the principal in logs, traces and jobs'),
    key_env: environmentName.describe('Environment variable that holds the key'),
    roles: z.array(role).max(100).default([]).describe('Roles of its holder; `admin` may register agents'),
  })
  .meta({ id: 'ApiKey' });

/** JWS algorithms with a public key (RFC 7518 §3.1, RFC 8037, RFC 9864). With one of the others, whoever can check a token can make one. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

const jwt = z.strictObject({
  issuer: z.string().min(1).max(1024).describe('What the `iss` of tokens must be'),
  jwks_url: httpUrl.describe("Where the issuer's public keys are (JSON Web Key Set)"),
  audience: z
    .union([z.string().min(1).max(1024), z.array(z.string().min(1).max(1024)).min(1).max(100)], {
      error: 'expected text, or a list of texts',
    })
    .transform((one) => (typeof one === 'string' ? [one] : one))
    .optional()
    .describe(
      'What the `aud` of tokens must name: one of these. Unset: tokens for others are taken too, with a warning',
    ),
  roles_claim: z
    .string()
    .min(1)
    .max(256)
    .default('roles')
    .describe(
      'The claim with the roles, or the way to it: `realm_access.roles`. A list, or one text with blanks between',
    ),
  algorithms: z
    .array(z.enum(ALGORITHMS))
    .min(1, 'expected at least one algorithm')
    .default([...ALGORITHMS])
    .describe('Signatures that are accepted; those by a shared secret, and `none`, never are'),
  clock_tolerance: duration(0, 300_000)
    .prefault('60s')
    .describe(
      "How far the issuer's clock may differ from ours; beyond that a token has expired, or is not valid yet: 401",
    ),
});

export const hostSchema = z
  .strictObject({
    addr: address.default('127.0.0.1:8085').describe('Where HTTP and gRPC are served'),
    modules: z
      .array(z.string().min(1, 'expected a path').max(4096))
      .max(MOST)
      .default([])
      .describe('Modules that export agents, as paths; further ones can stand on the command line'),
    agents: z.record(slug, agentEntry).default({}).describe('Agents by id: a module, a command or an address each'),
    auth: z
      .strictObject({
        keys: z.array(apiKey).max(MOST).default([]).describe('Keys of callers, as `X-API-Key` or bearer token'),
        keys_file: z
          .string()
          .min(1)
          .optional()
          .describe(
            'File of further keys, one a line: `KEY`, `NAME KEY` or `NAME KEY ROLE,ROLE`; re-read when it changes',
          ),
        jwt: jwt.optional().describe('Bearer tokens of an identity provider'),
      })
      .prefault({})
      .describe('Who may call. `AGENT_AUTH_TOKEN`, when it is set, is the key of an administrator'),
    allow_no_auth: z
      .boolean()
      .default(false)
      .describe('Start without any credential: everybody may call agents that are open to all roles'),
    limits: z
      .strictObject({
        header_bytes: bytes.prefault('16KiB').describe('All request headers together; more is 431'),
        body_bytes: bytes.prefault('10MiB').describe('A request; more is 413'),
        held_bytes: bytes
          .prefault('256MiB')
          .describe('Request bodies of more than 64 KiB that are held at the same time, all together; more is 503'),
        concurrent_requests: z.int().positive().default(4096).describe('Requests in flight at once; more is 503'),
        header_timeout: timeout
          .prefault('10s')
          .describe('From connection or previous reply to the end of the headers; longer is 408'),
        idle_timeout: timeout
          .prefault('5m')
          .describe('Between two pieces of a request or a reply, where it is the caller who has stopped'),
      })
      .prefault({})
      .describe('Bounds on what callers may send'),
    jobs: z
      .strictObject({
        retention: duration(1_000, Number.MAX_SAFE_INTEGER)
          .prefault('7d')
          .describe('How long a job that has ended, and the result of an idempotency key, can be asked for'),
      })
      .prefault({})
      .describe('Runs that nobody waits for'),
    drain_timeout: duration(0, LONGEST_TIMER_MS)
      .prefault('25s')
      .describe('After SIGTERM, how long runs in flight may take to finish'),
    data_dir: z
      .string()
      .min(1)
      .optional()
      .describe('Jobs and registered agents. Default: `/var/lib/outrider` if it can be written, else `./.outrider`'),
    ...telemetryKeys,
  })
  .meta({ id: 'OutriderHostConfig', title: 'Outrider host configuration' });

/** The YAML file, checked and with every default in place. */
export type HostFile = z.output<typeof hostSchema>;
