import type { Steps } from './steps.ts';

/**
 * Replacements in one text, in order, never overlapping; two may touch. Flat, since there may be a million: `places` holds
 * start and end of each (in whatever unit the context counts), `texts` what comes there. So `places` is twice as long, on
 * which the casts in this file rest.
 */
export interface Edits {
  readonly places: readonly number[];
  readonly texts: readonly string[];
}

export interface EditList extends Edits {
  readonly places: number[];
  readonly texts: string[];
}

export const NO_EDITS: Edits = Object.freeze({ places: Object.freeze([]), texts: Object.freeze([]) });

export function editList(): EditList {
  return { places: [], texts: [] };
}

export function addEdit({ places, texts }: EditList, start: number, end: number, text: string): void {
  places.push(start, end);
  texts.push(text);
}

export function addEdits(to: EditList, { places, texts }: Edits): void {
  for (let i = 0; i < texts.length; i++) {
    addEdit(to, places[2 * i] as number, places[2 * i + 1] as number, texts[i] as string);
  }
}

export function* addInSteps(to: EditList, { places, texts }: Edits): Steps<void> {
  for (let i = 0; i < texts.length; i++) {
    if (i % JOIN === JOIN - 1) yield;
    addEdit(to, places[2 * i] as number, places[2 * i + 1] as number, texts[i] as string);
  }
}

/** Pieces that are joined at once: one long sum of small strings is slow to read and large to keep. */
const JOIN = 4096;

export function* applyEdits(text: string, { places, texts }: Edits): Steps<string> {
  let out = '';
  let pieces: string[] = [];
  let done = 0;
  for (let i = 0; i < texts.length; i++) {
    pieces.push(text.slice(done, places[2 * i]), texts[i] as string);
    done = places[2 * i + 1] as number;
    if (pieces.length < JOIN) continue;
    out += pieces.join('');
    pieces = [];
    yield;
  }
  pieces.push(text.slice(done));
  return out + pieces.join('');
}

/** The edits that do at once what `first`, and `second` on its result, do one after the other. Linear in both. */
export function* composeEdits(first: Edits, second: Edits): Steps<Edits> {
  if (first.texts.length === 0) return second;
  const out = editList();
  const pending = new Pending(first);
  for (let i = 0; i < second.texts.length; i++) {
    if (out.texts.length % JOIN === JOIN - 1) yield;
    const start = second.places[2 * i] as number;
    const end = second.places[2 * i + 1] as number;
    while (pending.some && pending.end <= start) {
      putEdit(out, pending.from, pending.to, pending.text);
      pending.advance();
    }
    let from = start - pending.shift;
    let kept = '';
    if (pending.some && pending.start < start) {
      from = pending.from;
      kept = pending.text.slice(0, start - pending.start);
    }
    let to: number | undefined;
    while (pending.some && pending.start < end) {
      if (pending.end > end) {
        to = pending.to;
        pending.cutBefore(end);
      } else {
        pending.advance();
      }
    }
    putEdit(out, from, to ?? end - pending.shift, kept + (second.texts[i] as string));
  }
  while (pending.some) {
    putEdit(out, pending.from, pending.to, pending.text);
    pending.advance();
  }
  return out;
}

/** What is left of a replacement of which a part was replaced again comes right behind that: both are one. */
function putEdit(out: EditList, start: number, end: number, text: string): void {
  const last = out.texts.length - 1;
  if (start === end && last >= 0 && out.places[2 * last + 1] === start) out.texts[last] += text;
  else addEdit(out, start, end, text);
}

/** Walks over edits and knows where each stands in the edited text. */
class Pending {
  readonly #edits: Edits;
  #next = 0;
  /** Whether there is an edit, or something left of one: it replaces what is from `from` up to `to` by `text`. */
  some = true;
  from = 0;
  to = 0;
  text = '';
  /** Place in the edited text minus place in the original, before the edit. */
  shift = 0;

  constructor(edits: Edits) {
    this.#edits = edits;
    this.#read();
  }

  /** Where the text of the edit begins in the edited text. */
  get start(): number {
    return this.from + this.shift;
  }

  /** Where it ends there. */
  get end(): number {
    return this.start + this.text.length;
  }

  advance(): void {
    this.shift += this.text.length - (this.to - this.from);
    this.#read();
  }

  #read(): void {
    const { places, texts } = this.#edits;
    const i = this.#next++;
    this.some = i < texts.length;
    this.from = places[2 * i] ?? 0;
    this.to = places[2 * i + 1] ?? 0;
    this.text = texts[i] ?? '';
  }

  /** Leaves only what stands from `place` of the edited text on; it is put in where the edit ended. */
  cutBefore(place: number): void {
    this.text = this.text.slice(place - this.start);
    this.shift = place - this.to;
    this.from = this.to;
  }
}
