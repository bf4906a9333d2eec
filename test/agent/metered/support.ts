import { calcPrice } from '@pydantic/genai-prices';
import { type CostReport, type MeteredOptions, metered } from '../../../src/library/agent.ts';
import { until } from '../../support/until.ts';

export interface Metered {
  readonly fetch: typeof globalThis.fetch;
  readonly events: CostReport[];
  /** Waits for this many, and a little longer for one too many. */
  readonly count: (expected: number, longerMs?: number) => Promise<CostReport[]>;
}

export function meter(options: Omit<MeteredOptions, 'report'> = {}, inner?: typeof globalThis.fetch): Metered {
  const events: CostReport[] = [];
  const fetch = metered(inner, { ...options, report: (event) => events.push(event) });
  return {
    fetch,
    events,
    async count(expected, longerMs = 30) {
      await until(() => events.length >= expected, `${expected} events`, 5_000, 2);
      await new Promise((resolve) => setTimeout(resolve, longerMs));
      if (events.length !== expected) throw new Error(`${events.length} events: ${JSON.stringify(events)}`);
      return events;
    },
  };
}

/** What the list says. */
export function listed(provider: string, model: string, usage: Record<string, number>): number {
  const price = calcPrice(usage, model, { providerId: provider });
  if (price === null || price.total_price === 0) throw new Error(`${model} is not in the list`);
  return price.total_price;
}

/** The parts of events that tests compare; the others differ each time. */
export function told(event: CostReport): object {
  const { event_id: _id, occurred_at: _at, ...rest } = event;
  return rest;
}

export const OPENAI_CHAT = {
  model: 'gpt-5-2025-08-07',
  provider: 'openai',
  input_tokens: 1_817,
  output_tokens: 202,
  cached_input_tokens: 1_536,
  reasoning_tokens: 192,
  usage: 'complete',
  cost_usd: listed('openai', 'gpt-5', { input_tokens: 1_817, output_tokens: 202, cache_read_tokens: 1_536 }),
};
export const OPENAI_RESPONSE = {
  model: 'gpt-5-2025-08-07',
  provider: 'openai',
  input_tokens: 75,
  output_tokens: 1_186,
  cached_input_tokens: 32,
  reasoning_tokens: 1_024,
  usage: 'complete',
  cost_usd: listed('openai', 'gpt-5', { input_tokens: 75, output_tokens: 1_186, cache_read_tokens: 32 }),
};
export const ANTHROPIC = {
  model: 'claude-sonnet-4-5-20250929',
  provider: 'anthropic',
  input_tokens: 2_257,
  output_tokens: 393,
  cached_input_tokens: 2_048,
  cache_write_tokens: 188,
  reasoning_tokens: 300,
  usage: 'complete',
  cost_usd: listed('anthropic', 'claude-sonnet-4-5', {
    input_tokens: 2_257,
    output_tokens: 393,
    cache_read_tokens: 2_048,
    cache_write_tokens: 188,
  }),
};
export const GOOGLE = {
  model: 'gemini-2.5-flash',
  provider: 'google',
  input_tokens: 1_500,
  output_tokens: 330,
  cached_input_tokens: 1_024,
  reasoning_tokens: 318,
  usage: 'complete',
  cost_usd: listed('google', 'gemini-2.5-flash', { input_tokens: 1_500, output_tokens: 330, cache_read_tokens: 1_024 }),
};
