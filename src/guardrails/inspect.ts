import { asLatin1 } from './bytes.ts';
import type { Engine } from './engine.ts';
import { parseMediaType, type Reader } from './media.ts';
import { looksLikeText } from './peek.ts';
import { mayHoldBuiltIn } from './prefilter.ts';
import { type Job, readAs, type Unreadable } from './read.ts';
import type { Hit } from './rule.ts';
import { Scan } from './scan.ts';
import { finish, STEP, type Steps } from './steps.ts';

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
 * like text.
 */
export function inspect(engine: Engine, bytes: Uint8Array, contentType: string | undefined): Inspection {
  if (bytes.length <= STEP && !engine.isExtended) {
    const { reader } = parseMediaType(contentType);
    if (reader !== 'multipart' && isPlainlyClean(asLatin1(bytes), reader)) return untouched(bytes);
  }
  return finish(inspectInSteps(engine, bytes, contentType));
}

/** The same for large bodies; a step takes well under a millisecond, but for operators' expressions on one long string. */
export function* inspectInSteps(engine: Engine, bytes: Uint8Array, contentType: string | undefined): Steps<Inspection> {
  const media = parseMediaType(contentType);
  const reader = media.reader === 'binary' && looksLikeText(bytes) ? 'sniff' : media.reader;
  if (bytes.length === 0 || reader === 'binary') return untouched(bytes);
  if (!engine.isExtended && reader !== 'multipart' && (yield* isPlainlyCleanInSteps(bytes, reader))) {
    return untouched(bytes);
  }
  const job: Job = { scan: new Scan(engine, bytes.length), unreadable: undefined };
  const changed = yield* readAs(job, bytes, reader, media.boundary);
  const { blockedBy, hits } = job.scan;
  return { bytes: blockedBy === undefined ? changed : bytes, hits, blockedBy, unreadable: job.unreadable };
}

const NO_HITS: readonly Hit[] = Object.freeze([]);

function untouched(bytes: Uint8Array): Inspection {
  return { bytes, hits: NO_HITS, blockedBy: undefined, unreadable: undefined };
}

/** Whether it is plain from the bytes as they are that no built-in rule finds anything. Most bodies end here. */
function isPlainlyClean(text: string, reader: Reader): boolean {
  if (reader === 'form' && (text.includes('%') || text.includes('+'))) return false;
  return !mayHoldBuiltIn(text);
}

/** More than any match of a built-in rule that the quick look knows by its whole length, and what is around it. */
const OVERLAP = 64;

function* isPlainlyCleanInSteps(bytes: Uint8Array, reader: Reader): Steps<boolean> {
  const text = asLatin1(bytes);
  for (let from = 0; from < text.length; from += STEP) {
    if (from > 0) yield;
    const window = text.length <= STEP ? text : text.slice(Math.max(0, from - OVERLAP), from + STEP + OVERLAP);
    if (!isPlainlyClean(window, reader)) return false;
  }
  return true;
}
