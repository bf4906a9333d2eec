import { findCards, mayBeginCard } from './card.ts';
import { isAsciiLetter, isDigit, unitAt } from './characters.ts';
import { hexUnit } from './escapes.ts';
import { AS_IS, HALF, lookalikeOf, lookalikeOfPair, NOTHING } from './lookalikes.ts';
import { findSsns, mayBeNamedSsn } from './ssn.ts';

/** Length of the shortest number that a default rule can find: a bare SSN. */
const STRIDE = 9;
/** Digits of the shortest card. */
const CARD = 12;

/**
 * Whether a rule that is on by default could find anything in a text, JSON or plain, as it came, with any escapes of JSON
 * decoded: never says no wrongly. All that these rules look for hangs on ASCII characters, which are the same in either form
 * unless they are escaped, and an escaped one is a yes. It is not for texts with other escapes (percent-encoding).
 *
 * A miss costs far less than one step for each character: every match of the number rules is a run of at least `STRIDE`
 * digits, spaces and hyphens, so that looking at each `STRIDE`th character meets them all.
 */
export function mayHoldBuiltIn(text: string): boolean {
  const isEscaped = text.includes(ESCAPE);
  if (mayHoldEmail(text) || (isEscaped && mayHoldEscaped(text))) return true;
  return mayHoldNumber(asBytes(text), text, ASCII_NUMBER, isEscaped);
}

const WIDE = /[\u0100-\uffff]/g;

/** A byte for each unit. Those that take two have none of their own: half of one could pass for a digit. */
function asBytes(text: string): Uint8Array {
  return Buffer.from(text.replace(WIDE, '\u0080'), 'latin1');
}

/** The same for bytes in UTF-8, given as Latin-1 as well, and for the view of what they say. */
export function mayHoldBuiltInBytes(bytes: Uint8Array, latin1: string): boolean {
  const isEscaped = latin1.includes(ESCAPE);
  return (
    mayHoldEmail(latin1) ||
    latin1.includes(FULL_WIDTH_AT) ||
    latin1.includes(SMALL_AT) ||
    (isEscaped && mayHoldEscaped(latin1)) ||
    mayHoldNumber(bytes, latin1, numberBytes(), isEscaped)
  );
}

/**
 * Whether there may be a number for a default rule, in a stretch of a text in which escapes are none: less exact, and several
 * times as quick for a short one. It goes by the nine digits of an SSN, however it is known to be one.
 */
export function mayHoldNumberBetween(text: string, from: number, to: number): boolean {
  for (let probe = from + STRIDE - 1; probe < to; probe += STRIDE) {
    if (!isOfNumber(text.charCodeAt(probe))) continue;
    let start = probe;
    while (start > from && isOfNumber(text.charCodeAt(start - 1))) start--;
    let digits = 0;
    for (probe = start; probe < to; probe++) {
      const c = text.charCodeAt(probe);
      if (!isOfNumber(c)) break;
      if (isDigit(c) && ++digits === STRIDE) return true;
    }
  }
  return false;
}

function isOfNumber(c: number): boolean {
  return isDigit(c) || c === 32 || c === 45;
}

const ESCAPE = '\\u';
/** What stands for `@`, in UTF-8: U+FF20, U+FE6B. */
const FULL_WIDTH_AT = '\u00ef\u00bc\u00a0';
const SMALL_AT = '\u00ef\u00b9\u00ab';

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

/** Whether something is spelt out as `\uXXXX` that may be part of a match, or stands within one. */
function mayHoldEscaped(text: string): boolean {
  for (let at = text.indexOf('\\u'); at >= 0; at = text.indexOf('\\u', at + 2)) {
    const unit = hexUnit(text, at + 2);
    // JSON encoders write the controls so, which are of no interest.
    if (unit < 32) continue;
    if (unit < 128) return true;
    let kind = lookalikeOf(unit);
    if (kind === HALF) kind = lookalikeOfPair(unit, text.startsWith('\\u', at + 6) ? hexUnit(text, at + 8) : 0);
    if (isDigit(kind) || kind === AT) return true;
    if (standsInNumber(kind) && isAfterDigit(text, at)) return true;
  }
  return false;
}

const AT = 64;

function standsInNumber(kind: number): boolean {
  return kind === NOTHING || kind === 32 || kind === 45;
}

/** Whether a digit may stand before the escape at `at`, or one and a separator. */
function isAfterDigit(text: string, at: number): boolean {
  let before = at - 1;
  while (unitAt(text, before) === 92) before--;
  const c = unitAt(text, before);
  return isDigit(c) || c >= 128 || ((c === 32 || c === 45) && isNear(unitAt(text, before - 1)));
}

function isNear(c: number): boolean {
  return isDigit(c) || c >= 128;
}

/**
 * 1 for what a run may be of: digits, space and hyphen, and the dot of a number of JSON. Tables, because comparisons that turn
 * out at random cost ten times as much.
 */
const ASCII_NUMBER = Uint8Array.from({ length: 256 }, (_, c) =>
  isDigit(c) || /[ .-]/.test(String.fromCharCode(c)) ? 1 : 0,
);
/** In UTF-8, with the bytes of characters that stand for those, or for nothing: none of most scripts. Made once, on first use. */
let bytesOfNumbers: Uint8Array | undefined;

function numberBytes(): Uint8Array {
  return (bytesOfNumbers ??= makeNumberBytes());
}

function makeNumberBytes(): Uint8Array {
  const bytes = ASCII_NUMBER.slice();
  // Whatever continues a sequence, and begins none.
  bytes.fill(1, 0x80, 0xc2);
  for (let c = 0x80; c < 0x110000; c++) {
    const kind = c < 0x20000 || c >= 0xe0000 ? lookalikeOf(c) : AS_IS;
    if (isDigit(kind) || standsInNumber(kind)) bytes[firstByte(c)] = 1;
  }
  return bytes;
}

function firstByte(c: number): number {
  if (c < 0x800) return 0xc0 | (c >> 6);
  return c < 0x10000 ? 0xe0 | (c >> 12) : 0xf0 | (c >> 18);
}

/** The first place from `from` on, before `to`, where no number goes on, in UTF-8; -1 when there is none. */
export function breakIn(bytes: Uint8Array, from: number, to: number): number {
  const inNumber = numberBytes();
  // Within the bytes; the table has a number for each.
  for (let i = from; i < to; i++) if (inNumber[bytes[i] as number] !== 1) return i;
  return -1;
}

/** `text` has one unit for each of the bytes. Casts: all places are within the bytes. Bytes are three times as quick as units. */
function mayHoldNumber(bytes: Uint8Array, text: string, inNumber: Uint8Array, isEscaped: boolean): boolean {
  const { length } = bytes;
  for (let probe = STRIDE - 1; probe < length; probe += STRIDE) {
    if (inNumber[bytes[probe] as number] !== 1) continue;
    let start = probe;
    while (start > 0 && inNumber[bytes[start - 1] as number] === 1) start--;
    let end = probe + 1;
    while (end < length && inNumber[bytes[end] as number] === 1) end++;
    if (end - start < STRIDE) continue;
    if (mayHoldNumberIn(bytes, text, start, end, isEscaped)) return true;
    // On to the first probe after the run.
    probe += Math.floor((end - probe - 1) / STRIDE) * STRIDE;
  }
  return false;
}

/** Whether there is a match in a run. Most end here, within ASCII and without one. */
function mayHoldNumberIn(bytes: Uint8Array, text: string, start: number, end: number, isEscaped: boolean): boolean {
  let digits = 0;
  for (let i = start; i < end; i++) {
    const c = bytes[i] as number;
    if (c > 127) return mayHoldGroupsIn(bytes, text, start, end, isEscaped);
    if (isDigit(c)) digits++;
  }
  // An SSN has nine. Indentation is long runs of spaces, and a date is a short one.
  if (digits < 9) return false;
  if (digits === end - start) {
    if (mayHoldNamed(text, start, end)) return true;
    const mayBeCard = digits >= CARD && mayBeginCard(bytes[start] as number, bytes[start + 1]);
    return mayMatch(text, start, end, false, false, mayBeCard, isEscaped);
  }
  /** Digits in a row; the same of those before them. */
  let group = 0;
  let before = 0;
  let hasNine = false;
  let mayBeSsn = false;
  let mayBeCard = false;
  let isSuspicious = false;
  for (let i = start; i < end; i++) {
    const c = bytes[i] as number;
    if (isDigit(c)) {
      if (group === 0 && mayBeginCard(c, bytes[i + 1])) mayBeCard = true;
      if (++group === STRIDE) hasNine = true;
      continue;
    }
    // The fraction of a number that may be a whole one; or what is after the two digits in the middle of an SSN.
    if (c === DOT) isSuspicious ||= bytes[i + 1] === ZERO || group >= CARD;
    else if (group === 2 && before === 3) mayBeSsn = true;
    before = group;
    group = 0;
  }
  if (hasNine && mayHoldNamed(text, start, end)) return true;
  return mayMatch(text, start, end, isSuspicious, mayBeSsn, digits >= CARD && mayBeCard, isEscaped);
}

/** Whether a bare SSN may stand in a run. */
function mayHoldNamed(text: string, start: number, end: number): boolean {
  for (let i = start; i + STRIDE <= end; i++) if (!isDigit(unitAt(text, i - 1)) && isNamedAt(text, i)) return true;
  return false;
}

/** Whether a bare SSN may stand at a place that is not after a digit. */
function isNamedAt(text: string, at: number): boolean {
  if (isDigit(unitAt(text, at + STRIDE))) return false;
  for (let i = at + STRIDE - 1; i >= at; i--) if (!isDigit(unitAt(text, i))) return false;
  return mayBeNamedSsn(text, at);
}

/** In bytes, it may have characters in it that are none of a number; these part it. */
function mayHoldGroupsIn(bytes: Uint8Array, text: string, start: number, end: number, isEscaped: boolean): boolean {
  let from = start;
  let digits = 0;
  /** Digits in a row; -1: after what is none of a number. */
  let group = -1;
  /** The same of the digits before them. */
  let before = -1;
  let mayBeSsn = false;
  let mayBeCard = false;
  let isSuspicious = false;
  for (let i = start; i < end; ) {
    const c = bytes[i] as number;
    if (c < 128) {
      if (isDigit(c)) {
        digits++;
        if (group <= 0 && mayBeginCard(c, bytes[i + 1])) mayBeCard = true;
        if (!isDigit(unitAt(text, i - 1)) && isNamedAt(text, i)) return true;
        group = Math.max(group, 0) + 1;
      } else {
        // The fraction of a number that may be a whole one; or what is after the two digits in the middle of an SSN.
        if (c === DOT) isSuspicious ||= bytes[i + 1] === ZERO || group >= CARD;
        else if (group === 2 && before === 3) mayBeSsn = true;
        before = group;
        group = 0;
      }
      i++;
      continue;
    }
    const size = sequenceSize(bytes, i, end);
    const kind = lookalikeOf(size === 1 ? 0 : codePoint(bytes, i, size));
    if (isDigit(kind) || standsInNumber(kind)) {
      if (isDigit(kind)) digits++;
      isSuspicious = true;
    } else {
      const isLong = digits >= CARD && mayBeCard;
      if (digits >= 9 && mayMatch(text, from, i, isSuspicious, mayBeSsn, isLong, isEscaped)) return true;
      from = i + size;
      digits = 0;
      mayBeSsn = false;
      mayBeCard = false;
      isSuspicious = false;
    }
    group = -1;
    before = -1;
    i += size;
  }
  return digits >= 9 && mayMatch(text, from, end, isSuspicious, mayBeSsn, digits >= CARD && mayBeCard, isEscaped);
}

const ZERO = 48;
const DOT = 46;
const LOWER_E = 101;

function mayMatch(
  text: string,
  start: number,
  end: number,
  isSuspicious: boolean,
  mayBeSsn: boolean,
  mayBeCard: boolean,
  isEscaped: boolean,
): boolean {
  // The same number may be written with an exponent.
  if (isSuspicious || (unitAt(text, end) | 32) === LOWER_E) return true;
  // The end of an escaped character looks like the beginning of the number, or like what stands before it.
  if (isEscaped) {
    for (let i = start - 1; i >= start - 8; i--)
      if (unitAt(text, i) === 92 && unitAt(text, i + 1) === LOWER_U) return true;
  }
  if (!mayBeSsn && !mayBeCard) return false;
  // The rules look at two characters on either side. An escape there looks to them as what it stands for, or more lenient. They
  // look further for the beginning of an IBAN, which is none behind a letter: what is before it may be hidden here.
  const run = `${start < 2 ? '' : 'a'}${text.slice(Math.max(0, start - 2), end + 2)}`;
  return (mayBeSsn && findSsns(run).length > 0) || (mayBeCard && findCards(run).length > 0);
}

const LOWER_U = 117;

/** How many bytes the sequence of UTF-8 at `at` has; 1 when it is none. */
function sequenceSize(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at] as number;
  const size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
  if (at + size > end) return 1;
  for (let i = at + 1; i < at + size; i++) if (((bytes[i] as number) & 0xc0) !== 0x80) return 1;
  return size;
}

function codePoint(bytes: Uint8Array, at: number, size: number): number {
  let c = (bytes[at] as number) & (0xff >> (size + 1));
  for (let i = at + 1; i < at + size; i++) c = (c << 6) | ((bytes[i] as number) & 0x3f);
  return c;
}
