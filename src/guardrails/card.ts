import { isDigit, numberMayStart, unitAt } from './characters.ts';
import type { Detector } from './detector.ts';
import { ahead, firstOpen, numberEnds, type Shape } from './lookahead.ts';
import { type FindIn, NO_SPANS, type Spans } from './rule.ts';
import { unitSet } from './unit-set.ts';

const MIN_DIGITS = 12;
const MAX_DIGITS = 19;

/**
 * Payment card numbers: 12 to 19 digits with the length and prefix of an issuer and a right check digit (Luhn, ISO/IEC
 * 7812-1). The digits stand together, in the groups that are printed on cards (whatever numbers are before and after them, but no
 * stretch of a longer number in groups of four, nor of an IBAN), or in other groups with one kind of separator when the whole
 * grouped number is the card: of three and more, or all of one or two. Never right behind a plus, but for a number that is too long
 * for a telephone's.
 */
export function findCards(text: string): Spans {
  if (text.length < MIN_DIGITS) return NO_SPANS;
  const spans: number[] = [];
  findCardsIn(text, 0, text.length, spans);
  return spans.length > 0 ? spans : NO_SPANS;
}

export const findCardsIn: FindIn = (text, from, to, spans) => {
  let i = from;
  while (i < to) {
    const c = text.charCodeAt(i);
    if (!isDigit(c)) {
      i++;
      continue;
    }
    // The group that goes on here may have begun before `from`.
    const isFirst = !isDigit(unitAt(text, i - 1)) && mayBeginCard(c, unitAt(text, i + 1));
    const end = isFirst ? cardAt(text, i, spans.at(-1) === i - 1) : i;
    if (end > i) spans.push(i, end);
    i = end > i ? end : groupEnd(text, i + 1, to);
  }
  return i;
};

/**
 * Whether some issuer's prefix begins with the first of these characters, and, when the second is a digit too, with both: none
 * begins with 0 or 7, 1 is followed by 8, 9 by 7, and 20, as in years, is none.
 */
export function mayBeginCard(c: number, next = -1): boolean {
  if (c < 49 || c > 57 || c === 55) return false;
  if (!isDigit(next)) return true;
  if (c === 50) return next > 48;
  return c === 49 ? next === 56 : c !== 57 || next === 55;
}

/** It reads the longest grouped number that may be a card, and what shows that it is longer or ends. */
const SHAPE: Shape = {
  // The card before may be out of sight.
  match: (text, start) => cardAt(text, start, true),
  reach: 5 * MAX_DIGITS + 2,
  starts: unitSet('1-689'),
};

export const cardDetector: Detector = {
  find: findCards,
  findIn: findCardsIn,
  pending: (text, from) => firstOpen(SHAPE, text, from),
};

/** Where the digits from `from` on end, or `to`. */
function groupEnd(text: string, from: number, to: number): number {
  let i = from;
  while (i < to && isDigit(text.charCodeAt(i))) i++;
  return i;
}

/** The same for a group that may be part of a card: gives up behind `MAX_DIGITS`. */
function shortGroupEnd(text: string, from: number): number {
  let i = from;
  while (i - from <= MAX_DIGITS && isDigit(ahead(text, i))) i++;
  return i;
}

/** The single space or hyphen between two groups of digits at `at`; -1 when there is none. */
function separatorAt(text: string, at: number): number {
  const c = ahead(text, at);
  return (c === 32 || c === 45) && isDigit(unitAt(text, at - 1)) && isDigit(ahead(text, at + 1)) ? c : -1;
}

/** Groups as issuers print them: Visa, Mastercard and most others; 19 digits; American Express; Diners Club. */
const PRINTED: readonly (readonly number[])[] = [
  [4, 4, 4, 4, 3],
  [4, 4, 4, 4],
  [4, 6, 5],
  [4, 6, 4],
];

/** The end of the card that begins with the group at `start`; `start` itself when none does. `follows`: right after another card. */
function cardAt(text: string, start: number, follows: boolean): number {
  // Only a group on the outside of a grouped number can touch a letter or a decimal point; then it is no number of its own.
  if (!numberMayStart(text, start)) return start;
  const first = shortGroupEnd(text, start);
  if (first - start > MAX_DIGITS || !mayBeginCard(unitAt(text, start), unitAt(text, start + 1))) return start;
  const end = groupedEnd(text, start, first, follows);
  if (end === start || unitAt(text, start - 1) !== PLUS) return end;
  return digitsIn(text, start, end) > MOST_OF_PHONE ? end : start;
}

const PLUS = 43;
const MOST_OF_PHONE = 15;

function groupedEnd(text: string, start: number, first: number, follows: boolean): number {
  // What comes after it is something else.
  if (first - start >= MIN_DIGITS && isCard(text, start, first)) return first;
  if (IN_IBAN.test(text.slice(Math.max(0, start - 11), start))) return start;
  const end = segmentEnd(text, start, first);
  if (end > start && isCard(text, start, end)) return end;
  for (const groups of PRINTED) {
    const end = first - start === groups[0] ? printedEnd(text, start, groups) : start;
    if (end === start || !isCard(text, start, end)) continue;
    if (groups[1] === 4 && isStretch(text, start, end, follows)) return start;
    return end;
  }
  return start;
}

function digitsIn(text: string, start: number, end: number): number {
  let digits = 0;
  for (let i = start; i < end; i++) if (isDigit(unitAt(text, i))) digits++;
  return digits;
}

/** The first group of a printed IBAN, or the first two: `DE89 `, `IT53 X540 `, `RO34 KHQN `. */
const IN_IBAN = /(?<![A-Za-z0-9])[A-Za-z]{2}\d\d([ -])(?:[A-Za-z0-9]{4}\1)?$/;

/** Whether what stands in groups of four between these places is part of a longer number. */
function isStretch(text: string, start: number, end: number, follows: boolean): boolean {
  if (goesOn(text, end)) return true;
  if (follows || !isBehindFour(text, start)) return false;
  // A number of four digits may be before, but no more groups, nor more on both sides.
  return isBehindFour(text, start - 5) || separatorAt(text, end) === unitAt(text, start - 1);
}

/** Whether a group of four digits and the separator stand before the group at `start`. */
function isBehindFour(text: string, start: number): boolean {
  const separator = unitAt(text, start - 1);
  if (separator < 0 || separator !== unitAt(text, start + 4)) return false;
  for (let i = start - 5; i < start - 1; i++) if (!isDigit(unitAt(text, i))) return false;
  return !isDigit(unitAt(text, start - 6));
}

/** What comes after a card in four digits: when it expires. */
const EXPIRY = /^(?:(?:0[1-9]|1[0-2])[23]\d|20[23]\d)$/;

/** Whether a number in groups of four goes on behind `end`, with what is neither when the card expires nor the next one. */
function goesOn(text: string, end: number): boolean {
  const separator = separatorAt(text, end);
  if (separator < 0 || separator !== unitAt(text, end - 5)) return false;
  const start = end + 1;
  const next = shortGroupEnd(text, start);
  if (next - start !== 4 || EXPIRY.test(text.slice(start, next))) return false;
  const last = printedEnd(text, start, PRINTED[1] ?? []);
  return last === start || !isCard(text, start, last);
}

/**
 * When a stretch with one kind of separator begins at `start` and may be of a card's size: its end. Else `start`. Its groups have
 * three digits or more, or all one, or all two; the last may be shorter.
 */
function segmentEnd(text: string, start: number, first: number): number {
  const separator = separatorAt(text, first);
  if (separator < 0 || (unitAt(text, start - 1) === separator && isDigit(unitAt(text, start - 2)))) return start;
  const size = first - start;
  let isEven = size < 3;
  let isLong = size > 2;
  let end = first;
  for (let isLast = false; !isLast; ) {
    const from = end + 1;
    end = shortGroupEnd(text, from);
    if (end - start > 2 * MAX_DIGITS) return start;
    isLast = ahead(text, end) !== separator || !isDigit(ahead(text, end + 1));
    if (end - from < 3 && !isLast) isLong = false;
    if (end - from > size || (end - from < size && !isLast)) isEven = false;
  }
  return isEven || isLong ? end : start;
}

/** Where groups of these lengths end; `start` when there are others. */
function printedEnd(text: string, start: number, groups: readonly number[]): number {
  let end = start - 1;
  for (const digits of groups) {
    if (end >= start && separatorAt(text, end) < 0) return start;
    const from = end + 1;
    end = from;
    while (end - from <= digits && isDigit(ahead(text, end))) end++;
    if (end - from !== digits) return start;
  }
  return end;
}

function isCard(text: string, from: number, to: number): boolean {
  if (to - from < MIN_DIGITS || to - from > 2 * MAX_DIGITS || !numberEnds(text, to)) return false;
  let size = 0;
  let sum = 0;
  for (let i = to - 1; i >= from; i--) {
    const c = unitAt(text, i);
    if (!isDigit(c)) continue;
    const digit = c - 48;
    // Luhn: from the right, each second digit counts twice.
    sum += size++ % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2;
  }
  if (size < MIN_DIGITS || size > MAX_DIGITS || sum % 10 !== 0) return false;
  if (size === EAN && to - from === EAN && isEan(text, from)) return false;
  let prefix = 0;
  for (let i = from, digits = 0; digits < 6; i++) {
    const c = unitAt(text, i);
    if (!isDigit(c)) continue;
    prefix = prefix * 10 + c - 48;
    digits++;
  }
  return ISSUERS.some(({ from, to, lengths }) => prefix >= from && prefix <= to && lengths.includes(size));
}

const EAN = 13;

/** Whether thirteen digits have the check digit of an article number, as one in ten cards has that were that short once. */
function isEan(text: string, from: number): boolean {
  let sum = 0;
  for (let i = 0; i < EAN; i++) sum += (unitAt(text, from + i) - 48) * (i % 2 === 0 ? 1 : 3);
  return sum % 10 === 0;
}

/** Prefixes, all of six digits, from–to, with the lengths in use. Published by the networks; overlaps are harmless. */
const ISSUERS: readonly { from: number; to: number; lengths: readonly number[] }[] = [
  { from: 400_000, to: 499_999, lengths: [13, 16, 19] }, // Visa
  { from: 510_000, to: 559_999, lengths: [16] }, // Mastercard
  { from: 222_100, to: 272_099, lengths: [16] }, // Mastercard
  { from: 340_000, to: 349_999, lengths: [15] }, // American Express
  { from: 370_000, to: 379_999, lengths: [15] }, // American Express
  { from: 300_000, to: 305_999, lengths: [14, 16] }, // Diners Club
  { from: 309_500, to: 309_599, lengths: [14, 16] }, // Diners Club
  { from: 360_000, to: 369_999, lengths: [14, 16] }, // Diners Club
  { from: 380_000, to: 399_999, lengths: [14, 16] }, // Diners Club
  { from: 601_100, to: 601_199, lengths: [16, 19] }, // Discover
  { from: 644_000, to: 659_999, lengths: [16, 19] }, // Discover, RuPay, Elo
  { from: 352_800, to: 358_999, lengths: [16, 19] }, // JCB
  { from: 180_000, to: 180_099, lengths: [15] }, // JCB
  { from: 213_100, to: 213_199, lengths: [15] }, // JCB
  { from: 620_000, to: 629_999, lengths: [16, 17, 18, 19] }, // UnionPay
  { from: 220_000, to: 220_499, lengths: [16, 17, 18, 19] }, // Mir
  { from: 508_500, to: 508_999, lengths: [16] }, // RuPay
  { from: 606_985, to: 608_500, lengths: [16] }, // RuPay
  { from: 817_200, to: 820_199, lengths: [16] }, // RuPay
  { from: 506_099, to: 506_198, lengths: [16, 18, 19] }, // Verve
  { from: 506_699, to: 506_778, lengths: [16] }, // Elo
  { from: 509_000, to: 509_999, lengths: [16] }, // Elo
  { from: 636_297, to: 636_368, lengths: [16] }, // Elo
  { from: 501_900, to: 501_999, lengths: [16] }, // Dankort
  { from: 979_200, to: 979_289, lengths: [16] }, // Troy
  { from: 637_000, to: 638_999, lengths: [16] }, // InstaPayment
  { from: 670_600, to: 670_999, lengths: [16, 17, 18, 19] }, // Laser
  { from: 676_700, to: 676_799, lengths: [16, 18, 19] }, // Solo
  { from: 677_100, to: 677_199, lengths: [16, 17, 18, 19] }, // Laser
  ...[
    [501_800, 501_899],
    [502_000, 502_099],
    [503_800, 503_899],
    [560_000, 589_999],
    [630_400, 630_499],
    [639_000, 639_099],
    [675_900, 675_999],
    [676_100, 676_399],
  ].map(([from = 0, to = 0]) => ({ from, to, lengths: [12, 13, 14, 15, 16, 17, 18, 19] })), // Maestro
];
