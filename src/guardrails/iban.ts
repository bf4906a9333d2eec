import { isAsciiLetter, isDigit, numberMayStart, unitAt } from './characters.ts';
import type { Detector } from './detector.ts';
import { ibanStructure } from './iban-structures.ts';
import { ahead, detect } from './lookahead.ts';
import { isIn, LETTERS, WORD } from './unit-set.ts';

const SPACE = 32;
const HYPHEN = 45;
/** Characters of the longest, with a separator before each but the first four, and what comes after. */
const REACH = 2 * 34;

/**
 * International bank account numbers (ISO 13616): country, two check digits and what that country's account numbers look like,
 * with the right check (ISO/IEC 7064, MOD 97-10). In any case; together, or in groups with one kind of single separator, space
 * or hyphen, from the fifth character on.
 */
function ibanEnd(text: string, start: number): number {
  const first = unitAt(text, start);
  const second = ahead(text, start + 1);
  if (!isAsciiLetter(first) || !isAsciiLetter(second) || !numberMayStart(text, start)) return start;
  const structure = ibanStructure(first, second);
  if (structure === undefined) return start;
  let separator = -1;
  let at = start + 2;
  for (let i = 2; i < structure.length; i++) {
    let c = ahead(text, at);
    if (i >= 4 && (separator < 0 ? c === SPACE || c === HYPHEN : c === separator)) {
      separator = c;
      c = ahead(text, ++at);
    }
    const kind = structure[i];
    if (!(isDigit(c) ? kind !== 'a' : isAsciiLetter(c) && kind !== 'n')) return start;
    at++;
  }
  return isRight(text, start, at) && !isIn(WORD, ahead(text, at)) ? at : start;
}

/** The first four characters count as the last; letters as two digits, from 10 on. */
function isRight(text: string, start: number, end: number): boolean {
  return remainder(text, start, start + 4, remainder(text, start + 4, end, 0)) === 1;
}

function remainder(text: string, start: number, end: number, before: number): number {
  let left = before;
  for (let i = start; i < end; i++) {
    const c = unitAt(text, i);
    if (isDigit(c)) left = (left * 10 + c - 48) % 97;
    else if (isAsciiLetter(c)) left = (left * 100 + (c | 32) - 87) % 97;
  }
  return left;
}

const BEGINNING = /[A-Za-z]{2}\d\d/g;

function mayHoldIban(text: string): boolean {
  BEGINNING.lastIndex = 0;
  while (BEGINNING.test(text)) {
    const start = BEGINNING.lastIndex - 4;
    const mayStart = numberMayStart(text, start) || isAfterEscape(text, start);
    if (mayStart && ibanStructure(unitAt(text, start), unitAt(text, start + 1)) !== undefined) return true;
  }
  return false;
}

/** Behind `\uXXXX`, whose end looks like the beginning of a word. */
function isAfterEscape(text: string, at: number): boolean {
  return unitAt(text, at - 6) === 92 && unitAt(text, at - 5) === 117;
}

export const ibanDetector: Detector = {
  ...detect({ match: ibanEnd, reach: REACH, starts: LETTERS }),
  may: mayHoldIban,
};
