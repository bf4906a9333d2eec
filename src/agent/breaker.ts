import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
} from 'cockatiel';
import { AgentError } from '../contract/agent-error.ts';
import { factsOf } from './error-facts.ts';

/** Failures of the way to an address, one after another, after which it is left alone. */
const FAILURES = 5;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** Leaves an address alone that cannot be reached, and lets one call through after a while to see whether it can be again. */
export interface Breaker {
  /** Runs the work, unless the address is left alone: `unreachable` at once. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** `firstPauseMs` grows with each call that finds the address as it was. */
export function breaker(firstPauseMs: number = FIRST_PAUSE_MS): Breaker {
  const policy = circuitBreaker(
    handleWhen((error) => isOfTransport(error)),
    {
      halfOpenAfter: new ExponentialBackoff({ initialDelay: firstPauseMs, maxDelay: LONGEST_PAUSE_MS }),
      breaker: new ConsecutiveBreaker(FAILURES),
    },
  );
  return {
    async run(work) {
      // Otherwise the call would wait for the one that was let through, which may take as long as an agent takes.
      if (policy.state === CircuitState.HalfOpen) throw leftAlone();
      try {
        return await policy.execute(work);
      } catch (error) {
        if (error instanceof BrokenCircuitError) throw leftAlone();
        throw error;
      }
    },
  };
}

/** An agent that fails, or takes too long, is there. */
function isOfTransport(error: unknown): boolean {
  if (!(error instanceof AgentError) || factsOf(error).transport !== true) return false;
  return error.code === 'unreachable' || error.code === 'timeout';
}

function leftAlone(): AgentError {
  return new AgentError('unreachable', 'the agent could not be reached several times, and is left alone for a while');
}
