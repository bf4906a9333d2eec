/** A piece of a text, and what stands there instead. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Applies edits that do not overlap. A line of which nothing is left goes. */
export function apply(text: string, edits: readonly Edit[]): string {
  return edits
    .toSorted((a, b) => b.start - a.start)
    .reduce((result, { start, end, text: piece }) => {
      const gone = piece === '' && start < end ? (/^\r?\n/.exec(result.slice(end))?.[0].length ?? 0) : 0;
      return result.slice(0, start) + piece + result.slice(end + gone);
    }, text);
}
