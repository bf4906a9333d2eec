import { z } from 'zod';
import { addressFault } from '../deploy/address-fault.ts';
import { parseCpu, parseMemory } from '../deploy/quantity.ts';
import { guardKeys } from './guard-schema.ts';
import { environmentName, httpUrl, slug } from './scalars.ts';
import { configSchema } from './schema.ts';

/**
 * The only truth of what is read of `agent.yaml`. The format is AgentBreeder's, and grows: mappings are open, and what is not read in them
 * is told by `agent-file-unread.ts`. What is the sidecar's own (guardrails, peers) is what `outrider.yaml` takes. Every description here
 * becomes documentation and JSON Schema.
 */

const MOST = 1_000;
const LONGEST_VALUE = 32_768;
const HIGHEST_PORT = 65_535;

/** Neither control characters nor what turns the direction of writing: both change what a terminal shows. */
// oxlint-disable-next-line no-control-regex -- they are what is refused
const ONE_LINE = /^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$/;

/** What is too long is looked at no further. */
const text = (longest: number) =>
  z.string().max(longest, { error: `expected at most ${longest} characters`, abort: true });

const line = (longest: number) =>
  text(longest).min(1, 'expected text').regex(ONE_LINE, 'expected text on one line, without control characters');

const listOf = <Item extends z.ZodType>(item: Item) => z.array(item).max(MOST, `expected at most ${MOST} entries`);

const unquoted = new WeakSet<z.core.$ZodType>();

/** A text that reads as a number or a switch where it has no quotes, and is taken as it was written. */
function mayBeUnquoted<Schema extends z.core.$ZodType>(schema: Schema): Schema {
  unquoted.add(schema);
  return schema;
}

/** https://semver.org/#is-there-a-suggested-regular-expression-regex-to-check-a-semver-string */
const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;

const image = text(512).regex(
  /^[A-Za-z0-9][\w.:/@-]*$/,
  'expected a reference of an image, such as registry.example.com/name:1.2.3',
);

const port = z.int().min(1, 'expected a port from 1').max(HIGHEST_PORT, `expected a port up to ${HIGHEST_PORT}`);

/** An address that goes into a manifest. */
const address = (instead?: string) =>
  httpUrl.superRefine((url, context) => {
    const message = addressFault(url, instead);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });

const [, presetRule, builtInRule, webhookRule, ownRule] = guardKeys.guardrails.unwrap().element.options;

/** The presets that a name can mean. */
export const GUARD_PRESETS = presetRule.shape.preset.options;

const guardName = line(128);

const customGuardrail = z
  .looseObject({
    name: line(128).describe('Shown in replies, audit rows and metrics'),
    endpoint: webhookRule.shape.endpoint
      .optional()
      .describe('Asked with `POST` what to do with a body. Without it, `name` is that of a preset'),
    timeout: webhookRule.shape.timeout,
    on_error: webhookRule.shape.on_error,
    token_env: webhookRule.shape.token_env,
    action: line(64)
      .optional()
      .describe('Of a preset: `block`, `redact` or `warn`. With `endpoint`, what that replies decides'),
  })
  .meta({ id: 'AgentGuardrail' });

const tool = z
  .looseObject({
    ref: line(512).optional().describe('What it is called in a registry, such as `tools/zendesk-mcp`'),
    name: line(256).optional().describe('Its name'),
    type: line(128).optional().describe('`mcp` and `a2a` ask for the sidecar; all else is left alone'),
  })
  .meta({ id: 'AgentTool' });

const mcpServer = z
  .looseObject({
    ref: line(512).optional().describe('What it is called in a registry; the last part is its name: `mcp/zendesk`'),
    name: slug.optional().describe('Its name, where that of `ref` does not do: `/mcp/NAME` of the sidecar'),
    transport: z
      .enum(['stdio', 'sse', 'streamable_http', 'http'])
      .optional()
      .describe('Default: `streamable_http` for `url` and `image`, `stdio` for `command`'),
    url: address().optional().describe('Of a server that runs elsewhere'),
    image: image.optional().describe('Of a server that is to run beside the agent, as one more container'),
    port: port.optional().describe('Where that image listens. Default: 3100, and up from there for further ones'),
    path: text(2_048)
      .regex(/^\/[\w.~!&'()*+,;=:@%/-]*$/, 'expected an absolute path')
      .optional()
      .describe('Endpoint of that image. Default: `/mcp`, and `/sse` with `transport: sse`'),
    command: line(4_096).optional().describe('Program that the sidecar starts, inside its own container'),
    args: listOf(text(LONGEST_VALUE)).optional().describe('Its arguments'),
    token_env: environmentName.optional().describe('Variable of the sidecar that holds the bearer token for `url`'),
  })
  .meta({ id: 'AgentMcpServer' });

const model = z.looseObject({
  primary: line(256).describe('The model that it mostly uses'),
  fallback: line(256).optional().describe('The model when that one fails'),
});

const runtime = z.looseObject({
  language: line(64).optional().describe('Such as `node`'),
  framework: line(128).optional().describe('Such as `vercel-ai`'),
  version: mayBeUnquoted(line(64)).optional().describe("The language's version"),
  entrypoint: line(1_024).optional().describe('File that is started'),
});

const sidecar = z.looseObject({
  enabled: z.boolean().default(true).describe('`false`: never a sidecar'),
  image: image.optional().describe("The sidecar's image. Default: `outrider/outrider` of this version"),
  guardrails: listOf(
    z.union([guardName, presetRule, builtInRule, webhookRule, ownRule], {
      error: 'expected the name of a guardrail, or a rule as in outrider.yaml',
    }),
  )
    .default([])
    .describe('Rules as in `outrider.yaml`, besides those of `guardrails`'),
  otel_endpoint: address('list OTEL_EXPORTER_OTLP_HEADERS under `deploy.sidecar.secrets`')
    .optional()
    .describe('Where traces go: OTLP over HTTP'),
  cost_tracking: z.boolean().default(true).describe('`false`: nothing is shipped to a ledger'),
  secrets: listOf(environmentName)
    .default([])
    .describe(
      "Further variables of the sidecar whose values are the platform's secrets, such as `OTEL_EXPORTER_OTLP_HEADERS`",
    ),
  agent_port: port
    .optional()
    .describe('Where the agent listens, on loopback. Default: 8081, which it is told by `PORT` and `HOST`'),
});

const scaling = z.looseObject({
  min: z
    .int()
    .min(0, 'expected a whole number from 0')
    .max(MOST, `expected at most ${MOST}`)
    .optional()
    .describe('Instances at least'),
  max: z
    .int()
    .min(1, 'expected a whole number from 1')
    .max(MOST, `expected at most ${MOST}`)
    .optional()
    .describe('Instances at most'),
  target_cpu: z
    .int()
    .min(1, 'expected a percentage from 1')
    .max(100, 'expected a percentage up to 100')
    .optional()
    .describe('Load of the processors, in percent, beyond which one more is started'),
});

const MOST_CORES = 256;
const LEAST_MIB = 4;

const resources = z.looseObject({
  cpu: mayBeUnquoted(
    z
      .string()
      .regex(/^\d{1,6}(\.\d{1,3}|m)?$/, { error: 'expected a number of cores such as 1, 0.5 or 500m', abort: true })
      .refine((text) => (parseCpu(text) ?? 0) > 0, 'expected more than none')
      .refine((text) => (parseCpu(text) ?? 0) <= MOST_CORES, `expected a number of cores, at most ${MOST_CORES}`),
  )
    .optional()
    .describe('Cores of the agent: `1`, `0.5`, `500m`'),
  memory: mayBeUnquoted(
    z
      .string()
      .regex(/^\d{1,15}(\.\d{1,3})?(Ki|Mi|Gi|M|G)?$/, { error: 'expected a size such as 512Mi or 2Gi', abort: true })
      .refine(
        (text) => (parseMemory(text) ?? 0) >= LEAST_MIB,
        'expected a size such as 512Mi: a number alone counts bytes',
      ),
  )
    .optional()
    .describe('Memory of the agent: `512Mi`, `2Gi`, or a number of bytes'),
});

const deploy = z.looseObject({
  cloud: z
    .enum(['aws', 'azure', 'gcp', 'kubernetes', 'local', 'claude-managed'])
    .optional()
    .describe('Where it is to run'),
  runtime: line(128).optional().describe('Which service of that cloud, such as `ecs-fargate`'),
  region: line(128).optional().describe("The cloud's region"),
  scaling: scaling.optional().describe('How many of it'),
  resources: resources.optional().describe('How much one of them gets'),
  env_vars: z
    .record(environmentName, mayBeUnquoted(text(LONGEST_VALUE)))
    .optional()
    .describe('Variables of the agent; no secrets'),
  secrets: listOf(environmentName)
    .optional()
    .describe("Variables of the agent whose values are the platform's secrets"),
  sidecar: sidecar.optional().describe('What the sidecar is to be like'),
});

export const agentFileSchema = z
  .looseObject({
    name: z
      .string()
      .regex(
        /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
        'expected lower-case letters, digits and "-" between them, at most 63',
      )
      .describe("The agent's name, in costs, traces and audit rows; the workload's too"),
    version: text(128)
      .regex(SEMVER, 'expected a semantic version, such as 1.0.0')
      .optional()
      .describe("The agent's version"),
    team: line(128).optional().describe('Default team of cost events'),
    owner: line(256).optional().describe('Who answers for it'),
    framework: line(128).optional().describe('Such as `langgraph`; excludes `runtime`'),
    runtime: runtime.optional().describe('Of agents that are not in Python; excludes `framework`'),
    model: model.optional().describe('What it thinks with'),
    guardrails: listOf(
      z.union([guardName, customGuardrail], {
        error: 'expected the name of a guardrail, or a mapping with `name` and `endpoint`',
      }),
    )
      .optional()
      .describe('`pii_detection`, `content_filter`, `secrets`, and endpoints of your own. Ask for the sidecar'),
    tools: listOf(tool).optional().describe('Tools; those of MCP and A2A ask for the sidecar'),
    mcp_servers: listOf(mcpServer).optional().describe('MCP servers. Ask for the sidecar'),
    a2a: z
      .looseObject({ peers: configSchema.shape.a2a_peers.describe('Peers by name: `URL`, or a mapping') })
      .optional()
      .describe('Agents that it calls. Asks for the sidecar'),
    deploy: deploy.optional().describe('Where and how it runs'),
  })
  .meta({ id: 'AgentFile', title: 'Agent' });

/** `agent.yaml`, checked. */
export type AgentFileValues = z.output<typeof agentFileSchema>;

/** JSON Schema of `agent.yaml`, for editors: draft 7, which all of them understand. */
export function agentFileJsonSchema(): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(agentFileSchema, {
    io: 'input',
    target: 'draft-07',
    override: ({ zodSchema, jsonSchema }) => {
      if (unquoted.has(zodSchema)) jsonSchema.type = ['string', 'number', 'boolean'];
    },
  });
}
