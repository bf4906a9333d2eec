import { isStream, onBodyEnd } from '../body.ts';
import type { Layer } from '../stack.ts';

export interface CallsInFlight {
  /** Gives calls a signal that aborts when the caller leaves, and when all calls are broken off. */
  readonly layer: Layer;
  /** Aborts every call whose reply has not ended, so that each can still be answered with why. */
  breakOff(reason: Error): void;
}

/** The calls of a process that is to end, whoever waits for them. */
export function callsInFlight(): CallsInFlight {
  const calls = new Set<AbortController>();
  return {
    async layer(call, next) {
      const controller = new AbortController();
      // Both live as long as the call.
      const left = (): void => controller.abort(call.signal.reason);
      if (call.signal.aborted) left();
      else call.signal.addEventListener('abort', left, { once: true });
      calls.add(controller);
      const end = (): void => {
        calls.delete(controller);
      };
      try {
        const reply = await next({ signal: controller.signal });
        if (isStream(reply.body)) return { ...reply, body: onBodyEnd(reply.body, end) };
        end();
        return reply;
      } catch (error) {
        end();
        throw error;
      }
    },
    breakOff(reason) {
      for (const call of calls) call.abort(reason);
    },
  };
}
