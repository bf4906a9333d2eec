import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from '../backoff.ts';
import type { AgentProcess } from './agent-process.ts';
import type { RunLog } from './log.ts';
import { within } from './within.ts';

/** A process that was started, and what belongs to it. */
export interface Started {
  readonly process: AgentProcess;
  /** Whether it takes connections. */
  accepts(): Promise<boolean>;
  /** Called when the process has ended. */
  release(): Promise<void>;
}

export interface KeepRunningOptions<Child extends Started> {
  /** Starts it once more. Rejects when it cannot be started. */
  readonly start: () => Promise<Child>;
  readonly log: RunLog;
  readonly now?: () => number;
}

export interface KeptRunning<Child extends Started> {
  /** The process, while it takes connections. */
  current(): Child | undefined;
  /** Milliseconds until it is started again, when that is being waited for. */
  startsInMs(): number;
  /** Ends it, and whatever it has started; kills what is left after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/** One that took connections for so long was healthy: it is back at once after its end. */
const HEALTHY_MS = 30_000;
const FIRST_LOOK_MS = 20;
const LONGEST_LOOK_MS = 500;
/** After this, one that takes no connections is told of. */
const SLOW_START_MS = 60_000;

/** Starts a process, and again whenever it has ended: at once at first, later after pauses that grow. */
export function keepRunning<Child extends Started>(options: KeepRunningOptions<Child>): KeptRunning<Child> {
  const { start, log, now = () => performance.now() } = options;
  const backoff = new Backoff();
  const stopping = new AbortController();
  let child: Child | undefined;
  let up: Child | undefined;

  const once = async (): Promise<void> => {
    child = await start();
    const { process } = child;
    // Told to stop while it was starting: `stop` had nothing to end then.
    if (stopping.signal.aborted) return giveUp(child);
    log.debug('the agent was started', { pid: process.pid });
    if (await accepted(child, process.exited, log)) {
      up = child;
      const since = now();
      log.info('the agent takes calls', { pid: process.pid });
      await process.exited;
      if (now() - since >= HEALTHY_MS) backoff.reset();
    }
    up = undefined;
    const exit = await process.exited;
    await process.gone;
    await child.release();
    child = undefined;
    if (!stopping.signal.aborted) throw new Ended(exit);
  };

  const giveUp = async (late: Child): Promise<void> => {
    await late.process.stop({ graceMs: LATE_GRACE_MS });
    await late.release();
  };

  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await once();
      } catch (error) {
        backoff.failed(now());
        const wait_ms = Math.round(backoff.remaining(now()));
        if (error instanceof Ended) log.warn('the agent has ended and is started again', { ...error.exit, wait_ms });
        else log.warn('the agent cannot be started, which is tried again', { error, wait_ms });
        // Ended early only by `stop`.
        await sleep(wait_ms, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
      }
    }
  };
  const done = loop();

  return {
    current: () => up,
    startsInMs: () => backoff.remaining(now()),
    async stop(graceMs) {
      stopping.abort();
      await child?.process.stop({ graceMs });
      await done;
    },
  };
}

const LATE_GRACE_MS = 1_000;

class Ended extends Error {
  readonly exit: object;

  constructor(exit: object) {
    super('the process has ended');
    this.exit = exit;
  }
}

/** True when it takes connections, false when it has ended before that. */
async function accepted(child: Started, exited: Promise<unknown>, log: RunLog): Promise<boolean> {
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  const began = performance.now();
  let told = false;
  for (let pause = FIRST_LOOK_MS; ; pause = Math.min(pause * 1.5, LONGEST_LOOK_MS)) {
    if (await child.accepts()) return !ended;
    await within(exited, pause, undefined);
    if (ended) return false;
    if (!told && performance.now() - began > SLOW_START_MS) {
      told = true;
      log.warn('the agent takes no connections yet', { seconds: Math.round((performance.now() - began) / 1000) });
    }
  }
}
