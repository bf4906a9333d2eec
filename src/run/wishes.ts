import type { AgentProcess } from './agent-process.ts';
import { type HeldSignals, isStopSignal, type StopSignal } from './signals.ts';

/** What the signals so far ask for. */
export interface Wishes {
  /** Settle at the first, second and third signal to stop. */
  readonly stop: Promise<void>;
  readonly hurry: Promise<void>;
  readonly force: Promise<void>;
  received(): readonly StopSignal[];
  latest(): StopSignal;
  /** From now on further signals to stop go to the agent at once. */
  agentIsTold(): void;
}

export interface WishOptions {
  readonly signals: HeldSignals;
  readonly agent?: Pick<AgentProcess, 'signal'> | undefined;
  /** Stops this process until SIGCONT; by default with SIGSTOP. */
  readonly suspend?: (() => void) | undefined;
}

/** Tells signals that ask for our end from those that are the agent's, which are passed on as they come. */
export function listenForWishes({ agent, signals, suspend = suspendThisProcess }: WishOptions): Wishes {
  const steps = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const received: StopSignal[] = [];
  let told = false;

  signals.listen((signal) => {
    // On a terminal that is closed, or where an agent re-reads its files for it, SIGHUP is the agent's to judge.
    if (!isStopSignal(signal) || (signal === 'SIGHUP' && agent !== undefined)) {
      if (signal !== 'SIGTSTP') return agent?.signal(signal);
      // Being in another session, the agent would ignore SIGTSTP (POSIX.1-2024 XSH §2.4.3, orphaned process groups).
      agent?.signal('SIGSTOP');
      return suspend();
    }
    received.push(signal);
    steps[Math.min(received.length, steps.length) - 1]?.resolve();
    if (received.length >= steps.length) agent?.signal('SIGKILL');
    else if (told) agent?.signal(signal);
  });

  return {
    stop: steps[0].promise,
    hurry: steps[1].promise,
    force: steps[2].promise,
    received: () => received,
    latest: () => received.at(-1) ?? 'SIGTERM',
    agentIsTold: () => {
      told = true;
    },
  };
}

function suspendThisProcess(): void {
  process.kill(process.pid, 'SIGSTOP');
}
