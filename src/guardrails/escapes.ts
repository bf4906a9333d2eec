import { isDigit, unitAt } from './characters.ts';
import { addEdit, type EditList, type Edits, editList } from './edits.ts';
import { finish, type Steps } from './steps.ts';

/** A text without its escapes, and where its code units stood in the original. */
export interface Unescaped {
  readonly text: string;
  /** For each escape, in order: its place in `text`, then by how much more the original has moved on after it. */
  readonly escapes: readonly number[];
}

const LOWER_U = 117;

/** What the letter after a backslash stands for. */
const SIMPLE: ReadonlyMap<number, number> = new Map(
  Object.entries({ '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }).map(
    ([letter, unit]) => [letter.charCodeAt(0), unit.charCodeAt(0)],
  ),
);

/** Units that are put together at once. */
const ROOM = 4096;
/** A stretch without escapes from this length on is taken as it is. */
const LONG = 64;

/**
 * Decodes JSON escapes (RFC 8259 §7) wherever they stand. A backslash that begins none stays as it is, so that this serves
 * for JSON that is broken too. In valid JSON, the decoded form of each string stands in the result between its quotes.
 */
export function unescapeJson(text: string): Unescaped {
  return text.includes('\\') ? finish(unescapeInSteps(text)) : { text, escapes: NO_ESCAPES };
}

const NO_ESCAPES: readonly number[] = Object.freeze([]);

export function* unescapeInSteps(text: string): Steps<Unescaped> {
  const escapes: number[] = [];
  let out = '';
  let units: number[] = [];
  let length = 0;
  let done = 0;
  for (let at = text.indexOf('\\'); at >= 0; at = text.indexOf('\\', at)) {
    if (units.length >= ROOM) {
      out += String.fromCharCode(...units);
      units = [];
      yield;
    }
    const unit = escapedUnit(text, at);
    if (unit < 0) {
      at++;
      continue;
    }
    if (at - done >= LONG) {
      out += String.fromCharCode(...units) + text.slice(done, at);
      units = [];
      yield;
    } else {
      for (let i = done; i < at; i++) units.push(text.charCodeAt(i));
    }
    const size = unitAt(text, at + 1) === LOWER_U ? 6 : 2;
    length += at - done + 1;
    units.push(unit);
    escapes.push(length - 1, size - 1);
    at += size;
    done = at;
  }
  if (done === 0) return { text, escapes: NO_ESCAPES };
  return { text: out + String.fromCharCode(...units) + text.slice(done), escapes };
}

/** -1 when the backslash at `at` begins no escape. */
export function escapedUnit(text: string, at: number): number {
  const letter = unitAt(text, at + 1);
  return letter === LOWER_U ? hexUnit(text, at + 2) : (SIMPLE.get(letter) ?? -1);
}

/** The unit that four hexadecimal digits give; -1 when there are none. */
export function hexUnit(text: string, from: number): number {
  let unit = 0;
  for (let i = from; i < from + 4; i++) {
    const digit = hexDigit(unitAt(text, i));
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

/** -1 when it is none. */
export function hexDigit(c: number): number {
  if (isDigit(c)) return c - 48;
  const letter = c | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

/** Edits of the unescaped text as edits of the original, `base` units in, with the new text escaped for JSON. */
export function* mapToJson({ escapes }: Unescaped, edits: Edits, base: number): Steps<Edits> {
  const out: EditList = editList();
  let next = 0;
  let extra = base;
  const original = (unit: number): number => {
    // Index and size of an escape come in pairs.
    while (next < escapes.length && (escapes[next] as number) < unit) {
      extra += escapes[next + 1] as number;
      next += 2;
    }
    return unit + extra;
  };
  const { places, texts } = edits;
  for (let i = 0; i < texts.length; i++) {
    if (i % 4096 === 4095) yield;
    // Edits have two places each.
    const start = original(places[2 * i] as number);
    addEdit(out, start, original(places[2 * i + 1] as number), escapeJson(texts[i] as string));
  }
  return out;
}

let lastEscaped: readonly [string, string] = ['', ''];

/** As the inside of a JSON string. */
export function escapeJson(text: string): string {
  // The same few replacements come again and again.
  if (lastEscaped[0] !== text) lastEscaped = [text, JSON.stringify(text).slice(1, -1)];
  return lastEscaped[1];
}
