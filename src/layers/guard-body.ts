import { type Body, cancelBody, isStream } from '../body.ts';
import { type Fields, getField } from '../fields.ts';
import { transcode } from '../guardrails/charset.ts';
import { type Inspection, inspect } from '../guardrails/inspect.ts';
import { parseMediaType } from '../guardrails/media.ts';
import { inspectStream } from '../guardrails/stream.ts';
import { Tally } from '../guardrails/tally.ts';
import { fieldsForStream } from './guard-changed.ts';
import { hasDigest } from './guard-digest.ts';
import { type Head, isEvents, PLAIN_HEAD, PLAIN_TEXT, readHead, type UnknownCoding } from './guard-head.ts';
import { isSmall } from './guard-inspect.ts';
import { isOpaqueCall, opaqueStream } from './guard-opaque.ts';
import { type Peeked, peek } from './guard-peek.ts';
import type { Side } from './guard-side.ts';
import { isSigned } from './guard-signed.ts';
import { GuardedStream, type GuardedStreamOptions } from './guard-stream.ts';
import { inspectWhole, type Message, type Passed, type WholeOptions } from './guard-whole.ts';
import { WideAware } from './guard-wide.ts';

export interface BodyOptions extends Omit<WholeOptions, 'sealedBy' | 'known'> {
  /** Of a reply; 206: the body is a part of something. */
  readonly status?: number;
  /** Ends a stream that was broken off. */
  readonly last: (error: Parameters<GuardedStreamOptions['last']>[0], type: string) => Uint8Array | undefined;
}

/**
 * Runs the rules over the body of a message: as it streams, where its type lets that be, else whole. Gives what to pass on,
 * undefined when the message goes on as it is. The body is given up when this throws.
 */
export async function inspectBody(side: Side, message: Message, options: BodyOptions): Promise<Passed | undefined> {
  if (message.body === null || side.engine.rules.length === 0) return undefined;
  let body: Body = message.body;
  try {
    let head = readHead(side, message.headers);
    if ('unknown' in head) {
      const peeked = await peekCoded(side, body, head);
      ({ body } = peeked);
      if (!peeked.isText) return body === message.body ? undefined : { body };
      head = PLAIN_HEAD;
    }
    const known = quickLook(side, body, head, options);
    if (known !== undefined && isClean(known)) {
      if (body instanceof Uint8Array) options.onRead?.(body);
      return undefined;
    }
    if (head.media.reader === 'binary') {
      if (isStream(body) && side.call.http2 === true && isOpaqueCall(head)) {
        side.unreadable('binary', true);
        return { body: opaqueStream(side, body) };
      }
      const peeked = await peek(body, head.codings);
      ({ body } = peeked);
      if (!peeked.isText) {
        if (!peeked.isEmpty) side.unreadable('binary', true);
        return body === message.body ? undefined : { body };
      }
    }
    const now: Message = { headers: message.headers, body };
    if (options.status === 206) return await inspectPart(side, now, head, options);
    const streamed = isStream(body) ? streaming(side, now, body, head, options) : undefined;
    if (streamed !== undefined) return streamed;
    if (isDeclaredTooLarge(side, message.headers)) {
      side.unreadable('too_large');
      return { body };
    }
    const whole = await inspectWhole(side, now, head, { ...options, known });
    return whole.headers === undefined && whole.body === message.body ? undefined : whole;
  } catch (error) {
    await cancelBody(body);
    throw error;
  }
}

/**
 * What is in an unknown coding may be let through. What begins like text is not in that coding: it is not the binary that it
 * declares to be, and is read as the text that it is.
 */
async function peekCoded(side: Side, body: Body, { unknown }: UnknownCoding): Promise<Peeked> {
  if (unknown === 'text') side.unreadable('unknown_encoding');
  const peeked = await peek(body, []);
  if (unknown === 'binary') {
    try {
      side.unreadable('unknown_encoding', !peeked.isText);
    } catch (error) {
      await cancelBody(peeked.body);
      throw error;
    }
  }
  return peeked;
}

/** Most bodies are small, at hand, in UTF-8, and clean: nothing is awaited for them. Undefined: this one is not. */
function quickLook(side: Side, body: Body, head: Head, { status }: BodyOptions): Inspection | undefined {
  if (!(body instanceof Uint8Array) || body.length > side.limit || !isSmall(side.engine, body)) return undefined;
  const { media, codings, contentType } = head;
  if (codings.length > 0 || status === 206 || media.reader === 'binary' || isEvents(head)) return undefined;
  if (side.state.webhooks(side.surface).length > 0) return undefined;
  const text = transcode(body, media.reader === 'multipart' ? 'utf-8' : media.charset);
  if (text === 'unknown' || text === 'malformed' || text.utf8 !== body) return undefined;
  return inspect(side.engine, body, contentType);
}

function isClean({ hits, unreadable }: Inspection): boolean {
  return hits.length === 0 && unreadable === undefined;
}

/** A range of a text cannot be told from the beginning of it, and must not change its length. */
async function inspectPart(side: Side, message: Message, head: Head, options: BodyOptions): Promise<Passed> {
  side.unreadable('partial', head.media.reader === 'binary');
  const plain = { ...head, contentType: PLAIN_TEXT, media: parseMediaType(PLAIN_TEXT) };
  return inspectWhole(side, message, plain, { ...options, sealedBy: 'partial' });
}

function isDeclaredTooLarge(side: Side, headers: Fields): boolean {
  return Number(getField(headers, 'content-length') ?? 0) > side.limit;
}

/** Undefined when the body has to be read whole: for its type, or because what changes in it changes its headers. */
function streaming(
  side: Side,
  { headers }: Message,
  body: AsyncIterable<Uint8Array>,
  head: Head,
  options: BodyOptions,
): Passed | undefined {
  const { engine, state, surface, limit } = side;
  if (side.direction === 'request' && !isEvents(head)) return undefined;
  if (state.webhooks(surface).length > 0 || isSigned(headers, 'body') || hasDigest(headers)) return undefined;
  const tally = new Tally();
  const inner = inspectStream(engine, head.contentType, tally, { limit });
  if (inner === undefined) return undefined;
  const { type } = head.media;
  const changed = Promise.withResolvers<boolean>();
  const stream = new GuardedStream(body, {
    inspector: isEvents(head) ? inner : new WideAware(engine, tally, inner),
    tally,
    codings: head.codings,
    limit,
    holdMs: state.settings.streamHoldMs,
    signal: side.call.signal,
    hold: side.shared.budget.hold(),
    onUnreadable: (reason) => side.unreadableInStream(reason),
    onEnd() {
      changed.resolve(tally.allHits.some(({ action }) => action === 'redact'));
      side.ended(tally);
    },
    blocked: () => side.blocked(tally),
    last: (error) => options.last(error, type),
  });
  return { headers: fieldsForStream(headers), body: stream, hasChanged: changed.promise };
}
