import type { Call } from '../call.ts';
import type { Caller } from '../caller.ts';
import { OutriderError } from '../errors.ts';
import { countField, type Fields, getField } from '../fields.ts';
import type { Layer } from '../stack.ts';
import { bearerOf } from '../tokens.ts';
import type { Principal } from './authenticate.ts';

/** Who may call, by what they present. */
export interface Credentials {
  /**
   * Whose secret it is; undefined when it is nobody's. `bearer`: a key or a JWT; `key`: a key. Throws `unauthenticated` when it
   * can say why not, and `not_ready` when it cannot tell now.
   */
  callerOf(secret: string, kind: 'bearer' | 'key'): Caller | undefined | Promise<Caller | undefined>;
}

/** Everybody, where no credential is asked for: in no role, so that nothing that takes one is open. */
const ANONYMOUS: Caller = Object.freeze({ principal: 'anonymous', roles: Object.freeze([]) });

/**
 * Lets in who presents a credential, as `Authorization: Bearer` or as `X-API-Key` (in gRPC: metadata of these names); everybody
 * when `credentials` answers undefined. It is asked for each call, so that keys can be rotated. A field that stands there twice,
 * an `Authorization` of another scheme, and two credentials that are not the same are refused: somebody on the way may have
 * looked at the other one.
 */
export function authenticateCaller(
  credentials: () => Credentials | undefined,
): Layer<Call, { readonly caller: Caller } & Principal> {
  return async (call, next) => {
    const known = credentials();
    const found = known === undefined ? ANONYMOUS : callerOf(call.headers, known);
    // A key is known at once.
    const caller = found instanceof Promise ? await found : found;
    if (caller === undefined) throw refused('a valid bearer token or API key is required');
    return next({ caller, principal: caller.principal });
  };
}

function callerOf(headers: Fields, known: Credentials): ReturnType<Credentials['callerOf']> {
  const authorization = only(headers, 'authorization');
  const key = only(headers, 'x-api-key')?.trim();
  const bearer = bearerOf(authorization);
  if (authorization !== undefined && bearer === undefined) {
    throw refused('expected an Authorization field of the form: Bearer TOKEN');
  }
  if (bearer !== undefined && key !== undefined && bearer !== key) throw refused('two different credentials were sent');
  const secret = bearer ?? key;
  if (secret === undefined) throw refused('a bearer token or an API key is required');
  return known.callerOf(secret, bearer === undefined ? 'key' : 'bearer');
}

function only(headers: Fields, name: 'authorization' | 'x-api-key'): string | undefined {
  if (countField(headers, name) > 1) throw refused(`more than one ${name} field was sent`);
  return getField(headers, name);
}

function refused(message: string): OutriderError {
  return new OutriderError('unauthenticated', message);
}
