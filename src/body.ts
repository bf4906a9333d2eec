import { OutriderError } from './errors.ts';

/** Bytes of one direction: none, all of them at hand, or still arriving. A stream can be read once. */
export type Body = null | Uint8Array | AsyncIterable<Uint8Array>;

/** How a body ended: read to its end, broken off by its source, or given up by its reader. */
export type BodyEnd = 'complete' | 'failed' | 'cancelled';

export function isStream(body: Body): body is AsyncIterable<Uint8Array> {
  return body !== null && !(body instanceof Uint8Array);
}

/**
 * The same body, which tells `settle` exactly once how it ended. A body without a stream is complete at once.
 * The iterator is made by hand: an async generator that is cancelled before its first chunk never runs its `finally`.
 */
export function onBodyEnd(body: Body, settle: (end: BodyEnd, error?: unknown) => void): Body {
  if (!isStream(body)) {
    settle('complete');
    return body;
  }
  let settled = false;
  const end = (how: BodyEnd, error?: unknown): void => {
    if (settled) return;
    settled = true;
    settle(how, error);
  };
  return {
    [Symbol.asyncIterator]() {
      const source = body[Symbol.asyncIterator]();
      return {
        async next() {
          try {
            const result = await source.next();
            if (result.done) end('complete');
            return result;
          } catch (error) {
            end('failed', error);
            throw error;
          }
        },
        async return() {
          end('cancelled');
          await source.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** Gives up a body that nobody will read, so that its source can stop. Safe on every kind of body. */
export async function cancelBody(body: Body): Promise<void> {
  if (isStream(body)) await body[Symbol.asyncIterator]().return?.();
}

/**
 * All bytes of a body. Throws `body_too_large` as soon as more than `limit` bytes have come, and cancels the rest.
 * A body that is already at hand is returned as it is, without a copy.
 */
export async function readBody(body: Body, limit: number): Promise<Uint8Array> {
  if (body === null) return EMPTY;
  if (body instanceof Uint8Array) {
    if (body.length > limit) throw tooLarge(limit);
    return body;
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  const [only] = chunks;
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks, size);
}

const EMPTY = new Uint8Array(0);

function tooLarge(limit: number): OutriderError {
  return new OutriderError('body_too_large', `the body is larger than the ${limit} bytes allowed here`);
}
