import { looksLikeText } from '../guardrails/peek.ts';
import type { Head } from './guard-head.ts';
import type { Side } from './guard-side.ts';

/** Types of calls in which, over HTTP/2, both sides may wait for each other before the first byte of a body comes. */
const CALLS = /^application\/(?:grpc(?:-web)?|connect)(?:\+|$)/;

export function isOpaqueCall({ media, codings }: Head): boolean {
  return codings.length === 0 && CALLS.test(media.type);
}

/**
 * The stream of a call whose messages are nobody's business here, without waiting for any of it. What turns out, when it comes, to
 * begin like text is not what it declares to be: then the stream fails, unless what cannot be read may pass.
 */
export function opaqueStream(side: Side, body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const source = body[Symbol.asyncIterator]();
  let isKnown = false;
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      const result = await source.next();
      if (isKnown || result.done === true || result.value.length === 0) return result;
      isKnown = true;
      if (!looksLikeText(result.value)) return result;
      try {
        side.unreadable('ambiguous');
      } catch (error) {
        await source.return?.();
        throw error;
      }
      return result;
    },
    async return() {
      await source.return?.();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
