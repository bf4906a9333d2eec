import { setTimeout as sleep } from 'node:timers/promises';
import type { Call, Reply } from '../call.ts';
import { type Layer, UNCHANGED } from '../stack.ts';

export interface AwaitAgentOptions {
  /** Whether the agent can be sent calls. */
  readonly isReady: () => Promise<boolean>;
  /** Milliseconds that a call waits at most; 0: none does. */
  readonly timeoutMs: number;
}

const POLL_MS = 50;

/**
 * Until the agent has been ready for the first time, calls wait for it: for platforms that send traffic as soon as the sidecar listens.
 * Nothing of them has been sent then, so that waiting cannot double anything. One that waits too long goes on, to what it will find. An
 * agent that has been ready once is never waited for again.
 */
export function awaitAgent({ isReady, timeoutMs }: AwaitAgentOptions): Layer {
  let seen = timeoutMs === 0;
  const wait = async ({ signal }: Call, next: () => Promise<Reply>): Promise<Reply> => {
    for (const deadline = performance.now() + timeoutMs; !seen && performance.now() < deadline; ) {
      if (await isReady()) seen = true;
      else await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) break;
    }
    return next();
  };
  // Of all calls but the first few nothing is asked, and no promise made.
  return (call, next) => (seen ? next(UNCHANGED) : wait(call, () => next(UNCHANGED)));
}
