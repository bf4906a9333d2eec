import { isStream, onBodyEnd } from '../body.ts';
import type { Call } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { type Layer, UNCHANGED } from '../stack.ts';
import type { Principal } from './authenticate.ts';

export interface LimitOptions {
  /** Requests in flight at once, streams included. */
  concurrent: number;
  /** For each principal; undefined: no limit. */
  perSecond: number | undefined;
  /** How many a principal may make at once before the rate applies. */
  burst: number | undefined;
  /** Milliseconds of a clock that never goes back. */
  now: () => number;
}

/** Bounds how many calls are in flight (503) and how many each principal makes (429), and says when to come back. */
export function limit({ concurrent, perSecond, burst, now }: LimitOptions): Layer<Call & Principal> {
  let inFlight = 0;
  const take =
    perSecond === undefined ? undefined : tokenBuckets(perSecond, burst ?? Math.max(1, Math.ceil(perSecond)), now);
  const release = (): void => {
    inFlight--;
  };

  return async (call, next) => {
    const wait = take?.(call.principal) ?? 0;
    if (wait > 0) throw new OutriderError('rate_limited', 'too many requests', { retryAfter: wait });
    if (inFlight >= concurrent) throw new OutriderError('overloaded', 'too many requests in flight', { retryAfter: 1 });
    inFlight++;
    try {
      const reply = await next(UNCHANGED);
      if (!isStream(reply.body)) {
        release();
        return reply;
      }
      // A stream holds its place until it has ended, however it does.
      return { ...reply, body: onBodyEnd(reply.body, release) };
    } catch (error) {
      release();
      throw error;
    }
  };
}

/** Seconds to wait before this principal may go on; 0 takes a token. Principals are configured, so there are few of them. */
function tokenBuckets(perSecond: number, burst: number, now: () => number): (principal: string) => number {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return (principal) => {
    const time = now();
    let bucket = buckets.get(principal);
    if (bucket === undefined) {
      bucket = { tokens: burst, at: time };
      buckets.set(principal, bucket);
    }
    bucket.tokens = Math.min(burst, bucket.tokens + ((time - bucket.at) / 1000) * perSecond);
    bucket.at = time;
    if (bucket.tokens < 1) return (1 - bucket.tokens) / perSecond;
    bucket.tokens -= 1;
    return 0;
  };
}
