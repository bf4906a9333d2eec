import { isDigit, numberMayStart, unitAt } from './characters.ts';
import type { Detector } from './detector.ts';
import { ahead, firstOpen, numberEnds, type Shape, whole } from './lookahead.ts';
import { isNamed, type Naming, openName } from './named.ts';
import type { FindIn, Spans } from './rule.ts';
import { DIGITS, hasRun, unitSet } from './unit-set.ts';

const LENGTH = 11;
/** Without separators. */
const BARE = 9;
const SPACE = 32;
const HYPHEN = 45;

const SSN = String.raw`(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))[Ss][Ss][Nn](?:[sS]?(?![A-Za-z])|(?=[A-Z]))|(?<=[a-z0-9])(?:SSN|Ssn)s?(?![a-z])`;
const IN_WORDS = String.raw`[Ss](?:ocial|OCIAL)[\s_-]{0,2}[Ss](?:ecurity|ECURITY)|[Ss](?:oc|OC)[.\s_-]{0,2}[Ss](?:ec|EC)(?![a-z])`;
const IN_SPANISH = String.raw`[Ss]eguro[\s_-]{1,2}[Ss]ocial`;
const SHORT = String.raw`(?<![A-Za-z0-9])(?:SS ?#|S\.S\.N)`;
const NAMES = `${SSN}|${SHORT}|${IN_WORDS}|${IN_SPANISH}`;
/** The same wherever it stands, and what is no word of its own. */
const LIKE_NAME = /ssn|ss ?#|s\.s\.n|social[\s_-]{0,2}security|soc[.\s_-]{0,2}sec|seguro[\s_-]{1,2}social/gi;

const NAMING: Naming = {
  before: new RegExp(String.raw`^[\s\S]*(?:${NAMES})([\s\S]{0,24})$`),
  // Another field, or another number.
  denied:
    /[:=][^:=]*[a-z_][^:=]*[:=]|[;{}]|\b(?:acc(?:oun)?t|aba|case|claim|dob|ein|fax|invoice|order|passport|phone|ref|routing|tel|ticket|zip)/i,
  word: LIKE_NAME,
  between: 24,
};

/** Units in which a name is looked for: of ASCII, and as they came, with escapes or in UTF-8 read as Latin-1. */
const PLAIN = 72;
const NEAR = 192;
/** What may hide one in there: an escape, or the first byte of what stands for an ASCII letter or for nothing. */
const HIDES = /\\u|[\u00c2\u00c5\u00ca-\u00cd\u00d2-\u00df\u00e0-\u00e3\u00ea\u00ef\u00f0\u00f3]/;

/** Whether nine digits at `start` may be named, in a text or in UTF-8 read as Latin-1; false only when they are not. */
export function mayBeNamedSsn(text: string, start: number): boolean {
  let end = start;
  // JSON may have any white space before a value.
  while (end > 0 && isBlank(text.charCodeAt(end - 1))) end--;
  let mayBe = false;
  for (let i = Math.max(0, end - PLAIN); i < end; i++) {
    const c = text.charCodeAt(i);
    if ((c | 32) === LOWER_S) mayBe = true;
    if (c > 127 || c === BACKSLASH) return isNear(text.slice(Math.max(0, end - NEAR), end));
  }
  return mayBe && isNear(text.slice(Math.max(0, end - PLAIN), end));
}

const LOWER_S = 115;
const BACKSLASH = 92;

function isNear(before: string): boolean {
  LIKE_NAME.lastIndex = 0;
  return LIKE_NAME.test(before) || HIDES.test(before);
}

/** White space, `"`, `:`, `[`. */
function isBlank(c: number): boolean {
  return c === SPACE || (c >= 9 && c <= 13) || c === 34 || c === 58 || c === 91;
}

type IsNamed = (text: string, start: number) => boolean;

/** Where the SSN that begins at `start` ends; `start` itself when none does. */
function ssnEnd(text: string, start: number, isNamed: IsNamed): number {
  if (!isDigit(ahead(text, start)) || !numberMayStart(text, start)) return start;
  const end = groupedEnd(text, start);
  return end > start ? end : bareEnd(text, start, isNamed);
}

function groupedEnd(text: string, start: number): number {
  const end = start + LENGTH;
  let separator = -1;
  for (let i = 1; i < LENGTH; i++) {
    const c = ahead(text, start + i);
    if (i === 3) {
      if (c !== SPACE && c !== HYPHEN) return start;
      // Not a stretch of a longer grouped number, such as a telephone number.
      if (unitAt(text, start - 1) === c && isDigit(unitAt(text, start - 2))) return start;
      separator = c;
    } else if (i === 6 ? c !== separator : !isDigit(c)) {
      return start;
    }
  }
  if (!isIssued(text.slice(start, start + 3), text.slice(start + 4, start + 6), text.slice(start + 7, end)))
    return start;
  if (!numberEnds(text, end)) return start;
  return ahead(text, end) === separator && isDigit(ahead(text, end + 1)) ? start : end;
}

function bareEnd(text: string, start: number, isNamed: IsNamed): number {
  const end = start + BARE;
  let at = start + 1;
  while (at < end && isDigit(unitAt(text, at))) at++;
  // Only where there is a name it matters what comes after the text.
  if (at < end && at < text.length) return start;
  if (unitAt(text, start - 1) === HYPHEN && isDigit(unitAt(text, start - 2))) return start;
  if (!isNamed(text, start)) return start;
  if (at < end) {
    ahead(text, at);
    return start;
  }
  if (!isIssued(text.slice(start, start + 3), text.slice(start + 3, start + 5), text.slice(start + 5, end)))
    return start;
  if (!numberEnds(text, end)) return start;
  return ahead(text, end) === HYPHEN && isDigit(ahead(text, end + 1)) ? start : end;
}

/** SSA, POMS RM 10201.035. */
function isIssued(area: string, group: string, serial: string): boolean {
  return area !== '000' && area !== '666' && !area.startsWith('9') && group !== '00' && serial !== '0000';
}

function finder(isNamed: IsNamed): FindIn {
  return (text, from, to, spans) => {
    let start = from;
    while (start < to) {
      // Looks first where the last digit of nine would be: when it is none of a number, no SSN is there.
      const last = unitAt(text, start + BARE - 1);
      if (!isDigit(last)) {
        start += last === SPACE || last === HYPHEN ? 1 : BARE;
        continue;
      }
      const end = ssnEnd(text, start, isNamed);
      if (end > start) spans.push(start, end);
      start = end > start ? end : start + 1;
    }
    return start;
  };
}

function shape(isNamed: IsNamed): Shape {
  // It reads two characters after a match.
  return { match: (text, start) => ssnEnd(text, start, isNamed), reach: LENGTH + 2, starts: DIGITS };
}

const isCalledSsn: IsNamed = (text, start) => isNamed(NAMING, text, start);
const SHAPE = shape(isCalledSsn);
export const findSsnsIn = finder(isCalledSsn);
const find = whole(findSsnsIn);

/**
 * US social security numbers, `ddd-dd-dddd` or `ddd dd dddd`; nine bare digits where words such as SSN or social security number
 * stand shortly before them, as nothing in them tells. Numbers never issued are left alone: area 000, 666 and 900 to 999, group
 * 00, serial 0000.
 */
export function findSsns(text: string): Spans {
  return find(text, NO_WORK);
}

/** It needs none. */
const NO_WORK = { left: 0 };

const IN_SSN = unitSet('0-9 -');
const isAlwaysSsn: IsNamed = () => true;
const HINTED_SHAPE = shape(isAlwaysSsn);
const findHintedIn = finder(isAlwaysSsn);

/** For values whose name says that they are one: nine bare digits, too. */
const hinted: Detector = {
  find: whole(findHintedIn),
  findIn: findHintedIn,
  pending: (text, from) => firstOpen(HINTED_SHAPE, text, from),
  may: (text) => hasRun(text, IN_SSN, BARE, () => true),
};

/** `ssn`, `employeeSsn`, `social_security_number`. */
const KEY = new RegExp(NAMES);

export const ssnDetector: Detector = {
  find,
  findIn: findSsnsIn,
  pending: (text, from) => openName(NAMING, text, from, firstOpen(SHAPE, text, from)),
  hinted: { key: KEY, detector: hinted },
};
