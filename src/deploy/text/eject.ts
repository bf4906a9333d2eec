import { applyEdits, type Edit } from './edit.ts';
import { findHunks } from './find-hunks.ts';
import { ManifestTextError } from './line-note.ts';
import { lineAt, lineOffset } from './lines.ts';
import { type EjectRecord, textHash } from './record.ts';
import { findRecord, type RecordText } from './record-text.ts';
import { documentAt } from './split.ts';

/** A text without its sidecar. */
export interface Ejected {
  readonly text: string;
  readonly record: EjectRecord;
  /** The line of the text with the sidecar, for one of the text without it; both from 1. */
  readonly lineWith: (line: number) => number;
}

/** Takes out what the record of a text says was put in; undefined without a record. Throws `ManifestTextError`. */
export function eject(text: string): Ejected | undefined {
  const found = findRecord(text);
  if (found === undefined) return undefined;
  if ('message' in found) throw errorAt(text, found.at, found.message);
  const { record } = found;
  const rest = closed(found);
  const crlf = isRecoded(rest, record);
  const body = crlf ? rest.replaceAll('\r\n', '\n') : rest;
  const edits = findHunks(body, record.hunks);
  if ('hunk' in edits) {
    const offset = crlf ? lineOffset(rest, lineAt(body, edits.near)) : edits.near;
    throw errorAt(text, offset < found.at ? offset : offset + found.length, CHANGED);
  }
  const bare = applyEdits(body, edits);
  if (textHash(body) === record.after && textHash(bare) !== record.before) {
    throw errorAt(text, found.at, 'the record of outrider inject does not fit the file: it is that of another one');
  }
  return {
    text: crlf ? bare.replaceAll('\n', '\r\n') : bare,
    record,
    lineWith: (line) => {
      const offset = lineOffset(body, lineAt(body, backwards(edits, lineOffset(bare, line))));
      const before = lineAt(body, offset);
      return offset < found.at || found.length === 0
        ? before
        : before + lineAt(text.slice(found.at, found.at + found.length), found.length) - 1;
    },
  };
}

const CHANGED =
  'what outrider inject put in here, or took out, was changed by hand and cannot be told from the rest: put it back as it was, or take the sidecar and the record out by hand';

/** The text without the record, and without the line end that the record needed. */
function closed({ rest, record }: RecordText): string {
  return record.open ? rest.replace(/\r?\n$/, '') : rest;
}

/** True where every line end has become a Windows one since: what checks files out does that. */
function isRecoded(rest: string, { hunks }: EjectRecord): boolean {
  const had = hunks.some(({ old, now, before, behind }) =>
    [old, now, ...before, ...behind].some((one) => one.includes('\r')),
  );
  return !had && rest.includes('\r\n') && !/(^|[^\r])\n/.test(rest);
}

/** An offset of the edited text as one of the text before the edits. */
function backwards(edits: readonly Edit[], offset: number): number {
  let drift = 0;
  for (const { start, end, text } of edits) {
    if (offset < start + drift) break;
    if (offset < start + drift + text.length) return start;
    drift += text.length - (end - start);
  }
  return offset - drift;
}

export function errorAt(text: string, offset: number, message: string): ManifestTextError {
  return new ManifestTextError([{ line: lineAt(text, offset), document: documentAt(text, offset), message }]);
}
