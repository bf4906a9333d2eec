import { findSidecars } from '../found-sidecar.ts';
import { readDocuments } from './documents.ts';
import { eject, errorAt } from './eject.ts';
import type { Injected } from './inject-text.ts';
import { ManifestTextError } from './line-note.ts';
import type { EjectRecord } from './record.ts';
import { findRecord } from './record-text.ts';

export interface EjectedText extends Injected {
  /** What was written down of the injection. */
  readonly record: EjectRecord;
}

/**
 * A manifest's text as it was before `injectText`, byte for byte; what was changed elsewhere since stays. Throws
 * `ManifestTextError` where there is no record of that, or what was put in cannot be found.
 */
export function ejectText(text: string): EjectedText {
  const ejected = eject(text);
  if (ejected === undefined) throw withoutRecord(text);
  return { text: ejected.text, record: ejected.record, notes: [] };
}

/** What `injectText` wrote down of what it did; undefined where it did nothing. Throws `ManifestTextError` where it is broken. */
export function readRecord(text: string): EjectRecord | undefined {
  const found = findRecord(text);
  if (found !== undefined && 'message' in found) throw errorAt(text, found.at, found.message);
  return found?.record;
}

function withoutRecord(text: string): ManifestTextError {
  const message = 'the file was not injected by outrider inject: it carries no record of how it was before';
  const documents = readDocuments(text);
  const sidecar = findSidecars(documents.data)[0];
  if (sidecar === undefined) return new ManifestTextError([{ line: 0, document: 0, message }]);
  const { document, path } = sidecar;
  const line = documents.lineOf(document, path);
  return new ManifestTextError([
    { line, document: document + 1, message: `${message}; take this sidecar out by hand` },
  ]);
}
