import type { DatabaseSync } from 'node:sqlite';
import type { Begun, MustFit, WriteMethods } from './thread.ts';

/** The table `results`: what became of each idempotency key. A row that `began` belongs to a run that is under way. */
export function resultTable(db: DatabaseSync, mustFit: MustFit): Pick<WriteMethods, 'begin' | 'settle' | 'release'> {
  const byKey = db.prepare(
    `SELECT run, fingerprint, state, reply, error FROM results
       WHERE agent_id = ? AND principal = ? AND idempotency_key = ?`,
  );
  const ofJob = db.prepare('SELECT fingerprint FROM jobs WHERE agent_id = ? AND principal = ? AND idempotency_key = ?');
  const insert = db.prepare(
    `INSERT INTO results (run, agent_id, principal, idempotency_key, fingerprint, state, began_at)
       VALUES (?, ?, ?, ?, ?, 'began', ?)`,
  );
  const settle = db.prepare(
    `UPDATE results SET state = ?, reply = ?, error = ?, finished_at = max(?, began_at) WHERE run = ? AND state = 'began'`,
  );
  const release = db.prepare(`DELETE FROM results WHERE run = ? AND state = 'began'`);

  return {
    begin({ agent_id, principal, key, fingerprint, run, now }): Begun {
      const old = byKey.get(agent_id, principal, key);
      if (old !== undefined) {
        if (old['fingerprint'] !== fingerprint) return { conflict: 'other' };
        if (old['run'] === run) return { state: 'fresh' };
        if (old['state'] === 'completed') {
          return { state: 'completed', reply: old['reply'] === null ? null : String(old['reply']) };
        }
        if (old['state'] === 'failed') return { state: 'failed', error: String(old['error']) };
        // Also what `began`: the process that asks knows its own runs, so this is one whose end could not be recorded.
        return { state: 'interrupted' };
      }
      const job = ofJob.get(agent_id, principal, key);
      if (job !== undefined) return { conflict: job['fingerprint'] === fingerprint ? 'elsewhere' : 'other' };
      mustFit(0);
      insert.run(run, agent_id, principal, key, fingerprint, now);
      return { state: 'fresh' };
    },
    settle(end) {
      const reply = end.state === 'completed' ? end.reply : null;
      const error = end.state === 'failed' ? end.error : null;
      settle.run(end.state, reply, error, end.now, end.run);
    },
    release: ({ run }) => void release.run(run),
  };
}
