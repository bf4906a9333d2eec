import type { AgentError } from '../contract/agent-error.ts';
import type { ExecuteRequest } from '../contract/messages.ts';
import { factsOf } from './error-facts.ts';

/** How often, and after how long, what cannot have run is tried again. Times in milliseconds. */
export interface RetryOptions {
  /** Attempts in all; 3 unless told. */
  readonly attempts?: number | undefined;
  /** Before the first retry, of which up to half is taken off at random; doubles with each; 100 unless told. */
  readonly firstDelayMs?: number | undefined;
  /** 2,000 unless told. */
  readonly maxDelayMs?: number | undefined;
}

/** Whoever wants us to wait longer wants us to go. */
const LONGEST_WAIT_MS = 30_000;

/**
 * Milliseconds to wait before the call is made again; undefined when it is not to be. Only where nothing ran, or where the far side
 * sees to it that a repeated key runs nothing twice.
 */
export function retryDelay(
  error: AgentError,
  request: ExecuteRequest,
  attempt: number,
  options: RetryOptions,
  random: number = Math.random(),
): number | undefined {
  const { attempts = 3, firstDelayMs = 100, maxDelayMs = 2_000 } = options;
  if (attempt >= attempts || !isSafe(error, request)) return undefined;
  const backoff = Math.min(maxDelayMs, firstDelayMs * 2 ** (attempt - 1)) * (1 - random / 2);
  const delay = Math.max(backoff, (error.retryAfter ?? 0) * 1000);
  return delay > Math.max(LONGEST_WAIT_MS, maxDelayMs) ? undefined : delay;
}

function isSafe(error: AgentError, request: ExecuteRequest): boolean {
  if (factsOf(error).nothingRan === true) return true;
  // A request that is none at all has failed as well, and comes here.
  return error.retryable && Boolean(request?.idempotency_key);
}
