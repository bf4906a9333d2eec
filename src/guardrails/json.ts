import { isDigit, unitAt } from './characters.ts';

export interface JsonToken {
  readonly kind: 'key' | 'string' | 'number';
  /** First and last-plus-one code unit: of what stands between the quotes, or of the number. */
  readonly start: number;
  readonly end: number;
  /** Whether a string holds a backslash. */
  readonly escaped: boolean;
  /** JSON path of the value: `$.messages[0].content`; of a key, which is text to be scanned itself: `$.messages[0].*`. */
  path(): string;
  /** Leaves the text of this key out of the paths of what it names. */
  hide(): void;
}

/** `stopped` when the visitor returned false. */
export type JsonEnd = 'valid' | 'invalid' | 'stopped';

const OBJECT_START = 0;
const KEY = 1;
const COLON = 2;
const ARRAY_START = 3;
const VALUE = 4;
const AFTER_VALUE = 5;

const MAX_PATH_SEGMENTS = 24;

/**
 * Visits the strings (object keys too) and numbers of a text that holds JSON values (RFC 8259), one or several with or
 * without white space between them: JSON, NDJSON, JSON text sequences (RFC 7464). One pass, no recursion, memory only for
 * the containers that are open. The visitor has seen all tokens before the first fault when the text is not valid.
 */
export function walkJson(text: string, visit: (token: JsonToken) => boolean): JsonEnd {
  const open: Container[] = [];
  let state = VALUE;
  let i = unitAt(text, 0) === 0xfeff ? 1 : 0;
  const token = { kind: 'string' as JsonToken['kind'], start: 0, end: 0, escaped: false, path, hide };

  function path(): string {
    return pathOf(text, open);
  }
  let hidden = false;
  function hide(): void {
    hidden = true;
  }
  function ended(): void {
    state = open.length === 0 ? VALUE : AFTER_VALUE;
  }

  while (i < text.length) {
    const c = unitAt(text, i);
    if (c === 32 || c === 10 || c === 13 || c === 9 || (c === 30 && open.length === 0)) {
      i++;
      continue;
    }
    const container = open.at(-1);
    if (c === QUOTE) {
      if (state === COLON || state === AFTER_VALUE) return 'invalid';
      const isKey = state === KEY || state === OBJECT_START;
      const end = stringEnd(text, i + 1);
      if (end === 0) return 'invalid';
      token.kind = isKey ? 'key' : 'string';
      token.start = i + 1;
      token.end = Math.abs(end);
      token.escaped = end < 0;
      if (isKey && container !== undefined) {
        container.keyStart = token.start;
        container.keyEnd = -1;
        state = COLON;
      } else {
        ended();
      }
      hidden = false;
      if (!visit(token)) return 'stopped';
      if (isKey && container !== undefined && !hidden) container.keyEnd = token.end;
      i = token.end + 1;
    } else if (c === OPEN_OBJECT || c === OPEN_ARRAY) {
      if (state !== VALUE && state !== ARRAY_START) return 'invalid';
      open.push({ isArray: c === OPEN_ARRAY, index: 0, keyStart: 0, keyEnd: 0 });
      state = c === OPEN_ARRAY ? ARRAY_START : OBJECT_START;
      i++;
    } else if (c === CLOSE_OBJECT || c === CLOSE_ARRAY) {
      const isArray = c === CLOSE_ARRAY;
      if (container?.isArray !== isArray) return 'invalid';
      if (state !== AFTER_VALUE && state !== (isArray ? ARRAY_START : OBJECT_START)) return 'invalid';
      open.pop();
      ended();
      i++;
    } else if (c === COMMA) {
      if (state !== AFTER_VALUE || container === undefined) return 'invalid';
      container.index++;
      state = container.isArray ? VALUE : KEY;
      i++;
    } else if (c === COLON_MARK) {
      if (state !== COLON) return 'invalid';
      state = VALUE;
      i++;
    } else {
      if (state !== VALUE && state !== ARRAY_START) return 'invalid';
      const isNumber = c === MINUS || isDigit(c);
      const end = isNumber ? numberEnd(text, i) : literalEnd(text, i);
      if (end === 0) return 'invalid';
      ended();
      if (isNumber) {
        token.kind = 'number';
        token.start = i;
        token.end = end;
        token.escaped = false;
        if (!visit(token)) return 'stopped';
      }
      i = end;
    }
  }
  return open.length === 0 ? 'valid' : 'invalid';
}

const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const COLON_MARK = 58;
const MINUS = 45;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;
const OPEN_ARRAY = 91;
const CLOSE_ARRAY = 93;

/** An array or object that is not closed yet. */
interface Container {
  readonly isArray: boolean;
  /** Place of the current member. */
  index: number;
  keyStart: number;
  /** -1: not to be shown. */
  keyEnd: number;
}

/** Where the closing quote is, negative when there are escapes before it; 0 when the string is not valid. */
function stringEnd(text: string, from: number): number {
  let escaped = false;
  for (let i = from; i < text.length; i++) {
    const c = unitAt(text, i);
    if (c === QUOTE) return escaped ? -i : i;
    if (c < 32) return 0;
    if (c !== BACKSLASH) continue;
    escaped = true;
    i++;
    if (unitAt(text, i) === 117) {
      for (let k = 0; k < 4; k++) if (!isHex(unitAt(text, ++i))) return 0;
    } else if (!'"\\/bfnrt'.includes(text[i] ?? 'end')) {
      return 0;
    }
  }
  return 0;
}

function isHex(c: number): boolean {
  return isDigit(c) || (c >= 97 && c <= 102) || (c >= 65 && c <= 70);
}

/** 0 when there is no valid number. */
function numberEnd(text: string, from: number): number {
  const digits = (at: number): number => {
    let i = at;
    while (isDigit(unitAt(text, i))) i++;
    return i;
  };
  const whole = unitAt(text, from) === MINUS ? from + 1 : from;
  let end = digits(whole);
  if (end === whole || (end - whole > 1 && unitAt(text, whole) === 48)) return 0;
  if (unitAt(text, end) === 46) {
    const fraction = end + 1;
    end = digits(fraction);
    if (end === fraction) return 0;
  }
  if ((unitAt(text, end) | 32) === 101) {
    const sign = unitAt(text, end + 1);
    const exponent = sign === 43 || sign === MINUS ? end + 2 : end + 1;
    end = digits(exponent);
    if (end === exponent) return 0;
  }
  return end;
}

/** 0 when there is none. */
function literalEnd(text: string, from: number): number {
  for (const literal of ['true', 'false', 'null']) if (text.startsWith(literal, from)) return from + literal.length;
  return 0;
}

/** The innermost containers give way when there are too many. */
function pathOf(text: string, open: readonly Container[]): string {
  let path = '$';
  for (const { isArray, index, keyStart, keyEnd } of open.slice(0, MAX_PATH_SEGMENTS)) {
    const key = keyEnd - keyStart > 64 ? '' : text.slice(keyStart, Math.max(keyStart, keyEnd));
    if (isArray) path += `[${index}]`;
    else path += /^[A-Za-z_$][\w$-]*$/.test(key) ? `.${key}` : '.*';
  }
  return open.length > MAX_PATH_SEGMENTS ? `${path}…` : path;
}
