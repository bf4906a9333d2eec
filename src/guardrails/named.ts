/**
 * Numbers that nothing in them tells apart from others are taken for what a word before them says they are: nine digits after
 * "SSN". How such words are found, in whole texts and in texts that come in pieces.
 */
export interface Naming {
  /**
   * What stands before a number, up to its first digit: `^[\s\S]*` (so that the last word counts), the word, and in a group what is
   * between them, up to the end.
   */
  readonly before: RegExp;
  /** What between them says that the number is another one. Once there, it stays so, whatever comes after it. */
  readonly denied: RegExp;
  /** The word, or what may turn out to be one; with the flag `g`. At most 16 units, so that streams keep it in sight. */
  readonly word: RegExp;
  /** Units between the word and the number, at most. */
  readonly between: number;
}

const LONGEST_WORD = 17;

/** Whether a number that begins at `start` is named. */
export function isNamed({ before, denied, between }: Naming, text: string, start: number): boolean {
  // No word begins with the first unit, so that what stands before it is seen.
  const found = before.exec(text.slice(Math.max(0, start - between - LONGEST_WORD - 1), start));
  return found !== null && !denied.test(found[1] ?? '');
}

/**
 * For a text that goes on, in which the next number may begin at `next`: where the first word stands, from `from` on, that may name
 * one from there on, and so has to stay in sight. `next` when there is none.
 */
export function openName({ word, denied, between }: Naming, text: string, from: number, next: number): number {
  const window = Math.max(0, next - between - LONGEST_WORD);
  if (next <= from) return from;
  const before = text.slice(window, next);
  word.lastIndex = 0;
  for (let found = word.exec(before); found !== null; found = word.exec(before)) {
    const end = found.index + found[0].length;
    if (before.length - end <= between && !denied.test(before.slice(end))) return Math.max(from, window + found.index);
  }
  return next;
}
