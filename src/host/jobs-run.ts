import { setTimeout as sleep } from 'node:timers/promises';
import type { TraceContext } from '../agent/agent.ts';
import { timedOut } from '../agent/run.ts';
import { atDeadline } from '../at-deadline.ts';
import { AgentError, toAgentError } from '../contract/agent-error.ts';
import type { ExecuteRequest } from '../contract/messages.ts';
import { cancelled, cancelledByCaller, completed, failed } from './jobs-record.ts';
import type { Executor, HostedAgent, Place, Registry } from './ports.ts';
import { type HostStore, interrupted } from './store/store.ts';
import type { StoreNotice } from './store/store-thread.ts';
import type { JobEnd } from './store/thread.ts';

export interface JobParts {
  readonly store: Pick<HostStore, 'jobs'>;
  readonly executor: Executor;
  readonly registry: Pick<Registry, 'get'>;
  readonly notice: (notice: StoreNotice) => void;
}

/** A job that has been accepted. */
export interface AcceptedJob {
  readonly id: string;
  readonly agent: HostedAgent;
  readonly request: ExecuteRequest;
  readonly principal: string;
  readonly requestId: string | undefined;
  readonly trace: TraceContext | undefined;
}

const READY_EVERY_MS = 100;
const PAUSE_FIRST_MS = 100;
const PAUSE_MAX_MS = 5_000;
/** So often the disk is given time to take a result; then it is kept that there was one. */
const RESULT_ATTEMPTS = 3;

/**
 * One accepted job, until its end is on disk. It is put on record as running before its agent is called, so that after a crash
 * what is still queued has not run. While its agent is not ready it waits.
 */
export class JobRun {
  readonly job: AcceptedJob;
  /** Resolves when its end is on disk, or when it is left to the next start. */
  readonly over: Promise<void>;
  readonly #parts: JobParts;
  readonly #abort = new AbortController();
  #place: Place | undefined;
  /** `starting`: it is being put on record as running. */
  #phase: 'waiting' | 'starting' | 'running' = 'waiting';
  #stopped: 'cancelled' | 'closing' | undefined;
  #stopTimer: (() => void) | undefined;
  #warned = false;

  constructor(parts: JobParts, job: AcceptedJob, place: Place) {
    this.#parts = parts;
    this.job = job;
    this.#place = place;
    this.over = this.#run();
  }

  /** Aborts it. Whoever cancels puts that on record first, so that it comes before whatever the run says of it. */
  cancel(): void {
    this.#stop('cancelled', cancelledByCaller());
  }

  /** Leaves it to the next start, unless its agent has been called. */
  suspend(): void {
    if (this.#phase !== 'running') this.interrupt();
  }

  /** Breaks it off, since the process ends. */
  interrupt(): void {
    this.#stop('closing', interrupted());
  }

  #stop(why: 'cancelled' | 'closing', reason: AgentError): void {
    this.#stopped ??= why;
    this.#abort.abort(reason);
  }

  async #run(): Promise<void> {
    for (let pause = PAUSE_FIRST_MS; ; pause = Math.min(pause * 2, PAUSE_MAX_MS)) {
      const end = await this.#attempt();
      if (end === 'over') return;
      if (end !== 'again') {
        await this.#record(end);
        return;
      }
      await sleep(pause, undefined, { ref: false, signal: this.#abort.signal }).catch(() => undefined);
    }
  }

  async #attempt(): Promise<JobEnd | 'again' | 'over'> {
    const { id, request, principal, requestId, trace } = this.job;
    let place = this.#place;
    this.#place = undefined;
    try {
      await this.#agentReady();
      const taken = place ?? this.#parts.executor.enter(this.job.agent, true);
      place = undefined;
      const call = { signal: this.#abort.signal, trace, principal, requestId };
      return completed(id, await taken.execute(request, call, () => this.#start()));
    } catch (thrown) {
      place?.leave();
      return this.#ended(toAgentError(thrown));
    } finally {
      this.#stopTimer?.();
    }
  }

  async #agentReady(): Promise<void> {
    const { agent } = this.job;
    for (;;) {
      this.#abort.signal.throwIfAborted();
      if (agent.ready()) return;
      if (this.#parts.registry.get(agent.info.id) !== agent) throw agentGone();
      // Its end by the signal is told above.
      await sleep(READY_EVERY_MS, undefined, { ref: false, signal: this.#abort.signal }).catch(() => undefined);
    }
  }

  async #start(): Promise<void> {
    this.#phase = 'starting';
    const status = await this.#parts.store.jobs.start(this.job.id);
    // Its executor has been told by the signal; whatever it does, the agent is not called.
    this.#abort.signal.throwIfAborted();
    if (status !== 'running') {
      // It has an end, which was not made here.
      this.#stopped = 'closing';
      this.#phase = 'waiting';
      throw interrupted();
    }
    this.#phase = 'running';
    const seconds = this.job.request.timeout_seconds;
    if (typeof seconds === 'number') {
      this.#stopTimer = atDeadline(performance.now() + seconds * 1000, () => this.#abort.abort(timedOut()));
    }
  }

  /** What follows from an attempt that gave no reply. */
  async #ended(error: AgentError): Promise<JobEnd | 'again' | 'over'> {
    const { id, agent } = this.job;
    const phase = this.#phase;
    if (this.#stopped === 'cancelled') return cancelled(id);
    if (this.#stopped === 'closing') {
      if (phase === 'running') return failed(id, interrupted());
      if (phase === 'starting') await this.#requeue();
      return 'over';
    }
    // It could not be put on record; or its agent says itself that it was not there.
    const again = phase === 'starting' || (error.code === 'not_ready' && !agent.ready());
    if (!again) return failed(id, error);
    if (phase !== 'waiting' && !(await this.#requeue()) && phase === 'running') return failed(id, error);
    if (phase === 'starting') this.#warn('a job waits, since its start could not be recorded', error);
    this.#phase = 'waiting';
    return 'again';
  }

  #requeue(): Promise<boolean> {
    return this.#parts.store.jobs.requeue(this.job.id).then(
      () => true,
      () => false,
    );
  }

  /** Tries until it is on disk: nobody else knows how it ended. */
  async #record(first: JobEnd): Promise<void> {
    let end = first;
    for (let attempt = 1, pause = PAUSE_FIRST_MS; ; attempt++, pause = Math.min(pause * 2, PAUSE_MAX_MS)) {
      try {
        await this.#parts.store.jobs.end(end);
        return;
      } catch (thrown) {
        const error = toAgentError(thrown);
        // The store has been closed; at the next start it counts as interrupted.
        if (error.code === 'draining') return;
        this.#warn('the end of a job could not be recorded yet', error);
        if (end.result !== undefined && error.code === 'storage_full' && attempt >= RESULT_ATTEMPTS) {
          const why = 'the agent completed, but there was no room to keep its reply';
          end = failed(this.job.id, new AgentError('storage_full', why));
        }
      }
      await sleep(pause, undefined, { ref: false });
    }
  }

  #warn(message: string, { code }: AgentError): void {
    if (this.#warned) return;
    this.#warned = true;
    this.#parts.notice({ level: 'error', message, fields: { job_id: this.job.id, code } });
  }
}

export function agentGone(): AgentError {
  return new AgentError('not_found', 'the agent of this job is not there any more');
}
