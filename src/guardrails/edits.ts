/** Puts `text` in place of the units from `start` up to `end` (in whatever unit the context counts). */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Edits of one text, in order, never overlapping. Two may touch. */
export type Edits = readonly Edit[];

export const NO_EDITS: Edits = Object.freeze([]);

export function applyEdits(text: string, edits: Edits): string {
  let out = '';
  let done = 0;
  for (const edit of edits) {
    out += text.slice(done, edit.start) + edit.text;
    done = edit.end;
  }
  return out + text.slice(done);
}

/** The edits that do at once what `first`, and `second` on its result, do one after the other. Linear in both. */
export function composeEdits(first: Edits, second: Edits): Edits {
  if (first.length === 0) return second;
  const out: Edit[] = [];
  let i = 0;
  /** The next edit of `first`, or what is left of it after an edit of `second` has taken its beginning. */
  let current = first[0];
  /** Place in the result of `first` minus place in the original, before `current`. */
  let shift = 0;
  const advance = (): void => {
    current = first[++i];
  };
  for (const { start, end, text } of second) {
    while (current !== undefined && current.start + shift + current.text.length <= start) {
      out.push(current);
      shift += current.text.length - (current.end - current.start);
      advance();
    }
    let from = start - shift;
    let kept = '';
    if (current !== undefined && current.start + shift < start) {
      from = current.start;
      kept = current.text.slice(0, start - shift - current.start);
    }
    let rest: Edit | undefined;
    let to: number | undefined;
    while (rest === undefined && current !== undefined && current.start + shift < end) {
      const currentEnd = current.start + shift + current.text.length;
      to = current.end;
      if (currentEnd > end) {
        rest = {
          start: current.end,
          end: current.end,
          text: current.text.slice(current.text.length - (currentEnd - end)),
        };
      } else {
        shift += current.text.length - (current.end - current.start);
        advance();
        if (currentEnd < end) to = undefined;
      }
    }
    if (rest !== undefined) {
      current = rest;
      shift = end - rest.start;
    }
    out.push({ start: from, end: to ?? end - shift, text: kept + text });
  }
  while (current !== undefined) {
    out.push(current);
    advance();
  }
  return out;
}
