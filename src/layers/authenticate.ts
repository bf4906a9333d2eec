import type { Call } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { countField, getField } from '../fields.ts';
import type { Layer } from '../stack.ts';
import type { TokenSet } from '../tokens.ts';

/** Who a call comes from. */
export interface Principal {
  principal: string;
}

/** The principal of callers where no token is asked for. */
const ANONYMOUS = 'anonymous';

/**
 * Lets in who carries one of the bearer tokens; everybody when `tokens` answers undefined. It is asked for each call, so that
 * tokens can be rotated. Two `Authorization` fields are none: one could be for us and the other for the agent.
 */
export function authenticate(tokens: () => TokenSet | undefined): Layer<Call, Principal> {
  return (call, next) => {
    const set = tokens();
    if (set === undefined) return next({ principal: ANONYMOUS });
    const principal =
      countField(call.headers, 'authorization') === 1 ? set.nameOf(getField(call.headers, 'authorization')) : undefined;
    if (principal === undefined) throw new OutriderError('unauthenticated', 'a valid bearer token is required');
    return next({ principal });
  };
}
