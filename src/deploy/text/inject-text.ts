import { getAt, setAt } from '../edit.ts';
import { findSidecars, imagePath, refuseImpostors } from '../found-sidecar.ts';
import { isObject, type Json } from '../json.ts';
import type { Plan } from '../plan.ts';
import { ManifestError, type Outcome, type Target } from '../target.ts';
import { checkRecord } from './check-record.ts';
import { type Documents, readDocuments } from './documents.ts';
import { applyEdits } from './edit.ts';
import { eject } from './eject.ts';
import { hunksOf } from './hunk.ts';
import { type LineNote, ManifestTextError } from './line-note.ts';
import { lineAt } from './lines.ts';
import { type EjectRecord, textHash } from './record.ts';
import { findRecord, JSON_PLACE, withJsonRecord, yamlRecord } from './record-text.ts';

export interface Injected {
  readonly text: string;
  /** Lines are those of the text that came in. */
  readonly notes: readonly LineNote[];
}

/**
 * Puts the sidecar into a manifest's text, and behind it the record by which `ejectText` takes it out again. A text that
 * carries a record is ejected first: twice is once, and the sidecar of another version is replaced. Throws
 * `ManifestTextError`.
 */
export function injectText(text: string, target: Target, given: Plan): Injected {
  const ejected = ejectedOf(text);
  if (ejected === undefined) {
    const { text: after, notes } = injectBare(text, target, given);
    return { text: after, notes };
  }
  const { record, lineWith } = ejected;
  const plan = { ...record.of, ...given };
  checkSame(text, record, plan);
  const moved = (notes: readonly LineNote[]) =>
    notes.map((note) => (note.line === 0 ? note : { ...note, line: lineWith(note.line) }));
  let injected: InjectedData;
  try {
    injected = injectBare(ejected.text, target, plan);
  } catch (error) {
    if (!(error instanceof ManifestTextError)) throw error;
    throw new ManifestTextError(moved(error.faults));
  }
  if (injected.text !== text) {
    const documents = readDocuments(text);
    const { before, after } = injected;
    checkNoneLost(text, documents.data, after);
    checkRecord({ text, given: documents, ejected: before, injected: after, record }, target, plan);
  }
  return { text: injected.text, notes: moved(injected.notes) };
}

/** The text before it was injected; undefined where it was not. The one thing of ours that people do change by hand is the image. */
function ejectedOf(text: string): ReturnType<typeof eject> {
  try {
    return eject(text);
  } catch (error) {
    const record = error instanceof ManifestTextError ? readableRecord(text) : undefined;
    if (record === undefined) throw error;
    try {
      return eject(withImage(text, record.of.image));
    } catch {
      throw error;
    }
  }
}

function readableRecord(text: string): EjectRecord | undefined {
  const found = findRecord(text);
  return found === undefined || 'message' in found ? undefined : found.record;
}

/** The text with every sidecar's image as it was injected. */
function withImage(text: string, image: string): string {
  const documents = readDocuments(text);
  const restored = findSidecars(documents.data).reduce<readonly Json[]>((all, { document, path }) => {
    const data = all[document];
    const sidecar = getAt(data, path);
    return data === undefined || !isObject(sidecar)
      ? all
      : all.with(document, setAt(data, [...path, ...imagePath(sidecar)], image));
  }, documents.data);
  return applyEdits(text, documents.edits(restored));
}

/** A file carries one agent that was injected: choosing another one would leave the first without its sidecar. */
function checkSame(text: string, { of }: EjectRecord, plan: Plan): void {
  for (const key of ['workload', 'container'] as const) {
    if (of[key] === undefined || of[key] === plan[key]) continue;
    throw lost(text, `this file was injected for ${key} ${of[key]}, which would lose its sidecar`);
  }
}

function checkNoneLost(text: string, before: readonly Json[], after: readonly Json[]): void {
  const guarded = new Set(findSidecars(after).map(({ document }) => document));
  const document = findSidecars(before).find((one) => !guarded.has(one.document))?.document;
  if (document !== undefined) throw lost(text, `document ${document + 1} would lose its sidecar`);
}

function lost(text: string, why: string): ManifestTextError {
  const found = findRecord(text);
  const at = found === undefined ? 0 : found.at;
  const message = `${why}: a file carries one injected agent; keep the other in a file of its own, or eject this one first`;
  return new ManifestTextError([{ line: lineAt(text, at), document: 0, message }]);
}

interface InjectedData extends Injected {
  readonly before: readonly Json[];
  readonly after: readonly Json[];
}

function injectBare(text: string, target: Target, plan: Plan): InjectedData {
  const message = target.otherForm?.(text);
  if (message !== undefined) throw new ManifestTextError([{ line: 1, document: 1, message }]);
  const documents = readDocuments(text);
  const { format } = documents;
  const outcome = runTarget(documents, target, format === 'json' ? { ...plan, record: JSON_PLACE } : plan);
  const edits = documents.edits(outcome.documents);
  const notes = outcome.notes.map((note) => lineNote(documents, note));
  const data = { before: documents.data, after: outcome.documents };
  if (edits.length === 0) return { text, notes, ...data };
  const after = applyEdits(text, edits);
  const open = format === 'yaml' && !after.endsWith('\n');
  const record: EjectRecord = {
    target: target.name,
    before: textHash(text),
    after: textHash(after),
    open,
    of: {
      image: plan.image,
      ...(plan.workload !== undefined && { workload: plan.workload }),
      ...(plan.container !== undefined && { container: plan.container }),
    },
    hunks: hunksOf(text, edits, format === 'yaml'),
  };
  if (format === 'yaml') {
    const { eol } = documents;
    checkBytes(documents.data, outcome.documents, target);
    return { text: after + (open ? eol : '') + yamlRecord(record, eol), notes, ...data };
  }
  if (after.includes(`"${JSON_PLACE}"`)) {
    const recorded = withJsonRecord(after, record);
    checkBytes(documents.data, target.mostBytes === undefined ? [] : readDocuments(recorded).data, target);
    return { text: recorded, notes, ...data };
  }
  checkBytes(documents.data, outcome.documents, target);
  const noPlace = 'the file has no place for what eject needs: keep it as it was';
  return { text: after, notes: [...notes, { line: 0, document: 0, message: noPlace }], ...data };
}

/** With the record, where that is data: it holds everything that was put in. */
function checkBytes(before: readonly Json[], after: readonly Json[], { name, mostBytes }: Target): void {
  if (mostBytes === undefined) return;
  const bytes = bytesOf(after);
  if (bytes <= mostBytes) return;
  const message =
    bytesOf(before) > mostBytes
      ? `this has ${bytesOf(before)} bytes without the sidecar, and ${name} takes ${mostBytes}: shorten it`
      : `with the sidecar this has ${bytes} bytes, and ${name} takes ${mostBytes}: shorten it, or the agent's file`;
  throw new ManifestTextError([{ line: 1, document: 1, message }]);
}

function bytesOf(documents: readonly Json[]): number {
  return documents.reduce((sum: number, one) => sum + Buffer.byteLength(JSON.stringify(one)), 0);
}

function runTarget(documents: Documents, target: Target, plan: Plan): Outcome {
  try {
    refuseImpostors(documents.data, plan.image);
    return target.inject(documents.data, plan);
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    throw new ManifestTextError(error.faults.map((fault) => lineNote(documents, fault)));
  }
}

function lineNote(documents: Documents, { document, path, message }: Outcome['notes'][number]): LineNote {
  return { line: documents.lineOf(document, path), document: document + 1, message };
}
