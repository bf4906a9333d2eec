import type { OutriderError } from '../../errors.ts';
import { type ErrorMessage, startThread, type Thread } from '../../storage/thread.ts';
import { STORE_NAME } from './schema.ts';

/** `queued` and `running` go on; a job with another status has ended and stays as it is. */
export type StoredStatus = 'queued' | 'running' | 'completed' | 'failed' | 'timed_out' | 'cancelled';

/** Whose idempotency key it is. */
export interface KeyScope {
  readonly agent_id: string;
  readonly principal: string;
  readonly key: string;
}

export interface NewJob {
  readonly job_id: string;
  readonly agent_id: string;
  readonly principal: string;
  readonly key: string | null;
  readonly fingerprint: string | null;
  /** JSON, as are all requests, results and errors here. */
  readonly request: string;
  readonly request_id: string | null;
  readonly traceparent: string | null;
  readonly tracestate: string | null;
}

export type QueuedJob = Omit<NewJob, 'key' | 'fingerprint'> & { readonly seq: number };

export interface StoredJob {
  readonly job_id: string;
  readonly agent_id: string;
  readonly principal: string;
  readonly status: StoredStatus;
  readonly result: string | null;
  readonly error: string | null;
  readonly created_at: number;
  readonly finished_at: number | null;
}

export interface JobEnd {
  readonly job_id: string;
  readonly status: Exclude<StoredStatus, 'queued' | 'running'>;
  readonly result?: string;
  readonly error?: string;
}

/** Of a key that was there: another request (`other`), or the same one by the other way, as a job or as a call (`elsewhere`). */
export type KeyConflict = 'other' | 'elsewhere';

/** The job of this id, or the one that was there with the same key and request. */
export type Accepted = { readonly job_id: string } | { readonly conflict: KeyConflict };

export type StoredResult =
  | { readonly state: 'completed'; readonly reply: string | null }
  | { readonly state: 'failed'; readonly error: string }
  | { readonly state: 'interrupted' };

export type Begun = { readonly state: 'fresh' } | StoredResult | { readonly conflict: KeyConflict };

/** `now` by the clock of the main thread. */
type Now<T> = T & { readonly now: number };

/**
 * What changes rows. Each can be asked again when it is not known whether it was done, and then has the same answer: that makes it
 * safe to repeat what was under way when a thread died.
 */
export interface WriteMethods {
  accept(job: Now<NewJob>): Accepted;
  /** From queued to running. Answers the status that it has then. */
  start(job: Now<{ job_id: string }>): StoredStatus | undefined;
  /** From running back to queued: its agent was not called. */
  requeue(job: { job_id: string }): void;
  /** The first end of a job stands. Answers the status that it has then. */
  end(job: Now<JobEnd>): StoredStatus | undefined;
  /** Forgets a job whose acceptance failed, if it is there after all. */
  discard(job: { job_id: string }): void;
  begin(run: Now<KeyScope & { fingerprint: string; run: string }>): Begun;
  settle(run: Now<{ run: string } & StoredResult>): void;
  /** Leaves the key free for another run. */
  release(run: { run: string }): void;
  register(agent: Now<{ id: string; registration: string }>): void;
  unregister(agent: { id: string }): void;
}

export type WriteOperation = {
  [K in keyof WriteMethods]: { readonly method: K; readonly params: Parameters<WriteMethods[K]>[0] };
}[keyof WriteMethods];

/** What retention keeps, of jobs and of results: those that ended since `since`, and of these the last `keep`. */
export interface Retention {
  readonly now: number;
  readonly keepMs: number;
  readonly keep: number;
}

export interface StoreMethods {
  /** All in one transaction with one flush; an operation is refused alone. In their order. */
  write(operations: readonly WriteOperation[]): ({ value: unknown } | { error: ErrorMessage })[];
  job(which: { job_id: string }): StoredJob | undefined;
  jobOfKey(which: KeyScope): { job_id: string; fingerprint: string } | undefined;
  /** In the order in which they were accepted, of those after `after`. */
  queued(page: { after: number; limit: number }): QueuedJob[];
  registered(nothing: undefined): { id: string; registration: string }[];
  /** What was under way when the last process ended, ends as interrupted. Answers how much that was. */
  interrupt(what: { now: number; error: string }): { jobs: number; results: number };
  /** Removes a bounded number of rows; `more` when it should be asked again. */
  prune(what: Retention): { pruned: number; more: boolean };
}

/** Throws `storage_full` when a new row of so many bytes would leave too little room to the ends of what there is. */
export type MustFit = (bytes: number) => void;

export interface ThreadData {
  readonly file: string;
  readonly maxBytes: number;
}

/** In the source tree the thread runs the `.ts` file, in the published package the emitted one beside this. */
const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

export function startStoreThread(data: ThreadData, died: (reason: OutriderError) => void): Thread<StoreMethods> {
  return startThread({
    entry: ENTRY,
    embeddedEntry: 'host-store-worker',
    name: 'host-store',
    what: STORE_NAME,
    data,
    died,
  });
}
