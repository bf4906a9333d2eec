import { numberMayEnd, unitAt } from './characters.ts';
import type { Detector } from './detector.ts';
import { type Find, type FindIn, NO_SPANS } from './rule.ts';
import { isIn, type UnitSet, WORD } from './unit-set.ts';

/**
 * How detectors know what is decided in a text that goes on: a matcher reads forward through `ahead`, and what it says of a
 * place is final when it never asked for a character behind the end. So one grammar serves for whole texts and for streams.
 */
let askedBehindEnd = false;

/** The code unit at a place that is not negative; -1 behind the end, which is taken note of. */
export function ahead(text: string, at: number): number {
  if (at < text.length) return text.charCodeAt(at);
  askedBehindEnd = true;
  return -1;
}

const DOT = 46;
const BACKSLASH = 92;

/** As `numberMayEnd`, for matchers. */
export function numberEnds(text: string, end: number): boolean {
  if (ahead(text, end) === DOT) ahead(text, end + 1);
  return numberMayEnd(text, end);
}

/** Whether what `look` finds at a place may change with what comes after the text. It reads forward with `ahead` only. */
export function isOpen(look: (text: string, at: number) => unknown, text: string, at: number): boolean {
  askedBehindEnd = false;
  look(text, at);
  return askedBehindEnd;
}

/** What matches of one kind look like. */
export interface Shape {
  /** Where the match that begins at `at` ends; `at` itself when there is none. Reads forward with `ahead` only. */
  readonly match: (text: string, at: number) => number;
  /** Units that it reads at most. */
  readonly reach: number;
  /** What matches begin with. */
  readonly starts: UnitSet;
  /** Whether they begin inside of words too. */
  readonly isAnywhere?: boolean;
}

/** The first place from `from` on at which a match may still come about or change. */
export function firstOpen(shape: Shape, text: string, from: number): number {
  for (let at = Math.max(from, text.length - shape.reach); at < text.length; at++) {
    if (mayStart(shape, text, at) && isOpen(shape.match, text, at)) return at;
  }
  return text.length;
}

function mayStart({ starts, isAnywhere }: Shape, text: string, at: number): boolean {
  if (!isIn(starts, text.charCodeAt(at))) return false;
  if (isAnywhere === true || at === 0 || !isIn(WORD, text.charCodeAt(at - 1))) return true;
  // The letter of an escape that is spelt out.
  return unitAt(text, at - 2) === BACKSLASH;
}

/** A detector, but for its quick look. */
export function detect(shape: Shape): Omit<Detector, 'may'> {
  const { match } = shape;
  const findIn: FindIn = (text, from, to, spans) => {
    let at = from;
    while (at < to) {
      const end = mayStart(shape, text, at) ? match(text, at) : at;
      if (end > at) spans.push(at, end);
      at = end > at ? end : at + 1;
    }
    return at;
  };
  return { find: whole(findIn), findIn, pending: (text, from) => firstOpen(shape, text, from) };
}

/** Searches a text at once. */
export function whole(findIn: FindIn): Find {
  return (text) => {
    const spans: number[] = [];
    findIn(text, 0, text.length, spans);
    return spans.length > 0 ? spans : NO_SPANS;
  };
}
