import { addEdit, type Edits, editList } from './edits.ts';
import type { Steps } from './steps.ts';

/**
 * What either of two replaces is replaced, both being edits of one text. Those that overlap become one, with the text of the one
 * that begins first, or of `one`.
 */
export function* uniteEdits(one: Edits, other: Edits): Steps<Edits> {
  if (other.texts.length === 0) return one;
  if (one.texts.length === 0) return other;
  const first = yield* wholeEdits(one);
  const second = yield* wholeEdits(other);
  const out = editList();
  let a = 0;
  let b = 0;
  let start = -1;
  let end = -1;
  let text = '';
  while (a < first.texts.length || b < second.texts.length) {
    if ((a + b) % 4096 === 4095) yield;
    const isFirst = startOf(first, a) <= startOf(second, b);
    const edits = isFirst ? first : second;
    const i = isFirst ? a++ : b++;
    const from = startOf(edits, i);
    // Edits have two places each.
    const to = edits.places[2 * i + 1] as number;
    if (from < end) {
      end = Math.max(end, to);
      continue;
    }
    if (end >= 0) addEdit(out, start, end, text);
    start = from;
    end = to;
    text = edits.texts[i] as string;
  }
  addEdit(out, start, end, text);
  return out;
}

/** What comes in the place of nothing, right after an edit, is the rest of it: a later rule has changed its beginning. */
function* wholeEdits(edits: Edits): Steps<Edits> {
  const { places, texts } = edits;
  const out = editList();
  for (let i = 0; i < texts.length; i++) {
    if (i % 4096 === 4095) yield;
    const last = out.texts.length - 1;
    // Edits have two places each.
    const start = places[2 * i] as number;
    const end = places[2 * i + 1] as number;
    if (start === end && last >= 0 && out.places[2 * last + 1] === start) out.texts[last] += texts[i] as string;
    else addEdit(out, start, end, texts[i] as string);
  }
  return out.texts.length === texts.length ? edits : out;
}

function startOf({ places }: Edits, i: number): number {
  return places[2 * i] ?? Number.POSITIVE_INFINITY;
}
