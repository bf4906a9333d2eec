import { isDigit, numberMayEnd, numberMayStart, unitAt } from './characters.ts';
import { type FindIn, NO_SPANS, type Spans } from './rule.ts';

const MIN_DIGITS = 13;
const MAX_DIGITS = 19;

/**
 * Payment card numbers: 13 to 19 digits with the length and prefix of an issuer and a right check digit (Luhn, ISO/IEC
 * 7812-1). The digits stand together, in the groups that are printed on cards (whatever numbers are before and after
 * them), or in any groups with one kind of separator when the whole grouped number is the card.
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
    const c = unitAt(text, i);
    if (!isDigit(c)) {
      i++;
      continue;
    }
    // A group begins here, since every way to come here leads past the digits before.
    const end = isDigit(unitAt(text, i - 1)) || !mayBeginCard(c) ? i : cardAt(text, i);
    if (end > i) spans.push(i, end);
    i = end > i ? end : groupEnd(text, i + 1);
  }
  return i;
};

/** No issuer's prefix begins with 0, 1, 7 or 9. */
export function mayBeginCard(c: number): boolean {
  return (c >= 50 && c <= 54) || c === 56;
}

/** Where the digits from `from` on end. */
function groupEnd(text: string, from: number): number {
  let i = from;
  while (isDigit(unitAt(text, i))) i++;
  return i;
}

/** The single space or hyphen between two groups of digits at `at`; -1 when there is none. */
function separatorAt(text: string, at: number): number {
  const c = unitAt(text, at);
  return (c === 32 || c === 45) && isDigit(unitAt(text, at - 1)) && isDigit(unitAt(text, at + 1)) ? c : -1;
}

/** Groups as issuers print them: Visa, Mastercard and most others; 19 digits; American Express; Diners Club. */
const PRINTED: readonly (readonly number[])[] = [
  [4, 4, 4, 4, 3],
  [4, 4, 4, 4],
  [4, 6, 5],
  [4, 6, 4],
];

/** The end of the card that begins with the group at `start`; `start` itself when none does. */
function cardAt(text: string, start: number): number {
  // Only a group on the outside of a grouped number can touch a letter or a decimal point; then it is no number of its own.
  if (!numberMayStart(text, start)) return start;
  const first = groupEnd(text, start + 1);
  const end = segmentEnd(text, start, first);
  if (end > start && isCard(text, start, end)) return end;
  for (const groups of PRINTED) {
    const end = first - start === groups[0] ? printedEnd(text, start, groups) : start;
    if (end > start && isCard(text, start, end)) return end;
  }
  return isCard(text, start, first) ? first : start;
}

/** When a stretch with one kind of separator begins at `start` and may be of a card's size: its end. Else `start`. */
function segmentEnd(text: string, start: number, first: number): number {
  const separator = separatorAt(text, first);
  if (separator < 0 || separatorAt(text, start - 1) === separator) return start;
  let end = first;
  while (separatorAt(text, end) === separator) {
    end = groupEnd(text, end + 2);
    if (end - start > 2 * MAX_DIGITS) return start;
  }
  return end;
}

/** Where groups of these lengths end; `start` when there are others. */
function printedEnd(text: string, start: number, groups: readonly number[]): number {
  let end = start - 1;
  for (const digits of groups) {
    if (end >= start && separatorAt(text, end) < 0) return start;
    const from = end + 1;
    end = from;
    while (end - from <= digits && isDigit(unitAt(text, end))) end++;
    if (end - from !== digits) return start;
  }
  return end;
}

function isCard(text: string, from: number, to: number): boolean {
  if (to - from < MIN_DIGITS || to - from > 2 * MAX_DIGITS || !numberMayEnd(text, to)) return false;
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
  let prefix = 0;
  for (let i = from, digits = 0; digits < 6; i++) {
    const c = unitAt(text, i);
    if (!isDigit(c)) continue;
    prefix = prefix * 10 + c - 48;
    digits++;
  }
  return ISSUERS.some(({ from, to, lengths }) => prefix >= from && prefix <= to && lengths.includes(size));
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
  { from: 620_000, to: 629_999, lengths: [16, 17, 18, 19] }, // UnionPay
  { from: 220_000, to: 220_499, lengths: [16, 17, 18, 19] }, // Mir
  { from: 508_500, to: 508_999, lengths: [16] }, // RuPay
  { from: 606_985, to: 608_500, lengths: [16] }, // RuPay
  { from: 817_200, to: 820_199, lengths: [16] }, // RuPay
  { from: 506_099, to: 506_198, lengths: [16, 18, 19] }, // Verve
  { from: 506_699, to: 506_778, lengths: [16] }, // Elo
  { from: 509_000, to: 509_999, lengths: [16] }, // Elo
  { from: 636_297, to: 636_368, lengths: [16] }, // Elo
  ...[501_800, 502_000, 503_800, 589_300, 630_400, 675_900, 676_100, 676_200, 676_300].map((from) => ({
    from,
    to: from + 99,
    lengths: [13, 14, 15, 16, 17, 18, 19],
  })), // Maestro
];
