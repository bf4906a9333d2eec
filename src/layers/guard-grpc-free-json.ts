import type { Steps } from '../guardrails/steps.ts';
import { Edits, MOST_DEPTH, type Pass } from './guard-grpc-pass.ts';
import { bytesField, WireFault } from './guard-grpc-wire.ts';

/** Messages of protobuf that have a JSON of their own: https://protobuf.dev/programming-guides/json/ */

const FIRST = 10;
const SECOND = 18;
const KEY_TAG = Uint8Array.of(FIRST);
const VALUE_TAG = Uint8Array.of(SECOND);
/** Fields of `google.protobuf.Value`, with how they are written. */
const NULL_VALUE = 8;
const NUMBER_VALUE = 17;
const STRING_VALUE = 26;
const BOOL_VALUE = 32;
const STRUCT_VALUE = 42;
const LIST_VALUE = 50;
const STRING_TAG = Uint8Array.of(STRING_VALUE);
/** What RFC 3339 can write. */
const FIRST_SECOND = -62_135_596_800n;
const LAST_SECOND = 253_402_300_799n;
const LAST_NANO = 999_999_999n;

/** `google.protobuf.Timestamp`. */
export function timestamp(pass: Pass, end: number): Uint8Array | undefined {
  const { reader } = pass;
  const to = reader.length(end);
  let seconds = 0n;
  let nanos = 0n;
  for (let before = 0; reader.at < to; ) {
    const tag = reader.tag(to);
    if (tag <= before || (tag !== 8 && tag !== 16)) throw new WireFault('a time is none');
    before = tag;
    const value = BigInt.asIntN(64, reader.uint64(to));
    if (tag === 8) seconds = value;
    else nanos = value;
  }
  if (seconds < FIRST_SECOND || seconds > LAST_SECOND || nanos < 0n || nanos > LAST_NANO) {
    throw new WireFault('a time is none');
  }
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return pass.literal(`"${text}${nanos === 0n ? '' : `.${String(nanos).padStart(9, '0')}`}Z"`);
}

/** `google.protobuf.Struct`. */
export function* struct(pass: Pass, end: number, depth: number): Steps<Uint8Array | undefined> {
  pass.punctuation('{');
  const changed = yield* elements(pass, end, () => entry(pass, true, pass.reader.length(end), depth + 1));
  pass.punctuation('}');
  return changed;
}

/** Fields with the number 1, one after the other. */
function* elements(pass: Pass, end: number, read: () => Steps<Uint8Array | undefined>): Steps<Uint8Array | undefined> {
  const { reader } = pass;
  const start = reader.at;
  const edits = new Edits(pass.bytes, start);
  while (reader.at < end) {
    if (pass.isDue()) yield;
    if (reader.at > start) pass.punctuation(',');
    const from = reader.at;
    if (reader.tag(end) !== FIRST) throw new WireFault('an element is none');
    const head = reader.at;
    const changed = yield* read();
    if (changed !== undefined) edits.put(from, reader.at, bytesField(pass.bytes.subarray(from, head), changed));
  }
  return edits.done(end);
}

/** Of a map: its key, then its value, a text or any JSON. */
export function* entry(pass: Pass, isJson: boolean, end: number, depth: number): Steps<Uint8Array | undefined> {
  if (depth > MOST_DEPTH) throw new WireFault('messages in messages');
  const { reader } = pass;
  const start = reader.at;
  const edits = new Edits(pass.bytes, start);
  if (reader.at < end && pass.bytes[reader.at] === FIRST) {
    reader.at++;
    const changed = pass.string(end);
    if (changed !== undefined) edits.put(start, reader.at, bytesField(KEY_TAG, changed));
  } else if (pass.literal('""') !== undefined) throw new WireFault('an empty key was changed');
  pass.punctuation(':');
  if (reader.at < end) {
    const from = reader.at;
    if (reader.tag(end) !== SECOND) throw new WireFault('an entry is none');
    const changed = isJson ? yield* value(pass, reader.length(end), depth + 1) : pass.string(end);
    if (changed !== undefined) edits.put(from, reader.at, bytesField(VALUE_TAG, changed));
    if (reader.at < end) throw new WireFault('an entry is none');
  } else pass.literal(isJson ? 'null' : '""');
  return edits.done(end);
}

/** `google.protobuf.Value`: one field, which says what it is. */
function* value(pass: Pass, end: number, depth: number): Steps<Uint8Array | undefined> {
  if (depth > MOST_DEPTH) throw new WireFault('messages in messages');
  const { reader } = pass;
  const from = reader.at;
  if (from === end) return pass.literal('null');
  const tag = reader.tag(end);
  const head = reader.at;
  let changed: Uint8Array | undefined;
  let replacing = pass.bytes.subarray(from, head);
  switch (tag) {
    case NULL_VALUE:
      reader.uint64(end);
      pass.literal('null');
      break;
    case BOOL_VALUE:
      pass.bool(end);
      break;
    case NUMBER_VALUE:
      changed = pass.freeNumber(end);
      // A number in which something was redacted becomes a string, as in JSON.
      replacing = STRING_TAG;
      break;
    case STRING_VALUE:
      changed = pass.string(end);
      break;
    case STRUCT_VALUE:
      changed = yield* struct(pass, reader.length(end), depth + 1);
      break;
    case LIST_VALUE: {
      const to = reader.length(end);
      pass.punctuation('[');
      changed = yield* elements(pass, to, () => value(pass, reader.length(to), depth + 1));
      pass.punctuation(']');
      break;
    }
    default:
      throw new WireFault('a value is none');
  }
  if (reader.at !== end) throw new WireFault('a value is two');
  return changed === undefined ? undefined : bytesField(replacing, changed);
}
