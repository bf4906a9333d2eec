import type { DatabaseSync } from 'node:sqlite';
import type { Accepted, MustFit, QueuedJob, StoredJob, StoredStatus, StoreMethods, WriteMethods } from './thread.ts';

type JobMethods = Pick<WriteMethods, 'accept' | 'start' | 'requeue' | 'end' | 'discard'> &
  Pick<StoreMethods, 'job' | 'jobOfKey' | 'queued'>;

/**
 * The table `jobs`. That a job ends once, and runs once, is in the WHERE of its updates. A time is never before the one that it
 * follows, even when the clock was set back in between.
 */
export function jobTable(db: DatabaseSync, mustFit: MustFit): JobMethods {
  const insert = db.prepare(
    `INSERT INTO jobs (job_id, agent_id, principal, idempotency_key, fingerprint, request, request_id, traceparent, tracestate,
       status, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?)`,
  );
  const status = db.prepare('SELECT status FROM jobs WHERE job_id = ?');
  const byKey = db.prepare(
    'SELECT job_id, fingerprint FROM jobs WHERE agent_id = ? AND principal = ? AND idempotency_key = ?',
  );
  const called = db.prepare(
    'SELECT fingerprint FROM results WHERE agent_id = ? AND principal = ? AND idempotency_key = ?',
  );
  const start = db.prepare(
    `UPDATE jobs SET status = 'running', started_at = max(?, created_at) WHERE job_id = ? AND status = 'queued'`,
  );
  const requeue = db.prepare(
    `UPDATE jobs SET status = 'queued', started_at = NULL WHERE job_id = ? AND status = 'running'`,
  );
  const end = db.prepare(
    `UPDATE jobs SET status = ?, result = ?, error = ?, request = NULL, finished_at = max(?, coalesce(started_at, created_at))
       WHERE job_id = ? AND status IN ('queued', 'running')`,
  );
  const discard = db.prepare(`DELETE FROM jobs WHERE job_id = ? AND status = 'queued'`);
  const job = db.prepare(
    `SELECT job_id, agent_id, principal, status, result, error, created_at, finished_at FROM jobs WHERE job_id = ?`,
  );
  const queued = db.prepare(
    `SELECT seq, job_id, agent_id, principal, request, request_id, traceparent, tracestate FROM jobs
       WHERE status = 'queued' AND finished_at IS NULL AND seq > ? ORDER BY seq LIMIT ?`,
  );
  const statusOf = (id: string): StoredStatus | undefined =>
    // The CHECK of the column allows these alone.
    status.get(id)?.['status'] as StoredStatus | undefined;

  return {
    accept({ key, fingerprint, now, ...job }): Accepted {
      if (statusOf(job.job_id) !== undefined) return { job_id: job.job_id };
      if (key !== null) {
        const old = byKey.get(job.agent_id, job.principal, key);
        if (old !== undefined) {
          return old['fingerprint'] === fingerprint ? { job_id: String(old['job_id']) } : { conflict: 'other' };
        }
        const call = called.get(job.agent_id, job.principal, key);
        if (call !== undefined) return { conflict: call['fingerprint'] === fingerprint ? 'elsewhere' : 'other' };
      }
      mustFit(job.request.length);
      insert.run(
        job.job_id,
        job.agent_id,
        job.principal,
        key,
        fingerprint,
        job.request,
        job.request_id,
        job.traceparent,
        job.tracestate,
        now,
      );
      return { job_id: job.job_id };
    },
    start({ job_id, now }) {
      start.run(now, job_id);
      return statusOf(job_id);
    },
    requeue: ({ job_id }) => void requeue.run(job_id),
    end({ job_id, status, result, error, now }) {
      end.run(status, result ?? null, error ?? null, now, job_id);
      return statusOf(job_id);
    },
    discard: ({ job_id }) => void discard.run(job_id),
    // All three: the table is STRICT, and the columns are those of the interface. The objects of rows have no prototype, which
    // structured clone does not mind.
    job: ({ job_id }) => job.get(job_id) as unknown as StoredJob | undefined,
    jobOfKey: ({ agent_id, principal, key }) =>
      byKey.get(agent_id, principal, key) as unknown as ReturnType<JobMethods['jobOfKey']>,
    queued: ({ after, limit }) => queued.all(after, limit) as unknown as QueuedJob[],
  };
}
