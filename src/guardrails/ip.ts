import { isAsciiLetter, isDigit, numberMayStart, unitAt } from './characters.ts';
import type { Detector } from './detector.ts';
import { ahead, detect, numberEnds } from './lookahead.ts';
import { DIGITS, isIn, unitSet, WORD } from './unit-set.ts';

const DOT = 46;
const COLON = 58;
const HEX = unitSet('0-9A-Fa-f');

/** What stands before the four numbers of a version: `Chrome/`, `version: `, or of a section: `§ `, `Chapter `. */
const NAMES =
  'version|versión|versione|release|ver|rev|v|firmware|sdk|section|sect?|sección|subsection|chapter|ch|clause|figure|fig|' +
  'paragraph|para|article|art|appendix|annex|abschnitt|kapitel|absatz|abbildung|chapitre|capítulo|requirement|oid';
const VERSION = new RegExp(String.raw`(?:(?:^|[^a-z])(?:${NAMES})s?(?:_\d)?[\s:=."'#|\\]{0,5}|§\s?|[a-z]/)$`, 'i');
/** Units in which that is looked for: what streams keep in sight. */
const BEFORE = 16;
/** Files of a version: `tool-1.2.3.4.tar.gz`. */
const FILE = /^\.(?:apk|deb|dll|dmg|exe|gz|jar|msi|nupkg|pkg|rpm|so|tar|tgz|war|whl|zip)(?![a-z])/i;
const LONGEST_FILE = 7;

/**
 * IPv4 addresses in dotted decimal, leading zeros or not. Left alone: longer dotted numbers, and versions, where what stands
 * around them says so (`Chrome/120.0.0.0`, `version 1.2.3.4`, `1.2.3.4-rc1`, `tool-1.2.3.4.zip`), or that it is a section (`§ 1.2.3.4`). Of a
 * mapped IPv6 address, the IPv4 part is one.
 */
function ipv4End(text: string, start: number): number {
  if (!isDigit(unitAt(text, start)) || !numberMayStart(text, start)) return start;
  const end = dottedEnd(text, start);
  if (end === start || !numberEnds(text, end)) return start;
  const after = ahead(text, end);
  if ((after === 45 || after === 43) && isAsciiLetter(ahead(text, end + 1))) return start;
  if (VERSION.test(text.slice(Math.max(0, start - BEFORE), start))) return start;
  if (after !== DOT) return end;
  for (let at = end; at < end + LONGEST_FILE && ahead(text, at) >= 0; ) at++;
  return FILE.test(text.slice(end, end + LONGEST_FILE)) ? start : end;
}

/** Where four numbers up to 255 with dots between them end; `start` when there are none. */
function dottedEnd(text: string, start: number): number {
  let at = start;
  for (let i = 0; i < 4; i++) {
    if (i > 0 && ahead(text, at++) !== DOT) return start;
    const first = at;
    let value = 0;
    while (at - first < 3 && isDigit(ahead(text, at))) value = value * 10 + unitAt(text, at++) - 48;
    if (at === first || value > 255) return start;
  }
  return at;
}

function mayHoldIpv4(text: string): boolean {
  for (let at = text.indexOf('.'); at >= 0; at = text.indexOf('.', at + 1)) {
    if (!isDigit(unitAt(text, at - 1)) || !isDigit(unitAt(text, at + 1))) continue;
    // Digits before may be the end of an escape.
    for (let start = at - 1; start >= at - 3 && isDigit(unitAt(text, start)); start--) {
      if (dottedEnd(text, start) > start) return true;
    }
  }
  return false;
}

/** In what is called a version or a section, small numbers alone are one. */
function unversionedEnd(text: string, start: number): number {
  const end = ipv4End(text, start);
  return end > start && /\d{3}/.test(text.slice(start, end)) ? end : start;
}

/** `version`, `appVersion`, `section_2`. */
const KEY = /(?:^|[_.\s-])(?:release|section|chapter|clause|build)_?\d*$|version_?\d*$/i;

const REACH = 24;

export const ipv4Detector: Detector = {
  ...detect({ match: ipv4End, reach: REACH, starts: DIGITS }),
  may: mayHoldIpv4,
  hinted: {
    key: KEY,
    detector: { ...detect({ match: unversionedEnd, reach: REACH, starts: DIGITS }), may: mayHoldIpv4 },
  },
};

const GROUPS = 8;

/**
 * IPv6 addresses (RFC 4291 §2.2): eight groups, or fewer with `::`, the last two perhaps as an IPv4 address; without zone and
 * prefix length. Left alone: times and hardware addresses, and what is as likely code as an address (`std::foo`, `a[1::2]`,
 * `dead::beef`): with `::`, there must be a digit, and a group of three characters or more or three groups, but for `::1`.
 */
function ipv6End(text: string, start: number): number {
  const c = ahead(text, start);
  if (c === COLON ? ahead(text, start + 1) !== COLON : !isIn(HEX, c)) return start;
  if (!ipv6MayStart(text, start)) return start;
  let at = start;
  let groups = 0;
  let isShortened = false;
  let longest = 0;
  let shortest = 4;
  let hasDigit = false;
  for (;;) {
    if (ahead(text, at) === COLON && ahead(text, at + 1) === COLON) {
      if (isShortened) return start;
      isShortened = true;
      at += 2;
      if (!isIn(HEX, ahead(text, at))) break;
    } else if (at > start) {
      // A single colon is between two groups, or comes after the address.
      if (ahead(text, at) !== COLON || !isIn(HEX, ahead(text, at + 1))) break;
      at++;
    }
    const first = at;
    while (at - first < 4 && isIn(HEX, ahead(text, at))) {
      if (isDigit(unitAt(text, at))) hasDigit = true;
      at++;
    }
    if (ahead(text, at) === DOT) {
      const end = dottedEnd(text, first);
      if (end > first) {
        at = end;
        groups += 2;
        longest = 4;
        break;
      }
    }
    if (isIn(WORD, ahead(text, at)) || ++groups > GROUPS) return start;
    longest = Math.max(longest, at - first);
    shortest = Math.min(shortest, at - first);
  }
  if (!numberEnds(text, at) || !hasDigit) return start;
  if (!isShortened) return groups === GROUPS && !(longest === 2 && shortest === 2) ? at : start;
  const isTelling = longest > 2 || groups > 2 || text.slice(start, at) === '::1';
  return groups < GROUPS && isTelling ? at : start;
}

/** Not inside of a word or of other groups. A name may be before, with a colon: `src:2001:db8::1`. */
function ipv6MayStart(text: string, start: number): boolean {
  if (!numberMayStart(text, start)) return false;
  if (unitAt(text, start - 1) !== COLON) return true;
  if (unitAt(text, start) === COLON) return false;
  let at = start - 2;
  while (at > start - 6 && isIn(HEX, unitAt(text, at))) at--;
  // What is longer than a group, or goes on with another letter, is a name.
  return at !== start - 2 ? at === start - 6 || isIn(WORD, unitAt(text, at)) : unitAt(text, at) !== COLON;
}

function mayHoldIpv6(text: string): boolean {
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) {
    const next = unitAt(text, at + 1);
    if (
      next === COLON
        ? isIn(HEX, unitAt(text, at + 2)) || isIn(HEX, unitAt(text, at - 1))
        : isIn(HEX, next) && isLong(text, at)
    ) {
      return true;
    }
  }
  return false;
}

/** Whether, from a colon on, five groups come. */
function isLong(text: string, colon: number): boolean {
  let at = colon;
  for (let i = 0; i < 5; i++) {
    if (unitAt(text, at++) !== COLON) return false;
    const first = at;
    while (at - first < 4 && isIn(HEX, unitAt(text, at))) at++;
    if (at === first) return false;
  }
  return true;
}

export const ipv6Detector: Detector = {
  ...detect({ match: ipv6End, reach: 50, starts: unitSet('0-9A-Fa-f:') }),
  may: mayHoldIpv6,
};
