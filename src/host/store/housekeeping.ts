import type { DatabaseSync } from 'node:sqlite';
import { transaction } from '../../storage/sqlite.ts';
import type { StoreMethods } from './thread.ts';

/** Rows of each table that go in one transaction: others wait for it. */
const CHUNK = 500;

/** What is not asked by callers: the end of what a process left behind, and of what has been kept long enough. */
export function housekeeping(db: DatabaseSync): Pick<StoreMethods, 'interrupt' | 'prune'> {
  const interruptJobs = db.prepare(
    `UPDATE jobs SET status = 'failed', error = ?, request = NULL, finished_at = max(?, coalesce(started_at, created_at))
       WHERE status = 'running' AND finished_at IS NULL`,
  );
  const interruptResults = db.prepare(
    `UPDATE results SET state = 'interrupted', finished_at = max(?, began_at) WHERE state = 'began' AND finished_at IS NULL`,
  );
  const tables = (['jobs', 'results'] as const).map((table) => ({
    // The clock was wrong when these ended, or is now: their time begins anew.
    refresh: db.prepare(
      `UPDATE ${table} SET finished_at = ?1 WHERE seq IN
         (SELECT seq FROM ${table} WHERE finished_at > ?1 + ?2 ORDER BY finished_at DESC LIMIT ${CHUNK})`,
    ),
    old: db.prepare(
      `DELETE FROM ${table} WHERE seq IN
         (SELECT seq FROM ${table} WHERE finished_at < ? ORDER BY finished_at LIMIT ${CHUNK})`,
    ),
    ended: db.prepare(`SELECT count(*) AS n FROM ${table} WHERE finished_at IS NOT NULL`),
    oldest: db.prepare(
      `DELETE FROM ${table} WHERE seq IN
         (SELECT seq FROM ${table} WHERE finished_at IS NOT NULL ORDER BY finished_at, seq LIMIT ?)`,
    ),
  }));

  return {
    interrupt: ({ now, error }) =>
      transaction(db, () => ({
        jobs: Number(interruptJobs.run(error, now).changes),
        results: Number(interruptResults.run(now).changes),
      })),
    prune: ({ now, keepMs, keep }) =>
      transaction(db, () => {
        let pruned = 0;
        let more = false;
        for (const { refresh, old, ended, oldest } of tables) {
          const refreshed = Number(refresh.run(now, keepMs).changes);
          const aged = Number(old.run(now - keepMs).changes);
          const excess = Number(ended.get()?.['n']) - keep;
          if (excess > 0) pruned += Number(oldest.run(Math.min(excess, CHUNK)).changes);
          pruned += aged;
          more ||= refreshed === CHUNK || aged === CHUNK || excess > CHUNK;
        }
        return { pruned, more };
      }),
  };
}
