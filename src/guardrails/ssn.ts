import { isDigit, numberMayEnd, numberMayStart, unitAt } from './characters.ts';
import { type FindIn, NO_SPANS, type Spans } from './rule.ts';

const LENGTH = 11;
const SPACE = 32;
const HYPHEN = 45;

/**
 * US social security numbers, `ddd-dd-dddd` or `ddd dd dddd`. Numbers never issued are left alone: area 000, 666 and 900
 * to 999, group 00, serial 0000 (SSA, POMS RM 10201.035). Nine bare digits are not taken for one: far more of them are
 * something else, and nothing in them tells.
 */
export function findSsns(text: string): Spans {
  if (text.length < LENGTH) return NO_SPANS;
  const spans: number[] = [];
  findSsnsIn(text, 0, text.length, spans);
  return spans.length > 0 ? spans : NO_SPANS;
}

export const findSsnsIn: FindIn = (text, from, to, spans) => {
  let start = from;
  while (start < to) {
    // Looks at the last character first: when it is none of a number, no SSN ends at it or runs over it.
    const last = unitAt(text, start + LENGTH - 1);
    if (!isDigit(last)) {
      start += last === SPACE || last === HYPHEN ? 1 : LENGTH;
    } else if (hasShape(text, start) && isIssued(text, start) && standsAlone(text, start)) {
      spans.push(start, start + LENGTH);
      start += LENGTH;
    } else {
      start++;
    }
  }
  return start;
};

/** Three digits, two, four; the same separator twice. The last digit is known. */
function hasShape(text: string, start: number): boolean {
  const separator = unitAt(text, start + 3);
  if ((separator !== SPACE && separator !== HYPHEN) || unitAt(text, start + 6) !== separator) return false;
  for (let i = 0; i < LENGTH - 1; i++) if (i !== 3 && i !== 6 && !isDigit(unitAt(text, start + i))) return false;
  return true;
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
