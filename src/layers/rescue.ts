import { cancelBody } from '../body.ts';
import type { Call, Reply } from '../call.ts';
import { type OutriderError, toOutriderError } from '../errors.ts';
import { problemReply } from '../problem.ts';
import { type Layer, UNCHANGED } from '../stack.ts';

export interface RescueOptions {
  /** Told of every error, with its cause, for the log. */
  onError?: (error: OutriderError, call: Call) => void;
  /** How an error looks to this surface's callers; a problem document unless told otherwise. */
  reply?: (error: OutriderError) => Reply;
}

/** The only place where an error becomes a reply. What is left of the request body is given up. */
export function rescue({ onError, reply = problemReply }: RescueOptions = {}): Layer {
  return async (call, next) => {
    try {
      return await next(UNCHANGED);
    } catch (thrown) {
      const error = toOutriderError(thrown);
      onError?.(error, call);
      await cancelBody(call.body).catch(() => undefined);
      return reply(error);
    }
  };
}
