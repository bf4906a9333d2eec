import { addEdit, applyEdits, type Edits, editList, NO_EDITS } from '../guardrails/edits.ts';
import type { Engine } from '../guardrails/engine.ts';
import { Lane } from '../guardrails/lane.ts';
import { finish } from '../guardrails/steps.ts';
import type { Tally } from '../guardrails/tally.ts';

/** What the rules change in one short text that stands for itself: a part of a URL, a header's value. */
export function editsOf(engine: Engine, text: string, tally: Tally): Edits {
  if (text.length < engine.shortest) return NO_EDITS;
  const lane = new Lane(engine, tally);
  const edits = editList();
  let at = 0;
  for (const { raw, text: changed } of [...lane.push(text), ...lane.end()]) {
    if (changed !== undefined) addEdit(edits, at, at + raw, changed);
    at += raw;
  }
  return edits.texts.length === 0 ? NO_EDITS : edits;
}

export function edited(text: string, edits: Edits): string {
  return finish(applyEdits(text, edits));
}

/** Whether there is nothing to find in ASCII text, of which each part stands between two characters that no word holds. */
export function isPlainlyClean(engine: Engine, text: string): boolean {
  return engine.rules.length === 0 || (isPlain(text) && engine.screen(text, true).length === 0);
}

/** Native, so that the ordinary text costs little: `%`, `+`, a backslash, a control character, or anything beyond ASCII. */
const HIDES = /[^ -$&-*,-[\]-~]/;

function isPlain(text: string): boolean {
  return !HIDES.test(text);
}
