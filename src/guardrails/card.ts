import { isDigit, numberMayEnd, numberMayStart, unitAt } from './characters.ts';
import { NO_SPANS, type Spans } from './rule.ts';

const MIN_DIGITS = 13;
const MAX_DIGITS = 19;

/**
 * Payment card numbers: 13 to 19 digits with the length and prefix of an issuer and a right check digit (Luhn, ISO/IEC
 * 7812-1). The digits stand together, in the groups that are printed on cards (whatever numbers are before and after
 * them), or in any groups with one kind of separator when the whole grouped number is the card.
 */
export function findCards(text: string): Spans {
  if (text.length < MIN_DIGITS) return NO_SPANS;
  let spans: number[] | undefined;
  for (let i = 0; i < text.length; i++) {
    if (!isDigit(unitAt(text, i))) continue;
    const end = runEnd(text, i);
    if (end - i >= MIN_DIGITS) spans = cardsInRun(text, readRun(text, i, end), spans);
    i = end;
  }
  return spans ?? NO_SPANS;
}

/** No issuer's prefix begins with 0, 1, 7 or 9. */
export function mayBeginCard(c: number): boolean {
  return (c >= 50 && c <= 54) || c === 56;
}

/** Where the digits that begin at `from` end, single spaces and hyphens between them included. */
function runEnd(text: string, from: number): number {
  for (let i = from + 1; ; i++) {
    const c = unitAt(text, i);
    if (!isDigit(c) && !((c === 32 || c === 45) && isDigit(unitAt(text, i + 1)))) return i;
  }
}

/** Groups of digits with one space or hyphen between each two. `separators[g]` stands after group `g`. */
interface Run {
  starts: number[];
  ends: number[];
  separators: number[];
}

function readRun(text: string, from: number, to: number): Run {
  const run: Run = { starts: [from], ends: [], separators: [] };
  for (let i = from + 1; i < to; i++) {
    const c = unitAt(text, i);
    if (isDigit(c)) continue;
    run.ends.push(i);
    run.separators.push(c);
    run.starts.push(i + 1);
  }
  run.ends.push(to);
  return run;
}

/** Groups as issuers print them: Visa, Mastercard and most others; 19 digits; American Express; Diners Club. */
const PRINTED: readonly (readonly number[])[] = [
  [4, 4, 4, 4, 3],
  [4, 4, 4, 4],
  [4, 6, 5],
  [4, 6, 4],
];

function cardsInRun(text: string, run: Run, found: number[] | undefined): number[] | undefined {
  let spans = found;
  // Only the outer groups can touch a letter or a decimal point; what does is no number of its own.
  const first = numberMayStart(text, run.starts[0] as number) ? 0 : 1;
  const last = run.ends.length - (numberMayEnd(text, run.ends[run.ends.length - 1] as number) ? 1 : 2);
  for (let g = first; g <= last; ) {
    const next = cardAt(text, run, g, last);
    if (next > g) (spans ??= []).push(run.starts[g] as number, run.ends[next - 1] as number);
    g = Math.max(next, g + 1);
  }
  return spans;
}

/** The group after the card that begins with group `g`; `g` itself when none does. */
function cardAt(text: string, run: Run, g: number, last: number): number {
  if (!mayBeginCard(unitAt(text, run.starts[g] as number))) return g;
  const end = wholeSegmentEnd(run, g);
  if (end > g && end - 1 <= last && isCard(text, run, g, end)) return end;
  for (const groups of PRINTED) {
    const end = g + groups.length;
    if (end - 1 > last) continue;
    if (groups.every((digits, k) => groupLength(run, g + k) === digits) && isCard(text, run, g, end)) return end;
  }
  return isCard(text, run, g, g + 1) ? g + 1 : g;
}

/** When a stretch with one kind of separator begins at `g` and is of a card's size: the group after it. Else `g`. */
function wholeSegmentEnd(run: Run, g: number): number {
  const separator = run.separators[g];
  if (separator === undefined || (g > 0 && run.separators[g - 1] === separator)) return g;
  let digits = groupLength(run, g);
  let end = g + 1;
  while (run.separators[end - 1] === separator) {
    digits += groupLength(run, end++);
    if (digits > MAX_DIGITS) return g;
  }
  return end;
}

function groupLength(run: Run, g: number): number {
  // Callers stay within the run.
  return (run.ends[g] as number) - (run.starts[g] as number);
}

function isCard(text: string, run: Run, from: number, to: number): boolean {
  let size = 0;
  for (let g = from; g < to; g++) size += groupLength(run, g);
  if (size < MIN_DIGITS || size > MAX_DIGITS) return false;
  const digits = text.slice(run.starts[from], run.ends[to - 1]).replace(/[ -]/g, '');
  return isIssued(digits) && passesLuhn(digits);
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

function isIssued(digits: string): boolean {
  const prefix = Number(digits.slice(0, 6));
  return ISSUERS.some(({ from, to, lengths }) => prefix >= from && prefix <= to && lengths.includes(digits.length));
}

function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = digits.length - 1, twice = false; i >= 0; i--, twice = !twice) {
    const digit = digits.charCodeAt(i) - 48;
    sum += twice ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
  }
  return sum % 10 === 0;
}
