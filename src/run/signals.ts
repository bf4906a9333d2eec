/** Where signals come from: `process`, or an emitter in tests. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
}

/** Signals that came in since `holdSignals`, in order. */
export interface HeldSignals {
  /** Hands over those that came before, then each as it comes. One listener only. */
  listen(listener: (signal: NodeJS.Signals) => void): void;
  /** Gives every signal its default back. Not needed before the process exits. */
  release(): void;
}

export interface HoldOptions {
  /** True under `run`: signals that mean nothing to us but may to the agent are taken too. */
  readonly forAgent: boolean;
  /** Called for the second signal to stop while nobody listens yet: the user does not want to wait for the start. */
  readonly giveUp: (signal: NodeJS.Signals) => void;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP';

const STOP_SIGNALS: readonly StopSignal[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/** Passed on to an agent. Without one they keep their defaults: a core dump, Node's debugger, the shell's job control. */
const AGENT_SIGNALS: readonly NodeJS.Signals[] = ['SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGTSTP', 'SIGCONT'];

/** The same signal again within this time is the same wish: launchers may pass on a Ctrl-C that the terminal sent us already. */
const ECHO_MS = 250;
/** More than this before anybody listens is noise. */
const MOST_HELD = 64;

export function isStopSignal(signal: NodeJS.Signals): signal is StopSignal {
  return STOP_SIGNALS.some((candidate) => candidate === signal);
}

/**
 * Takes signals from now on and keeps them until somebody listens, so that one that comes while the program starts neither
 * kills it halfway nor is lost.
 */
export function holdSignals(source: SignalSource, options: HoldOptions): HeldSignals {
  const { forAgent, giveUp, now = () => performance.now() } = options;
  const lastSeen = new Map<NodeJS.Signals, number>();
  const held: NodeJS.Signals[] = [];
  let listener: ((signal: NodeJS.Signals) => void) | undefined;

  const onSignal = (signal: NodeJS.Signals): void => {
    if (isStopSignal(signal) && isEcho(signal)) return;
    if (listener !== undefined) listener(signal);
    else if (isStopSignal(signal) && held.some(isStopSignal)) giveUp(signal);
    else if (held.length < MOST_HELD) held.push(signal);
  };
  const isEcho = (signal: NodeJS.Signals): boolean => {
    const before = lastSeen.get(signal);
    const at = now();
    if (before !== undefined && at - before < ECHO_MS) return true;
    lastSeen.set(signal, at);
    return false;
  };

  const names = forAgent ? [...STOP_SIGNALS, ...AGENT_SIGNALS] : STOP_SIGNALS;
  for (const name of names) source.on(name, onSignal);
  return {
    listen(next) {
      listener = next;
      for (const signal of held.splice(0)) next(signal);
    },
    release() {
      for (const name of names) source.off(name, onSignal);
    },
  };
}
