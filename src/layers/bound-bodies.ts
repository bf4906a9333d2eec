import { isStream } from '../body.ts';
import type { Call } from '../call.ts';
import { type Layer, UNCHANGED } from '../stack.ts';
import { Budget, held } from './body-budget.ts';

/**
 * Bounds the bytes of large request bodies that are held at the same time by all calls, from their arrival until there is a reply: each
 * may be as large as the limit on one allows, and there may be as many as the limit on calls allows, but not both at once. Throws
 * `overloaded`. Stands before whatever reads bodies whole.
 */
export function boundBodies(limitBytes: number): Layer {
  const budget = new Budget(limitBytes);
  return async (call: Call, next) => {
    if (call.body === null) return next(UNCHANGED);
    const hold = budget.hold();
    try {
      const body = held(call.body, hold);
      return await next(isStream(body) ? { body } : UNCHANGED);
    } finally {
      hold.release();
    }
  };
}
