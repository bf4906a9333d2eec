import type { Plan } from '../plan.ts';
import { ManifestError, type Outcome, type Target } from '../target.ts';
import { type Documents, readDocuments } from './documents.ts';
import { applyEdits } from './edit.ts';
import { eject } from './eject.ts';
import { findSidecar } from './find-sidecar.ts';
import { hunksOf } from './hunk.ts';
import { type LineNote, ManifestTextError } from './line-note.ts';
import { type EjectRecord, textHash } from './record.ts';
import { findRecord, JSON_PLACE, withJsonRecord, yamlRecord } from './record-text.ts';

export { type LineNote, ManifestTextError } from './line-note.ts';

export interface Injected {
  readonly text: string;
  /** Lines are those of the text that came in. */
  readonly notes: readonly LineNote[];
}

/**
 * Puts the sidecar into a manifest's text, and behind it the record by which `ejectText` takes it out again. A text that
 * carries a record is ejected first: twice is once, and the sidecar of another version is replaced. One that people have changed by
 * hand since gets the image alone, as one that was never ours. Throws `ManifestTextError`.
 */
export function injectText(text: string, target: Target, plan: Plan): Injected {
  const ejected = ejectedOf(text);
  if (ejected instanceof ManifestTextError) return upgradeInPlace(text, target, plan, ejected);
  const lineWith = ejected?.lineWith ?? ((line: number) => line);
  const moved = (notes: readonly LineNote[]) =>
    notes.map((note) => (note.line === 0 ? note : { ...note, line: lineWith(note.line) }));
  try {
    const injected = injectBare(ejected?.text ?? text, target, plan);
    return { text: injected.text, notes: moved(injected.notes) };
  } catch (error) {
    if (!(error instanceof ManifestTextError)) throw error;
    throw new ManifestTextError(moved(error.faults));
  }
}

/** The text before it was injected; undefined where it was not; an error where it was, and cannot be had any more. */
function ejectedOf(text: string): ReturnType<typeof eject> | ManifestTextError {
  try {
    return eject(text);
  } catch (error) {
    const found = findRecord(text);
    const changedByHand = error instanceof ManifestTextError && found !== undefined && !('message' in found);
    if (changedByHand) return error;
    throw error;
  }
}

function upgradeInPlace(text: string, target: Target, plan: Plan, why: ManifestTextError): Injected {
  const documents = readDocuments(text);
  if (findSidecar(documents.data) === undefined) throw why;
  const outcome = runTarget(documents, target, plan);
  const notes = outcome.notes.map((note) => lineNote(documents, note));
  return { text: applyEdits(text, documents.edits(outcome.documents)), notes: [...notes, ...why.faults] };
}

function injectBare(text: string, target: Target, plan: Plan): Injected {
  const message = target.otherForm?.(text);
  if (message !== undefined) throw new ManifestTextError([{ line: 1, document: 1, message }]);
  const documents = readDocuments(text);
  const { format } = documents;
  const outcome = runTarget(documents, target, format === 'json' ? { ...plan, record: JSON_PLACE } : plan);
  const edits = documents.edits(outcome.documents);
  const notes = outcome.notes.map((note) => lineNote(documents, note));
  if (edits.length === 0) return { text, notes };
  const after = applyEdits(text, edits);
  const open = format === 'yaml' && !after.endsWith('\n');
  const record: EjectRecord = {
    target: target.name,
    before: textHash(text),
    after: textHash(after),
    open,
    hunks: hunksOf(text, edits, format === 'yaml'),
  };
  if (format === 'yaml') {
    const { eol } = documents;
    return { text: after + (open ? eol : '') + yamlRecord(record, eol), notes };
  }
  if (after.includes(`"${JSON_PLACE}"`)) return { text: withJsonRecord(after, record), notes };
  const noPlace = 'the file has no place for what eject needs: keep it as it was';
  return { text: after, notes: [...notes, { line: 0, document: 0, message: noPlace }] };
}

function runTarget(documents: Documents, target: Target, plan: Plan): Outcome {
  try {
    return target.inject(documents.data, plan);
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    throw new ManifestTextError(error.faults.map((fault) => lineNote(documents, fault)));
  }
}

function lineNote(documents: Documents, { document, path, message }: Outcome['notes'][number]): LineNote {
  return { line: documents.lineOf(document, path), document: document + 1, message };
}
