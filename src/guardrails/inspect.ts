import { isAscii } from 'node:buffer';
import { asLatin1 } from './bytes.ts';
import type { Engine } from './engine.ts';
import { EventStream } from './event-stream.ts';
import { isJson, isJsonInSteps } from './json-check.ts';
import { parseMediaType, type Reader } from './media.ts';
import { looksLikeText } from './peek.ts';
import { breakIn, mayHoldBuiltInBytes } from './prefilter.ts';
import { type Job, readAs } from './read.ts';
import type { Hit } from './rule.ts';
import { Scan } from './scan.ts';
import { finish, STEP, type Steps } from './steps.ts';
import { Tally } from './tally.ts';
import type { Unreadable } from './unreadable.ts';

export interface Inspection {
  /** The body to pass on; the same object when nothing was changed. Meaningless when blocked. */
  readonly bytes: Uint8Array;
  readonly hits: readonly Hit[];
  /** Name of the rule that says no. */
  readonly blockedBy: string | undefined;
  readonly unreadable: Unreadable | undefined;
}

/**
 * Runs the rules over a body in UTF-8 (or in bytes that are not: they survive). Only matched text changes; every other byte
 * stays. Time and memory are linear in the body, whatever is in it. A body that is declared binary is read when it begins
 * like text. `tally`: counts on, where something was found before.
 */
export function inspect(engine: Engine, bytes: Uint8Array, contentType: string | undefined, tally?: Tally): Inspection {
  if (bytes.length <= STEP && !engine.isExtended) {
    const { reader, events } = parseMediaType(contentType);
    if (events === undefined && isBytewise(reader)) {
      const text = asLatin1(bytes);
      if (isPlainlyClean(bytes, text, reader) && (reader !== 'json' || isJson(bytes, text))) return untouched(bytes);
    }
  }
  return finish(inspectInSteps(engine, bytes, contentType, tally));
}

/** The same for large bodies; a step takes well under a millisecond. */
export function* inspectInSteps(
  engine: Engine,
  bytes: Uint8Array,
  contentType: string | undefined,
  tally?: Tally,
): Steps<Inspection> {
  const media = parseMediaType(contentType);
  if (bytes.length === 0) return untouched(bytes);
  if (media.events !== undefined) return yield* inspectEvents(engine, bytes, media.events, tally);
  const reader = media.reader === 'binary' && looksLikeText(bytes) ? 'sniff' : media.reader;
  if (reader === 'binary') return untouched(bytes, 'binary');
  if (!engine.isExtended && isBytewise(reader) && (yield* isPlainlyCleanInSteps(bytes, reader))) {
    const isValid = reader !== 'json' || (yield* isJsonInSteps(bytes, asLatin1(bytes)));
    return untouched(bytes, isValid ? undefined : 'invalid_json');
  }
  const job: Job = { scan: new Scan(engine, bytes.length, tally), unreadable: undefined };
  const changed = yield* readAs(job, bytes, reader, media.boundary);
  const { blockedBy, hits } = job.scan.tally;
  return { bytes: blockedBy === undefined ? changed : bytes, hits, blockedBy, unreadable: job.unreadable };
}

/** A stream of events that is all there: its texts run over several of them. */
function* inspectEvents(
  engine: Engine,
  bytes: Uint8Array,
  lines: 'sse' | 'json',
  tally = new Tally(),
): Steps<Inspection> {
  const stream = new EventStream(engine, tally, { limit: Number.MAX_SAFE_INTEGER, lines });
  const first = yield* stream.pushInSteps(bytes);
  const last = yield* stream.endInSteps();
  const out = last.length === 0 ? first : Buffer.concat([first, last]);
  const { hits, blockedBy } = tally;
  const isSame = blockedBy !== undefined || Buffer.compare(out, bytes) === 0;
  return { bytes: isSame ? bytes : out, hits, blockedBy, unreadable: stream.unreadable };
}

const NO_HITS: readonly Hit[] = Object.freeze([]);

function untouched(bytes: Uint8Array, unreadable?: Unreadable): Inspection {
  return { bytes, hits: NO_HITS, blockedBy: undefined, unreadable };
}

/** Whether all that is read are the bytes as they are, with escapes of JSON or without. */
function isBytewise(reader: Reader): boolean {
  return reader !== 'multipart' && reader !== 'binary';
}

/** Whether it is plain from the bytes as they are that no default rule finds anything. Most bodies end here. */
function isPlainlyClean(bytes: Uint8Array, text: string, reader: Reader): boolean {
  if (reader === 'form' && (text.includes('%') || text.includes('+'))) return false;
  return !mayHoldBuiltInBytes(bytes, text);
}

/** What the quick look goes by beside a number or an `@`, at most. */
const OVERLAP = 256;
/** How far it looks for a place to part a text at. */
const MOST_RUN = 4096;
function* isPlainlyCleanInSteps(bytes: Uint8Array, reader: Reader): Steps<boolean> {
  const text = asLatin1(bytes);
  if (text.length <= STEP) return isPlainlyClean(bytes, text, reader);
  const isPlain = isAscii(bytes);
  for (let from = 0; from < text.length; ) {
    let to = text.length;
    if (to - from > STEP) {
      // In ASCII, where nothing is left out of a number, none is longer than the overlap.
      to = isPlain ? from + STEP : breakIn(bytes, from + STEP, Math.min(from + STEP + MOST_RUN, text.length));
      if (to < 0) return false;
    }
    const start = Math.max(0, from - OVERLAP);
    const end = Math.min(to + OVERLAP, text.length);
    if (!isPlainlyClean(bytes.subarray(start, end), text.slice(start, end), reader)) return false;
    from = to;
    yield;
  }
  return true;
}
