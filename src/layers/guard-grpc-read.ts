import { asBuffer } from '../guardrails/bytes.ts';
import type { Engine } from '../guardrails/engine.ts';
import { inspect } from '../guardrails/inspect.ts';
import { parseMediaType } from '../guardrails/media.ts';
import { finish, STEP, type Steps } from '../guardrails/steps.ts';
import type { Unreadable } from '../guardrails/unreadable.ts';
import { COMPRESSED, EnvelopeReader, envelope, type Frame } from '../protocols/envelope.ts';
import type { Hold } from './body-budget.ts';
import type { Coding } from './content-coding.ts';
import { unpack } from './guard-grpc-frames.ts';
import { type Framing, frameKind } from './guard-grpc-protocol.ts';
import {
  END,
  eventOf,
  jsonOfEvent,
  type MessageEvent,
  type MessageForm,
  payloadOf,
  textOf,
} from './guard-grpc-text.ts';
import { WireFault } from './guard-grpc-wire.ts';
import { type Head, PLAIN_HEAD } from './guard-head.ts';
import type { Side } from './guard-side.ts';
import type { ReadText } from './guard-whole.ts';

export interface ReadOptions extends MessageForm {
  /** Whether there may be several messages: then they are read as events of a stream. */
  readonly isStream: boolean;
  readonly framing: Framing;
  /** Of compressed messages. */
  readonly coding: Coding | undefined;
  /** Of a reply: the last message, which says how it ended, as it may go on. Undefined: it cannot be read. */
  readonly end?: (payload: Uint8Array) => Uint8Array | undefined;
}

/** Why a body cannot be read as the messages that it should be. */
class Unread extends Error {
  readonly reason: Unreadable;

  constructor(reason: Unreadable) {
    super(reason);
    this.reason = reason;
  }
}

/** Reads a body as messages; as plain text, what is none and may pass all the same. Throws what it is refused with otherwise. */
export async function readMessages(side: Side, body: Uint8Array, hold: Hold, options: ReadOptions): Promise<ReadText> {
  try {
    return options.framing === 'unary'
      ? await readOne(side, body, options)
      : await readFrames(side, await framesOf(side, body, hold, options), options);
  } catch (error) {
    if (!(error instanceof Unread) && !(error instanceof WireFault)) throw error;
    side.unreadable(error instanceof Unread ? error.reason : 'invalid_message');
    return { utf8: body, head: PLAIN_HEAD, encode: (utf8) => utf8 };
  }
}

/** The message of a body that is nothing but one, not compressed. */
export function onlyMessage(body: Uint8Array): Uint8Array | undefined {
  const reader = new EnvelopeReader(body.length);
  reader.push(body);
  const frame = reader.next();
  return frame !== undefined && frame !== 'too_large' && frame.flags === 0 && reader.size === 0
    ? frame.payload
    : undefined;
}

/** Whether the rules find nothing at all in a small message. False as well when it cannot be read. */
export function isCleanMessage(engine: Engine, payload: Uint8Array, form: MessageForm): boolean {
  try {
    const { hits, unreadable } = inspect(engine, finish(textOf(payload, form)), JSON_TYPE);
    return hits.length === 0 && unreadable === undefined;
  } catch (error) {
    if (error instanceof WireFault) return false;
    throw error;
  }
}

async function readOne(side: Side, payload: Uint8Array, form: MessageForm): Promise<ReadText> {
  const utf8 = await run(side, textOf(payload, form), payload.length);
  return { utf8, head: JSON_HEAD, encode: (now) => run(side, payloadOf(payload, utf8, now, form), now.length) };
}

interface PlainFrame {
  readonly flags: number;
  readonly payload: Uint8Array;
  /** As it came. */
  readonly bytes: Uint8Array;
}

async function framesOf(
  side: Side,
  body: Uint8Array,
  hold: Hold,
  { framing, coding, isStream, end }: ReadOptions,
): Promise<PlainFrame[]> {
  const reader = new EnvelopeReader(side.limit);
  reader.push(body);
  const frames: PlainFrame[] = [];
  let messages = 0;
  let isEnded = false;
  for (;;) {
    const frame = reader.next();
    if (frame === undefined) break;
    if (frame === 'too_large') throw new Unread('too_large');
    const kind = frameKind(frame.flags, framing, end !== undefined);
    if (kind === 'message') messages++;
    // What comes after the end, or after the one message that there is, another reader might take.
    if (kind === undefined || isEnded || (messages > 1 && !isStream)) throw new Unread('invalid_message');
    isEnded = kind === 'end';
    frames.push({
      flags: frame.flags & ~COMPRESSED,
      payload: await plain(side, frame, coding, hold),
      bytes: frame.bytes,
    });
  }
  if (reader.size > 0) throw new Unread('invalid_message');
  return frames;
}

async function plain(side: Side, frame: Frame, coding: Coding | undefined, hold: Hold): Promise<Uint8Array> {
  if ((frame.flags & COMPRESSED) === 0) return frame.payload;
  const payload = await unpack(frame, coding, side.limit, hold.take);
  if (payload instanceof Uint8Array) return payload;
  throw new Unread(payload);
}

async function readFrames(side: Side, frames: readonly PlainFrame[], options: ReadOptions): Promise<ReadText> {
  const last = frames.at(-1);
  const isEnd = last !== undefined && last.flags !== 0;
  const messages = isEnd ? frames.slice(0, -1) : frames;
  const now = isEnd ? options.end?.(last.payload) : undefined;
  if (isEnd && now === undefined) throw new Unread('invalid_message');
  const isChanged = now !== undefined && now !== last?.payload;
  const tail = isChanged ? envelope(last?.flags ?? 0, now) : isEnd ? last.bytes : NOTHING;
  const text = await (options.isStream ? asEvents : asOne)(side, messages, tail, options);
  return isChanged ? { ...text, isChanged } : text;
}

async function asOne(
  side: Side,
  [message]: readonly PlainFrame[],
  tail: Uint8Array,
  form: MessageForm,
): Promise<ReadText> {
  if (message === undefined) return { utf8: NOTHING, head: JSON_HEAD, encode: () => tail };
  const one = await readOne(side, message.payload, form);
  const encode = async (utf8: Uint8Array): Promise<Uint8Array> => {
    const isSame = utf8 === one.utf8;
    return Buffer.concat([isSame ? message.bytes : envelope(0, await one.encode(utf8)), tail]);
  };
  return { ...one, encode };
}

async function asEvents(
  side: Side,
  messages: readonly PlainFrame[],
  tail: Uint8Array,
  form: MessageForm,
): Promise<ReadText> {
  const events: MessageEvent[] = [];
  for (const { payload } of messages) events.push(eventOf(await run(side, textOf(payload, form), payload.length)));
  const utf8 = Buffer.concat(events.map(({ bytes }) => bytes));
  const encode = async (now: Uint8Array): Promise<Uint8Array> => {
    const out: Uint8Array[] = [];
    let at = 0;
    for (const [i, event] of events.entries()) {
      // An event for each message.
      const { payload, bytes } = messages[i] as PlainFrame;
      const to = asBuffer(now).indexOf(END, at) + END.length;
      const changed = asBuffer(now).subarray(at, to);
      at = to;
      if (changed.equals(event.bytes)) out.push(bytes);
      else {
        const steps = payloadOf(payload, event.json, jsonOfEvent(event, changed), form);
        out.push(envelope(0, await run(side, steps, changed.length)));
      }
    }
    return Buffer.concat([...out, tail]);
  };
  return { utf8, head: EVENTS_HEAD, encode };
}

/** At once what is small. */
async function run<T>(side: Side, steps: Steps<T>, size: number): Promise<T> {
  return size <= STEP ? finish(steps) : side.shared.turns.run(steps, size, side.call.signal);
}

const NOTHING: Uint8Array = new Uint8Array(0);

function headOf(contentType: string): Head {
  return { contentType, media: parseMediaType(contentType), codings: [] };
}

const JSON_TYPE = 'application/json';
export const JSON_HEAD = headOf(JSON_TYPE);
const EVENTS_HEAD = headOf('text/event-stream');
