import { isUtf8 } from 'node:buffer';
import { asBuffer, asLatin1 } from '../guardrails/bytes.ts';
import { isJson, isJsonInSteps } from '../guardrails/json-check.ts';
import type { Steps } from '../guardrails/steps.ts';
import { changedMessage, messageToJson } from './guard-grpc-message.ts';
import type { Shape } from './guard-grpc-shapes.ts';
import { WireFault } from './guard-grpc-wire.ts';

/** How the messages of one direction of a call are read. */
export interface MessageForm {
  readonly shape: Shape;
  readonly isJson: boolean;
}

const BRACE = 123;
const BRACE_END = 125;

/** JSON of a message. Throws `WireFault`. */
export function* textOf(payload: Uint8Array, { shape, isJson }: MessageForm): Steps<Uint8Array> {
  if (!isJson) return yield* messageToJson(payload, shape);
  // Some would take no bytes for an empty message.
  if (payload.length === 0) return payload;
  // A mark before it, or another value than an object, would be read as text further on.
  if (payload.find((byte) => byte !== 32 && byte !== 9 && byte !== 10 && byte !== 13) !== BRACE)
    throw new WireFault('no object');
  if (!isUtf8(payload) || !(yield* isJsonInSteps(payload, asLatin1(payload)))) throw new WireFault('no JSON');
  return payload;
}

/** The message whose JSON was `before`, and is now `after`. */
export function* payloadOf(
  payload: Uint8Array,
  before: Uint8Array,
  after: Uint8Array,
  { shape, isJson }: MessageForm,
): Steps<Uint8Array> {
  return isJson ? after : yield* changedMessage(payload, shape, before, after);
}

/**
 * A message of a stream as the server-sent event that it is on HTTP: named like its one member, and with what that holds. A message
 * of another form is an event without a name.
 */
export interface MessageEvent {
  readonly bytes: Uint8Array;
  /** JSON of the message. */
  readonly json: Uint8Array;
  /** What stands in the event of that JSON. */
  readonly from: number;
  readonly to: number;
}

const MEMBER = /^\s*\{\s*"(chunk|done)"\s*:/;
const LINE_END = /[\r\n]/g;
/** Bytes in which the name of the first member stands. */
const FIRST_NAME = 64;

export function eventOf(message: Uint8Array): MessageEvent {
  // Between values of JSON, line ends are spaces.
  const isLine = !message.includes(10) && !message.includes(13);
  const json = isLine ? message : Buffer.from(asLatin1(message).replace(LINE_END, ' '), 'latin1');
  const [all, name] = MEMBER.exec(asLatin1(json.subarray(0, FIRST_NAME))) ?? [];
  if (all !== undefined && name !== undefined) {
    const to = json.lastIndexOf(BRACE_END);
    const inner = json.subarray(all.length, to);
    // It is the only member when what is left is a value.
    if (to > all.length && isJson(inner, asLatin1(inner))) {
      return { bytes: event(HEADS[name] ?? NO_NAME, inner), json, from: all.length, to };
    }
  }
  return { bytes: event(NO_NAME, json), json, from: 0, to: json.length };
}

const HEADS: Readonly<Record<string, Buffer>> = {
  chunk: Buffer.from('event: chunk\ndata: '),
  done: Buffer.from('event: done\ndata: '),
};
const NO_NAME = Buffer.from('data: ');

/** The same for a message in binary, of which `json` was made: mostly that is one piece of text. */
export function eventOfBinary(payload: Uint8Array, json: Uint8Array): MessageEvent {
  // One field, which is short, and nothing behind it.
  if (payload[0] !== CHUNK || payload[1] !== payload.length - 2 || payload.length > SHORT) return eventOf(json);
  const to = json.length - 1;
  return { bytes: event(HEADS['chunk'] ?? NO_NAME, json.subarray(CHUNK_MEMBER, to)), json, from: CHUNK_MEMBER, to };
}

/** The first field of an event, and how its JSON begins. */
const CHUNK = 10;
const CHUNK_MEMBER = '{"chunk":'.length;
/** So long that its length is one byte. */
const SHORT = 129;

/** JSON of the message whose event is this now. */
export function jsonOfEvent({ json, from, to }: MessageEvent, changed: Uint8Array): Uint8Array {
  const bytes = asBuffer(changed);
  const start = bytes.subarray(0, DATA.length).equals(DATA) ? DATA.length : bytes.indexOf(DATA_LINE) + DATA_LINE.length;
  const end = bytes.length - END.length;
  return Buffer.concat([json.subarray(0, from), bytes.subarray(start, end), json.subarray(to)]);
}

const DATA = Buffer.from('data: ');
const DATA_LINE = Buffer.from('\ndata: ');
/** The end of an event. */
export const END = Buffer.from('\n\n');

function event(head: Buffer, data: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(head.length + data.length + END.length);
  bytes.set(head);
  bytes.set(data, head.length);
  bytes.set(END, head.length + data.length);
  return bytes;
}
