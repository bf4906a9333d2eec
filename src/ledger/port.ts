/**
 * What the rest of the program knows of the ledger: events go in, and come back only when they are on disk.
 * Adapters: `store.ts` (SQLite in its own thread).
 */

/**
 * Whether the tokens of an event are all that the call used (`complete`), what was known when it broke off (`partial`: tokens and
 * price are a lower bound), or not known at all (`unknown`: zeros that say nothing).
 */
export const USAGE_KINDS = ['complete', 'partial', 'unknown'] as const;
export type UsageKind = (typeof USAGE_KINDS)[number];

/** One model call and its price. Names are those of the wire and of the `costs` table. */
export interface CostEvent {
  /** Identity of the event: the same id is recorded once, however often it comes. 1–128 printable ASCII characters. */
  event_id: string;
  agent: string;
  agent_version: string | null;
  team: string | null;
  model: string;
  provider: string | null;
  /** All input, with what was read from a cache and what was written to one. */
  input_tokens: number;
  /** All output, with reasoning. */
  output_tokens: number;
  /** Of the input, what was read from a cache; null, as the next two, when nobody said it. */
  cached_input_tokens: number | null;
  /** Of the input, what was written to a cache. */
  cache_write_tokens: number | null;
  /** Of the output, what was reasoning. */
  reasoning_tokens: number | null;
  usage: UsageKind | null;
  /** Price in nano-dollars (1 USD = 1_000_000_000), an integer; null when the price is not known. */
  cost_nanos: number | null;
  trace_id: string | null;
  /** RFC 3339 timestamp in UTC with milliseconds. */
  occurred_at: string;
}

/** One entry of the audit log. `metadata` never holds text that a guardrail matched, nor a secret. */
export interface AuditEntry {
  event_type: string;
  actor: string;
  resource: string;
  metadata: Readonly<Record<string, unknown>>;
  /** RFC 3339 timestamp in UTC with milliseconds. */
  timestamp: string;
  /** Identity for deduplication; made by the ledger when absent. */
  event_id?: string;
}

/** Where cost events are made durable. */
export interface CostRecorder {
  /**
   * Resolves once the event (one row in `costs`, one `cost.recorded` row in `audit_log`) is on disk.
   * Rejects with `storage_full` when the disk or the configured bound is full, `overloaded` when too many wait.
   */
  recordCost(event: CostEvent): Promise<{ duplicate: boolean }>;
}

/** Where layers report what they decided. Never throws and never makes the caller wait; losses are counted and shown. */
export interface AuditSink {
  audit(entry: AuditEntry): void;
}
