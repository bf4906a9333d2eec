import type * as GenaiPrices from '@pydantic/genai-prices';
import type { TokenUsage } from './usage.ts';

type Prices = typeof GenaiPrices;

let loading: Promise<Prices> | undefined;

/** Loads the price list, which is large, at the first need of it. It is that of the package: nothing is fetched. */
export function loadPrices(): Promise<Prices> {
  loading ??= import('@pydantic/genai-prices');
  return loading;
}

/** The provider of a URL, by the id that `@pydantic/genai-prices` gives it: `openai`, `azure`, `groq`. */
export async function providerOf(url: URL): Promise<string | undefined> {
  const { findProvider } = await loadPrices();
  // Without the query, where keys may stand.
  return findProvider({ providerApiUrl: url.origin + url.pathname })?.id;
}

/** More is not what one call costs, and the ledger takes no more. */
const MAX_USD = 1_000_000;

/**
 * What a call costs, in US dollars, by the list price of tokens and searches on that day. Null when it is not known: no such model
 * there, no price for something that was used, numbers that cannot be. Never 0 for want of a price.
 */
export async function priceOf(call: {
  provider: string;
  model: string;
  usage: TokenUsage;
  at: Date;
}): Promise<number | null> {
  const { provider, model, usage, at } = call;
  if (usage.unpriceable || usage.input === undefined || usage.output === undefined) return null;
  const counts: Record<string, number> = {
    ...usage.details,
    input_tokens: usage.input,
    output_tokens: usage.output,
    ...(usage.cachedInput !== undefined && { cache_read_tokens: usage.cachedInput }),
    ...(usage.cacheWrite !== undefined && { cache_write_tokens: usage.cacheWrite }),
    ...(usage.reasoning !== undefined && { output_reasoning_tokens: usage.reasoning }),
  };
  try {
    const { calcPrice } = await loadPrices();
    const price = calcPrice(counts, model, { providerId: provider, timestamp: at });
    if (price === null) return null;
    for (const [count, key] of NEEDED) {
      if ((counts[count] ?? 0) > 0 && price.model_price[key] === undefined) return null;
    }
    const usd = price.total_price;
    return usd >= 0 && usd <= MAX_USD ? usd : null;
  } catch {
    // It throws where counts contradict each other, or have no price together.
    return null;
  }
}

/** Without these prices the list would count nothing, or count audio, which is far dearer, as text. */
const NEEDED: readonly (readonly [string, string])[] = [
  ['input_tokens', 'input_mtok'],
  ['output_tokens', 'output_mtok'],
  ['input_audio_tokens', 'input_audio_mtok'],
  ['output_audio_tokens', 'output_audio_mtok'],
  ['web_searches', 'web_searches_kcount'],
];
