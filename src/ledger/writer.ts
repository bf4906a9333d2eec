import type { DatabaseSync } from 'node:sqlite';
import type { OutriderError } from '../errors.ts';
import { isFull, pragma, toStorageError, transaction } from '../storage/sqlite.ts';
import { chainHash } from './chain.ts';
import { LEDGER_NAME } from './database.ts';
import type { CostEvent } from './port.ts';
import { type AppendOutcome, type AuditRecord, COST_COLUMNS, costRecorded, type LedgerRecord } from './records.ts';

/** Pages that housekeeping may use beyond the bound, so that a full ledger can still be emptied. */
const RESERVE_PAGES = 64;

export interface Writer {
  /** Appends all units in one transaction, each all or nothing. An unit's answer is its outcomes, or why it was refused. */
  append(units: readonly (readonly LedgerRecord[])[]): (AppendOutcome[] | OutriderError)[];
  /** Appends one audit row inside the caller's transaction. */
  appendAudit(entry: AuditRecord): AppendOutcome;
  /** Runs housekeeping in a transaction that may use the reserve. */
  housekeeping<T>(work: () => T): T;
}

interface Head {
  seq: number;
  hash: Uint8Array;
}

/** The only code that adds rows to `costs` and `audit_log`. `maxBytes` bounds the database file, its WAL not counted. */
export function createWriter(db: DatabaseSync, maxBytes?: number): Writer {
  const pageSize = pragma(db, 'page_size');
  const bound = (reserve: number): void => {
    if (maxBytes !== undefined) db.exec(`PRAGMA max_page_count = ${Math.floor(maxBytes / pageSize) + reserve}`);
  };
  bound(0);

  const insertCost = db.prepare(
    `INSERT INTO costs (${COST_COLUMNS}, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const oldCost = db.prepare(
    'SELECT agent, model, provider, input_tokens, output_tokens, cost_nanos FROM costs WHERE event_id = ?',
  );
  const insertAudit = db.prepare(
    `INSERT INTO audit_log (seq, event_id, event_type, actor, resource, metadata, timestamp, recorded_at, prev_hash, hash)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const oldAudit = db.prepare('SELECT event_type, actor, resource, metadata FROM audit_log WHERE event_id = ?');
  const readHead = db.prepare('SELECT seq, hash FROM audit_head WHERE id = 1');
  const writeHead = db.prepare('UPDATE audit_head SET seq = ?, hash = ? WHERE id = 1');

  const appendAudit = (entry: AuditRecord, now: string): AppendOutcome => {
    const old = oldAudit.get(entry.event_id);
    if (old !== undefined) {
      const same =
        old['event_type'] === entry.event_type &&
        old['actor'] === entry.actor &&
        old['resource'] === entry.resource &&
        // What belongs to a cost event was compared with that event.
        (entry.event_type === 'cost.recorded' || old['metadata'] === entry.metadata);
      return { duplicate: true, conflict: !same };
    }
    // The table is STRICT and has one row, which the schema puts there. Read each time: another process may write too.
    const head = readHead.get() as unknown as Head;
    const row = { ...entry, seq: head.seq + 1, recorded_at: now };
    const hash = chainHash(head.hash, row);
    insertAudit.run(
      row.seq,
      row.event_id,
      row.event_type,
      row.actor,
      row.resource,
      row.metadata,
      row.timestamp,
      row.recorded_at,
      head.hash,
      hash,
    );
    writeHead.run(row.seq, hash);
    return NEW;
  };

  const appendCost = (event: CostEvent, audited: boolean, now: string): AppendOutcome => {
    // Asked first: an INSERT that does nothing would still use up a number, and the numbers count what is to be shipped.
    const old = oldCost.get(event.event_id);
    if (old !== undefined) {
      // Only what a retry cannot change is compared: time, trace, team and version may have been filled in from defaults, and what
      // the tokens were may have been left out by an older sidecar or ledger on the way.
      const same =
        old['agent'] === event.agent &&
        old['model'] === event.model &&
        old['provider'] === event.provider &&
        old['input_tokens'] === event.input_tokens &&
        old['output_tokens'] === event.output_tokens &&
        old['cost_nanos'] === event.cost_nanos;
      return { duplicate: true, conflict: !same };
    }
    insertCost.run(
      event.event_id,
      event.agent,
      event.agent_version,
      event.team,
      event.model,
      event.provider,
      event.input_tokens,
      event.output_tokens,
      event.cached_input_tokens,
      event.cache_write_tokens,
      event.reasoning_tokens,
      event.usage,
      event.cost_nanos,
      event.trace_id,
      event.occurred_at,
      now,
    );
    if (audited) appendAudit(costRecorded(event, now), now);
    return NEW;
  };

  const appendUnit = (unit: readonly LedgerRecord[]): AppendOutcome[] => {
    const now = new Date().toISOString();
    return unit.map((record) =>
      record.kind === 'cost' ? appendCost(record.event, record.audited, now) : appendAudit(record.entry, now),
    );
  };

  return {
    append(units) {
      try {
        return transaction(db, () => units.map(appendUnit));
      } catch (thrown) {
        const error = toStorageError(thrown, LEDGER_NAME);
        // One unit is wrong, or too large for the room that is left: only that is refused. By halves, because each transaction
        // that succeeds costs a flush.
        if (units.length > 1 && (error.code === 'internal' || isFull(thrown))) {
          const half = units.length >> 1;
          return [...this.append(units.slice(0, half)), ...this.append(units.slice(half))];
        }
        return units.map(() => error);
      }
    },
    appendAudit: (entry) => appendAudit(entry, new Date().toISOString()),
    housekeeping(work) {
      bound(RESERVE_PAGES);
      try {
        return transaction(db, work);
      } finally {
        bound(0);
      }
    },
  };
}

const NEW: AppendOutcome = { duplicate: false, conflict: false };
