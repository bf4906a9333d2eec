import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { readBody } from '../body.ts';
import type { Reply } from '../call.ts';
import { AgentError } from '../contract/agent-error.ts';
import { isObject } from '../protocols/jsonrpc.ts';
import type { CallOptions } from './agent.ts';
import type { CostReport } from './cost-report.ts';
import { replyError } from './reply-error.ts';
import type { Run } from './run.ts';
import { type Helper, helperError, helperRun, postToHelper } from './sidecar-fetch.ts';

export interface CostQueueOptions {
  readonly helper: Helper;
  /** How long an event that is not taken is sent again, in milliseconds. */
  readonly retryMs: number;
}

/** Events on their way at the same time; the others wait for them. */
const AT_ONCE = 16;
/** Events that may wait; a sidecar that is gone for so long that there are more has lost them. */
const MOST_WAITING = 10_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
/** An attempt that is not answered for so long is given up. */
const ATTEMPT_MS = 10_000;
const MAX_REPLY = 65_536;

/** A later attempt may be taken: docs/ledger.md. */
const AGAIN: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504, 507]);

/** Posts cost events until the sidecar has them on disk, through its restarts. */
export class CostQueue {
  readonly #options: CostQueueOptions;
  readonly #pending = new Set<Promise<unknown>>();
  /** First in, first out. */
  readonly #turns = new Set<() => void>();
  #active = 0;

  constructor(options: CostQueueOptions) {
    this.#options = options;
  }

  /** Resolves with the event's id once it is on disk. Throws `AgentError`: `bad_request` for what is wrong with the event. */
  send(report: CostReport, options: CallOptions = {}): Promise<string> {
    if (this.#turns.size >= MOST_WAITING) {
      return Promise.reject(
        new AgentError('overloaded', 'too many cost events wait for the sidecar', { retryAfter: 1 }),
      );
    }
    return this.track(this.#deliver({ ...report, event_id: report.event_id ?? randomUUID() }, options));
  }

  /** `flush` waits for it, too. */
  track<T>(work: Promise<T>): Promise<T> {
    const settled: Promise<unknown> = work.then(
      () => this.#pending.delete(settled),
      () => this.#pending.delete(settled),
    );
    this.#pending.add(settled);
    return work;
  }

  async flush(): Promise<void> {
    // A body that was released in this turn of the event loop is known to be over in the next.
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  async #deliver(report: CostReport & { event_id: string }, options: CallOptions): Promise<string> {
    let run: Run | undefined;
    try {
      run = helperRun(options);
      await this.#takeTurn(run);
      try {
        await this.#insist(JSON.stringify(report), { run, options });
        return report.event_id;
      } finally {
        this.#passTurn();
      }
    } catch (error) {
      throw run === undefined && error instanceof AgentError ? error : helperError(run, error);
    } finally {
      run?.end();
    }
  }

  async #insist(body: string, call: { run: Run; options: CallOptions }): Promise<void> {
    const until = performance.now() + this.#options.retryMs;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const refusal = await this.#attempt(body, call);
      if (refusal === undefined) return;
      const { error, isFinal } = refusal;
      const asked = Math.min((error.retryAfter ?? 0) * 1_000, LONGEST_PAUSE_MS);
      const wait = Math.max(pause * (0.5 + Math.random() / 2), asked);
      if (isFinal || performance.now() + wait > until) throw error;
      await call.run.until(sleep(wait, undefined, { signal: call.run.signal }));
    }
  }

  /** Why it was not taken, and whether it never will be; undefined when it was. */
  async #attempt(
    body: string,
    { run, options }: { run: Run; options: CallOptions },
  ): Promise<{ error: AgentError; isFinal: boolean } | undefined> {
    const attempt = helperRun({ signal: run.signal, deadline: performance.now() + ATTEMPT_MS });
    try {
      const reply = await attempt.until(postToHelper(this.#options.helper, { body, run: attempt, options }));
      if (reply.status === 202) {
        // To its end, so that the connection can be used again; what it says is known.
        await attempt.until(readBody(reply.body, MAX_REPLY)).then(undefined, () => undefined);
        return undefined;
      }
      const error = await attempt.until(reply.status === 400 ? faultsOf(reply) : replyError(reply));
      if (reply.status >= 400) return { error, isFinal: !AGAIN.has(reply.status) };
      return {
        error: new AgentError('unreachable', `what answers is no sidecar (HTTP ${reply.status})`),
        isFinal: true,
      };
    } catch (error) {
      if (run.failure !== undefined) throw run.failure;
      return { error: helperError(attempt, error), isFinal: false };
    } finally {
      attempt.end();
    }
  }

  async #takeTurn(run: Run): Promise<void> {
    if (this.#active < AT_ONCE) {
      this.#active++;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turns.add(resolve);
    try {
      await run.until(promise);
    } catch (error) {
      // Its turn may have come in the same moment.
      if (!this.#turns.delete(resolve)) this.#passTurn();
      throw error;
    }
  }

  /** To the next in line, or back. */
  #passTurn(): void {
    const [next] = this.#turns;
    if (next === undefined) this.#active--;
    else {
      this.#turns.delete(next);
      next();
    }
  }
}

/** What is wrong with an event, as the sidecar's problem document has it. */
async function faultsOf(reply: Reply): Promise<AgentError> {
  const { detail, faults } = await problemOf(reply);
  return new AgentError('bad_request', typeof detail === 'string' ? detail : 'the sidecar refuses the cost event', {
    ...(Array.isArray(faults) && { details: { faults } }),
  });
}

async function problemOf(reply: Reply): Promise<Record<string, unknown>> {
  try {
    const problem: unknown = JSON.parse(Buffer.from(await readBody(reply.body, MAX_REPLY)).toString());
    return isObject(problem) ? problem : {};
  } catch {
    return {};
  }
}
