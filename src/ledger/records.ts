import { nanosToUsd } from './money.ts';
import type { CostEvent } from './port.ts';

/** An audit entry as it is stored: complete, bounded, its metadata already JSON text. */
export interface AuditRecord {
  event_id: string;
  event_type: string;
  actor: string;
  resource: string;
  metadata: string;
  timestamp: string;
}

/** What the writer appends. A cost that is `audited` brings its own `cost.recorded` row; those of other programs do not. */
export type LedgerRecord =
  | { readonly kind: 'cost'; readonly event: CostEvent; readonly audited: boolean }
  | { readonly kind: 'audit'; readonly entry: AuditRecord };

/** `conflict`: the id was there already, with other content; the first content stands. */
export interface AppendOutcome {
  readonly duplicate: boolean;
  readonly conflict: boolean;
}

/** The two kinds of rows, each shipped in the order in which it was written. */
export type Stream = 'costs' | 'audit';

/** What the writer knows without searching; comes along with every answer. */
export interface LedgerState {
  /** Number of the newest row, and of the newest row that was shipped (or put aside). */
  costs: number;
  costs_shipped: number;
  audit: number;
  audit_shipped: number;
  /** Rows acknowledged by the ledger since this database was made. */
  shipped_total: number;
  /** Rows that the ledger refused for good, kept in `outbox_rejected`. */
  rejected: number;
  /** Bytes in use, the file's free pages not counted. */
  used_bytes: number;
}

export interface PendingRow {
  readonly id: number;
  readonly event_id: string;
  /** JSON text as it is posted. */
  readonly body: string;
  readonly recorded_at: string;
}

export type PendingBatch = Record<Stream, readonly PendingRow[]>;

/**
 * The body of `POST /api/v1/costs`. What nobody said about the tokens is left out: a ledger from before they were told apart gets
 * the body that it knows.
 */
export function costBody(event: CostEvent): Record<string, unknown> {
  const { cost_nanos, cached_input_tokens, cache_write_tokens, reasoning_tokens, usage, ...rest } = event;
  return {
    ...rest,
    cost_usd: nanosToUsd(cost_nanos),
    ...(cached_input_tokens !== null && { cached_input_tokens }),
    ...(cache_write_tokens !== null && { cache_write_tokens }),
    ...(reasoning_tokens !== null && { reasoning_tokens }),
    ...(usage !== null && { usage }),
  };
}

/** The columns of `costs` that make a `CostEvent`. */
export const COST_COLUMNS = `event_id, agent, agent_version, team, model, provider, input_tokens, output_tokens,
  cached_input_tokens, cache_write_tokens, reasoning_tokens, usage, cost_nanos, trace_id, occurred_at`;

/** The audit row that belongs to a cost event. Its id follows from the event's, so that it too is recorded once. */
export function costRecorded(event: CostEvent, now: string): AuditRecord {
  const { agent: _actor, ...metadata } = costBody(event);
  return {
    event_id: `cost.recorded:${event.event_id}`,
    event_type: 'cost.recorded',
    actor: event.agent,
    resource: `costs/${event.event_id}`,
    metadata: JSON.stringify(metadata),
    timestamp: now,
  };
}

/** The body of `POST /api/v1/audit`, as JSON text. `metadata` goes in as it was stored. */
export function auditBody(entry: AuditRecord): string {
  const { metadata, ...rest } = entry;
  return `${JSON.stringify(rest).slice(0, -1)},"metadata":${metadata}}`;
}
