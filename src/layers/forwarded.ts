import type { InboundCall } from '../call.ts';
import { type Fields, getField, withoutFields } from '../fields.ts';
import { endToEnd } from '../hop-by-hop.ts';
import type { Layer } from '../stack.ts';

/**
 * Makes the headers such as the agent may trust them: ours (`x-outrider-*`, `x-forwarded-*`, `forwarded`, `x-real-ip`) are taken
 * from nobody else, hop-by-hop fields end here, and the caller's bearer token stays with us unless `forwardAuthorization`.
 * Trailers are held to the same, and may not say what only a header may (RFC 9110 §6.5.1).
 */
export function forwarded({ forwardAuthorization }: { forwardAuthorization: boolean }): Layer<InboundCall> {
  const drop = (name: string): boolean => isOurs(name) || (name === 'authorization' && !forwardAuthorization);
  return (call, next) => {
    const headers = endToEnd(call.headers, drop);
    headers.push('X-Forwarded-For', call.remote, 'X-Forwarded-Proto', 'http');
    const host = getField(call.headers, 'host');
    if (host !== undefined) headers.push('X-Forwarded-Host', host);
    if (call.trailers === undefined) return next({ headers });
    const trailers = call.trailers.then((fields): Fields => withoutFields(endToEnd(fields, isOurs), isHeaderOnly));
    return next({ headers, trailers });
  };
}

function isOurs(name: string): boolean {
  const first = name.charCodeAt(0);
  if (first !== LETTER_X && first !== LETTER_F) return false;
  // CGI and WSGI make `x_real_ip` and `x-real-ip` the same variable.
  const plain = name.includes('_') ? name.replaceAll('_', '-') : name;
  if (first === LETTER_F) return plain === 'forwarded';
  return plain.startsWith('x-forwarded-') || plain.startsWith('x-outrider-') || plain === 'x-real-ip';
}

const LETTER_F = 102;
const LETTER_X = 120;

/** Framing, routing, authentication and content: behind the body they would come too late, or get past who has checked them. */
function isHeaderOnly(name: string): boolean {
  return HEADER_ONLY.has(name) || name.startsWith('content-') || name.startsWith('if-');
}

const HEADER_ONLY = new Set([
  'host',
  'authorization',
  'cookie',
  'te',
  'trailer',
  'range',
  'cache-control',
  'max-forwards',
]);
