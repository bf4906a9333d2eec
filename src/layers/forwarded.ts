import type { InboundCall } from '../call.ts';
import { getField } from '../fields.ts';
import { endToEnd } from '../hop-by-hop.ts';
import type { Layer } from '../stack.ts';

/**
 * Makes the headers such as the agent may trust them: ours (`x-outrider-*`, `x-forwarded-*`, `forwarded`) are taken from
 * nobody else, hop-by-hop fields end here, and the caller's bearer token stays with us unless `forwardAuthorization`.
 */
export function forwarded({ forwardAuthorization }: { forwardAuthorization: boolean }): Layer<InboundCall> {
  const drop = (name: string): boolean => {
    switch (name.charCodeAt(0)) {
      case 120 /* x */:
        return name.startsWith('x-forwarded-') || name.startsWith('x-outrider-') || name === 'x-real-ip';
      case 102 /* f */:
        return name === 'forwarded';
      case 97 /* a */:
        return name === 'authorization' && !forwardAuthorization;
      default:
        return false;
    }
  };
  return (call, next) => {
    const headers = endToEnd(call.headers, drop);
    headers.push('X-Forwarded-For', call.remote, 'X-Forwarded-Proto', 'http');
    const host = getField(call.headers, 'host');
    if (host !== undefined) headers.push('X-Forwarded-Host', host);
    return next({ headers });
  };
}
