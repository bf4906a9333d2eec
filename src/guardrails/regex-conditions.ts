/** Conditions on the place between two characters: bits, as RE2JS and Go have them. */
export const BEGIN_LINE = 1;
export const END_LINE = 2;
export const BEGIN_TEXT = 4;
export const END_TEXT = 8;
export const WORD_BOUNDARY = 16;
export const NO_WORD_BOUNDARY = 32;
/** Conditions that the next character decides. */
export const LOOKS_AHEAD = END_LINE | END_TEXT | WORD_BOUNDARY | NO_WORD_BOUNDARY;

const IS_WORD = Uint8Array.from({ length: 128 }, (_, c) => (/\w/.test(String.fromCharCode(c)) ? 1 : 0));

/** RE2's `\w`; -1 stands for no character. */
export function isWord(c: number): boolean {
  return c >= 0 && c < 128 && IS_WORD[c] === 1;
}

const NEWLINE = 10;

/** Conditions that hold between two characters; -1 stands for the end of the text. */
export function conditionsBetween(before: number, after: number): number {
  return (
    conditionsAfter(before) |
    (after === NEWLINE ? END_LINE : after < 0 ? END_LINE | END_TEXT : 0) |
    (isWord(before) === isWord(after) ? NO_WORD_BOUNDARY : WORD_BOUNDARY)
  );
}

/** Those of them that hold whatever comes. */
export function conditionsAfter(before: number): number {
  return before === NEWLINE ? BEGIN_LINE : before < 0 ? BEGIN_LINE | BEGIN_TEXT : 0;
}
