import type { Body } from '../body.ts';

/** Trailers stand behind streams only. */
export function inOnePiece(body: Body): Body {
  if (!(body instanceof Uint8Array)) return body;
  let rest: Uint8Array | undefined = body;
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      const value = rest;
      rest = undefined;
      return value === undefined || value.length === 0 ? { done: true, value: undefined } : { done: false, value };
    },
    async return() {
      rest = undefined;
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
