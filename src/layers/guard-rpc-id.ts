const QUOTE = 34;
const BACKSLASH = 92;
const COLON = 58;
const COMMA = 44;

/**
 * Where the value of the member `id` of a JSON object stands, when it is a string, a number or null: the last one, as for
 * `JSON.parse`. Undefined when the text is no object, or has none. One pass; what is in the values is not looked at.
 */
export function idPlace(text: string): [start: number, end: number] | undefined {
  let found: [number, number] | undefined;
  let depth = 0;
  let keyIsId = false;
  let expectsKey = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) {
      const end = endOfString(text, i);
      if (end < 0) return undefined;
      if (depth === 1 && expectsKey) keyIsId = isId(text.slice(i, end));
      i = end - 1;
    } else if (c === 123 || c === 91) {
      if (depth === 0 && c === 91) return undefined;
      depth++;
      expectsKey = depth === 1;
    } else if (c === 125 || c === 93) {
      depth--;
      if (depth === 0) return found;
    } else if (depth === 1 && c === COMMA) {
      expectsKey = true;
    } else if (depth === 1 && c === COLON && expectsKey) {
      expectsKey = false;
      if (keyIsId) found = scalarAt(text, i + 1);
    }
  }
  return undefined;
}

function isId(quoted: string): boolean {
  if (quoted === '"id"') return true;
  if (!quoted.includes('\\') || quoted.length > 14) return false;
  try {
    return JSON.parse(quoted) === 'id';
  } catch {
    return false;
  }
}

/** Strings, numbers and null. */
const SCALAR = /[ \t\r\n]*(-?\d[\d.eE+-]*|null(?!\w)|")/y;

function scalarAt(text: string, from: number): [number, number] | undefined {
  SCALAR.lastIndex = from;
  const scalar = SCALAR.exec(text)?.[1];
  if (scalar === undefined) return undefined;
  const start = SCALAR.lastIndex - scalar.length;
  const end = scalar === '"' ? endOfString(text, start) : SCALAR.lastIndex;
  return end < 0 ? undefined : [start, end];
}

/** Place after the closing quote, -1 when there is none. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end + 1;
  }
  return -1;
}
