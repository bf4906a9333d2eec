import { isObject, type TokenUsage } from './usage.ts';

/** A name that the ledger takes: control characters have no business in one. */
export function modelName(value: unknown): string | undefined {
  return typeof value === 'string' && /^[^\p{Cc}\p{Cs}]{1,256}$/u.test(value) ? value : undefined;
}

/** No provider has as many; a stream without end could send another with each event. */
const MAX_NAMES = 64;

/** What has been read of a reply so far. */
export class Reading {
  /** The model that answered, as the provider calls it. */
  model: string | undefined;
  /** What the provider wrote of the usage, later words over earlier ones. */
  usage: Record<string, unknown> | undefined;
  /** True once `usage` is all: nothing that may follow can change it. */
  isFinal = false;
  /** True once the provider has broken it off with an error. */
  isCut = false;
  #names = 0;

  sawModel(value: unknown): void {
    this.model = modelName(value) ?? this.model;
  }

  sawError(value: unknown): void {
    if (value !== undefined && value !== null) this.isCut = true;
  }

  /** Members that are null say nothing. */
  sawUsage(value: unknown): boolean {
    if (!isObject(value)) return false;
    // Without a prototype: the names come from outside.
    this.usage ??= Object.create(null) as Record<string, unknown>;
    for (const [name, member] of Object.entries(value)) {
      if (member === null || (!(name in this.usage) && ++this.#names > MAX_NAMES)) continue;
      this.usage[name] = member;
    }
    return true;
  }
}

/** How one API of model providers says what a call used. */
export interface ModelApi {
  /** Who has made the API: taken for the provider where the host says nothing. An id of `@pydantic/genai-prices`. */
  readonly maker: string;
  /** Paths of the members that count, in a reply or in an event of one. */
  readonly members: ReadonlySet<string>;
  /** Takes in the members of a reply, or of one event of it. */
  read(members: ReadonlyMap<string, unknown>, reading: Reading): void;
  usage(raw: Readonly<Record<string, unknown>>): TokenUsage;
  /** True when its streams say what they used only if the request asks for it (`stream_options.include_usage`). */
  readonly usageOnRequest?: boolean;
  /** True when replies need not be JSON, such as speech. */
  readonly anyMedia?: boolean;
  /** True when every reply says by itself whether its usage is all (`Reading.isFinal`). */
  readonly marksFinal?: boolean;
}
