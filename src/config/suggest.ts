/** Longer words are no typing errors, and comparing them costs the product of their lengths. */
const LONGEST_WORD = 64;

/**
 * The candidate that is nearest to a misspelt word, with at most a third of its letters wrong, or as many as `most` says.
 * Undefined when none is near.
 */
export function nearest(
  word: string,
  candidates: Iterable<string>,
  most = Number.POSITIVE_INFINITY,
): string | undefined {
  if (word.length > LONGEST_WORD) return undefined;
  const folded = fold(word);
  let best: string | undefined;
  let least = Math.min(most, Math.max(1, Math.floor(folded.length / 3))) + 1;
  for (const candidate of candidates) {
    if (candidate.length > LONGEST_WORD) continue;
    const steps = distance(folded, fold(candidate));
    if (steps < least) [best, least] = [candidate, steps];
  }
  return best;
}

/** `agentName`, `agent-name` and `Agent_Name` are one spelling. */
function fold(word: string): string {
  return word.toLowerCase().replace(/[-_]/g, '');
}

/**
 * Letters to insert, drop, replace or swap with a neighbour, to turn one word into the other: the optimal string
 * alignment form of the Damerau-Levenshtein distance.
 */
export function distance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      let steps = Math.min(at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + (same ? 0 : 1));
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        steps = Math.min(steps, at(beforeLast, column - 2) + 1);
      }
      current.push(steps);
    }
    [beforeLast, last] = [last, current];
  }
  return at(last, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
