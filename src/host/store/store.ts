import { AgentError } from '../../contract/agent-error.ts';
import { errorToJson } from '../../contract/error-wire.ts';
import type { QueueLimits } from '../../storage/commit-queue.ts';
import { type StoreNotice, StoreThread } from './store-thread.ts';
import type {
  Accepted,
  Begun,
  JobEnd,
  KeyScope,
  NewJob,
  QueuedJob,
  StoredJob,
  StoredResult,
  StoredStatus,
} from './thread.ts';

export interface HostStoreOptions {
  readonly file: string;
  /** Bound of the database file in bytes. The last eighth is left to the ends of what has been accepted. */
  readonly maxBytes?: number;
  /** How long jobs and results are kept when they have ended, in milliseconds. */
  readonly retentionMs?: number;
  /** How many jobs, and how many results, are kept when they have ended. */
  readonly keep?: number;
  /** Between two looks for what has been kept long enough, in milliseconds. */
  readonly pruneEveryMs?: number;
  /** Bound of what waits for the disk. */
  readonly queue?: QueueLimits;
  readonly notice?: (notice: StoreNotice) => void;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

/** What a host keeps beyond its process. Whatever writes resolves when it is on disk; all of it rejects with `OutriderError`s. */
export interface HostStore {
  readonly jobs: {
    accept(job: NewJob): Promise<Accepted>;
    find(jobId: string): Promise<StoredJob | undefined>;
    findByKey(scope: KeyScope): Promise<{ job_id: string; fingerprint: string } | undefined>;
    /** From queued to running. Resolves to the status that it has then. */
    start(jobId: string): Promise<StoredStatus | undefined>;
    /** From running back to queued: its agent was not called. */
    requeue(jobId: string): Promise<void>;
    /** Ends a job that has not ended. Resolves to the status that it has then, which may be that of another end. */
    end(end: JobEnd): Promise<StoredStatus | undefined>;
    discard(jobId: string): Promise<void>;
    /** Those that wait, in the order in which they were accepted. */
    queued(page: { after: number; limit: number }): Promise<QueuedJob[]>;
  };
  readonly results: {
    begin(run: KeyScope & { fingerprint: string; run: string }): Promise<Begun>;
    settle(run: string, result: StoredResult): Promise<void>;
    release(run: string): Promise<void>;
  };
  /** Agents that were registered over the network: their registrations as JSON, in the order of their first registration. */
  readonly registrations: {
    list(): Promise<{ id: string; registration: string }[]>;
    /** Instead of what there is of this id. */
    add(id: string, registration: string): Promise<void>;
    remove(id: string): Promise<void>;
  };
  status(): { writable: boolean; queued: number; restarts: number };
  /** Removes what has been kept long enough, as happens from time to time by itself. Resolves to the number of rows. */
  prune(): Promise<number>;
  /** Writes what waits and lets go of the file. */
  close(): Promise<void>;
}

const DAY_MS = 24 * 3_600_000;
const DEFAULT_QUEUE: QueueLimits = { records: 20_000, bytes: 64 * 2 ** 20 };

/** Why a run that the end of its process broke off has failed. */
export function interrupted(): AgentError {
  return new AgentError('interrupted', 'the host ended while the agent ran; nobody knows how far it went');
}

/**
 * Opens the host's database in a thread of its own. What was running when the process before this one ended is interrupted before
 * anything else can be asked. Rejects with `conflict` when another process has the file, and with `internal` when it is not a
 * host's database, was made by a newer version, or is damaged.
 */
export async function openHostStore(options: HostStoreOptions): Promise<HostStore> {
  const { file, maxBytes = 2 ** 30, retentionMs = DAY_MS, keep = 10_000, pruneEveryMs = 60_000 } = options;
  const { queue = DEFAULT_QUEUE, notice = () => undefined, clock = Date.now } = options;
  const thread = new StoreThread({ file, maxBytes }, queue, notice);
  await thread.opened();
  // SQLite's integers.
  const now = (): number => Math.trunc(clock());

  try {
    const found = await thread.read('interrupt', { now: now(), error: JSON.stringify(errorToJson(interrupted())) });
    if (found.jobs + found.results > 0) {
      notice({ level: 'warn', message: 'the last process ended while agents ran', fields: found });
    }
  } catch (error) {
    await thread.close();
    throw error;
  }

  const prune = async (): Promise<number> => {
    let total = 0;
    for (;;) {
      const { pruned, more } = await thread.read('prune', { now: now(), keepMs: retentionMs, keep });
      total += pruned;
      if (!more) return total;
    }
  };
  // A failing disk is told to those who wait for it; this one comes again.
  const timer = setInterval(() => void prune().catch(() => undefined), pruneEveryMs).unref();

  return {
    jobs: {
      accept: (job) => thread.write('accept', { ...job, now: now() }, job.request.length),
      find: (job_id) => thread.read('job', { job_id }),
      findByKey: (scope) => thread.read('jobOfKey', scope),
      start: (job_id) => thread.write('start', { job_id, now: now() }),
      requeue: (job_id) => thread.write('requeue', { job_id }),
      end: (end) => thread.write('end', { ...end, now: now() }, (end.result ?? end.error ?? '').length),
      discard: (job_id) => thread.write('discard', { job_id }),
      queued: (page) => thread.read('queued', page),
    },
    results: {
      begin: (run) => thread.write('begin', { ...run, now: now() }),
      settle: (run, result) => thread.write('settle', { ...result, run, now: now() }, sizeOf(result)),
      release: (run) => thread.write('release', { run }),
    },
    registrations: {
      list: () => thread.read('registered', undefined),
      add: (id, registration) => thread.write('register', { id, registration, now: now() }, registration.length),
      remove: (id) => thread.write('unregister', { id }),
    },
    status: () => thread.status,
    prune,
    close() {
      clearInterval(timer);
      return thread.close();
    },
  };
}

function sizeOf(result: StoredResult): number {
  if (result.state === 'completed') return result.reply?.length ?? 0;
  return result.state === 'failed' ? result.error.length : 0;
}
