import { type Body, cancelBody, isStream } from '../body.ts';
import { toOutriderError } from '../errors.ts';
import type { Fields } from '../fields.ts';
import { type Transcoded, transcode } from '../guardrails/charset.ts';
import type { Inspection } from '../guardrails/inspect.ts';
import { parseMediaType } from '../guardrails/media.ts';
import type { Unreadable } from '../guardrails/unreadable.ts';
import { type Hold, held } from './body-budget.ts';
import { decode, encode } from './content-coding.ts';
import { fieldsFor } from './guard-changed.ts';
import { type Head, PLAIN_TEXT } from './guard-head.ts';
import { inspectUtf8 } from './guard-inspect.ts';
import { resume } from './guard-peek.ts';
import type { Side } from './guard-side.ts';
import { isSigned } from './guard-signed.ts';

export interface Message {
  readonly headers: Fields;
  readonly body: Body;
}

/** What becomes of a message. `headers` is there when they are others. */
export interface Passed {
  readonly headers?: Fields;
  readonly body: Body;
  /** Of a stream that may change on its way: whether it has. Settles when it is over, never rejects. */
  readonly hasChanged?: Promise<boolean>;
}

export interface WholeOptions {
  /** What the rules have found in a body that is UTF-8 and has no coding. */
  readonly known?: Inspection | undefined;
  /** Why the body must not be changed, if so. */
  readonly sealedBy?: string | undefined;
  /** Makes text of what has no coding any more, where its type alone does not say how. */
  readonly read?: (plain: Uint8Array, hold: Hold) => Promise<ReadText>;
  /** Told of the text that came, in UTF-8. */
  readonly onRead?: (utf8: Uint8Array) => void;
  /** May mend what the rules have changed. */
  readonly amend?: (before: Uint8Array, after: Uint8Array) => Uint8Array;
}

/** A body as text, and the way back. */
export interface ReadText {
  readonly utf8: Uint8Array;
  readonly head: Head;
  readonly encode: (utf8: Uint8Array) => Uint8Array | Promise<Uint8Array>;
  /** Whether something else in it was changed: it has to be made anew whatever becomes of the text. */
  readonly isChanged?: boolean;
}

/**
 * Reads a body whole, up to the limit, and runs the rules over it. Gives what to pass on: the bytes that came, when nothing
 * was changed. Large ones share a bound on what is held. Throws `blocked`, what an unreadable body is refused with,
 * `overloaded`, `cancelled`, and the error with which the body broke off.
 */
export async function inspectWhole(
  side: Side,
  message: Message,
  head: Head,
  options: WholeOptions = {},
): Promise<Passed> {
  const hold = side.shared.budget.hold();
  try {
    const original = await readUpTo(held(message.body, hold), side.limit);
    if (!(original instanceof Uint8Array)) {
      await refusedUnless(side, original, 'too_large');
      return { body: original };
    }
    return await inspectRead(side, message, original, head, hold, options);
  } finally {
    hold.release();
  }
}

async function inspectRead(
  side: Side,
  { headers, body }: Message,
  original: Uint8Array,
  head: Head,
  hold: Hold,
  options: WholeOptions,
): Promise<Passed> {
  const { codings } = head;
  const unchanged: Passed = { body: isStream(body) ? original : body };
  const plain = await decoded(side, original, head, hold);
  if (plain === undefined) return unchanged;
  const text: ReadText = options.read === undefined ? toUtf8(side, plain, head) : await options.read(plain, hold);
  if (text.utf8 !== plain) hold.take(text.utf8.length);
  options.onRead?.(text.utf8);
  const { bytes, hits } = await inspectUtf8(side, text.utf8, text.head, options.known);
  if (bytes === text.utf8 && text.isChanged !== true) {
    side.found(hits, undefined);
    return unchanged;
  }
  const sealedBy = options.sealedBy ?? (isSigned(headers, 'body') ? 'signed' : undefined);
  if (sealedBy !== undefined) throw side.refuse(hits, sealedBy);
  side.found(hits, undefined);
  const changed = await encode(await text.encode(options.amend?.(text.utf8, bytes) ?? bytes), codings);
  return { headers: fieldsFor(headers, changed), body: changed };
}

/** Undefined when the codings cannot be undone, and the body may pass as it is. */
async function decoded(side: Side, bytes: Uint8Array, head: Head, hold: Hold): Promise<Uint8Array | undefined> {
  try {
    return await decode(bytes, head.codings, side.limit, hold.take);
  } catch (thrown) {
    const { code } = toOutriderError(thrown);
    if (code !== 'body_too_large' && code !== 'bad_request') throw thrown;
    side.unreadable(code === 'body_too_large' ? 'too_large' : 'malformed_encoding');
    return undefined;
  }
}

/** What is not in a charset that is known is read byte by byte, if it may pass. */
function toUtf8(side: Side, bytes: Uint8Array, head: Head): Transcoded & { readonly head: Head } {
  const { reader, charset } = head.media;
  // Each part of a multipart body has its own charset.
  const text = transcode(bytes, reader === 'multipart' ? 'utf-8' : charset);
  if (text !== 'unknown' && text !== 'malformed') return { ...text, head };
  side.unreadable(text === 'unknown' ? 'unknown_charset' : 'malformed_charset');
  const plain = { ...head, contentType: PLAIN_TEXT, media: parseMediaType(PLAIN_TEXT) };
  return { utf8: bytes, encode: (utf8) => utf8, head: plain };
}

async function refusedUnless(side: Side, body: Body, reason: Unreadable): Promise<void> {
  try {
    side.unreadable(reason);
  } catch (error) {
    await cancelBody(body);
    throw error;
  }
}

/** All bytes of a body; when there are more than `limit`, the same body again. */
export async function readUpTo(body: Body, limit: number): Promise<Uint8Array | AsyncIterable<Uint8Array>> {
  if (body === null) return NOTHING;
  if (body instanceof Uint8Array) return body.length > limit ? resume([body], EMPTY) : body;
  const source = body[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await source.next();
    if (done) break;
    chunks.push(value);
    size += value.length;
    if (size > limit) return resume(chunks, source);
  }
  const [only] = chunks;
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks, size);
}

const NOTHING = new Uint8Array(0);
const EMPTY: AsyncIterator<Uint8Array> = { next: async () => ({ done: true, value: undefined }) };
