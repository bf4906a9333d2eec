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
  const pending = new Pending(first);
  for (const { start, end, text } of second) {
    for (let edit = pending.edit; edit !== undefined && pending.end <= start; edit = pending.edit) {
      out.push(edit);
      pending.advance();
    }
    let from = start - pending.shift;
    let kept = '';
    if (pending.edit !== undefined && pending.start < start) {
      from = pending.edit.start;
      kept = pending.edit.text.slice(0, start - pending.start);
    }
    let to: number | undefined;
    while (pending.edit !== undefined && pending.start < end) {
      if (pending.end > end) {
        to = pending.edit.end;
        pending.cutBefore(end);
      } else {
        pending.advance();
      }
    }
    out.push({ start: from, end: to ?? end - pending.shift, text: kept + text });
  }
  for (let edit = pending.edit; edit !== undefined; edit = pending.edit) {
    out.push(edit);
    pending.advance();
  }
  return out;
}

/** Walks over edits and knows where each stands in the edited text. */
class Pending {
  readonly #edits: Edits;
  #next = 1;
  /** The edit that is next, or what is left of it. */
  edit: Edit | undefined;
  /** Place in the edited text minus place in the original, before `edit`. */
  shift = 0;

  constructor(edits: Edits) {
    this.#edits = edits;
    this.edit = edits[0];
  }

  /** Where the text of the edit begins in the edited text. */
  get start(): number {
    return (this.edit?.start ?? 0) + this.shift;
  }

  /** Where it ends there. */
  get end(): number {
    return this.start + (this.edit?.text.length ?? 0);
  }

  advance(): void {
    if (this.edit !== undefined) this.shift += this.edit.text.length - (this.edit.end - this.edit.start);
    this.edit = this.#edits[this.#next++];
  }

  /** Leaves only what stands from `place` of the edited text on; it is put in where the edit ended. */
  cutBefore(place: number): void {
    if (this.edit === undefined) return;
    const { end } = this.edit;
    this.edit = { start: end, end, text: this.edit.text.slice(place - this.start) };
    this.shift = place - end;
  }
}
