import { isDigit, numberMayStart, unitAt } from './characters.ts';
import type { Detector } from './detector.ts';
import { ahead, detect, firstOpen, numberEnds, type Shape } from './lookahead.ts';
import { DIGITS, hasRun } from './unit-set.ts';

const LENGTH = 9;
/** A number and the two characters after it. */
const REACH = LENGTH + 2;
/** A word that says what the number is stands, as a whole, in so many units before it. */
const WINDOW = 48;
const NAMED = /routing|transit|(?<![a-z])(?:aba|rtn)(?![a-z])|\u2446/i;
/** The same, wherever it stands. */
const NAME = /routing|transit|aba|rtn|\u2446/i;

/**
 * US bank routing numbers (ABA): nine digits with a prefix in use and a right check digit, where a word such as routing, ABA,
 * RTN or transit (or the sign ⑆ of cheques) stands before them, at most 48 units away. Without it they are left alone: one in
 * ten numbers of nine digits has a right check digit.
 */
function routingEnd(text: string, start: number): number {
  const end = numberEnd(text, start);
  return end > start && isNamed(text, start) ? end : start;
}

/** The number alone, whatever stands before. */
function numberEnd(text: string, start: number): number {
  if (!isDigit(unitAt(text, start)) || !numberMayStart(text, start)) return start;
  const end = start + LENGTH;
  for (let at = start + 1; at < end; at++) if (!isDigit(ahead(text, at))) return start;
  return isInUse(text, start) && hasRightCheck(text, start) && numberEnds(text, end) ? end : start;
}

/** Federal Reserve districts, thrift institutions (+20), electronic (+60), traveller's cheques. */
function isInUse(text: string, start: number): boolean {
  const prefix = Number(text.slice(start, start + 2));
  return prefix <= 12 || (prefix >= 21 && prefix <= 32) || (prefix >= 61 && prefix <= 72) || prefix === 80;
}

const WEIGHTS = [3, 7, 1];

function hasRightCheck(text: string, start: number): boolean {
  let sum = 0;
  for (let i = 0; i < LENGTH; i++) sum += (unitAt(text, start + i) - 48) * (WEIGHTS[i % 3] ?? 0);
  return sum > 0 && sum % 10 === 0;
}

function isNamed(text: string, start: number): boolean {
  // One more, so that what stands before the word is seen.
  const from = Math.max(0, start - WINDOW - 1);
  const before = text.slice(from, start);
  const at = before.search(NAMED);
  if (at > 0 || from === 0) return at >= 0;
  return at === 0 && NAMED.test(before.slice(1));
}

const parts = detect({ match: routingEnd, reach: REACH, starts: DIGITS });
const NUMBER: Shape = { match: numberEnd, reach: REACH, starts: DIGITS };

/** A word that names a number must stay in sight as long as the number may come. */
function openName(text: string, from: number): number {
  const next = firstOpen(NUMBER, text, from);
  const window = Math.max(0, next - WINDOW - 1);
  const at = text.slice(window).search(NAME);
  return at < 0 ? text.length : Math.min(next, Math.max(from, window + at));
}

/** The sign ⑆ may be there as bytes of UTF-8 or as an escape of JSON. */
const NAME_IN_BYTES = /routing|transit|aba|rtn|\u2446|\u00e2\u0091\u0086|\\u2446/i;

function mayHoldRouting(text: string): boolean {
  return hasRun(text, DIGITS, LENGTH, isOfLength) && NAME_IN_BYTES.test(text);
}

function isOfLength(text: string, start: number, end: number): boolean {
  // The end of an escape looks like the beginning of the number.
  return end - start === LENGTH || text.slice(Math.max(0, start - 5), start).includes('\\u');
}

/** `routing_number`, `abaNumber`, `rtn`. */
const KEY =
  /[Rr]outing|ROUTING|[Tt]ransit[ _-]?[Nn]|TRANSIT[ _-]?N|(?:^|[^A-Za-z])(?:aba|rtn)(?![a-z])|(?:^|[^A-Z])(?:A[Bb][Aa]|R[Tt][Nn])(?![a-z])/;

export const routingDetector: Detector = {
  ...parts,
  pending: openName,
  may: mayHoldRouting,
  hinted: { key: KEY, detector: { ...detect(NUMBER), may: (text) => hasRun(text, DIGITS, LENGTH, isOfLength) } },
};
