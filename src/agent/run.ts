import { atDeadline } from '../at-deadline.ts';
import { AgentError, toAgentError } from '../contract/agent-error.ts';
import { OutriderError } from '../errors.ts';
import type { CallOptions } from './agent.ts';

/**
 * One call of an agent while it lasts. It is broken off at its deadline, when its caller aborts, or when whoever reads its stream
 * leaves; the first of these is its `failure`, whatever the work says afterwards. What nobody asks for is not made: without a
 * deadline there is no timer, and without a look at `signal` there is no `AbortController`.
 */
export class Run {
  readonly startedAt: number = performance.now();
  /** On the clock of `performance.now()`. */
  readonly deadline: number | undefined;
  #failure: AgentError | undefined;
  #left = false;
  #over = false;
  #controller: AbortController | undefined;
  #reject: ((error: AgentError) => void) | undefined;
  #stopTimer: (() => void) | undefined;
  readonly #caller: AbortSignal | undefined;
  readonly #onAbort = (): void => this.breakOff(callerError(this.#caller?.reason));
  readonly #onFailure: (() => void) | undefined;

  /** Throws when nobody waits for it any more. `onFailure`: told once when it is broken off. */
  constructor(timeoutSeconds: number | undefined, { deadline, signal }: CallOptions, onFailure?: () => void) {
    if (signal?.aborted) throw callerError(signal.reason);
    this.deadline = nearest(deadline, timeoutSeconds, this.startedAt);
    if (this.deadline !== undefined) {
      if (this.deadline <= this.startedAt) throw timedOut();
      this.#stopTimer = atDeadline(this.deadline, () => this.breakOff(timedOut()));
    }
    this.#onFailure = onFailure;
    this.#caller = signal;
    signal?.addEventListener('abort', this.#onAbort);
  }

  get failure(): AgentError | undefined {
    return this.#failure;
  }

  /** Aborts when the run is broken off; the reason is its `failure`. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#failure !== undefined) this.#controller.abort(this.#failure);
    }
    return this.#controller.signal;
  }

  get elapsedMs(): number {
    return performance.now() - this.startedAt;
  }

  /** Milliseconds until the deadline; undefined without one. */
  get leftMs(): number | undefined {
    return this.deadline === undefined ? undefined : Math.max(0, this.deadline - performance.now());
  }

  /** The reader of its stream has gone: nobody is to be told how it ended. */
  leave(): void {
    this.#left = true;
    this.breakOff(new AgentError('cancelled', 'the reader of the stream has left'));
  }

  get left(): boolean {
    return this.#left;
  }

  breakOff(failure: AgentError): void {
    if (this.#over) return;
    this.#failure = failure;
    this.end();
    // First the waiting caller: whatever the listeners of the signal do, it has its answer.
    this.#reject?.(failure);
    this.#controller?.abort(failure);
    this.#onFailure?.();
  }

  /** The same, but no later than the run is broken off. What the work does after that goes nowhere. */
  until<T>(work: PromiseLike<T>): PromiseLike<T> {
    const unbreakable = this.#stopTimer === undefined && this.#caller === undefined && this.#onFailure === undefined;
    if (unbreakable) return work;
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) reject(this.#failure);
      this.#reject = reject;
      work.then(resolve, reject);
    });
  }

  /** Why the run failed, given what its work threw. */
  errorOf(thrown: unknown): AgentError {
    return this.#failure ?? toAgentError(thrown);
  }

  /** Nothing breaks it off any more. */
  end(): void {
    this.#over = true;
    this.#stopTimer?.();
    this.#caller?.removeEventListener('abort', this.#onAbort);
  }
}

export function timedOut(cause?: unknown): AgentError {
  return new AgentError('timeout', 'the agent did not answer in time', { cause });
}

/** What the reason of a caller's signal says. `AbortSignal.timeout` is a deadline by another name. */
export function callerError(reason: unknown): AgentError {
  if (reason instanceof AgentError || reason instanceof OutriderError) return toAgentError(reason);
  if (reason instanceof DOMException && reason.name === 'TimeoutError') return timedOut(reason);
  return new AgentError('cancelled', 'the caller has cancelled the call', { cause: reason });
}

function nearest(
  deadline: number | undefined,
  timeoutSeconds: number | undefined,
  startedAt: number,
): number | undefined {
  if (timeoutSeconds === undefined) return deadline;
  const own = startedAt + timeoutSeconds * 1000;
  return deadline === undefined || own < deadline ? own : deadline;
}
