/** Tests on single UTF-16 code units, shared by the built-in rules. */

/** The code unit at a place, -1 outside of the text: `charCodeAt` gives NaN there, which makes every comparison slow. */
export function unitAt(text: string, at: number): number {
  return at >= 0 && at < text.length ? text.charCodeAt(at) : -1;
}

export function isDigit(c: number): boolean {
  return c >= 48 && c <= 57;
}

export function isAsciiLetter(c: number): boolean {
  return (c >= 97 && c <= 122) || (c >= 65 && c <= 90);
}

/** RE2's `\w`: a number that touches one of these is part of something longer, such as a hash or an identifier. */
function isWord(c: number): boolean {
  return isDigit(c) || isAsciiLetter(c) || c === 95;
}

const BACKSLASH = 92;
const DOT = 46;

/** Whether `at` is the letter of `\n`, `\t`, `\r`, `\b` or `\f` spelt out, as it is in JSON that a string holds. */
export function isEscapeLetter(text: string, at: number): boolean {
  const c = unitAt(text, at);
  const letter = c === 110 || c === 116 || c === 114 || c === 98 || c === 102;
  return letter && unitAt(text, at - 1) === BACKSLASH;
}

/** Whether a number may begin at `start`: not inside a word, and not in the fraction of a decimal. */
export function numberMayStart(text: string, start: number): boolean {
  if (start === 0) return true;
  const before = unitAt(text, start - 1);
  if (before === DOT) return !isDigit(unitAt(text, start - 2));
  return !isWord(before) || isEscapeLetter(text, start - 1);
}

/** Whether a number may end before `end`: not inside a word, and not in the whole part of a decimal. */
export function numberMayEnd(text: string, end: number): boolean {
  const after = unitAt(text, end);
  if (after === DOT) return !isDigit(unitAt(text, end + 1));
  return !isWord(after);
}

/** Whether a text, up to `end`, has control characters that no text has: others than tab, line ends and form feed. */
export function hasControls(text: string, end = text.length): boolean {
  for (let i = 0; i < end; i++) {
    const c = unitAt(text, i);
    if (c >= 0 && c < 32 && (c < 9 || c === 11 || c > 13)) return true;
  }
  return false;
}
