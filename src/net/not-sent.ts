/** How deep causes are looked through: errors come from outside, and may go in a circle. */
const MAX_DEPTH = 8;

/** Failures before there was a connection to send anything on. */
const NO_CONNECTION = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_HAS_EXPIRED',
]);

/** Of HTTP/2 only the client can tell: it knows what was refused, and on which streams nothing went out. */
const marked = new WeakSet<Error>();

/** Says of an error that what failed with it has never reached the application on the far side. */
export function markNotSent<E extends Error>(error: E): E {
  marked.add(error);
  return error;
}

/**
 * True when an error of one of the clients here, or one of its causes, proves that the far side's application never saw the
 * request: no connection, a stream refused (RFC 9113 §8.7), or one beyond the last that a GOAWAY names (§6.8). False when
 * nobody can tell.
 */
export function wasNotSent(error: unknown): boolean {
  let current = error;
  for (let depth = 0; depth < MAX_DEPTH && current instanceof Error; depth++) {
    if (marked.has(current)) return true;
    const { code, syscall } = current as NodeJS.ErrnoException;
    if (code !== undefined && (NO_CONNECTION.has(code) || syscall === 'connect')) return true;
    current = current.cause;
  }
  return false;
}
