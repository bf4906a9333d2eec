import type { Detector } from './detector.ts';
import { BASE64_PADDED } from './key-format.ts';
import { ahead, detect, isOpen } from './lookahead.ts';
import { isIn, type UnitSet, unitSet } from './unit-set.ts';

/** Units of a whole block; of a longer one, the rest stays. An RSA key of 16,384 bits has 12,700. */
const MAX_BLOCK = 16_384;
const MAX_LABEL = 48;
const LABEL = unitSet('A-Z0-9 ');
const NAME = unitSet('A-Za-z0-9-');
const MAX_HEADER = 200;
/** A line of key material has at least so many characters; several with fewer, one after the other, are words. */
const LEAST_LINE = 24;
const MAX_SHORT = 2;
const SPACE = 32;
const HYPHEN = 45;
const SLASH = 47;
const COLON = 58;
const EQUALS = 61;
const BACKSLASH = 92;

/**
 * Private keys as text: PEM (RFC 7468, and older ones with headers), OpenSSH, SSH2 (RFC 4716) and OpenPGP (RFC 9580 §6.2): from
 * the line that begins the block to the one that ends it, or, where that is missing, to the end of the key material. Lines may
 * be joined with spaces, or with `\n` spelt out.
 */
function privateKeyEnd(text: string, start: number): number {
  if (ahead(text, start) !== HYPHEN) return start;
  const label = Math.max(wordEnd(text, start, '-----BEGIN '), wordEnd(text, start, '---- BEGIN '));
  if (label < 0) return start;
  const at = runEnd(text, label, LABEL, MAX_LABEL);
  if (!/(?:^| )PRIVATE KEY(?: BLOCK)? ?$/.test(text.slice(label, at))) return start;
  const body = wordEnd(text, at, '----');
  if (body < 0) return start;
  return bodyEnd(text, start, ahead(text, body) === HYPHEN ? body + 1 : body);
}

/** Behind the word, when it stands at `at`; else -1. */
function wordEnd(text: string, at: number, word: string): number {
  for (let i = 0; i < word.length; i++) if (ahead(text, at + i) !== word.charCodeAt(i)) return -1;
  return at + word.length;
}

function runEnd(text: string, from: number, set: UnitSet, most: number): number {
  let at = from;
  while (at - from < most && isIn(set, ahead(text, at))) at++;
  return at;
}

/** The end of the block whose first line ends at `from`; `start` when there is no key in it. */
function bodyEnd(text: string, start: number, from: number): number {
  const limit = start + MAX_BLOCK;
  let end = start;
  let short = 0;
  for (let at = from; at < limit; ) {
    const next = blankEnd(text, at, limit);
    const isNewLine = isLineBreak(text, at, next);
    at = next;
    if (ahead(text, at) === HYPHEN) {
      const last = lastLineEnd(text, at);
      return last < 0 ? end : last;
    }
    const header = end === start ? headerEnd(text, at) : -1;
    if (header >= 0) {
      at = header;
      continue;
    }
    const line = lineEnd(text, at, limit);
    if (line === at) return end;
    if (line - at >= LEAST_LINE || ahead(text, at) === EQUALS) {
      end = line;
      short = 0;
    } else {
      // The last line is as long as it happens to be.
      if (end > start && short === 0 && isNewLine) end = line;
      if (++short > MAX_SHORT) return end;
    }
    at = line;
  }
  return end;
}

/** Behind white space, as it is or as escapes, escaped once or several times. */
function blankEnd(text: string, from: number, limit: number): number {
  let at = from;
  while (at < limit) {
    const c = ahead(text, at);
    if (c === SPACE || (c >= 9 && c <= 13)) {
      at++;
      continue;
    }
    if (c !== BACKSLASH) break;
    let letter = at + 1;
    while (letter - at < 8 && ahead(text, letter) === BACKSLASH) letter++;
    const escape = ahead(text, letter);
    // n, r, t; a backslash at the end of a line goes on with it.
    if (escape === 110 || escape === 114 || escape === 116) at = letter + 1;
    else if (escape === 10 || escape === 13) at = letter;
    else break;
  }
  return at;
}

function isLineBreak(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (ahead(text, at) !== SPACE && ahead(text, at) !== 9) return true;
  return false;
}

/** Behind `Proc-Type: 4,ENCRYPTED` or the like, at the end of the line; -1 when there is no such thing. */
function headerEnd(text: string, from: number): number {
  const colon = runEnd(text, from, NAME, 32);
  if (colon - from < 3 || ahead(text, colon) !== COLON) return -1;
  for (let at = colon + 1; at < colon + MAX_HEADER; at++) {
    const c = ahead(text, at);
    if (c === 10 || c === 13 || c === BACKSLASH) return at;
    if (c < 0) return -1;
  }
  return -1;
}

/** The end of the key material at `from`, in which slashes may be escaped. */
function lineEnd(text: string, from: number, limit: number): number {
  let at = from;
  while (at < limit) {
    const c = ahead(text, at);
    if (isIn(BASE64_PADDED, c)) at++;
    else if (c === BACKSLASH && ahead(text, at + 1) === SLASH) at += 2;
    else break;
  }
  return at;
}

/** The end of the line that ends the block; -1 when this is another one. */
function lastLineEnd(text: string, from: number): number {
  const label = Math.max(wordEnd(text, from, '-----END '), wordEnd(text, from, '---- END '));
  if (label < 0) return -1;
  const end = wordEnd(text, runEnd(text, label, LABEL, MAX_LABEL), '----');
  return end >= 0 && ahead(text, end) === HYPHEN ? end + 1 : end;
}

function mayHoldPrivateKey(text: string): boolean {
  return text.includes('PRIVATE KEY');
}

const REACH = MAX_BLOCK + 300;
const parts = detect({ match: privateKeyEnd, reach: REACH, starts: unitSet('-'), isAnywhere: true });
/** From so many units on, an open block is not read anew each time that something comes; its last units tell enough. */
const LONG = 1024;
const TAIL = 256;
/** Key material in lines, as they are or escaped, without the beginning of the first. */
const MATERIAL =
  /^[A-Za-z0-9+/=]*(?:(?:\s|\\+[nrt])+[A-Za-z0-9+/=]{24,}|\\+\/[A-Za-z0-9+/=]*)*(?:\s|\\+[nrt/]?)*[A-Za-z0-9+/=]*$/;

/** Where the block begins that goes on with what comes next, or may begin. Waiting for too much is not wrong, only slow. */
function openBlock(text: string, from: number): number {
  for (let at = text.indexOf('-', Math.max(from, text.length - REACH)); at >= 0; at = text.indexOf('-', at + 1)) {
    if (isLongBlock(text, at) || isOpen(privateKeyEnd, text, at)) return at;
  }
  return text.length;
}

/** Whether a block has begun at `at` and, by its end, goes on. */
function isLongBlock(text: string, at: number): boolean {
  if (text.length - at < LONG || text.length - at >= MAX_BLOCK || !text.startsWith('-----BEGIN ', at)) return false;
  if (text.indexOf('-', at + MAX_LABEL) >= 0) return false;
  return MATERIAL.test(text.slice(-TAIL)) && isOpen(privateKeyEnd, text.slice(at, at + LONG), 0);
}

export const privateKeyDetector: Detector = { ...parts, pending: openBlock, may: mayHoldPrivateKey };
