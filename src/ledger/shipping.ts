import type { DatabaseSync } from 'node:sqlite';
import { pragma } from '../storage/sqlite.ts';
import type { CostEvent } from './port.ts';
import {
  type AuditRecord,
  auditBody,
  COST_COLUMNS,
  costBody,
  type LedgerState,
  type PendingBatch,
  type PendingRow,
  type Stream,
} from './records.ts';
import type { Writer } from './writer.ts';

export interface RejectedRow {
  readonly stream: Stream;
  readonly row: PendingRow;
  /** HTTP status with which the ledger refused it. */
  readonly status: number;
}

/** Up to which row each stream is done, how many rows of that the ledger took, and those that it refused for good. */
export interface Acknowledgement {
  readonly through: Readonly<Partial<Record<Stream, number>>>;
  readonly shipped: number;
  readonly rejected: readonly RejectedRow[];
}

export interface Shipping {
  /** The oldest rows that are not shipped yet, at most `rows` of each stream and about `bytes` together. */
  pending(this: void, limit: { rows: number; bytes: number }): PendingBatch;
  /** Makes progress durable: a row is rejected or shipped in the same transaction in which the cursor passes it. */
  acknowledge(this: void, done: Acknowledgement): void;
  state(this: void): LedgerState;
}

export function createShipping(db: DatabaseSync, writer: Writer): Shipping {
  const pageSize = pragma(db, 'page_size');
  const costs = db.prepare(
    `SELECT id, recorded_at, ${COST_COLUMNS}
       FROM costs WHERE id > (SELECT through FROM outbox_cursor WHERE stream = 'costs') ORDER BY id LIMIT ?`,
  );
  const audit = db.prepare(
    `SELECT seq AS id, recorded_at, event_id, event_type, actor, resource, metadata, timestamp
       FROM audit_log WHERE seq > (SELECT through FROM outbox_cursor WHERE stream = 'audit') ORDER BY seq LIMIT ?`,
  );
  const advance = db.prepare('UPDATE outbox_cursor SET through = max(through, ?) WHERE stream = ?');
  const count = db.prepare(`UPDATE outbox_cursor SET shipped_total = shipped_total + ? WHERE stream = 'costs'`);
  const reject = db.prepare(
    `INSERT INTO outbox_rejected (stream, row_id, event_id, body, status, rejected_at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
  );
  const state = db.prepare(
    `SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'costs'), 0) AS costs,
       (SELECT through FROM outbox_cursor WHERE stream = 'costs') AS costs_shipped,
       (SELECT seq FROM audit_head) AS audit,
       (SELECT through FROM outbox_cursor WHERE stream = 'audit') AS audit_shipped,
       (SELECT sum(shipped_total) FROM outbox_cursor) AS shipped_total,
       (SELECT count(*) FROM outbox_rejected) AS rejected`,
  );
  const pages = db.prepare('PRAGMA page_count');
  const free = db.prepare('PRAGMA freelist_count');

  return {
    pending(limit) {
      // Both casts: the tables are STRICT and the columns those of the interface, all integers below 2^53.
      const costRows = costs.iterate(limit.rows) as unknown as Iterable<
        CostEvent & { id: number; recorded_at: string }
      >;
      const auditRows = audit.iterate(limit.rows) as unknown as Iterable<
        AuditRecord & { id: number; recorded_at: string }
      >;
      return {
        costs: take(costRows, limit.bytes / 2, ({ id, recorded_at, ...event }) => ({
          id,
          recorded_at,
          event_id: event.event_id,
          body: JSON.stringify(costBody(event)),
        })),
        audit: take(auditRows, limit.bytes / 2, ({ id, recorded_at, ...entry }) => ({
          id,
          recorded_at,
          event_id: entry.event_id,
          body: auditBody(entry),
        })),
      };
    },

    acknowledge({ through, shipped, rejected }) {
      writer.housekeeping(() => {
        const now = new Date().toISOString();
        for (const { stream, row, status } of rejected) {
          reject.run(stream, row.id, row.event_id, row.body, status, now);
        }
        if (through.costs !== undefined) advance.run(through.costs, 'costs');
        if (through.audit !== undefined) advance.run(through.audit, 'audit');
        count.run(shipped);
      });
    },

    state() {
      const used = Number(pages.get()?.['page_count']) - Number(free.get()?.['freelist_count']);
      // Every column is an integer: coalesced, counted, or NOT NULL in a STRICT table.
      return { ...(state.get() as unknown as Omit<LedgerState, 'used_bytes'>), used_bytes: used * pageSize };
    },
  };
}

/** At least one row when there is one, so that a large row is never stuck. */
function take<T>(rows: Iterable<T>, bytes: number, convert: (row: T) => PendingRow): PendingRow[] {
  const out: PendingRow[] = [];
  let size = 0;
  for (const raw of rows) {
    const row = convert(raw);
    out.push(row);
    size += row.body.length;
    if (size >= bytes) break;
  }
  return out;
}
