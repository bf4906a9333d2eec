import { isDigit, numberMayEnd, numberMayStart, unitAt } from './characters.ts';
import { NO_SPANS, type Spans } from './rule.ts';

/** Of fixed length, so that native RegExp is linear on it. The same separator twice. */
const SHAPE = /\d{3}([- ])\d{2}\1\d{4}/g;
const LENGTH = 11;

/**
 * US social security numbers, `ddd-dd-dddd` or `ddd dd dddd`. Numbers never issued are left alone: area 000, 666 and 900
 * to 999, group 00, serial 0000 (SSA, POMS RM 10201.035). Nine bare digits are not taken for one: far more of them are
 * something else, and nothing in them tells.
 */
export function findSsns(text: string): Spans {
  if (text.length < LENGTH) return NO_SPANS;
  let spans: number[] | undefined;
  SHAPE.lastIndex = 0;
  for (let match = SHAPE.exec(text); match !== null; match = SHAPE.exec(text)) {
    const start = match.index;
    if (isIssued(text, start) && standsAlone(text, start)) (spans ??= []).push(start, start + LENGTH);
    else SHAPE.lastIndex = start + 1;
  }
  return spans ?? NO_SPANS;
}

function isIssued(text: string, start: number): boolean {
  const area = text.slice(start, start + 3);
  if (area === '000' || area === '666' || area.startsWith('9')) return false;
  return text.slice(start + 4, start + 6) !== '00' && text.slice(start + 7, start + LENGTH) !== '0000';
}

/** Not a stretch of a longer grouped number, such as a telephone number. */
function standsAlone(text: string, start: number): boolean {
  const end = start + LENGTH;
  if (!numberMayStart(text, start) || !numberMayEnd(text, end)) return false;
  const separator = unitAt(text, start + 3);
  if (unitAt(text, start - 1) === separator && isDigit(unitAt(text, start - 2))) return false;
  return !(unitAt(text, end) === separator && isDigit(unitAt(text, end + 1)));
}
