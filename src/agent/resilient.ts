import { toAgentError } from '../contract/agent-error.ts';
import type { ExecuteEvent, ExecuteReply, ExecuteRequest } from '../contract/messages.ts';
import type { Agent, CallOptions } from './agent.ts';
import type { Breaker } from './breaker.ts';
import { type RetryOptions, retryDelay } from './retry.ts';
import type { RetryBudget } from './retry-budget.ts';
import { Run } from './run.ts';

/** What all agents at one address have in common. */
export interface Resilience {
  readonly breaker: Breaker;
  readonly budget: RetryBudget;
}

/**
 * The same agent, called again where that is safe, and not called while its address cannot be reached. A stream is begun again only
 * before its first event. A call that goes well costs a look at the breaker.
 */
export function resilientAgent(agent: Agent, shared: Resilience, retry: RetryOptions | false = {}): Agent {
  return {
    async execute(request, options = {}) {
      const attempts = new Attempts(request, options, shared, retry);
      for (;;) {
        try {
          return await shared.breaker.run<ExecuteReply>(() => agent.execute(request, attempts.options));
        } catch (error) {
          await attempts.next(error);
        }
      }
    },

    stream(request, options = {}) {
      return new ResilientStream(agent, request, options, shared, retry);
    },
  };
}

/** Counts the attempts of one call, and waits between them. */
class Attempts {
  /** The caller's own for the first attempt; from the second on with the deadline, which has come nearer. */
  options: CallOptions;
  #attempt = 1;
  #wait: Run | undefined;
  #left = false;
  readonly #startedAt = performance.now();
  readonly #request: ExecuteRequest;
  readonly #shared: Resilience;
  readonly #retry: RetryOptions | false;

  constructor(request: ExecuteRequest, options: CallOptions, shared: Resilience, retry: RetryOptions | false) {
    this.#request = request;
    this.options = options;
    this.#shared = shared;
    this.#retry = retry;
    shared.budget.called();
  }

  /** Resolves when it is time for the next attempt; throws the error when there is to be none. */
  async next(thrown: unknown): Promise<void> {
    const error = toAgentError(thrown);
    const delay =
      this.#retry === false || this.#left ? undefined : retryDelay(error, this.#request, this.#attempt, this.#retry);
    if (delay === undefined) throw error;
    const deadline = this.#deadline();
    if (deadline !== undefined && performance.now() + delay >= deadline) throw error;
    if (!this.#shared.budget.take()) throw error;
    this.#attempt++;
    this.options = { ...this.options, deadline };
    await this.#pause(delay);
  }

  /** Nobody waits for the call any more. */
  leave(): void {
    this.#left = true;
    this.#wait?.leave();
  }

  #deadline(): number | undefined {
    const { deadline } = this.options;
    const seconds = this.#request.timeout_seconds;
    const own = seconds === undefined ? undefined : this.#startedAt + seconds * 1000;
    return own === undefined || (deadline !== undefined && deadline < own) ? deadline : own;
  }

  async #pause(delay: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const wait = new Run(undefined, this.options, () => clearTimeout(timer));
    this.#wait = wait;
    try {
      await wait.until(
        new Promise<void>((resolve) => {
          timer = setTimeout(resolve, delay);
        }),
      );
    } finally {
      wait.end();
    }
  }
}

/** Up to its first event an attempt may be followed by another; from there on it is the agent's own stream. */
class ResilientStream implements AsyncIterableIterator<ExecuteEvent> {
  readonly #agent: Agent;
  readonly #request: ExecuteRequest;
  readonly #shared: Resilience;
  readonly #newAttempts: () => Attempts;
  #attempts: Attempts | undefined;
  #events: AsyncIterator<ExecuteEvent> | undefined;
  #first: Promise<IteratorResult<ExecuteEvent>> | undefined;
  #begun = false;
  #left = false;

  constructor(
    agent: Agent,
    request: ExecuteRequest,
    options: CallOptions,
    shared: Resilience,
    retry: RetryOptions | false,
  ) {
    this.#agent = agent;
    this.#request = request;
    this.#shared = shared;
    this.#newAttempts = () => new Attempts(request, options, shared, retry);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<ExecuteEvent>> {
    if (this.#left) return END;
    if (this.#begun && this.#events !== undefined) return this.#events.next();
    if (this.#first === undefined) {
      this.#first = this.#begin();
      return this.#first;
    }
    // Asked again before the first event has come.
    await this.#first;
    return this.next();
  }

  async return(): Promise<IteratorResult<ExecuteEvent>> {
    this.#left = true;
    this.#attempts?.leave();
    await this.#events?.return?.();
    return END;
  }

  async #begin(): Promise<IteratorResult<ExecuteEvent>> {
    const attempts = this.#newAttempts();
    this.#attempts = attempts;
    for (;;) {
      try {
        const first = await this.#shared.breaker.run(() => {
          const events = this.#agent.stream(this.#request, attempts.options)[Symbol.asyncIterator]();
          this.#events = events;
          return events.next();
        });
        this.#begun = true;
        return first;
      } catch (error) {
        if (this.#left) return END;
        try {
          await attempts.next(error);
        } catch (last) {
          if (this.#left) return END;
          this.#begun = true;
          throw last;
        }
      }
    }
  }
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };
