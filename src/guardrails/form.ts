import { decodeBytes, unitBytes } from './bytes.ts';
import { isDigit, unitAt } from './characters.ts';
import type { Edit, Edits } from './edits.ts';

/** A name or a value of a form, decoded, and the way back. */
export interface FormField {
  readonly text: string;
  /** Edits of `text` as edits of the form. New text is percent-encoded; what is not edited keeps its encoding. */
  map(edits: Edits): Edit[];
}

const AMPERSAND = 38;
const EQUALS = 61;
const PERCENT = 37;
const PLUS = 43;

/**
 * The names and values of `application/x-www-form-urlencoded` text (WHATWG URL §5.1), in order. `form` holds one character
 * for each byte.
 */
export function* formFields(form: string): Generator<FormField> {
  let start = 0;
  let inName = true;
  for (let i = 0; i <= form.length; i++) {
    const c = unitAt(form, i);
    const ends = i === form.length || c === AMPERSAND || (c === EQUALS && inName);
    if (!ends) continue;
    if (i > start) yield decodeField(form, start, i);
    start = i + 1;
    inName = c !== EQUALS;
  }
}

function decodeField(form: string, start: number, end: number): FormField {
  const bytes = Buffer.alloc(end - start);
  /** Place in the form of each byte, and of the end. */
  const places = new Uint32Array(end - start + 1);
  let size = 0;
  for (let i = start; i < end; ) {
    places[size] = i;
    const c = unitAt(form, i);
    const hex = c === PERCENT && i + 2 < end ? hexByte(form, i + 1) : -1;
    bytes[size++] = hex >= 0 ? hex : c === PLUS ? 32 : c;
    i += hex >= 0 ? 3 : 1;
  }
  places[size] = end;
  const { text } = decodeBytes(bytes.subarray(0, size));
  return {
    text,
    map(edits) {
      let unit = 0;
      let byte = 0;
      const place = (target: number): number => {
        while (unit < target) byte += unitBytes(text, unit++);
        return places[byte] as number;
      };
      return edits.map((edit) => ({ start: place(edit.start), end: place(edit.end), text: encode(edit.text) }));
    },
  };
}

function hexByte(form: string, at: number): number {
  const high = hexDigit(unitAt(form, at));
  const low = hexDigit(unitAt(form, at + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(c: number): number {
  if (isDigit(c)) return c - 48;
  const letter = c | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

function encode(text: string): string {
  let out = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(byte);
    if (/[A-Za-z0-9*._-]/.test(character)) out += character;
    else out += byte === 32 ? '+' : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}
