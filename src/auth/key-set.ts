import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { OutriderError } from '../errors.ts';

export interface KeySetOptions {
  /** The issuer's JSON Web Key Set (RFC 7517 §5) as it is now. Rejects when it cannot be had. */
  readonly fetch: () => Promise<unknown>;
  /** Told why the issuer's keys could not be had. */
  readonly onFault: (error: unknown) => void;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

/** After this the keys are asked for again, while those at hand go on being used. */
const FRESH_MS = 10 * 60_000;
/** Keys that could not be confirmed for so long are used no more: the issuer may have withdrawn one. */
const TRUSTED_MS = 60 * 60_000;
/** Between two questions, whatever callers send: who invents names of keys must not make us ask the issuer each time. */
const PAUSE_MS = 30_000;
const PAUSE_AFTER_FAILURE_MS = 5_000;

/**
 * The keys of an issuer, by the `kid` and `alg` of a token's header. Asks the issuer when it needs to, at most once in 30 seconds;
 * `not_ready` (503) when there are no keys and none can be had: nobody is let in on trust.
 */
export function keySet({ fetch, onFault, now = () => performance.now() }: KeySetOptions): JWTVerifyGetKey {
  let keys: { readonly find: ReturnType<typeof createLocalJWKSet>; readonly at: number } | undefined;
  let asking: Promise<void> | undefined;
  let mayAskAt = Number.NEGATIVE_INFINITY;

  const ask = (): Promise<void> => {
    asking ??= refresh().finally(() => {
      asking = undefined;
    });
    return asking;
  };
  const refresh = async (): Promise<void> => {
    try {
      // jose checks what it is given, and throws when it is no key set.
      keys = { find: createLocalJWKSet((await fetch()) as JSONWebKeySet), at: now() };
      mayAskAt = now() + PAUSE_MS;
    } catch (error) {
      mayAskAt = now() + PAUSE_AFTER_FAILURE_MS;
      onFault(error);
    }
  };
  const mayAsk = (): boolean => asking !== undefined || now() >= mayAskAt;
  const current = (): typeof keys => (keys !== undefined && now() - keys.at < TRUSTED_MS ? keys : undefined);

  return async (header, token) => {
    if (current() === undefined && mayAsk()) await ask();
    const held = current();
    if (held === undefined) {
      const retryAfter = Math.max(1, (mayAskAt - now()) / 1000);
      throw new OutriderError('not_ready', 'tokens cannot be checked now: the keys of their issuer are not at hand', {
        retryAfter,
      });
    }
    if (now() - held.at > FRESH_MS && mayAsk()) void ask();
    try {
      return await held.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !mayAsk()) throw error;
      await ask();
      return (current() ?? held).find(header, token);
    }
  };
}
