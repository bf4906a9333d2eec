import { isAsciiLetter, isDigit, isEscapeLetter, unitAt } from './characters.ts';
import type { Detector } from './detector.ts';
import { ahead, isOpen } from './lookahead.ts';
import { type FindIn, NO_SPANS, type Spans } from './rule.ts';

const MAX_LOCAL = 64;
/** A local part, and the rest of an escape before it. */
const MAX_RUN = MAX_LOCAL + 6;
const MAX_LABEL = 63;
const MAX_DOMAIN = 253;
const AT = 64;
const DOT = 46;
const HYPHEN = 45;
const BACKSLASH = 92;

/** Scripts written without spaces: a letter of these ends an address that has begun with other letters. */
const FIRST_UNSPACED = 0x2e80;

const LETTER = /[\p{L}\p{M}\p{N}]/u;

/**
 * Email addresses in the form people use (RFC 5321 lengths, RFC 6531 letters): up to 64 of letters, digits and
 * `._%+-'`, `@`, two or more labels of up to 63, the last of letters alone (or `xn--…`) and no file type. Quoted local parts,
 * address literals, bare host names, file names (`logo@2x.png`) and versions (`pkg@1.2.3`) are not taken for one. Linear: from each `@` it looks a bounded way in both directions
 * and never across another `@`.
 */
export function findEmails(text: string): Spans {
  const spans: number[] = [];
  findEmailsIn(text, 0, text.length, spans);
  return spans.length > 0 ? spans : NO_SPANS;
}

export const findEmailsIn: FindIn = (text, from, to, spans) => {
  let free = spans.at(-1) ?? 0;
  let at = text.indexOf('@', from);
  for (; at >= 0 && at < to; at = text.indexOf('@', at + 1)) {
    const start = localStart(text, at, free);
    if (start === at) continue;
    const end = domainEnd(text, at + 1);
    if (end < 0) continue;
    spans.push(start, end);
    free = end;
  }
  return at < 0 ? text.length : at;
};

/** A domain with the label that is too much, and what comes after. */
const DOMAIN_REACH = MAX_DOMAIN + MAX_LABEL + 2;
/** Of a run that is too long for a local part, so much is kept in sight, with the 16 units that always are, that it stays so. */
const KEPT_OF_RUN = MAX_RUN + 1 - 16;

export const emailDetector: Detector = {
  find: findEmails,
  findIn: findEmailsIn,
  pending: (text, from) => Math.max(from, openAddress(text, from)),
};

/** Where the address begins that the text ends in, or what may become the local part of one. */
function openAddress(text: string, from: number): number {
  const least = Math.max(from, text.length - DOMAIN_REACH);
  let at = text.length - 1;
  while (at >= least && isLocal(unitAt(text, at), isAnyLetter)) at--;
  if (at >= least && unitAt(text, at) === AT) {
    const start = localStart(text, at, 0);
    if (isOpen(domainEnd, text, at + 1)) {
      if (start < at) return start;
      // Too long for a local part, unless an address before it ends within it.
      if (at - localRun(text, at) > MAX_LOCAL) return addressesStart(text, at);
    }
  }
  return Math.min(openRun(text, isSpacedLetter), openRun(text, isAnyLetter));
}

/** Where the run of characters of a local part begins that ends at `at`, as far as it matters. */
function localRun(text: string, at: number): number {
  let start = at;
  while (start > 0 && at - start <= MAX_LOCAL && isLocal(unitAt(text, start - 1), isAnyLetter)) start--;
  return start;
}

/** A place before the address that may end in the run that ends at `at`, and in no other. */
function addressesStart(text: string, at: number): number {
  const least = Math.max(0, at - DOMAIN_REACH - 2 * MAX_RUN);
  let start = at;
  while (start > least && (unitAt(text, start - 1) === AT || isLocal(unitAt(text, start - 1), isAnyLetter))) start--;
  return start;
}

/** Where the run of characters of a local part begins that the text ends in. */
function openRun(text: string, isLetter: (c: number) => boolean): number {
  let start = text.length;
  while (start > 0 && isLocal(unitAt(text, start - 1), isLetter)) {
    start--;
    if (text.length - start > MAX_RUN) return text.length - KEPT_OF_RUN;
  }
  return start;
}

/** Where the local part before `at` begins; `at` itself when there is none. */
function localStart(text: string, at: number, free: number): number {
  const isLetter = letters(unitAt(text, at - 1));
  let start = at;
  while (start > free && isLocal(unitAt(text, start - 1), isLetter)) {
    start--;
    if (at - start > MAX_RUN) return at;
  }
  start = afterEscape(text, start, at);
  while (start < at && isTrimmed(unitAt(text, start))) start++;
  if (at - start > MAX_LOCAL) return at;
  for (let i = start; i < at; i++) if (isLetter(unitAt(text, i))) return start;
  return at;
}

/** Past the rest of an escape that is spelt out before the address (JSON in a JSON string): it is not part of it. */
function afterEscape(text: string, start: number, at: number): number {
  if (unitAt(text, start - 1) !== BACKSLASH) return start;
  if (isEscapeLetter(text, start)) return start + 1;
  return /^u[0-9a-f]{4}$/i.test(text.slice(start, start + 5)) && start + 5 <= at ? start + 5 : start;
}

function isLocal(c: number, isLetter: (c: number) => boolean): boolean {
  // . _ % + - '
  return isLetter(c) || c === DOT || c === 95 || c === 37 || c === 43 || c === HYPHEN || c === 39;
}

/** Marks that stand before an address more often than they begin one. */
function isTrimmed(c: number): boolean {
  return c === DOT || c === 39 || c === HYPHEN;
}

/** The end of the longest domain at `from` that an address may have; -1 when there is none. */
function domainEnd(text: string, from: number): number {
  let end = -1;
  let labels = 0;
  for (let start = from; ; ) {
    const isLetter = letters(ahead(text, start));
    let i = start;
    while (i - start <= MAX_LABEL && (isLetter(ahead(text, i)) || ahead(text, i) === HYPHEN)) i++;
    while (i > start && unitAt(text, i - 1) === HYPHEN) i--;
    if (i === start || i - start > MAX_LABEL || i - from > MAX_DOMAIN || ahead(text, start) === HYPHEN) return end;
    if (++labels >= 2 && isTopLevel(text, start, i)) end = i;
    // Of a version, two numbers are enough to know it: `pkg@1.2.3-beta.x`. The size of an image, too: `@1.5x.png`.
    if (labels === 2 && isNumber(text, from, start - 1) && isDigit(unitAt(text, start))) return -1;
    if (ahead(text, i) !== DOT) return end;
    start = i + 1;
  }
}

/** `12`, or `v12`. */
function isNumber(text: string, start: number, end: number): boolean {
  let i = (unitAt(text, start) | 32) === LOWER_V && end - start > 1 ? start + 1 : start;
  while (i < end && isDigit(unitAt(text, i))) i++;
  return i === end;
}

const LOWER_V = 118;

/** What files are called, and no domain: `logo@2x.png`, `ada@example.com.json`. */
const FILE_TYPES =
  /^(?:avif|bmp|css|csv|gif|heic|html?|ico|jpe?g|js|json|jsx|log|pdf|png|psd|svg|tiff?|tsx?|txt|webp|xml|ya?ml)$/i;

function isTopLevel(text: string, start: number, end: number): boolean {
  if (end - start < 2) return false;
  let i = start;
  while (i < end && isAsciiLetter(unitAt(text, i))) i++;
  const label = text.slice(start, end);
  if (i === end) return end - start > 4 || !FILE_TYPES.test(label);
  return /^xn--[a-z0-9-]+$/i.test(label) || /^[\p{L}\p{M}]+$/u.test(label);
}

/** Letters and digits that go together with `neighbour`: those of unspaced scripts only when it is one of them. */
function letters(neighbour: number): (c: number) => boolean {
  return neighbour >= FIRST_UNSPACED ? isAnyLetter : isSpacedLetter;
}

function isSpacedLetter(c: number): boolean {
  if (c < 128) return isAsciiLetter(c) || isDigit(c);
  return c < FIRST_UNSPACED && isLetter(c);
}

function isAnyLetter(c: number): boolean {
  return c < 128 ? isAsciiLetter(c) || isDigit(c) : isLetter(c);
}

/** What is known of each code unit: 0 nothing yet, 1 no letter, 2 a letter. */
const KNOWN = new Uint8Array(65_536);

function isLetter(c: number): boolean {
  if (KNOWN[c] === 0) KNOWN[c] = LETTER.test(String.fromCharCode(c)) ? 2 : 1;
  return KNOWN[c] === 2;
}
