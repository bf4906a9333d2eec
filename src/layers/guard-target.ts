import { decodeBytes, unitBytes } from '../guardrails/bytes.ts';
import { addEdit, addEdits, type Edits, editList, NO_EDITS } from '../guardrails/edits.ts';
import type { Engine } from '../guardrails/engine.ts';
import { hexDigit } from '../guardrails/escapes.ts';
import { FormReader } from '../guardrails/form.ts';
import { finish } from '../guardrails/steps.ts';
import type { Tally } from '../guardrails/tally.ts';
import { edited, editsOf, isPlainlyClean } from './guard-text.ts';

/**
 * Runs the rules over a request target: each segment of the path and each name and value of the query, decoded. Gives the
 * same target, or one in which the matched text alone is another, percent-encoded.
 */
export function inspectTarget(engine: Engine, target: string, tally: Tally): string {
  if (isPlainlyClean(engine, target)) return target;
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const newPath = edited(path, pathEdits(engine, path, tally));
  if (mark < 0) return newPath === path ? target : newPath;
  const query = target.slice(mark + 1);
  const newQuery = edited(query, queryEdits(engine, query, tally));
  return newPath === path && newQuery === query ? target : `${newPath}?${newQuery}`;
}

function pathEdits(engine: Engine, path: string, tally: Tally): Edits {
  const out = editList();
  for (let start = 0; start < path.length && tally.blockedBy === undefined; ) {
    const slash = path.indexOf('/', start);
    const end = slash < 0 ? path.length : slash;
    if (end > start) {
      const text = decoded(path, start, end);
      addEdits(out, encodedEdits(path, start, end, text, editsOf(engine, text, tally)));
    }
    start = end + 1;
  }
  return out;
}

function queryEdits(engine: Engine, query: string, tally: Tally): Edits {
  const out = editList();
  const reader = new FormReader(query);
  while (tally.blockedBy === undefined && reader.next()) {
    if (reader.end - reader.start < engine.shortest) continue;
    const text = reader.text();
    const edits = editsOf(engine, text, tally);
    if (edits !== NO_EDITS) finish(reader.mapInSteps(text, edits, out));
  }
  return out;
}

const PERCENT = 37;

/** A segment, percent-decoded (RFC 3986 §2.1): a plus stands for itself. Each character of `path` is one byte. */
function decoded(path: string, start: number, end: number): string {
  const bytes = Buffer.allocUnsafe(end - start);
  let size = 0;
  for (let i = start; i < end; ) {
    const length = byteLength(path, i, end);
    bytes[size++] = length === 3 ? Number.parseInt(path.slice(i + 1, i + 3), 16) : path.charCodeAt(i);
    i += length;
  }
  return decodeBytes(bytes.subarray(0, size)).text;
}

/** How many characters the byte at `at` takes. */
function byteLength(path: string, at: number, end: number): 1 | 3 {
  if (path.charCodeAt(at) !== PERCENT || at + 2 >= end) return 1;
  return hexDigit(path.charCodeAt(at + 1)) < 0 || hexDigit(path.charCodeAt(at + 2)) < 0 ? 1 : 3;
}

/** Edits of a decoded segment as edits of the path. What is not edited keeps its encoding. */
function encodedEdits(path: string, start: number, end: number, text: string, { places, texts }: Edits): Edits {
  if (texts.length === 0) return NO_EDITS;
  const out = editList();
  let unit = 0;
  let at = start;
  const place = (wanted: number): number => {
    for (; unit < wanted; unit++) {
      for (let byte = unitBytes(text, unit); byte > 0; byte--) at += byteLength(path, at, end);
    }
    return at;
  };
  for (let i = 0; i < texts.length; i++) {
    // Edits have two places each.
    const from = place(places[2 * i] as number);
    addEdit(out, from, place(places[2 * i + 1] as number), encode(texts[i] as string));
  }
  return out;
}

/** Only what needs no encoding in any part of a URL stays as it is (RFC 3986 §2.3). */
function encode(text: string): string {
  let out = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(byte);
    out += /[A-Za-z0-9._~-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}
