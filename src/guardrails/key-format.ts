import { isEscapeLetter, unitAt } from './characters.ts';
import { ahead, type Shape } from './lookahead.ts';
import { isIn, type UnitSet, unitSet, WORD } from './unit-set.ts';

/** How the keys of one kind look: what they all have (`ghp_`), and what comes after it, and perhaps before. */
export interface KeyFormat {
  readonly marker: string;
  /** What stands before the marker. Left out: nothing; the marker begins the key. */
  readonly head?: { readonly set: UnitSet; readonly least: number; readonly most: number };
  /** What stands after the marker: which characters, and how many. */
  readonly set: UnitSet;
  readonly least: number;
  readonly most: number;
  /** Whether what stands after the marker can be that of a key. Default: `isRandom`. */
  readonly check?: (rest: string) => boolean;
}

export const HEX = unitSet('0-9a-f');
export const UPPER = unitSet('A-Z0-9');
export const ALNUM = unitSet('A-Za-z0-9');
export const TOKEN = unitSet('A-Za-z0-9_-');
export const DOTTED = unitSet('A-Za-z0-9_.-');
export const BASE64 = unitSet('A-Za-z0-9+/');
export const BASE64_PADDED = unitSet('A-Za-z0-9+/=');

/** Bits for each character below which it is a placeholder (`xxxxxxxx`), not chance. Keys of 16 characters have above 2.8. */
const LEAST_ENTROPY = 2.4;

/** Whether characters vary as in a key. */
export function isRandom(rest: string): boolean {
  const counts = new Map<string, number>();
  for (const c of rest) counts.set(c, (counts.get(c) ?? 0) + 1);
  let entropy = 0;
  for (const count of counts.values()) entropy -= (count / rest.length) * Math.log2(count / rest.length);
  return entropy >= LEAST_ENTROPY;
}

/** The same for prefixes that are short, or words: there must be letters and digits, too. */
export function isMixed(rest: string): boolean {
  return /\d/.test(rest) && /[A-Za-z]/.test(rest) && isRandom(rest);
}

/** The same for prefixes that are telling: there must be letters and digits, or letters in both cases. One in thirty has no digit. */
export function isVaried(rest: string): boolean {
  return isMixed(rest) || (/[a-z]/.test(rest) && /[A-Z]/.test(rest) && isRandom(rest));
}

const DOT = 46;

/** Where the key of this format that begins at `start` ends; `start` itself when none does. */
export function keyEnd(text: string, start: number, format: KeyFormat): number {
  const { marker, head, set, least, most, check = isRandom } = format;
  let at = start;
  if (head !== undefined) {
    if (isIn(head.set, unitAt(text, start - 1)) && !isEscapeLetter(text, start - 1)) return start;
    while (at - start < head.most && isIn(head.set, ahead(text, at))) at++;
    if (at - start < head.least) return start;
  }
  for (let i = 0; i < marker.length; i++) if (ahead(text, at + i) !== marker.charCodeAt(i)) return start;
  const rest = at + marker.length;
  let end = rest;
  while (end - rest <= most && isIn(set, ahead(text, end))) end++;
  const after = ahead(text, end);
  if (isIn(set, after) || isIn(WORD, after)) return start;
  // A dot at the end is that of the sentence.
  while (end > rest && unitAt(text, end - 1) === DOT) end--;
  const length = end - rest;
  return length >= least && length <= most && check(text.slice(rest, end)) ? end : start;
}

/** The longest of the keys of these formats that begins at a place. */
export function shapeOf(formats: readonly KeyFormat[]): Shape {
  const starts = unitSet('');
  // By the character that a key begins with.
  const byFirst = Array.from({ length: 128 }, (_, c) =>
    formats.filter(({ marker, head }) => (head === undefined ? marker.charCodeAt(0) === c : isIn(head.set, c))),
  );
  for (const [c, fitting] of byFirst.entries()) if (fitting.length > 0) starts[c] = 1;
  const match = (text: string, at: number): number => {
    // At a word's beginning, or behind an escape.
    if (isIn(WORD, unitAt(text, at - 1)) && !isEscapeLetter(text, at - 1)) return at;
    let end = at;
    for (const format of byFirst[unitAt(text, at)] ?? []) end = Math.max(end, keyEnd(text, at, format));
    return end;
  };
  const reach = Math.max(...formats.map(({ marker, head, most }) => (head?.most ?? 0) + marker.length + most + 3));
  return { match, reach, starts };
}
