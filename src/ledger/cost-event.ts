import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { EVENT_ID, type Fault, faultsOf, rejectFaults, text, timestamp } from './fields.ts';
import { MAX_USD, usdToNanos } from './money.ts';
import { type CostEvent, USAGE_KINDS } from './port.ts';

const tokens = z.int('expected a whole number of tokens, at most 2^53 - 1').min(0, 'must not be negative');

const costUsd = z
  .union([z.number(), z.null()], 'expected a number of dollars, or null when the price is not known')
  .transform((usd, context) => {
    if (usd === null) return null;
    const nanos = usdToNanos(usd);
    if (nanos !== undefined) return nanos;
    context.addIssue({ code: 'custom', message: `expected dollars from 0 to ${MAX_USD}` });
    return z.NEVER;
  });

const optional = (max: number) => text(max).nullish();

const eventId = z.string().regex(EVENT_ID, 'expected 1 to 128 printable ASCII characters').nullish();

/** The body of `POST /cost`. Members that it does not know are ignored. */
const costBodySchema = z.object({
  model: text(256).describe('Model that was called'),
  input_tokens: tokens.describe('Tokens sent to the model, cached ones too'),
  output_tokens: tokens.describe('Tokens that the model made, reasoning too'),
  cached_input_tokens: tokens.nullish().describe('Of the input tokens, those read from a cache'),
  cache_write_tokens: tokens.nullish().describe('Of the input tokens, those written to a cache'),
  reasoning_tokens: tokens.nullish().describe('Of the output tokens, those of reasoning'),
  usage: z
    .enum(USAGE_KINDS, `expected one of ${USAGE_KINDS.join(', ')}`)
    .nullish()
    .describe('Whether the tokens are all of the call: `partial` when it broke off, `unknown` when they are not known'),
  cost_usd: costUsd.describe('Price in US dollars, kept to the nano-dollar; null when it is not known'),
  provider: optional(128).describe('Who runs the model'),
  trace_id: optional(128).describe('Trace that the call belongs to; default: of `traceparent`'),
  agent: optional(128).describe("Default: the sidecar's agent"),
  agent_version: optional(128).describe("Default: the sidecar's agent's version"),
  team: optional(128).describe("Default: the sidecar's team"),
  occurred_at: timestamp.nullish().describe('When the model was called, RFC 3339; default: now'),
  event_id: eventId.describe('Identity: the same id is recorded once'),
});

/** The body of `POST /api/v1/costs`: it must say whose cost it is. */
export const ledgerCostBodySchema = costBodySchema.extend({ agent: text(128).describe('Agent that made the call') });

export interface CostDefaults {
  agent: string;
  agent_version: string | null;
  team: string | null;
  trace_id?: string | null | undefined;
  /** RFC 3339, UTC, milliseconds. */
  now: string;
}

/**
 * The event in the body of `POST /cost`. An `event_id` in the body goes before the `Idempotency-Key`, and a new one is made when
 * there is neither. Throws `bad_request` whose `details.faults` name every fault.
 */
export function parseCostEvent(body: unknown, defaults: CostDefaults, idempotencyKey?: string): CostEvent {
  const faults: Fault[] = [];
  const event = parseCost(costBodySchema, body, { defaults, idempotencyKey, faults });
  rejectFaults(faults);
  // Without an event there were faults, and that threw.
  return event as CostEvent;
}

/** Parses one event posted to the ledger; adds its faults to `faults`, and returns undefined when there are any. */
export function parseLedgerCost(
  body: unknown,
  options: { now: string; idempotencyKey?: string | undefined; path?: string; faults: Fault[] },
): CostEvent | undefined {
  const defaults = { agent: '', agent_version: null, team: null, now: options.now };
  return parseCost(ledgerCostBodySchema, body, { ...options, defaults });
}

function parseCost(
  schema: typeof costBodySchema | typeof ledgerCostBodySchema,
  body: unknown,
  options: { defaults: CostDefaults; idempotencyKey?: string | undefined; path?: string; faults: Fault[] },
): CostEvent | undefined {
  const { defaults, idempotencyKey, faults } = options;
  const before = faults.length;
  const parsed = schema.safeParse(body);
  if (!parsed.success) faults.push(...faultsOf(parsed.error, options.path));
  if (idempotencyKey !== undefined && !EVENT_ID.test(idempotencyKey)) {
    faults.push({ path: 'Idempotency-Key', message: 'expected 1 to 128 printable ASCII characters' });
  }
  if (!parsed.success || faults.length > before) return undefined;
  const { cost_usd, ...event } = parsed.data;
  return {
    event_id: event.event_id ?? idempotencyKey ?? randomUUID(),
    agent: event.agent ?? defaults.agent,
    agent_version: event.agent_version ?? defaults.agent_version,
    team: event.team ?? defaults.team,
    model: event.model,
    provider: event.provider ?? null,
    input_tokens: event.input_tokens,
    output_tokens: event.output_tokens,
    cached_input_tokens: event.cached_input_tokens ?? null,
    cache_write_tokens: event.cache_write_tokens ?? null,
    reasoning_tokens: event.reasoning_tokens ?? null,
    usage: event.usage ?? null,
    cost_nanos: cost_usd,
    trace_id: event.trace_id ?? defaults.trace_id ?? null,
    occurred_at: event.occurred_at ?? defaults.now,
  };
}
