import { isEqual } from '../equal.ts';
import type { Json, Path } from '../json.ts';
import { applyEdits, type Edit } from './edit.ts';
import { ManifestTextError } from './line-note.ts';
import { lineAt } from './lines.ts';
import { readTree, type TreeReading } from './read-tree.ts';
import { renderDocument } from './render-document.ts';
import { rewrite } from './rewrite.ts';
import { NotInPlace } from './slot.ts';
import { spliceEdits } from './splice.ts';
import { splitDocuments } from './split.ts';
import { type Style, styleOf } from './style.ts';
import { children, type Tree } from './tree.ts';

/** A file that has been read: its documents as data, where they stand, and how to write them back. */
export interface Documents {
  readonly format: 'yaml' | 'json';
  readonly data: readonly Json[];
  /** The line of a place, from 1; that of its nearest ancestor where there is no such place; 0 without such a document. */
  lineOf(document: number, path: Path): number;
  /**
   * The file with its documents changed to these, and those behind them added; what did not change stays as it was, byte
   * for byte. Throws `ManifestTextError` where that cannot be written.
   */
  write(after: readonly Json[]): string;
  /** The edits of the text by which `write` does that. */
  edits(after: readonly Json[]): readonly Edit[];
  /** What ends most of the lines. */
  readonly eol: string;
}

/** Characters of a file. */
const MAX_TEXT = 16 * 1024 * 1024;
const BOM = '\uFEFF';

interface Part {
  readonly text: string;
  /** Of the line that it begins on, from 1. */
  readonly line: number;
  readonly root: Tree | undefined;
}

/** Reads a file of YAML or JSON documents. Throws `ManifestTextError` with every fault in it. */
export function readDocuments(text: string): Documents {
  if (text.length > MAX_TEXT) throw fileError(`larger than ${MAX_TEXT / 1024 / 1024} MiB`);
  const mark = text.startsWith(BOM) ? BOM : '';
  const body = text.slice(mark.length);
  const parts = readParts(body);
  const json = isJson(body);
  const data = parts.map(({ root }) => root?.data ?? null);
  // Comments alone are no document.
  if (data.length === 1 && body.split('\n').every((line) => /^\s*(#|$)/.test(line))) data.pop();
  const style = styleOf(body, parts, json);
  const edits = (after: readonly Json[]) =>
    editsOf(body, parts, { before: data, after, style }).map((edit) => moved(edit, mark.length));
  return {
    format: json ? 'json' : 'yaml',
    data,
    eol: style.eol,
    lineOf: (document, path) => {
      const part = document < data.length ? parts[document] : undefined;
      return part === undefined ? 0 : part.line + lineAt(part.text, placeOf(part.root, path)) - 1;
    },
    edits,
    write: (after) => applyEdits(text, edits(after)),
  };
}

function readParts(text: string): Part[] {
  const parts: Part[] = [];
  const faults = [];
  let line = 1;
  for (const [index, one] of splitDocuments(text).entries()) {
    const reading: TreeReading = readTree(one);
    for (const { offset, message } of reading.faults) {
      faults.push({ line: line + lineAt(one, offset) - 1, document: index + 1, message });
    }
    parts.push({ text: one, line, root: reading.root });
    line += lineAt(one, one.length) - 1;
  }
  if (faults.length > 0) throw new ManifestTextError(faults);
  return parts;
}

function isJson(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function fileError(message: string): ManifestTextError {
  return new ManifestTextError([{ line: 0, document: 0, message }]);
}

function placeOf(root: Tree | undefined, path: Path): number {
  if (root === undefined) return 0;
  let at = root.propsStart;
  let tree = root;
  for (const step of path) {
    const own = children(tree).find((child, index) =>
      'key' in child ? child.key === String(step) && !child.merge : index === step,
    );
    if (own === undefined) return at;
    at = own.start;
    tree = own.value;
  }
  return at;
}

interface Change {
  readonly before: readonly Json[];
  readonly after: readonly Json[];
  readonly style: Style;
}

function editsOf(text: string, parts: readonly Part[], { before, after, style }: Change): Edit[] {
  if (after.length < before.length) throw new RangeError('documents are never taken out');
  const edits: Edit[] = [];
  let offset = 0;
  for (const [index, part] of parts.entries()) {
    const wanted = index < before.length ? after[index] : undefined;
    if (wanted !== undefined && !isEqual(part.root?.data ?? null, wanted)) {
      for (const edit of editPart(part, index, wanted, style)) edits.push(moved(edit, offset));
    }
    offset += part.text.length;
  }
  const added = after.slice(before.length);
  if (added.length === 0) return edits;
  if (style.json && before.length > 0) {
    throw fileError('a JSON file holds one document, and another one has to be added: use YAML');
  }
  return [...edits, { start: text.length, end: text.length, text: appended(text, added, before.length > 0, style) }];
}

function moved({ start, end, text }: Edit, by: number): Edit {
  return { start: start + by, end: end + by, text };
}

function appended(text: string, added: readonly Json[], separated: boolean, style: Style): string {
  const all = added
    .map((data, index) => `${separated || index > 0 ? `---${style.eol}` : ''}${renderDocument(data, style)}`)
    .join('');
  const open = text !== '' && !text.endsWith('\n');
  return open ? style.eol + all.slice(0, -style.eol.length) : all;
}

/** In place where that gives what is wanted; else the whole document anew, which keeps its comments as far as it can. */
function editPart({ text, line, root }: Part, index: number, wanted: Json, style: Style): readonly Edit[] {
  const spliced = root && splice(text, root, wanted, style);
  if (spliced !== undefined && holds(applyEdits(text, spliced), wanted)) return spliced;
  const again = style.json ? renderDocument(wanted, style) : rewrite(text, root?.data ?? null, wanted, style);
  if (holds(again, wanted)) return [between(text, again)];
  const message = 'this document cannot be changed as it is written: write it without tags and unusual keys';
  throw new ManifestTextError([{ line, document: index + 1, message }]);
}

function splice(text: string, root: Tree, wanted: Json, style: Style): readonly Edit[] | undefined {
  // A splice deals in whole lines: a last line without an end gets one for the time being.
  const open = !text.endsWith('\n');
  const whole = open ? text + style.eol : text;
  try {
    const edits = spliceEdits(whole, root, wanted, style);
    const changed = applyEdits(whole, edits);
    return open ? withoutLastEol(text, edits, changed, style) : edits;
  } catch (error) {
    if (error instanceof NotInPlace || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The same edits for the text whose last line has no end. */
function withoutLastEol(text: string, edits: readonly Edit[], changed: string, { eol }: Style): readonly Edit[] {
  const wanted = changed.endsWith(eol) ? changed.slice(0, -eol.length) : changed;
  const clamped = edits.map((edit) =>
    edit.start > text.length && edit.text.endsWith(eol)
      ? { start: text.length, end: text.length, text: eol + edit.text.slice(0, -eol.length) }
      : { start: Math.min(edit.start, text.length), end: Math.min(edit.end, text.length), text: edit.text },
  );
  return applyEdits(text, clamped) === wanted ? clamped : [between(text, wanted)];
}

/** One edit, without the lines that are the same at both ends. */
function between(before: string, after: string): Edit {
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && before[head] === after[head]) head += 1;
  head = head === 0 ? 0 : before.lastIndexOf('\n', head - 1) + 1;
  let tail = 0;
  while (tail < most - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const line = before.indexOf('\n', before.length - tail);
  const end = line === -1 ? before.length : Math.min(before.length, line + 1);
  return { start: head, end, text: after.slice(head, after.length - (before.length - end)) };
}

function holds(text: string, wanted: Json): boolean {
  const { root, faults } = readTree(text);
  return splitDocuments(text).length === 1 && faults.length === 0 && isEqual(root?.data ?? null, wanted);
}
