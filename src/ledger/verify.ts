import type { DatabaseSync } from 'node:sqlite';
import { type AuditColumns, chainHash } from './chain.ts';

/** What a look at the whole chain found. */
export type Verification =
  | {
      readonly ok: true;
      /** Rows that were checked, and how many older ones retention has removed. */
      readonly rows: number;
      readonly pruned: number;
      /** The newest row that was checked; note it elsewhere to be able to prove later that nothing before it changed. */
      readonly head: { readonly seq: number; readonly hash: string };
    }
  | {
      readonly ok: false;
      /** The first row that is wrong or missing. */
      readonly seq: number;
      readonly fault: 'changed' | 'removed' | 'inserted' | 'head_lost' | 'prune_not_recorded';
      readonly message: string;
    };

type Fault = Extract<Verification, { ok: false }>['fault'];
type Row = AuditColumns & { prev_hash: Uint8Array; hash: Uint8Array };
interface Head {
  seq: number;
  hash: Uint8Array;
  pruned_through: number;
  pruned_hash: Uint8Array;
}

const CHUNK = 1000;

/** A row that was noted down earlier, such as the head that an earlier verification gave. */
export interface Checkpoint {
  readonly seq: number;
  /** Hexadecimal. */
  readonly hash: string;
}

/**
 * Checks every row of `audit_log` against the chain, and the chain against its recorded beginning and end. Reads in chunks, so
 * that no long transaction keeps the write-ahead log from being emptied; rows that come in meanwhile are left for the next time.
 */
export function verify(db: DatabaseSync, checkpoint?: Checkpoint): Verification {
  const readHead = db.prepare('SELECT seq, hash, pruned_through, pruned_hash FROM audit_head WHERE id = 1');
  const readRows = db.prepare('SELECT * FROM audit_log WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?');
  // The table is STRICT; its columns are those of the interface.
  const head = (): Head | undefined => readHead.get() as unknown as Head | undefined;

  let end = head();
  if (end === undefined) return bad(1, 'head_lost', 'the record of the newest row is gone');
  let seq = end.pruned_through;
  let hash = end.pruned_hash;
  let rows = 0;
  let previous: Row | undefined;
  let lastPrune: string | undefined;
  while (seq < end.seq) {
    // The same: STRICT, and these are all columns.
    const chunk = readRows.all(seq, end.seq, CHUNK) as unknown as Row[];
    if (chunk[0]?.seq !== seq + 1) {
      const now = head();
      if (now === undefined) return bad(seq + 1, 'head_lost', 'the record of the newest row is gone');
      if (now.pruned_through <= seq) return bad(seq + 1, 'removed', `row ${seq + 1} was removed`);
      // Retention has passed us while we were reading: go on behind it.
      end = now;
      seq = now.pruned_through;
      hash = now.pruned_hash;
      previous = undefined;
      continue;
    }
    for (const row of chunk) {
      if (row.seq !== seq + 1) return bad(seq + 1, 'removed', `row ${seq + 1} was removed`);
      if (!same(chainHash(hash, row), row.hash)) {
        // A row that is sound by its own account accuses the one before it, whose hash was made anew.
        if (previous !== undefined && !same(row.prev_hash, hash) && same(chainHash(row.prev_hash, row), row.hash)) {
          return bad(previous.seq, 'changed', `row ${previous.seq} was changed`);
        }
        return bad(row.seq, 'changed', `row ${row.seq} was changed`);
      }
      if (!same(row.prev_hash, hash)) return bad(row.seq, 'changed', `row ${row.seq} was changed`);
      if (checkpoint?.seq === row.seq && !same(Buffer.from(checkpoint.hash, 'hex'), row.hash)) {
        return bad(row.seq, 'changed', `row ${row.seq} or one before it was changed: its hash is not the one noted`);
      }
      if (row.event_type === 'audit.pruned') lastPrune = row.metadata;
      seq = row.seq;
      hash = row.hash;
      previous = row;
      rows++;
    }
  }
  if (!same(hash, end.hash)) return bad(seq, 'changed', `row ${seq} was changed: it is not the one written last`);
  const extra = db
    .prepare('SELECT min(seq) AS seq FROM audit_log WHERE seq < 1 OR seq > (SELECT seq FROM audit_head)')
    .get()?.['seq'];
  if (typeof extra === 'number') return bad(extra, 'inserted', `row ${extra} was not written by the ledger`);
  if (end.pruned_through > 0 && !records(lastPrune, end)) {
    return bad(1, 'prune_not_recorded', `rows 1 to ${end.pruned_through} were removed without a record`);
  }
  if (checkpoint !== undefined && checkpoint.seq > seq) {
    return bad(seq + 1, 'removed', `row ${seq + 1} was removed: row ${checkpoint.seq} has been noted`);
  }
  return { ok: true, rows, pruned: end.pruned_through, head: { seq, hash: Buffer.from(hash).toString('hex') } };
}

/** True when `metadata`, of the newest `audit.pruned` row, speaks of exactly what is gone. */
function records(metadata: string | undefined, anchor: Head): boolean {
  if (metadata === undefined) return false;
  const { through, hash } = JSON.parse(metadata) as { through?: unknown; hash?: unknown };
  return through === anchor.pruned_through && hash === Buffer.from(anchor.pruned_hash).toString('hex');
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function bad(seq: number, fault: Fault, message: string): Verification {
  return { ok: false, seq, fault, message };
}
