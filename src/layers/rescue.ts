import { cancelBody } from '../body.ts';
import type { Call, Reply } from '../call.ts';
import { type OutriderError, toOutriderError } from '../errors.ts';
import { problemReply } from '../problem.ts';
import { type Layer, UNCHANGED } from '../stack.ts';

export interface RescueOptions<C extends Call> {
  /** Told of every error, with its cause, for the log. */
  onError?: (error: OutriderError, call: C) => void;
  /** How an error looks to the caller of this call; a problem document unless told otherwise. */
  reply?: (error: OutriderError, call: C) => Reply | Promise<Reply>;
}

/** The only place where an error becomes a reply. What is left of the request body is given up. */
export function rescue<C extends Call = Call>({
  onError = () => undefined,
  reply = problemReply,
}: RescueOptions<C> = {}): Layer<C> {
  return rescueAs<OutriderError, C>({ toError: toOutriderError, onError, reply });
}

/** The same for a surface with errors of its own. */
export function rescueAs<Failure, Needs extends Call = Call>({
  toError,
  onError,
  reply,
}: {
  toError: (thrown: unknown) => Failure;
  onError: (error: Failure, call: Needs) => void;
  reply: (error: Failure, call: Needs) => Reply | Promise<Reply>;
}): Layer<Needs> {
  return async (call, next) => {
    try {
      return await next(UNCHANGED);
    } catch (thrown) {
      const error = toError(thrown);
      onError(error, call);
      await cancelBody(call.body).catch(() => undefined);
      return reply(error, call);
    }
  };
}
