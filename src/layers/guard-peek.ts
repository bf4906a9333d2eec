import { type Body, isStream } from '../body.ts';
import { looksLikeText, PEEK } from '../guardrails/peek.ts';
import { type Coding, decodePrefix } from './content-coding.ts';

export interface Peeked {
  readonly isText: boolean;
  readonly isEmpty: boolean;
  readonly body: Body;
}

/**
 * Whether a body that is declared binary begins like text, and the body with what was read of it put back. It is held no
 * longer than it looks like text, and only its first `PEEK` bytes: other bodies go on after their first chunk.
 */
export async function peek(body: Body, codings: readonly Coding[]): Promise<Peeked> {
  if (!isStream(body)) {
    const isEmpty = body === null || body.length === 0;
    return { isText: !isEmpty && (await judge(body, codings)) === 'text', isEmpty, body };
  }
  const source = body[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let prefix: Uint8Array = new Uint8Array(0);
  for (;;) {
    const { done, value } = await source.next();
    if (done) break;
    if (value.length === 0) continue;
    chunks.push(value);
    prefix = chunks.length === 1 ? value : Buffer.concat([prefix, value]);
    const verdict = await judge(prefix, codings);
    if (verdict === 'binary') return { isText: false, isEmpty: false, body: resume(chunks, source) };
    if (prefix.length >= PEEK) return { isText: verdict === 'text', isEmpty: false, body: resume(chunks, source) };
  }
  const isEmpty = prefix.length === 0;
  const isText = !isEmpty && (await judge(prefix, codings)) === 'text';
  return { isText, isEmpty, body: resume(chunks, source) };
}

/** `unknown`: coded, and too little has come to decode anything. */
async function judge(bytes: Uint8Array, codings: readonly Coding[]): Promise<'text' | 'binary' | 'unknown'> {
  const [coding, ...others] = codings;
  // What is coded twice, or is text without being decoded, is for the reader of the whole to judge.
  if (looksLikeText(bytes) || others.length > 0) return 'text';
  if (coding === undefined) return 'binary';
  const plain = await decodePrefix(bytes.subarray(0, PEEK), coding, PEEK);
  if (plain.length === 0) return bytes.length < PEEK ? 'unknown' : 'binary';
  return looksLikeText(plain) ? 'text' : 'binary';
}

/** The chunks that were read, then the rest. */
export function resume(chunks: Uint8Array[], source: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      const value = chunks.shift();
      return value === undefined ? source.next() : { done: false, value };
    },
    async return() {
      chunks.length = 0;
      await source.return?.();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
