import { findCards, mayBeginCard } from './card.ts';
import { isAsciiLetter, isDigit, unitAt } from './characters.ts';
import { mayHoldEscapedAscii } from './escapes.ts';
import { findSsns } from './ssn.ts';

/** Length of the shortest number that a built-in rule can find (an SSN), separators included. */
const STRIDE = 11;

/**
 * Whether a built-in rule could find anything in what is written here. It is given text as it came, JSON or plain, even
 * bytes read as Latin-1, and never says no wrongly: all that the built-in rules look for hangs on ASCII characters, which
 * look the same in every one of these views unless they are escaped, and an escaped one is a yes. It is not for texts with
 * other escapes (percent-encoding).
 *
 * A miss costs far less than one step for each character: every match of the number rules is a run of at least `STRIDE`
 * digits, spaces and hyphens, so that looking at each `STRIDE`th character meets them all.
 */
export function mayHoldBuiltIn(text: string): boolean {
  return mayHoldEmail(text) || mayHoldEscapedAscii(text) || mayHoldNumber(text);
}

function mayHoldEmail(text: string): boolean {
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    if (at > 0 && mayBeBefore(unitAt(text, at - 1)) && mayBeAfter(unitAt(text, at + 1))) return true;
  }
  return false;
}

function mayBeBefore(c: number): boolean {
  // . _ % + - '
  if (c === 46 || c === 95 || c === 37 || c === 43 || c === 45 || c === 39) return true;
  return isDigit(c) || isAsciiLetter(c) || c >= 128;
}

function mayBeAfter(c: number): boolean {
  // A backslash begins an escaped letter.
  return isDigit(c) || isAsciiLetter(c) || c >= 128 || c === 92;
}

function mayHoldNumber(text: string): boolean {
  for (let probe = STRIDE - 1; probe < text.length; probe += STRIDE) {
    if (!isInNumber(text.charCodeAt(probe))) continue;
    let start = probe;
    while (start > 0 && isInNumber(text.charCodeAt(start - 1))) start--;
    let end = probe + 1;
    while (end < text.length && isInNumber(text.charCodeAt(end))) end++;
    if (end - start >= STRIDE && mayHoldNumberIn(text, start, end)) return true;
    // On to the first probe after the run.
    probe += Math.floor((end - probe - 1) / STRIDE) * STRIDE;
  }
  return false;
}

/** 1 for digits, space and hyphen. A table, because comparisons that turn out at random cost ten times as much. */
const IN_NUMBER = Uint8Array.from({ length: 128 }, (_, c) => (isDigit(c) || c === 32 || c === 45 ? 1 : 0));

function isInNumber(c: number): boolean {
  return c < 128 && IN_NUMBER[c] === 1;
}

/** Whether there is a match in a run of digits, spaces and hyphens. */
function mayHoldNumberIn(text: string, start: number, end: number): boolean {
  let digits = 0;
  let mayBeCard = false;
  let before = -1;
  for (let i = start; i < end; i++) {
    const c = text.charCodeAt(i);
    if (isDigit(c)) {
      digits++;
      if (!isDigit(before) && mayBeginCard(c)) mayBeCard = true;
    }
    before = c;
  }
  // An SSN has nine. Indentation is long runs of spaces.
  if (digits < 9) return false;
  // The end of an escaped character looks like the beginning of the number, or like what stands before it.
  if (text.slice(Math.max(0, start - 8), start).includes('\\u')) return true;
  // The rules look at two characters on either side. An escape there looks to them as what it stands for, or more lenient.
  const run = text.slice(Math.max(0, start - 2), end + 2);
  return (digits < end - start && findSsns(run).length > 0) || (digits >= 13 && mayBeCard && findCards(run).length > 0);
}
