import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Writer } from './writer.ts';

/** Fewer audit rows than this are not worth the `audit.pruned` row that records their going. */
const MIN_AUDIT_ROWS = 100;

export interface Retention {
  /**
   * Removes up to `rows` of the oldest rows of each table that were shipped and recorded before `before` (RFC 3339). What goes
   * from `audit_log` is recorded there, and the last hash that went is kept, so that the rest can still be verified.
   */
  prune(this: void, what: { before: string; rows: number }): { pruned: number };
}

export function createRetention(db: DatabaseSync, writer: Writer): Retention {
  const lastCost = db.prepare(
    `SELECT max(id) AS through FROM (SELECT id, recorded_at FROM costs
       WHERE id <= (SELECT through FROM outbox_cursor WHERE stream = 'costs') ORDER BY id LIMIT ?) WHERE recorded_at < ?`,
  );
  const deleteCosts = db.prepare('DELETE FROM costs WHERE id <= ?');
  const lastAudit = db.prepare(
    `SELECT max(seq) AS through, count(*) AS rows FROM (SELECT seq, recorded_at FROM audit_log
       WHERE seq <= (SELECT through FROM outbox_cursor WHERE stream = 'audit') ORDER BY seq LIMIT ?) WHERE recorded_at < ?`,
  );
  const moveAnchor = db.prepare(
    `UPDATE audit_head SET pruned_through = ?1, pruned_hash = (SELECT hash FROM audit_log WHERE seq = ?1)
       WHERE id = 1 RETURNING hex(pruned_hash) AS hash`,
  );
  const deleteAudit = db.prepare('DELETE FROM audit_log WHERE seq <= ?');

  return {
    prune({ before, rows }) {
      return writer.housekeeping(() => {
        let pruned = 0;
        const cost = lastCost.get(rows, before)?.['through'];
        if (typeof cost === 'number') pruned += Number(deleteCosts.run(cost).changes);

        const audit = lastAudit.get(rows, before);
        const through = audit?.['through'];
        if (typeof through === 'number' && Number(audit?.['rows']) >= MIN_AUDIT_ROWS) {
          const hash = String(moveAnchor.get(through)?.['hash']).toLowerCase();
          const removed = Number(deleteAudit.run(through).changes);
          pruned += removed;
          writer.appendAudit({
            event_id: `audit.pruned:${randomUUID()}`,
            event_type: 'audit.pruned',
            actor: 'outrider',
            resource: 'audit_log',
            metadata: JSON.stringify({ through, hash, rows: removed }),
            timestamp: new Date().toISOString(),
          });
        }
        return { pruned };
      });
    },
  };
}
