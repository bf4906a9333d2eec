/** What one model call used, as far as its reply said so in numbers that can be. */
export interface TokenUsage {
  /** All input, with what was read from a cache and what was written to one; undefined when it is not known. */
  readonly input: number | undefined;
  /** All output, with reasoning. */
  readonly output: number | undefined;
  readonly cachedInput: number | undefined;
  readonly cacheWrite: number | undefined;
  readonly reasoning: number | undefined;
  /** Further counts that have a price of their own, under the names of `@pydantic/genai-prices`. */
  readonly details: Readonly<Record<string, number>>;
  /** True when the reply said something that cannot be, or something whose price is in no list: then no price is known. */
  readonly unpriceable: boolean;
}

/** No call of a model is larger: what says so is wrong, and would be dear. */
const MAX_COUNT = 1e9;

/** Reads counts out of what a provider wrote about a call, and notes those that cannot be. */
export class UsageReader {
  readonly #raw: Readonly<Record<string, unknown>>;
  readonly details: Record<string, number> = {};
  unpriceable = false;

  constructor(raw: Readonly<Record<string, unknown>>) {
    this.#raw = raw;
  }

  /** The count at a path; undefined when it is absent, null, or no count. */
  count(...path: readonly string[]): number | undefined {
    let value: unknown = this.#raw;
    for (const name of path) value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MAX_COUNT) return value;
    this.unpriceable = true;
    return undefined;
  }

  /** Whether there is anything at this name, right or wrong. */
  has(name: string): boolean {
    return Object.hasOwn(this.#raw, name) && this.#raw[name] !== null;
  }

  /** Adds to a count that has a price of its own. */
  detail(name: string, count: number | undefined): void {
    if (count !== undefined && count > 0) this.details[name] = (this.details[name] ?? 0) + count;
  }

  /** A text of which only some values stand for the prices that lists have. */
  expect(name: string, listed: ReadonlySet<string>): void {
    const value = this.#raw[name];
    if (value !== undefined && value !== null && !(typeof value === 'string' && listed.has(value.toLowerCase()))) {
      this.unpriceable = true;
    }
  }

  /** The lists of counts by modality that Google's APIs give: `[{modality: 'AUDIO', tokenCount: 7}]`. */
  modalities(name: string, each: (modality: string, count: number) => void): void {
    const list = this.#raw[name];
    if (!Array.isArray(list)) return;
    for (const entry of list.slice(0, 16)) {
      if (!isObject(entry) || typeof entry['modality'] !== 'string') continue;
      const reader = new UsageReader(entry);
      each(entry['modality'].toLowerCase(), reader.count('tokenCount') ?? reader.count('tokens') ?? 0);
      if (reader.unpriceable) this.unpriceable = true;
    }
  }

  /** A part that is more than the whole is wrong. */
  usage(counts: {
    input: number | undefined;
    output: number | undefined;
    cachedInput?: number | undefined;
    cacheWrite?: number | undefined;
    reasoning?: number | undefined;
  }): TokenUsage {
    const { input, output } = counts;
    let { cachedInput, cacheWrite, reasoning } = counts;
    if ((cachedInput ?? 0) + (cacheWrite ?? 0) > (input ?? Number.POSITIVE_INFINITY)) {
      cachedInput = undefined;
      cacheWrite = undefined;
      this.unpriceable = true;
    }
    if ((reasoning ?? 0) > (output ?? Number.POSITIVE_INFINITY)) {
      reasoning = undefined;
      this.unpriceable = true;
    }
    return { input, output, cachedInput, cacheWrite, reasoning, details: this.details, unpriceable: this.unpriceable };
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function sum(...counts: readonly (number | undefined)[]): number {
  return counts.reduce<number>((total, count) => total + (count ?? 0), 0);
}
