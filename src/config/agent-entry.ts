import { z } from 'zod';
import { environmentName, role, slug, timeout } from './scalars.ts';
import { traits } from './traits.ts';

/** Where an agent runs, and how it is kept: the same for a host and for a program that calls agents. */

const MOST = 100_000;
const LONGEST_TEXT = 16_384;

const text = z.string().max(LONGEST_TEXT);

/** `http://…`, `https://…`, `grpc://…` or `grpcs://…`. */
export const agentUrl = z
  .url({ protocol: /^(https?|grpcs?)$/, error: 'expected an http://, https://, grpc:// or grpcs:// URL', abort: true })
  .refine(
    (url) => !/^[^/]*\/\/[^/?#]*@/.test(url),
    'credentials in an address are not sent: name a variable in `token_env`',
  )
  .refine((url) => !/[?#]/.test(url), 'expected a URL without a query');

const modulePath = z.string().min(1).max(4096);

/** What may be said of every agent. */
const common = {
  name: text.optional().describe('For people. Default: what the agent says of itself, else its id'),
  model: text.optional().describe('The model that it mostly uses'),
  description: text.optional().describe('What it does'),
  allowed_roles: z
    .array(role)
    .max(100)
    .optional()
    .describe('Who may see and call it; `admin` always may. Unset: every caller; empty: administrators alone'),
  concurrency: z.int().min(1, 'expected a whole number from 1').max(MOST).default(100).describe('Runs at once'),
  queue: z.int().nonnegative().max(MOST).default(1_000).describe('Calls that wait for their turn; more is 429'),
  timeout: timeout.prefault('10m').describe('The longest that a run may take; callers can only ask for less'),
};

const remoteId = slug.optional().describe('What the agent is called there. Default: its id here');

const moduleAgent = z
  .strictObject({
    module: modulePath.describe('Path of a JavaScript or TypeScript module that exports it'),
    remote_id: remoteId,
    ...common,
  })
  .meta({ id: 'AgentOfModule' })
  .register(traits, { mark: 'module' });

const commandAgent = z
  .strictObject({
    command: z
      .array(z.string().max(65_536))
      .min(1, 'expected a program')
      .max(1_000)
      .describe('Program to start and its arguments; no shell reads them. It listens on 127.0.0.1 at `PORT`'),
    remote_id: remoteId,
    env: z
      .record(environmentName, z.string().register(traits, { secret: true }))
      .default({})
      .describe('Added to what it inherits'),
    cwd: z.string().min(1).optional().describe("Its working directory; default: the host's own"),
    ...common,
  })
  .meta({ id: 'AgentOfCommand' })
  .register(traits, { mark: 'command' });

const remoteAgent = z
  .strictObject({
    url: agentUrl.describe('Address of the server that has it: HTTP, or gRPC for `grpc://` and `grpcs://`'),
    remote_id: remoteId,
    token_env: environmentName.optional().describe('Environment variable that holds the bearer token for it'),
    ...common,
  })
  .meta({ id: 'AgentAtUrl' })
  .register(traits, { mark: 'url' });

/**
 * Of an agent that one of `modules` exports. The validator takes the only option of a union that is right but for keys that it does
 * not know as the one that was meant; here, where it never is, such keys have values that cannot be.
 */
const moduleSettings = z
  .object(common)
  .catchall(z.never().optional())
  // With any other key it is refused, so that what comes out has these keys and no others.
  .meta({ id: 'AgentSettings' }) as unknown as z.ZodObject<typeof common>;

/** An agent in short: where it is, and nothing else. */
export const pathOrUrl = z
  .string()
  .min(1)
  .max(4096)
  .transform((text): { url: string } | { module: string } =>
    /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? { url: text } : { module: text },
  );
export const EXPECTED_PLACE = 'expected a path, or an http://, https://, grpc:// or grpcs:// URL';

const agentText = pathOrUrl.pipe(z.union([moduleAgent, remoteAgent], { error: EXPECTED_PLACE }));

/** One agent of `agents`, by its id. */
export const agentEntry = z.union([agentText, moduleAgent, commandAgent, remoteAgent, moduleSettings], {
  error: 'expected a path, a URL, or a mapping with `module`, `command` or `url`',
});

/** How an agent is kept of which nothing is said. */
export type AgentSettings = z.output<typeof moduleSettings>;
export const DEFAULT_SETTINGS: AgentSettings = Object.freeze(moduleSettings.parse({}));
