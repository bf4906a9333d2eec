import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { Caller } from '../caller.ts';
import { OutriderError } from '../errors.ts';

export interface JwtOptions {
  readonly issuer: string;
  /** At least one of them must be among the token's; undefined: not looked at. */
  readonly audience: readonly string[] | undefined;
  /** JWS names (RFC 7518 §3.1, RFC 9864), none of them symmetric. */
  readonly algorithms: readonly string[];
  /** Where the roles stand: the name of a claim, or the way to it with dots, such as `realm_access.roles`. */
  readonly rolesClaim: string;
  /** How far the issuer's clock may differ from ours, in milliseconds. */
  readonly clockToleranceMs: number;
  readonly keys: JWTVerifyGetKey;
  /** Wall clock. */
  readonly now?: () => Date;
}

/** Roles of one caller that are looked at; more are left out. */
const MOST_ROLES = 256;
const LONGEST_NAME = 256;

const NOT_YET = 'the token is not valid yet: do the clocks differ?';

/**
 * Tells who a signed JWT was made for. It must be by the issuer, for the audience, and of now, give or take the tolerance.
 * Principals are `jwt:` and the `sub` claim: no key of the configuration can have such a name. Throws `unauthenticated`.
 */
export function jwtVerifier(options: JwtOptions): (token: string) => Promise<Caller> {
  const { issuer, audience, algorithms, rolesClaim, clockToleranceMs, keys, now = () => new Date() } = options;
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        ...(audience !== undefined && { audience: [...audience] }),
        algorithms: [...algorithms],
        clockTolerance: clockToleranceMs / 1000,
        requiredClaims: ['sub', 'exp'],
        currentDate: now(),
      });
      notFromTheFuture(payload, now().getTime() + clockToleranceMs);
      return { principal: principalOf(payload), roles: rolesOf(payload, rolesClaim) };
    } catch (error) {
      throw refusal(error);
    }
  };
}

/** Of an issuer that says no `nbf`, `iat` alone shows a clock that is far ahead: its tokens would live longer than they should. */
function notFromTheFuture({ iat }: JWTPayload, latest: number): void {
  if (iat !== undefined && iat * 1000 > latest) throw new OutriderError('unauthenticated', NOT_YET);
}

function principalOf({ sub }: JWTPayload): string {
  // It goes into logs and rows.
  if (typeof sub === 'string' && sub.length <= LONGEST_NAME && /^[^\p{C}]+$/u.test(sub)) return `jwt:${sub}`;
  throw new OutriderError('unauthenticated', 'the token names nobody: its `sub` is not a name');
}

/** A list of texts, or one text with blanks between, as in `scope` (RFC 8693 §4.2). */
function rolesOf(payload: JWTPayload, path: string): readonly string[] {
  // A name with dots may also be one claim, such as `https://example.com/roles`.
  const claim = Object.hasOwn(payload, path) ? payload[path] : path.split('.').reduce<unknown>(member, payload);
  const list = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [];
  return list
    .slice(0, MOST_ROLES)
    .filter((role): role is string => typeof role === 'string' && role !== '' && role.length <= LONGEST_NAME);
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

/** Says why as far as it helps an honest caller. The token itself is never repeated. */
function refusal(error: unknown): OutriderError {
  if (error instanceof OutriderError) return error;
  const say = (why: string): OutriderError => new OutriderError('unauthenticated', why, { cause: error });
  if (error instanceof errors.JWTExpired) return say('the token has expired');
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf') return say(NOT_YET);
    return say(`the token's claim ${error.claim} is not what is expected here`);
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return say('the token is signed by an algorithm that is not accepted');
  if (error instanceof errors.JWKSNoMatchingKey) return say("the token names none of its issuer's keys");
  return say('the token is not valid');
}
