import { hash, timingSafeEqual } from 'node:crypto';

/** Says whether an `Authorization` header may pass. */
export type Authorize = (authorization: string | undefined) => boolean;

/**
 * Lets in whoever bears one of these tokens (RFC 6750 §2.1). Digests of one length are compared, each with every token, so that
 * the time tells nothing of where or with which token a guess differs.
 */
export function bearerAuthorize(tokens: readonly string[]): Authorize {
  const digests = tokens.map((token) => hash('sha256', token, 'buffer'));
  return (authorization) => {
    const token = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return false;
    const digest = hash('sha256', token, 'buffer');
    let found = false;
    for (const candidate of digests) found = timingSafeEqual(digest, candidate) || found;
    return found;
  };
}
