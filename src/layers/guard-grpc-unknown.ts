import type { Steps } from '../guardrails/steps.ts';
import type { Pass } from './guard-grpc-pass.ts';
import { BYTES, END_GROUP, FIXED32, FIXED64, GROUP, VARINT, WireFault } from './guard-grpc-wire.ts';

/** Messages in a field that nobody knows. */
const MOST_GUESSES = 16;

/** A field that is not known, behind its tag; whether anything in it is another now. */
export function* unknown(pass: Pass, tag: number, end: number, guesses: number): Steps<boolean> {
  const { reader } = pass;
  pass.label(`"#${tag >>> 3}":`);
  switch (tag & 7) {
    case VARINT:
      return pass.uint(end) !== undefined;
    case FIXED64:
      return pass.double(end) !== undefined;
    case FIXED32:
      return pass.literal(String(reader.fixed32(end))) !== undefined;
    case BYTES: {
      const to = reader.length(end);
      const isChanged = yield* maybeMessage(pass, reader.at, to, guesses);
      reader.at = to;
      return isChanged;
    }
    case GROUP: {
      pass.punctuation('{');
      const start = reader.at;
      reader.skip(tag, end, MOST_GUESSES);
      const to = reader.at;
      reader.at = start;
      const isChanged = yield* inside(pass, to, tag, guesses);
      reader.at = to;
      pass.punctuation('}');
      return isChanged;
    }
    default:
      throw new WireFault('a field is written in a way that is none');
  }
}

/** Text, or a message, or both, as far as the bytes tell. */
function* maybeMessage(pass: Pass, from: number, to: number, guesses: number): Steps<boolean> {
  const isMessage = yield* pass.reader.isMessage(from, to);
  if (isMessage && guesses >= MOST_GUESSES) throw new WireFault('messages in messages');
  pass.punctuation('[');
  let isChanged = pass.guess(from, to);
  if (isMessage) {
    pass.punctuation(',{');
    pass.reader.at = from;
    if (yield* inside(pass, to, 0, guesses)) isChanged = true;
    pass.punctuation('}');
  }
  pass.punctuation(']');
  return isChanged;
}

/** Fields up to an end, or to that of a group. */
function* inside(pass: Pass, end: number, group: number, guesses: number): Steps<boolean> {
  const { reader } = pass;
  let isChanged = false;
  for (let isFirst = true; reader.at < end; isFirst = false) {
    const tag = reader.tag(end);
    if (group !== 0 && (tag & 7) === END_GROUP) break;
    if (!isFirst) pass.punctuation(',');
    if (pass.isDue()) yield;
    if (yield* unknown(pass, tag, end, guesses + 1)) isChanged = true;
  }
  return isChanged;
}
