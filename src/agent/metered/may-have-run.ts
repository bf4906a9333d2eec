/** Codes of Node.js and of its `fetch` for a request that never left: no address, no connection, no trust. */
const NEVER_LEFT =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_[A-Z]+|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EACCES|UND_ERR_CONNECT_TIMEOUT|UND_ERR_INVALID_ARG|ERR_INVALID_[A-Z_]+|ERR_TLS_[A-Z_]+|CERT_[A-Z_]+|UNABLE_TO_[A-Z_]+|SELF_SIGNED_[A-Z_]+|DEPTH_ZERO_[A-Z_]+)$/;
/** What `fetch` itself refuses; these have no code. */
const FORBIDDEN: ReadonlySet<string> = new Set(['bad port', 'unknown scheme']);
const MAX_CAUSES = 8;

/**
 * Whether a model may have worked although `fetch` failed: in doubt it has, and the provider bills it. False when the error proves
 * that no request went out.
 */
export function mayHaveRun(error: unknown): boolean {
  // `fetch` throws a bare TypeError for arguments that make no request.
  if (error instanceof TypeError && error.cause === undefined) return false;
  let cause = error;
  for (let i = 0; i < MAX_CAUSES && cause instanceof Error; i++) {
    if ('code' in cause && typeof cause.code === 'string' && NEVER_LEFT.test(cause.code)) return false;
    if (FORBIDDEN.has(cause.message)) return false;
    cause = cause.cause;
  }
  return true;
}
