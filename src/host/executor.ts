import type { AgentContext, CallFacts, CallOptions } from '../agent/agent.ts';
import { abandon, leavable } from '../agent/leavable.ts';
import { Run, timedOut } from '../agent/run.ts';
import { atDeadline } from '../at-deadline.ts';
import { AgentError, toAgentError } from '../contract/agent-error.ts';
import type { ExecuteEvent, ExecuteReply, ExecuteRequest } from '../contract/messages.ts';
import { afterStart } from '../contract/turned-away.ts';
import { Lane } from './lane.ts';
import type { Executor, HostedAgent, Place } from './ports.ts';

/** One run that has ended. */
export interface RunEnd extends CallFacts {
  readonly agentId: string;
  /** Milliseconds it waited for its turn. */
  readonly waitedMs: number;
  /** Milliseconds it ran; undefined when its turn never came. */
  readonly ranMs: number | undefined;
  /** Undefined: it gave its reply. Its `cause` is for the log only. */
  readonly error: AgentError | undefined;
  /** True when the agent itself failed, and was not broken off by its caller or its deadline. */
  readonly agentFailed: boolean;
}

export interface AgentExecutor extends Executor {
  /** What of an agent runs, and what waits for its turn. */
  load(agent: HostedAgent): { running: number; waiting: number };
  /** Resolves when no run of the agent is left, nor any that waits. */
  idle(agent: HostedAgent): Promise<void>;
}

/**
 * Runs agents, so many at a time. A run is counted until its caller has its answer, its stream is over or given up, or its deadline
 * has passed; waiting counts against the deadline as well. Of what an agent throws no more than an `AgentError` goes on.
 */
export function executor(onRunEnd: (run: RunEnd) => void = () => undefined): AgentExecutor {
  const lanes = new WeakMap<HostedAgent, Lane>();
  const laneOf = (agent: HostedAgent): Lane => {
    let lane = lanes.get(agent);
    if (lane === undefined) {
      lane = new Lane(agent.concurrency);
      lanes.set(agent, lane);
    }
    return lane;
  };
  return {
    enter(agent, force = false) {
      const lane = laneOf(agent);
      if (!force && lane.entered >= agent.concurrency + agent.queue) {
        throw new AgentError('rate_limited', 'the agent has as many calls as it can take', {
          retryAfter: lane.retryAfter,
        });
      }
      return new LanePlace(agent, lane, onRunEnd);
    },
    load(agent) {
      const { running, entered } = laneOf(agent);
      return { running, waiting: entered - running };
    },
    idle: (agent) => laneOf(agent).empty(),
  };
}

class LanePlace implements Place {
  readonly #hosted: HostedAgent;
  readonly #lane: Lane;
  readonly #onRunEnd: (run: RunEnd) => void;
  readonly #enteredAt = performance.now();
  #facts: CallFacts = {};
  #startedAt: number | undefined;
  #stopTimer: (() => void) | undefined;
  #used = false;
  #called = false;
  #over = false;

  constructor(hosted: HostedAgent, lane: Lane, onRunEnd: (run: RunEnd) => void) {
    this.#hosted = hosted;
    this.#lane = lane;
    this.#onRunEnd = onRunEnd;
    lane.enter();
  }

  leave(): void {
    this.#use({});
    this.#free();
  }

  async execute(
    request: ExecuteRequest,
    call: CallOptions & CallFacts,
    onStart?: () => void | Promise<void>,
  ): Promise<ExecuteReply> {
    this.#use(call);
    let run: Run | undefined;
    try {
      run = new Run(undefined, call);
      const context = await this.#turn(run, call);
      const recorded = onStart?.();
      if (recorded !== undefined) await run.until(recorded);
      this.#called = true;
      const reply = await run.until(this.#hosted.agent.execute(request, context));
      this.#end(undefined, false);
      return reply;
    } catch (thrown) {
      throw this.#failed(thrown, run);
    } finally {
      run?.end();
    }
  }

  stream(request: ExecuteRequest, call: CallOptions & CallFacts): AsyncIterable<ExecuteEvent> {
    this.#use(call);
    let run: Run | undefined;
    return leavable(
      this.#events(request, call, (begun) => (run = begun)),
      () => {
        // After its last event there is nothing left to break off.
        if (this.#over) return;
        run?.leave();
        this.#end(run?.failure, false);
      },
    );
  }

  async *#events(
    request: ExecuteRequest,
    call: CallOptions & CallFacts,
    onBegin: (run: Run) => void,
  ): AsyncGenerator<ExecuteEvent, void, undefined> {
    let run: Run | undefined;
    let source: AsyncIterator<ExecuteEvent> | undefined;
    // Also while nobody reads: a slow reader holds no place beyond the deadline.
    const brokenOff = (): void => {
      abandon(source);
      this.#end(run?.failure, false);
    };
    try {
      run = new Run(undefined, call, brokenOff);
      onBegin(run);
      const context = await this.#turn(run, call);
      this.#called = true;
      source = this.#hosted.agent.stream(request, context)[Symbol.asyncIterator]();
      for (;;) {
        const { done, value } = await run.until(source.next());
        if (done === true) throw new AgentError('agent_failed', 'the agent ended its stream without a reply');
        if (value.done !== undefined) {
          // Not left to the reader, who need not come back after it.
          run.end();
          this.#end(undefined, false);
        }
        yield value;
        if (value.done !== undefined) return;
      }
    } catch (thrown) {
      const error = this.#failed(thrown, run);
      if (run?.left !== true) throw error;
    } finally {
      run?.end();
      abandon(source);
    }
  }

  #use(facts: CallFacts): void {
    if (this.#used) throw new Error('a place is used once');
    this.#used = true;
    this.#facts = facts;
  }

  /** At once when nothing is to be waited for. */
  #turn(run: Run, call: CallOptions & CallFacts): AgentContext | Promise<AgentContext> {
    const turn = this.#lane.turn(run.signal, () => (this.#startedAt = performance.now()));
    return turn === undefined ? this.#contextOf(run, call) : turn.then(() => this.#contextOf(run, call));
  }

  #contextOf(run: Run, { trace, requestId, principal }: CallOptions & CallFacts): AgentContext {
    // It may have been broken off in the very step in which its turn came, or is about to be: timers fire one after the other.
    if (run.leftMs === 0) run.breakOff(timedOut());
    if (run.failure !== undefined) throw run.failure;
    return { signal: run.signal, deadline: this.#deadline(run), trace, requestId, principal };
  }

  /** No run takes longer than its agent allows, however long its caller would wait. */
  #deadline(run: Run): number {
    const latest = performance.now() + this.#hosted.timeoutMs;
    if (run.deadline !== undefined && run.deadline <= latest) return run.deadline;
    this.#stopTimer = atDeadline(latest, () => run.breakOff(timedOut()));
    return latest;
  }

  #failed(thrown: unknown, run: Run | undefined): AgentError {
    const thrownError = run?.failure ?? toAgentError(thrown);
    const error = this.#called ? afterStart(thrownError) : thrownError;
    this.#end(error, this.#called && run?.failure === undefined);
    return error;
  }

  #end(error: AgentError | undefined, agentFailed: boolean): void {
    if (!this.#free()) return;
    const startedAt = this.#startedAt;
    const now = performance.now();
    const { requestId, principal } = this.#facts;
    this.#onRunEnd({
      agentId: this.#hosted.info.id,
      requestId,
      principal,
      waitedMs: (startedAt ?? now) - this.#enteredAt,
      ranMs: startedAt === undefined ? undefined : now - startedAt,
      error,
      agentFailed,
    });
  }

  #free(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#stopTimer?.();
    if (this.#startedAt !== undefined) this.#lane.ran(performance.now() - this.#startedAt);
    this.#lane.leave();
    return true;
  }
}
