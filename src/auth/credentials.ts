import type { Caller } from '../caller.ts';
import type { NamedToken, TokenSet } from '../tokens.ts';

/** A key and what its holder may do. */
export interface KeyWithRoles extends NamedToken {
  readonly roles: readonly string[];
}

/** Structurally the `Credentials` of the layer `authenticateCaller`: keys first, since looking them up asks nobody. */
export function keysAndTokens(
  keys: () => TokenSet<KeyWithRoles>,
  verify: ((jwt: string) => Promise<Caller>) | undefined,
): { callerOf(secret: string, kind: 'bearer' | 'key'): Caller | undefined | Promise<Caller> } {
  return {
    callerOf(secret, kind) {
      const key = keys().find(secret);
      if (key !== undefined) return { principal: key.name, roles: key.roles };
      return verify !== undefined && kind === 'bearer' && looksLikeJwt(secret) ? verify(secret) : undefined;
    },
  };
}

/** Whether it has the form of a signed JWT (RFC 7519 §3): nothing else is worth looking at. */
function looksLikeJwt(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token);
}
