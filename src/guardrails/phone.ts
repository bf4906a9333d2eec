import { isDigit, numberMayStart, unitAt } from './characters.ts';
import type { Detector } from './detector.ts';
import { ahead, detect, firstOpen, numberEnds, type Shape } from './lookahead.ts';
import { isNamed, type Naming, openName } from './named.ts';
import { isPhoneNumber, warmUp } from './phone-numbers.ts';
import { hasRun, isIn, unitSet, WORD } from './unit-set.ts';

const SPACE = 32;
const OPEN = 40;
const CLOSE = 41;
const PLUS = 43;
const HYPHEN = 45;
const DOT = 46;
const SLASH = 47;
/** E.164 has 15 at most; a `0` in brackets, which is not dialled from abroad, may be among them. */
const MAX_DIGITS = 16;
const MIN_DIGITS = 7;
const MAX_SEPARATORS = 3;
/** Groups that are taken for something that follows the number, one after the other. */
const MAX_DROPPED = 3;
/** Digits, each with separators before, and an extension. */
const REACH = MAX_DIGITS * (MAX_SEPARATORS + 1) + 24;

const NAMES = String.raw`phone|(?<![A-Za-z])(?:tel|telefone?o?|mobile?|cell|fax|handy|whatsapp|call|dial|ring|text|reach)`;
/** What may stand between such a word and the number. */
const FILLER = String.raw`(?:[\s:.=#"'|*\\[\]_-]|_\d{1,2}|(?<![A-Za-z])(?:number|num|nos?|nr|is|at|on|me|us|him|her|them|back|under|unter|s|us)(?![A-Za-z]))`;

const NAMING: Naming = {
  before: new RegExp(String.raw`^[\s\S]*(?:${NAMES})(${FILLER}{0,16})$`, 'i'),
  // Neither that, nor the beginning of another such word.
  denied: new RegExp(String.raw`^(?!${FILLER}{0,16}[A-Za-z]{0,6}$)`, 'i'),
  word: /phone|tel|mobil|cell|fax|handy|whatsapp|call|dial|ring|text|reach/gi,
  between: 24,
};

/** How far a number is known to be one: by nothing but itself, by the words before it, or by the member whose value it is. */
type Known = (text: string, start: number) => 'no' | 'named' | 'hinted';

const known: Known = (text, start) => (isNamed(NAMING, text, start) ? 'named' : 'no');

/**
 * Telephone numbers as people write them, where libphonenumber knows the digits as a number in use: with `+` (or `00`, `011`
 * and separators) any country's; without, those of the USA, Canada and the Caribbean in groups (`(415) 555-2671`,
 * `1-800-356-9377`, `415.555.2671`). As bare digits, and with the `0` of other countries (`020 7183 8750`), where words such as phone or
 * call me at stand right before them. An extension (`x123`, `ext. 123`) belongs to it.
 */
function phoneEnd(text: string, start: number, known: Known): number {
  const c = unitAt(text, start);
  if (c !== PLUS && c !== OPEN && !isDigit(c)) return start;
  if (!mayStart(text, start)) return start;
  const end = tellingEnd(text, start);
  if (end > start || c === PLUS) return end;
  const first = c === OPEN ? start + 1 : start;
  if (!isDigit(unitAt(text, first))) return start;
  const how = known(text, start);
  if (how === 'no') return start;
  if (how === 'named' && unitAt(text, first) !== ZERO) return c === OPEN ? start : bareEnd(text, start);
  return groupsEnd(text, start, first, how === 'named' ? 9 : 8, how === 'named' ? 12 : 15);
}

/** The end of a number that is one by itself. */
function tellingEnd(text: string, start: number): number {
  const c = unitAt(text, start);
  if (c === PLUS) return internationalEnd(text, start, start + 1, 0);
  if (c === OPEN) {
    if (ahead(text, start + 1) !== PLUS) return nationalEnd(text, start, start);
    const code = start + 2;
    const close = code + sizeAt(text, code);
    return close - code <= 3 && ahead(text, close) === CLOSE ? internationalEnd(text, start, code, 0) : start;
  }
  if (c === ZERO) {
    const from = prefixEnd(text, start);
    // Not in the middle of groups.
    const isInside = unitAt(text, start - 1) === SPACE && isDigit(unitAt(text, start - 2));
    const code = from > start ? sizeAt(text, from) : 0;
    if (code === 1 && unitAt(text, from) !== 49 && unitAt(text, from) !== 55) return start;
    return from > start && !isInside ? internationalEnd(text, start, from, 2) : start;
  }
  if (c !== 49) return nationalEnd(text, start, start);
  // The country code; no area begins with 1.
  const next = ahead(text, start + 1);
  if (next === OPEN) return nationalEnd(text, start, start + 1);
  return isSeparator(next) ? nationalEnd(text, start, start + 2) : start;
}

const ZERO = 48;

/** How many digits are at a place. */
function sizeAt(text: string, at: number): number {
  let end = at;
  while (end - at <= MAX_DIGITS && isDigit(unitAt(text, end))) end++;
  if (end === text.length) ahead(text, end);
  return end - at;
}

/** The end of the ten digits of a number of North America, or eleven. */
function bareEnd(text: string, start: number): number {
  let end = start;
  while (end - start <= 11 && isDigit(ahead(text, end))) end++;
  const size = end - start;
  const first = unitAt(text, start);
  if (size !== (first === 49 ? 11 : 10)) return start;
  const last = numberEnd(text, end);
  const digits = text.slice(end - 10, end);
  return last >= 0 && isPhoneNumber(`1${digits}`) ? last : start;
}

/** The end of a number in groups, the last of which that it can be with so many digits. */
function groupsEnd(text: string, start: number, from: number, least: number, most: number): number {
  let digits = 0;
  let end = start;
  for (let at = from; digits <= most; ) {
    const group = groupStart(text, at);
    if (group < 0) break;
    at = group;
    while (digits <= most && isDigit(ahead(text, at))) {
      at++;
      digits++;
    }
    if (digits < least || digits > most) continue;
    const last = numberEnd(text, at);
    if (last >= 0) end = last;
  }
  return end;
}

/** Not inside of a word, a decimal or a grouped number. */
function mayStart(text: string, start: number): boolean {
  if (!numberMayStart(text, start)) return false;
  const before = unitAt(text, start - 1);
  if (before === PLUS) return false;
  return !((before === HYPHEN || before === SLASH) && isDigit(unitAt(text, start - 2)));
}

function isSeparator(c: number): boolean {
  return c === SPACE || c === HYPHEN || c === DOT;
}

/** Behind `00` or `011`; `start` when neither is there. */
function prefixEnd(text: string, start: number): number {
  const second = ahead(text, start + 1);
  if (second === 48) return start + 2;
  return second === 49 && ahead(text, start + 2) === 49 ? start + 3 : start;
}

/** The end of the number whose country code comes at `from`, with at least so many separators. */
function internationalEnd(text: string, start: number, from: number, separators: number): number {
  let digits = '';
  /** Where each group ends, and how many digits there are then. */
  const ends: number[] = [];
  const sizes: number[] = [];
  let at = from;
  let isOver = false;
  while (!isOver) {
    const group = groupStart(text, at);
    if (group < 0) break;
    let end = group;
    while (digits.length <= MAX_DIGITS && isDigit(ahead(text, end))) digits += text[end++];
    isOver = digits.length > MAX_DIGITS;
    if (digits.startsWith('0')) return start;
    if (isOver) break;
    ends.push(end);
    sizes.push(digits.length);
    at = end;
  }
  for (let i = ends.length - 1, tried = 0; i >= separators && tried <= MAX_DROPPED; i--, tried++) {
    // Both have a place for each group.
    const size = sizes[i] as number;
    const end = ends[i] as number;
    if (size < MIN_DIGITS) return start;
    const last = numberEnd(text, end);
    if (last >= 0 && isPhoneNumber(digits.slice(0, size))) return last;
  }
  return start;
}

/** Where the next group of digits begins, behind the separators at `at`; -1 when none does. */
function groupStart(text: string, at: number): number {
  for (let i = at; i <= at + MAX_SEPARATORS; i++) {
    const c = ahead(text, i);
    if (isDigit(c)) return i;
    if (!isSeparator(c) && c !== OPEN && c !== CLOSE && c !== SLASH) return -1;
  }
  return -1;
}

/** The end of the number with area code at `at`, with or without brackets, three digits and four. */
function nationalEnd(text: string, start: number, at: number): number {
  const isBracketed = ahead(text, at) === OPEN;
  const area = isBracketed ? at + 1 : at;
  if (!areDigits(text, area, 3, 50)) return start;
  let exchange = area + 3;
  let separator = ahead(text, exchange);
  if (isBracketed) {
    if (separator !== CLOSE) return start;
    separator = ahead(text, ++exchange);
    if (isSeparator(separator)) exchange++;
  } else {
    if (!isSeparator(separator) && separator !== SLASH) return start;
    exchange++;
  }
  // Area 555 is that of fiction, where anything goes.
  const isFiction = text.slice(area, area + 3) === '555';
  if (!areDigits(text, exchange, 3, isFiction ? ZERO : 50) || !isSeparator(ahead(text, exchange + 3))) return start;
  const line = exchange + 4;
  if (!areDigits(text, line, 4, 48)) return start;
  // Groups with spaces between them go on, or have begun before: a longer number.
  const isSpaced = !isBracketed && separator === SPACE && unitAt(text, line - 1) === SPACE;
  if (isSpaced && unitAt(text, start - 1) === SPACE && isDigit(unitAt(text, start - 2))) return start;
  const end = line + 4;
  if (isSpaced && ahead(text, end) === SPACE && isDigit(ahead(text, end + 1))) return start;
  const last = numberEnd(text, end);
  if (last < 0) return start;
  const digits = text.slice(area, area + 3) + text.slice(exchange, exchange + 3) + text.slice(line, end);
  return isPhoneNumber(`1${digits}`) ? last : start;
}

function areDigits(text: string, at: number, count: number, least: number): boolean {
  const first = ahead(text, at);
  if (first < least || !isDigit(first)) return false;
  for (let i = at + 1; i < at + count; i++) if (!isDigit(ahead(text, i))) return false;
  return true;
}

/** Where a number ends whose digits do at `end`, with the extension; -1 when it cannot end there. */
function numberEnd(text: string, end: number): number {
  const extension = extensionEnd(text, end);
  if (extension > end) return extension;
  if (!numberEnds(text, end)) return -1;
  const after = ahead(text, end);
  return (after === HYPHEN || after === SLASH) && isDigit(ahead(text, end + 1)) ? -1 : end;
}

const EXTENSIONS = ['extension', 'ext', 'x', '#'];

/** `x123`, `ext. 123`, `;ext=123`, `#123`: up to six digits. `end` when there is none. */
function extensionEnd(text: string, end: number): number {
  let at = end;
  while (at - end < 2 && (ahead(text, at) === SPACE || ahead(text, at) === 44 || ahead(text, at) === 59)) at++;
  const word = EXTENSIONS.find((word) => isWordAt(text, at, word));
  if (word === undefined) return end;
  at += word.length;
  for (let i = 0; i < 2 && [SPACE, DOT, 58, 61].includes(ahead(text, at)); i++) at++;
  const first = at;
  while (at - first <= 6 && isDigit(ahead(text, at))) at++;
  return at > first && at - first <= 6 && !isIn(WORD, ahead(text, at)) ? at : end;
}

function isWordAt(text: string, at: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) {
    const c = ahead(text, at + i);
    if (c !== word.charCodeAt(i) && (c | 32) !== word.charCodeAt(i)) return false;
  }
  return true;
}

const IN_PHONE = unitSet('0-9()+. /-');
const LIKE_PHONE = /\+[ (]*\d|(?:00|011)\d{0,12}[-. ()/]{1,3}\d|\d{3}[-. )/]+\d{3}[-. ]\d{4}/;
/** Least digits of a number that words have to tell. */
const LEAST_NAMED = 9;

function mayHoldPhone(text: string): boolean {
  NAMING.word.lastIndex = 0;
  return (
    hasRun(text, IN_PHONE, MIN_DIGITS + 1, isLikePhone) ||
    (hasRun(text, IN_PHONE, LEAST_NAMED, () => true) && NAMING.word.test(text))
  );
}

function isLikePhone(text: string, start: number, end: number): boolean {
  let digits = 0;
  let hasPlus = false;
  for (let i = start; i < end; i++) {
    const c = text.charCodeAt(i);
    if (isDigit(c)) digits++;
    else if (c === PLUS) hasPlus = true;
  }
  // Without a plus there are ten digits, or two and seven, in three groups.
  const isLong = hasPlus ? digits >= MIN_DIGITS : digits >= MIN_DIGITS + 2 && end - start >= digits + 2;
  return isLong && LIKE_PHONE.test(text.slice(start, end));
}

function shape(known: Known): Shape {
  return { match: (text, start) => phoneEnd(text, start, known), reach: REACH, starts: unitSet('0-9+(') };
}

/** `phone`, `mobileNo`, `home_tel`; of an id, none. */
const KEY =
  /^(?!.*(?:_id|Id|ID|_hash)$)(?:.*(?:[Pp]hone|PHONE|[Mm]obile|MOBILE|[Ww]hats[Aa]pp|[Mm]sisdn|MSISDN|[a-z](?:Tel|Fax|Cell)(?![a-z]))|(?:.*[^A-Za-z])?(?:[Tt]el|TEL|[Ff]ax|FAX|[Cc]ell|CELL)(?![a-z]))/;

const SHAPE = shape(known);

export const phoneDetector: Detector = {
  ...detect(SHAPE),
  pending: (text, from) => openName(NAMING, text, from, firstOpen(SHAPE, text, from)),
  may: mayHoldPhone,
  warmUp,
  hinted: {
    key: KEY,
    detector: { ...detect(shape(() => 'hinted')), may: (text) => hasRun(text, IN_PHONE, MIN_DIGITS + 1, () => true) },
  },
};
