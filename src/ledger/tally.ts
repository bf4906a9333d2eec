import type { OutriderError } from '../errors.ts';
import type { AppendOutcome, LedgerRecord } from './records.ts';

/** Something that an operator should read. */
export interface LedgerNotice {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Counters since the start. */
export interface Totals {
  costs_recorded_total: number;
  cost_duplicates_total: number;
  /** Events that came again under the same id with other content; the first content stands. */
  conflicts_total: number;
  audit_recorded_total: number;
  /** Audit entries that could not be written. */
  audit_lost_total: number;
  /** Events and rows that were refused, each with an error to its sender. */
  refused_total: number;
  /** Times that the writing thread had to be started again. */
  restarts_total: number;
}

const NOTICE_EVERY_MS = 60_000;

/** Counts what became of every record, and tells the operator of what went wrong. */
export class Tally {
  readonly totals: Totals = {
    costs_recorded_total: 0,
    cost_duplicates_total: 0,
    conflicts_total: 0,
    audit_recorded_total: 0,
    audit_lost_total: 0,
    refused_total: 0,
    restarts_total: 0,
  };
  readonly #notice: ((notice: LedgerNotice) => void) | undefined;
  readonly #quietUntil = new Map<string, number>();
  /** Audit entries lost since the last time that this was recorded. */
  #unreported = 0;

  constructor(notice: ((notice: LedgerNotice) => void) | undefined) {
    this.#notice = notice;
  }

  written(record: LedgerRecord, outcome: AppendOutcome | undefined): void {
    const fresh = outcome?.duplicate !== true;
    if (record.kind === 'cost') this.totals[fresh ? 'costs_recorded_total' : 'cost_duplicates_total']++;
    if (fresh && (record.kind === 'audit' || record.audited)) this.totals.audit_recorded_total++;
    if (outcome?.conflict !== true) return;
    this.totals.conflicts_total++;
    const event_id = record.kind === 'cost' ? record.event.event_id : record.entry.event_id;
    this.#tell({
      level: 'warn',
      message: 'an event id came again with other content; what was recorded first stands',
      fields: { event_id },
    });
  }

  refused(count: number, error: OutriderError): void {
    this.totals.refused_total += count;
    this.#tell({ level: 'error', message: 'the ledger refused events', fields: fieldsOf(error) });
  }

  lost(count: number, error: OutriderError): void {
    this.totals.audit_lost_total += count;
    this.#unreported += count;
    this.#tell({ level: 'error', message: 'audit entries were lost', fields: fieldsOf(error) });
  }

  takeUnreported(): number {
    const count = this.#unreported;
    this.#unreported = 0;
    return count;
  }

  /** What can happen a thousand times a second is said once a minute; the counters tell the rest. */
  #tell(notice: LedgerNotice): void {
    const now = performance.now();
    if (now < (this.#quietUntil.get(notice.message) ?? 0)) return;
    this.#quietUntil.set(notice.message, now + NOTICE_EVERY_MS);
    this.#notice?.(notice);
  }
}

/** What an operator may know of an error. */
export function fieldsOf(error: OutriderError): Record<string, unknown> {
  return { code: error.code, cause: error.cause instanceof Error ? error.cause.message : error.cause };
}
