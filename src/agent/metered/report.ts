import { randomUUID } from 'node:crypto';
import type { Reading } from '../../pricing/api.ts';
import { priceOf, providerOf } from '../../pricing/price.ts';
import type { TokenUsage } from '../../pricing/usage.ts';
import type { CostReport } from '../cost-report.ts';
import type { MeteredCall } from './call-meter.ts';

/** What became of a call. */
export interface CallOutcome {
  readonly model: string;
  readonly reading: Reading | undefined;
  /** Whether its reply came to its end. */
  readonly isWhole: boolean;
}

/** The event of a call that is over. */
export async function costReportOf(call: MeteredCall, { model, reading, isWhole }: CallOutcome): Promise<CostReport> {
  const usage = reading?.usage === undefined ? undefined : call.api.usage(reading.usage);
  const isFinal = reading?.isFinal === true || (isWhole && reading?.isCut !== true && call.api.marksFinal !== true);
  const provider = call.provider ?? (await providerFor(call));
  // Bedrock's own names are those of its price list.
  const listed = provider === 'aws' ? (call.model ?? model) : model;
  return {
    event_id: randomUUID(),
    occurred_at: call.startedAt.toISOString(),
    model,
    provider,
    ...tokensOf(usage, isFinal),
    cost_usd: usage === undefined ? null : await priceOf({ provider, model: listed, usage, at: call.startedAt }),
    ...call.said,
  };
}

/** Zeros where the ledger needs a number and nothing is known; `usage` says so. */
function tokensOf(usage: TokenUsage | undefined, isFinal: boolean): Omit<CostReport, 'model' | 'cost_usd'> {
  const { input, output, cachedInput, cacheWrite, reasoning } = usage ?? {};
  const isKnown = input !== undefined || output !== undefined;
  const isAll = input !== undefined && output !== undefined && isFinal;
  return {
    input_tokens: input ?? 0,
    output_tokens: output ?? 0,
    ...(cachedInput !== undefined && { cached_input_tokens: cachedInput }),
    ...(cacheWrite !== undefined && { cache_write_tokens: cacheWrite }),
    ...(reasoning !== undefined && { reasoning_tokens: reasoning }),
    usage: isAll ? 'complete' : isKnown ? 'partial' : 'unknown',
  };
}

async function providerFor({ url, api }: MeteredCall): Promise<string> {
  try {
    return (await providerOf(url)) ?? api.maker;
  } catch {
    // Without the list nothing has a price, but what was used is worth knowing.
    return api.maker;
  }
}
