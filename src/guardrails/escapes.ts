import type { Edit, Edits } from './edits.ts';

/** A text without its escapes, and where its code units stood in the original. */
export interface Unescaped {
  readonly text: string;
  /** For each escape, in order: its place in `text`, then by how much more the original has moved on after it. */
  readonly escapes: readonly number[];
}

const SIMPLE: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/**
 * Decodes JSON escapes (RFC 8259 §7) wherever they stand. A backslash that begins none stays as it is, so that this serves
 * for JSON that is broken too. In valid JSON, the decoded form of each string stands in the result between its quotes.
 */
export function unescapeJson(text: string): Unescaped {
  const parts: string[] = [];
  const escapes: number[] = [];
  let done = 0;
  let length = 0;
  for (let at = text.indexOf('\\'); at >= 0; at = text.indexOf('\\', at)) {
    const [unit, size] = escapeAt(text, at);
    if (unit === undefined) {
      at++;
      continue;
    }
    const plain = text.slice(done, at);
    parts.push(plain, unit);
    length += plain.length + 1;
    escapes.push(length - 1, size - 1);
    at += size;
    done = at;
  }
  if (done === 0) return { text, escapes };
  parts.push(text.slice(done));
  return { text: parts.join(''), escapes };
}

function escapeAt(text: string, at: number): [unit: string | undefined, size: number] {
  const letter = text[at + 1] ?? '';
  if (letter !== 'u') return [SIMPLE[letter], 2];
  const hex = text.slice(at + 2, at + 6);
  return /^[0-9a-f]{4}$/i.test(hex) ? [String.fromCharCode(Number.parseInt(hex, 16)), 6] : [undefined, 1];
}

/** Edits of the unescaped text as edits of the original, `base` units in, with the new text escaped for JSON. */
export function mapToJson({ escapes }: Unescaped, edits: Edits, base: number): Edit[] {
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
  return edits.map(({ start, end, text }) => ({ start: original(start), end: original(end), text: escapeJson(text) }));
}

/** As the inside of a JSON string. */
export function escapeJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
