import type { AgentProcess } from './agent-process.ts';
import { type AgentExit, exitCodeOf, exitCodeOfSignal } from './exit-code.ts';
import type { RunLog } from './log.ts';
import type { HeldSignals, StopSignal } from './signals.ts';
import { listenForWishes } from './wishes.ts';
import { within } from './within.ts';

/** What of a sidecar is needed to end it. */
export interface LivingSidecar {
  /**
   * Called once: from now on not ready, and, `atOnce` or a little later, takes no new requests; resolves when those in flight are
   * finished. The agent's helpers must go on working until `close`, because the agent needs them to finish.
   */
  drain(options: { atOnce: boolean }): Promise<void>;
  /** Called once, last: breaks off what is left, flushes spans and outbox, ends children. */
  close(): Promise<void>;
}

export interface LifeOptions {
  /** Unset when the sidecar is switched off and the agent runs alone. */
  readonly sidecar?: LivingSidecar | undefined;
  /** Set under `run`. */
  readonly agent?: AgentProcess | undefined;
  readonly signals: HeldSignals;
  readonly drainTimeoutMs: number;
  readonly log: RunLog;
  /** Stops this process until SIGCONT, for Ctrl-Z on a terminal. */
  readonly suspend?: (() => void) | undefined;
}

/**
 * With the default drain timeout of 25 s these end everything within 30 s, which is what Kubernetes grants by default: the
 * agent has what is left of the drain timeout plus `AGENT_EXTRA_MS`, flushing at least `CLOSE_LEAST_MS` after that.
 */
const AGENT_EXTRA_MS = 3000;
const CLOSE_LEAST_MS = 1000;
const CLOSE_MOST_MS = 5000;
/**
 * Of the drain timeout, what may pass after it where there is no agent to end: who is granted ten seconds in all says eight, and
 * is not killed before the end.
 */
const CLOSE_SHARE = 1 / 8;
/** After the agent's own end there is nothing to wait for but replies that are already on their way out. */
const SETTLE_MS = 5000;
/** From SIGKILL until a process must be gone; longer only when the kernel cannot end it. */
const KILL_WAIT_MS = 500;

/**
 * Lives until a signal says stop or the agent ends, then ends the other side in order, and gives the exit code. Told to stop:
 * the sidecar drains, then the agent gets the same signal, then the sidecar closes. A second signal to stop skips the waiting,
 * a third kills the agent. The code is 0 after a stop that went as asked, else the agent's own.
 */
export async function live(options: LifeOptions): Promise<number> {
  const { sidecar, agent, drainTimeoutMs, log } = options;
  const wishes = listenForWishes(options);
  let agentIsGone = false;
  const drained = once(() => sidecar?.drain({ atOnce: agentIsGone }), 'draining failed', log);

  const agentEnded = agent?.exited.then(() => 'agent ended' as const) ?? never();
  const stopping = wishes.stop.then(() => 'stop' as const);
  let flushMs = CLOSE_MOST_MS;
  let exit: AgentExit | undefined;

  if ((await Promise.race([agentEnded, stopping])) === 'stop') {
    const begun = performance.now();
    const left = (): number => drainTimeoutMs - (performance.now() - begun);
    log.info('stopping once the requests in flight are finished; at once if asked again', {
      signal: wishes.latest(),
      drainTimeoutMs,
    });
    const ended = await within(Promise.race([drained(), wishes.hurry, agentEnded]), drainTimeoutMs, 'late');
    if (ended === 'late') log.warn('requests were still in flight when the drain timeout ended', { drainTimeoutMs });
    if (agent !== undefined) {
      wishes.agentIsTold();
      exit = await stopAgent(agent, wishes.latest(), Math.max(left(), 0) + AGENT_EXTRA_MS);
      await within(Promise.race([drained(), wishes.hurry]), Math.min(Math.max(left(), 0), SETTLE_MS), undefined);
    }
    const extra = agent === undefined ? drainTimeoutMs * CLOSE_SHARE : AGENT_EXTRA_MS + CLOSE_LEAST_MS;
    flushMs = Math.min(Math.max(left() + extra, CLOSE_LEAST_MS), CLOSE_MOST_MS);
  } else {
    agentIsGone = true;
    exit = await agent?.exited;
    log.info('the agent has ended', { ...exit });
    await within(Promise.race([drained(), wishes.stop]), Math.min(drainTimeoutMs, SETTLE_MS), undefined);
    await agent?.gone;
  }

  const close = once(() => sidecar?.close(), 'closing failed', log);
  if ((await within(Promise.race([close(), wishes.force]), flushMs, 'late')) === 'late') {
    log.warn('not everything was flushed in time; cost and audit rows are on disk and are shipped later', { flushMs });
  }
  return codeOfLife(exit, wishes.received());
}

/** The agent's own code, except that an end that was asked for, and came by that signal or with 0, is a success. */
function codeOfLife(exit: AgentExit | undefined, received: readonly StopSignal[]): number {
  if (exit === undefined) return 0;
  const code = exitCodeOf(exit);
  return received.some((signal) => code === exitCodeOfSignal(signal)) ? 0 : code;
}

async function stopAgent(agent: AgentProcess, signal: StopSignal, graceMs: number): Promise<AgentExit> {
  // `stop` kills after the grace; a process that even then stays must not hold up a rollout.
  const unkillable: AgentExit = { code: null, signal: 'SIGKILL' };
  return within(agent.stop({ graceMs, signal }), graceMs + KILL_WAIT_MS, unkillable);
}

/** Calls `work` the first time, gives the same promise ever after, and turns a failure into a line of log. */
function once(work: () => Promise<void> | undefined, failure: string, log: RunLog): () => Promise<void> {
  let result: Promise<void> | undefined;
  const attempt = async (): Promise<void> => {
    try {
      await work();
    } catch (error) {
      log.warn(failure, { error });
    }
  };
  return () => (result ??= attempt());
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
