import type { Call, Service } from '../call.ts';
import { OutriderError } from '../errors.ts';

export interface Route<C extends Call> {
  method?: string;
  /** The whole path; with a trailing `*`, everything that begins with what stands before it. */
  path: string;
  service: Service<C>;
}

/**
 * Sends a call to the first route that matches. Paths are compared as they came, byte for byte: no decoding, no dot segments,
 * no case folding, so that no other spelling of a path reaches what stands behind it. Without `otherwise`, what matches no
 * route is `not_found`, and a known path with another method `method_not_allowed`.
 */
export function router<C extends Call>(routes: readonly Route<C>[], otherwise?: Service<C>): Service<C> {
  const known = routes.map((route) => ({ ...route, matches: matcher(route.path) }));
  return (call) => {
    let allow: string[] | undefined;
    for (const { method, service, matches } of known) {
      if (!matches(call.target)) continue;
      if (method === undefined || method === call.method) return service(call);
      allow = [...(allow ?? []), method];
    }
    if (otherwise !== undefined) return otherwise(call);
    if (allow !== undefined)
      throw new OutriderError('method_not_allowed', 'not served with this method', { details: { allow } });
    throw new OutriderError('not_found', 'nothing is served on this path');
  };
}

function matcher(pattern: string): (target: string) => boolean {
  if (pattern.endsWith('*')) {
    const start = pattern.slice(0, -1);
    return (target) => target.startsWith(start);
  }
  return (target) =>
    target.startsWith(pattern) &&
    (target.length === pattern.length || target.charCodeAt(pattern.length) === QUESTION_MARK);
}

const QUESTION_MARK = 63;
