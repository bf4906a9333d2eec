import { asBuffer } from '../guardrails/bytes.ts';
import { finish, type Steps } from '../guardrails/steps.ts';
import { entry, struct, timestamp } from './guard-grpc-free-json.ts';
import { Changes, Edits, MOST_DEPTH, NOTHING, Pass } from './guard-grpc-pass.ts';
import { type Field, type Shape, shapeOfType, UNKNOWN } from './guard-grpc-shapes.ts';
import { unknown } from './guard-grpc-unknown.ts';
import { BYTES, bytesField, WireFault } from './guard-grpc-wire.ts';

/**
 * A message in protobuf's binary format as JSON, with the names and the structure that it has on HTTP: what the rules say of one,
 * they say of the other. Fields that are not known stand as `#7`; what could be a message in there is taken apart as well, so that
 * the bytes around a text do not hide it. Throws `WireFault` when it is not what an encoder writes.
 */
export function* messageToJson(message: Uint8Array, shape: Shape): Steps<Uint8Array> {
  const pass = new Pass(message, undefined);
  yield* messageOf(pass, shape, message.length, 0);
  return pass.json.bytes;
}

/**
 * The message with the changes that were made in its JSON. A text has the new one in its place; what cannot hold one (a number, a
 * field that is not known) is left out, but for values of a `Struct`, which become strings. All other bytes stay.
 */
export function* changedMessage(
  message: Uint8Array,
  shape: Shape,
  before: Uint8Array,
  after: Uint8Array,
): Steps<Uint8Array> {
  const pass = new Pass(message, new Changes(before, after));
  return (yield* messageOf(pass, shape, message.length, 0)) ?? message;
}

/** Up to `end`. Gives the content as it is now; undefined: as it was. */
function* messageOf(pass: Pass, shape: Shape, end: number, depth: number): Steps<Uint8Array | undefined> {
  if (depth > MOST_DEPTH) throw new WireFault('messages in messages');
  const { reader } = pass;
  const start = reader.at;
  const edits = new Edits(pass.bytes, start);
  let seen = 0;
  let last: Field | undefined;
  pass.punctuation('{');
  let isFirst = true;
  while (reader.at < end) {
    if (pass.isDue()) yield;
    const from = reader.at;
    const tag = reader.tag(end);
    const field = shape.fields[tag >>> 3];
    if (field !== last && last !== undefined) {
      if (last.isRepeated) pass.punctuation(']');
      else if (last.kind === 'map') pass.punctuation('}');
    }
    if (!isFirst) pass.punctuation(',');
    isFirst = false;
    if (field === undefined) {
      last = undefined;
      if (yield* unknown(pass, tag, end, 0)) edits.put(from, reader.at, NOTHING);
      continue;
    }
    if ((tag & 7) !== field.wire) throw new WireFault('a field is not written as it must be');
    if (field !== last || !(field.isRepeated || field.kind === 'map')) {
      // Of two, one reader takes the first, and another the second; or it puts them together.
      if ((seen & (field.bit | field.others)) !== 0) throw new WireFault('a field is there twice');
      seen |= field.bit;
      pass.label(field.label);
      if (field.isRepeated) pass.punctuation('[');
      else if (field.kind === 'map') pass.punctuation('{');
    }
    last = field;
    const head = reader.at;
    const changed = yield* content(pass, field, end, depth);
    if (changed === undefined) continue;
    const isText = field.wire === BYTES && changed !== NOTHING;
    edits.put(from, reader.at, isText ? bytesField(pass.bytes.subarray(from, head), changed) : NOTHING);
  }
  if (last?.isRepeated === true) pass.punctuation(']');
  else if (last?.kind === 'map') pass.punctuation('}');
  pass.punctuation('}');
  return edits.done(end);
}

function* content(pass: Pass, field: Field, end: number, depth: number): Steps<Uint8Array | undefined> {
  const { reader } = pass;
  switch (field.kind) {
    case 'string':
      return pass.string(end);
    case 'bytes':
      return pass.data(end);
    case 'uint':
      return pass.uint(end);
    case 'bool':
      return pass.bool(end);
    case 'double':
      return pass.double(end);
    case 'timestamp':
      return timestamp(pass, end);
    case 'any':
      return yield* any(pass, reader.length(end), depth + 1);
    case 'map':
      return yield* entry(pass, false, reader.length(end), depth + 1);
    case 'struct':
      return yield* struct(pass, reader.length(end), depth + 1);
    case 'message':
      return yield* messageOf(pass, field.shape, reader.length(end), depth + 1);
    default:
      return field.kind satisfies never;
  }
}

/** `google.protobuf.Any`: its type, then the message. */
function* any(pass: Pass, end: number, depth: number): Steps<Uint8Array | undefined> {
  const { reader } = pass;
  const edits = new Edits(pass.bytes, reader.at);
  pass.punctuation('{');
  let type = '';
  if (reader.at < end && pass.bytes[reader.at] === TYPE_URL) {
    const from = reader.at++;
    const to = reader.length(end);
    type = asBuffer(pass.bytes.subarray(reader.at, to)).toString('utf8');
    reader.at = from + 1;
    pass.label('"type_url":');
    if (pass.string(end) !== undefined) edits.put(from, reader.at, NOTHING);
    if (reader.at < end) pass.punctuation(',');
  }
  if (reader.at < end) {
    const from = reader.at;
    if (reader.tag(end) !== ANY_VALUE) throw new WireFault('a message of any type is none');
    const shape = shapeOfType(type);
    if (shape === UNKNOWN) {
      reader.at = from + 1;
      if (yield* unknown(pass, ANY_VALUE, end, 0)) edits.put(from, reader.at, NOTHING);
    } else {
      pass.label('"value":');
      const to = reader.length(end);
      const changed = yield* messageOf(pass, shape, to, depth);
      if (changed !== undefined) {
        edits.put(from, reader.at, bytesField(pass.bytes.subarray(from, from + 1), changed));
      }
    }
    if (reader.at < end) throw new WireFault('a message of any type is none');
  }
  pass.punctuation('}');
  return edits.done(end);
}

const TYPE_URL = 10;
const ANY_VALUE = 18;

/** At once. */
export const messageToJsonNow = (message: Uint8Array, shape: Shape): Uint8Array =>
  finish(messageToJson(message, shape));
