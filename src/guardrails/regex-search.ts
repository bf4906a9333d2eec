/** How far the search of one text has come. Places are absolute. */
export interface Search {
  /** Units taken. */
  at: number;
  /** The last unit taken, -1 before the first. */
  before: number;
  /** Matches under way, in order of preference: where each goes on, and where it began. */
  threads: number;
  pcs: Int32Array;
  starts: Float64Array;
  /**
   * Matches so far, start and end of each, in order. One is final when no thread began at or before its start: such a thread
   * could still come to a match that is preferred. Those that it would overlap are dropped then.
   */
  readonly found: number[];
  /** Those in `found` before this place have been given away. */
  given: number;
}

export function newSearch(): Search {
  return { at: 0, before: -1, threads: 0, pcs: NO_PCS, starts: NO_STARTS, found: [], given: 0 };
}

const NO_PCS = new Int32Array(0);
const NO_STARTS = new Float64Array(0);

/** Replaces all that begins there or later; nothing of that has been given away. */
export function addMatch({ found, given }: Search, start: number, end: number): void {
  let last = found.length - 2;
  // Start and end come in pairs.
  while (last > given && (found[last - 2] as number) >= start) last -= 2;
  if (last < given || (found[last] as number) < start) {
    found.push(start, end);
    return;
  }
  // In place: an array that shrinks and grows again is slow.
  found[last] = start;
  found[last + 1] = end;
  if (found.length > last + 2) found.length = last + 2;
}
