/** A set of ASCII characters, as a table: comparisons that turn out at random cost far more. */
export type UnitSet = Uint8Array;

/** Of ranges as in a character class: `A-Za-z0-9_`. A hyphen that is meant stands at the end. */
export function unitSet(ranges: string): UnitSet {
  const set = new Uint8Array(128);
  for (let i = 0; i < ranges.length; i++) {
    const first = ranges.charCodeAt(i);
    const isRange = ranges[i + 1] === '-' && i + 2 < ranges.length;
    const last = isRange ? ranges.charCodeAt(i + 2) : first;
    set.fill(1, first, last + 1);
    if (isRange) i += 2;
  }
  return set;
}

/** Whether a code unit is in the set; -1, for none, never is. */
export function isIn(set: UnitSet, c: number): boolean {
  return c >= 0 && c < 128 && set[c] === 1;
}

export const DIGITS = unitSet('0-9');
export const LETTERS = unitSet('A-Za-z');
/** RE2's `\w`. */
export const WORD = unitSet('A-Za-z0-9_');

/**
 * Whether some run of at least `least` characters of `set` passes `test`. Each such run covers a place that is a multiple of
 * `least`, so that looking at those meets them all.
 */
export function hasRun(
  text: string,
  set: UnitSet,
  least: number,
  test: (text: string, start: number, end: number) => boolean,
): boolean {
  for (let probe = least - 1; probe < text.length; probe += least) {
    if (!isIn(set, text.charCodeAt(probe))) continue;
    let start = probe;
    while (start > 0 && isIn(set, text.charCodeAt(start - 1))) start--;
    let end = probe + 1;
    while (end < text.length && isIn(set, text.charCodeAt(end))) end++;
    if (end - start >= least && test(text, start, end)) return true;
    // On to the first probe after the run.
    probe += Math.floor((end - probe - 1) / least) * least;
  }
  return false;
}
