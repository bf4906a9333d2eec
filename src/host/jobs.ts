import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ADMIN_ROLE, type Caller } from '../caller.ts';
import { AgentError, toAgentError } from '../contract/agent-error.ts';
import type { ExecuteRequest } from '../contract/messages.ts';
import { fingerprint } from './fingerprint.ts';
import { cancelled, failed, jobOf } from './jobs-record.ts';
import { type AcceptedJob, agentGone, type JobParts, JobRun } from './jobs-run.ts';
import { keyConflict } from './key-conflict.ts';
import type { HostCall, HostedAgent, Jobs, Place } from './ports.ts';
import type { StoreNotice } from './store/store-thread.ts';
import type { NewJob, StoredJob } from './store/thread.ts';

export type JobsOptions = Omit<JobParts, 'notice'> & { readonly notice?: (notice: StoreNotice) => void };

export interface HostJobs extends Jobs {
  /**
   * Goes on with the jobs that an earlier process has accepted and not begun, in their order. To be called once the registry is
   * complete: a job whose agent is not in it has failed with `not_found`; one whose agent is not ready yet waits for it.
   */
  resume(): Promise<void>;
  /** Begins no more: what has not begun stays queued for the next start, and what comes is refused as `draining`. */
  suspend(): void;
  /**
   * Suspends; waits up to `graceMs` for what runs, then breaks it off and records it as `interrupted`. To be called before the
   * store is closed.
   */
  close(graceMs?: number): Promise<void>;
}

const PAGE = 100;
/** What has been broken off has so long to be put on record. */
const RECORD_MS = 5_000;

/** Runs that nobody waits for, in the host's store. */
export function jobs(options: JobsOptions): HostJobs {
  const parts: JobParts = { notice: () => undefined, ...options };
  const { store, executor, registry } = parts;
  /** Those of this process, from before they are on disk until their end is. */
  const live = new Map<string, JobRun | 'accepting'>();
  let closing = false;

  const launch = (job: AcceptedJob, place: Place): void => {
    if (closing) {
      live.delete(job.id);
      place.leave();
      return;
    }
    const run = new JobRun(parts, job, place);
    live.set(job.id, run);
    void run.over.finally(() => live.delete(job.id));
  };

  const enter = async (job: NewJob, agent: HostedAgent): Promise<Place | { job_id: string }> => {
    try {
      return executor.enter(agent);
    } catch (error) {
      // What was accepted once is answered also while nothing new is taken.
      const { agent_id, principal, key } = job;
      const old = key === null ? undefined : await store.jobs.findByKey({ agent_id, principal, key });
      if (old === undefined) throw error;
      if (old.fingerprint !== job.fingerprint) throw keyConflict('other');
      return { job_id: old.job_id };
    }
  };

  const accept = async (job: NewJob, place: Place): Promise<string> => {
    try {
      const accepted = await store.jobs.accept(job);
      if ('conflict' in accepted) throw keyConflict(accepted.conflict);
      if (accepted.job_id !== job.job_id) place.leave();
      return accepted.job_id;
    } catch (error) {
      place.leave();
      // A disk that fails may have taken it all the same; nobody has been told of it.
      void store.jobs.discard(job.job_id).catch(() => undefined);
      throw error;
    }
  };

  const find = async (which: WhichJob, caller: Caller): Promise<StoredJob> => {
    const job = await store.jobs.find(which.job_id);
    mustSee(job, which, caller);
    return job;
  };

  const running = (): JobRun[] => [...live.values()].filter((run) => run !== 'accepting');

  const suspend = (): void => {
    closing = true;
    for (const run of running()) run.suspend();
  };

  return {
    async start(agent, request, call) {
      if (closing) throw new AgentError('draining', 'the host is ending', { retryAfter: 1 });
      const job = newJob(agent, request, call);
      const { job_id: id } = job;
      return asAgentError(async () => {
        const place = await enter(job, agent);
        if ('job_id' in place) return place;
        live.set(id, 'accepting');
        try {
          const job_id = await accept(job, place);
          if (job_id !== id) return { job_id };
        } finally {
          live.delete(id);
        }
        const { caller, requestId, trace } = call;
        launch({ id, agent, request, principal: caller.principal, requestId, trace }, place);
        return { job_id: id };
      });
    },

    get: (which, caller) => asAgentError(async () => jobOf(await find(which, caller))),

    cancel: (which, caller) =>
      asAgentError(async () => {
        const run = live.get(which.job_id);
        if (run instanceof JobRun) {
          const { agent, principal } = run.job;
          mustSee({ agent_id: agent.info.id, principal }, which, caller);
        } else {
          const job = await find(which, caller);
          if (job.finished_at !== null) return jobOf(job);
        }
        // First the record, which is only waited for afterwards: it stands before what the run is about to say of its end.
        const recorded = store.jobs.end(cancelled(which.job_id));
        if (run instanceof JobRun) run.cancel();
        await recorded;
        return jobOf(await find(which, caller));
      }),

    async resume() {
      for (let after = 0; ; ) {
        const page = await store.jobs.queued({ after, limit: PAGE });
        for (const { seq, job_id, agent_id, request, principal, ...rest } of page) {
          after = seq;
          if (live.has(job_id)) continue;
          const agent = registry.get(agent_id);
          if (agent === undefined) {
            await store.jobs.end(failed(job_id, agentGone()));
            continue;
          }
          const { request_id, traceparent, tracestate } = rest;
          const trace = traceparent === null ? undefined : { traceparent, ...(tracestate !== null && { tracestate }) };
          launch(
            {
              id: job_id,
              agent,
              // As `newJob` wrote it.
              request: JSON.parse(request) as ExecuteRequest,
              principal,
              requestId: request_id ?? undefined,
              trace,
            },
            executor.enter(agent, true),
          );
        }
        if (page.length < PAGE || closing) return;
      }
    },

    suspend,

    async close(graceMs = 0) {
      suspend();
      await within(graceMs, running());
      for (const run of running()) run.interrupt();
      await within(RECORD_MS, running());
    },
  };
}

interface WhichJob {
  readonly agent_id: string;
  readonly job_id: string;
}

/** Who may not see a job learns nothing of it. */
function mustSee<T extends { agent_id: string; principal: string }>(
  job: T | undefined,
  { agent_id }: WhichJob,
  { principal, roles }: Caller,
): asserts job is T {
  const visible = job?.principal === principal || roles.includes(ADMIN_ROLE);
  if (job === undefined || job.agent_id !== agent_id || !visible)
    throw new AgentError('not_found', 'there is no such job');
}

function newJob(agent: HostedAgent, request: ExecuteRequest, call: HostCall): NewJob {
  // An empty key is none: binary has no other way to leave it out.
  const key = request.idempotency_key || null;
  return {
    job_id: randomUUID(),
    agent_id: agent.info.id,
    principal: call.caller.principal,
    key,
    fingerprint: key === null ? null : fingerprint(request),
    request: JSON.stringify(request),
    request_id: call.requestId,
    traceparent: call.trace?.traceparent ?? null,
    tracestate: call.trace?.tracestate ?? null,
  };
}

async function within(ms: number, runs: readonly JobRun[]): Promise<void> {
  const over = new AbortController();
  const all = Promise.all(runs.map((run) => run.over)).finally(() => over.abort());
  await Promise.race([all, sleep(ms, undefined, { signal: over.signal }).catch(() => undefined)]);
}

async function asAgentError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toAgentError(error);
  }
}
