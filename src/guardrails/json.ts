import { isDigit, unitAt } from './characters.ts';
import { hexUnit, unescapeJson } from './escapes.ts';
import { DEEPER, type Position } from './path-filter.ts';
import { STEP } from './steps.ts';

/** What the reader came to. `pause`: nothing for a while; it is called again, as after a token. */
export type JsonEvent = 'token' | 'pause' | 'valid' | 'invalid';

const OBJECT_START = 0;
const KEY = 1;
const COLON = 2;
const ARRAY_START = 3;
const VALUE = 4;
const AFTER_VALUE = 5;

/** Of a path that is shown. */
const MAX_PATH_SEGMENTS = 24;
/** Of a position that is known. */
const MAX_POSITION = 64;

const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const COLON_MARK = 58;
const MINUS = 45;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;
const OPEN_ARRAY = 91;
const CLOSE_ARRAY = 93;

/**
 * Reads the strings (object keys too) and numbers of a text that holds JSON values (RFC 8259), one or several with or
 * without white space between them: JSON, NDJSON, JSON text sequences (RFC 7464). One pass, no recursion, one byte for each
 * container that is open. It has given all tokens before the first fault when the text is not valid.
 */
export class JsonReader {
  readonly #text: string;
  #at: number;
  #state = VALUE;
  /** How many containers are open, and for each whether it is an array. */
  #depth = 0;
  #arrays = new Uint8Array(64);
  /** Of the outermost containers only, as paths tell no more: the place of the current member, and its key. */
  readonly #path: PathSegment[] = [];
  /** Inside of a string that took long. */
  #inString = false;
  /** The first quotation mark from here on that was looked for. */
  #quote = -1;

  kind: 'key' | 'string' | 'number' = 'string';
  /** First and last-plus-one code unit: of what stands between the quotes, or of the number. */
  start = 0;
  end = 0;
  /** Whether a string holds a backslash. */
  escaped = false;
  #keyIsHidden = false;

  constructor(text: string) {
    this.#text = text;
    this.#at = unitAt(text, 0) === 0xfeff ? 1 : 0;
  }

  /** JSON path of the value: `$.messages[0].content`; of a key, which is text to be scanned itself: `$.messages[0].*`. */
  path(): string {
    let path = '$';
    for (const { isArray, index, keyStart, keyEnd, isShown } of this.#path.slice(
      0,
      Math.min(this.#depth, MAX_PATH_SEGMENTS),
    )) {
      const key = isShown && keyEnd - keyStart <= 64 ? this.#text.slice(keyStart, keyEnd) : '';
      if (isArray) path += `[${index}]`;
      else path += /^[A-Za-z_$][\w$-]*$/.test(key) ? `.${key}` : '.*';
    }
    return this.#depth > MAX_PATH_SEGMENTS ? `${path}…` : path;
  }

  /** Where the value is, keys decoded. */
  position(): Position {
    const position: (string | number)[] = this.#path
      .slice(0, Math.min(this.#depth, MAX_POSITION))
      .map(({ isArray, index, keyStart, keyEnd }) =>
        isArray ? index : unescapeJson(this.#text.slice(keyStart, keyEnd)).text,
      );
    if (this.#depth > MAX_POSITION) position.push(DEEPER);
    return position;
  }

  /** Leaves the text of this key out of the paths of what it names. */
  hide(): void {
    this.#keyIsHidden = true;
  }

  next(): JsonEvent {
    const text = this.#text;
    if (this.#inString) return this.#string();
    if (this.#state === COLON && this.kind === 'key' && !this.#keyIsHidden) {
      const segment = this.#segment();
      if (segment !== undefined) segment.isShown = true;
    }
    const stop = Math.min(text.length, this.#at + STEP);
    while (this.#at < stop) {
      const c = text.charCodeAt(this.#at);
      if (c === 32 || c === 10 || c === 13 || c === 9 || (c === 30 && this.#depth === 0)) {
        this.#at++;
      } else if (c === QUOTE) {
        if (this.#state === COLON || this.#state === AFTER_VALUE) return 'invalid';
        this.start = ++this.#at;
        this.escaped = false;
        return this.#string();
      } else if (c === COMMA) {
        if (this.#state !== AFTER_VALUE || this.#depth === 0) return 'invalid';
        const segment = this.#segment();
        if (segment !== undefined) segment.index++;
        this.#state = this.#arrays[this.#depth - 1] === 1 ? VALUE : KEY;
        this.#at++;
      } else if (c === COLON_MARK) {
        if (this.#state !== COLON) return 'invalid';
        this.#state = VALUE;
        this.#at++;
      } else if (c === OPEN_OBJECT || c === OPEN_ARRAY) {
        if (this.#state !== VALUE && this.#state !== ARRAY_START) return 'invalid';
        this.#open(c === OPEN_ARRAY);
        this.#at++;
      } else if (c === CLOSE_OBJECT || c === CLOSE_ARRAY) {
        const isArray = c === CLOSE_ARRAY;
        if (this.#depth === 0 || (this.#arrays[this.#depth - 1] === 1) !== isArray) return 'invalid';
        if (this.#state !== AFTER_VALUE && this.#state !== (isArray ? ARRAY_START : OBJECT_START)) return 'invalid';
        this.#depth--;
        this.#ended();
        this.#at++;
      } else {
        if (this.#state !== VALUE && this.#state !== ARRAY_START) return 'invalid';
        const isNumber = c === MINUS || isDigit(c);
        const start = this.#at;
        const end = isNumber ? numberEnd(text, start) : literalEnd(text, start);
        if (end === 0) return 'invalid';
        this.#ended();
        this.#at = end;
        if (!isNumber) continue;
        this.kind = 'number';
        this.start = start;
        this.end = end;
        this.escaped = false;
        return 'token';
      }
    }
    if (this.#at < text.length) return 'pause';
    return this.#depth === 0 ? 'valid' : 'invalid';
  }

  /** Reads on to the end of a string. */
  #string(): JsonEvent {
    const text = this.#text;
    const stop = this.#at + STEP;
    for (;;) {
      if (this.#quote < this.#at) this.#quote = text.indexOf('"', this.#at);
      if (this.#quote < 0) return 'invalid';
      const end = Math.min(this.#quote, stop);
      const special = specialIn(text, this.#at, end);
      if (special < 0) {
        if (end === this.#quote) break;
        this.#at = end;
      } else {
        const size = escapeSize(text, special);
        if (size === 0) return 'invalid';
        this.escaped = true;
        this.#at = special + size;
      }
      if (this.#at < stop) continue;
      this.#inString = true;
      return 'pause';
    }
    this.end = this.#quote;
    this.#at = this.#quote + 1;
    this.#inString = false;
    this.#tokenIsString();
    return 'token';
  }

  #tokenIsString(): void {
    const isKey = this.#state === KEY || this.#state === OBJECT_START;
    this.kind = isKey ? 'key' : 'string';
    if (!isKey) {
      this.#ended();
      return;
    }
    this.#state = COLON;
    this.#keyIsHidden = false;
    const segment = this.#segment();
    if (segment === undefined) return;
    segment.keyStart = this.start;
    segment.keyEnd = this.end;
    // Not before it was seen to be clean.
    segment.isShown = false;
  }

  #ended(): void {
    this.#state = this.#depth === 0 ? VALUE : AFTER_VALUE;
  }

  #open(isArray: boolean): void {
    if (this.#depth === this.#arrays.length) {
      const larger = new Uint8Array(2 * this.#depth);
      larger.set(this.#arrays);
      this.#arrays = larger;
    }
    this.#arrays[this.#depth] = isArray ? 1 : 0;
    if (this.#depth < MAX_POSITION) {
      this.#path[this.#depth] = { isArray, index: 0, keyStart: 0, keyEnd: 0, isShown: false };
    }
    this.#depth++;
    this.#state = isArray ? ARRAY_START : OBJECT_START;
  }

  /** Of the innermost container. */
  #segment(): PathSegment | undefined {
    return this.#depth > 0 && this.#depth <= MAX_POSITION ? this.#path[this.#depth - 1] : undefined;
  }
}

interface PathSegment {
  readonly isArray: boolean;
  /** Place of the current member. */
  index: number;
  keyStart: number;
  keyEnd: number;
  /** Whether paths may hold the key. */
  isShown: boolean;
}

/** What may stand after a backslash, besides `u`. */
const ESCAPABLE: ReadonlySet<number> = new Set(Array.from('"\\/bfnrt', (c) => c.charCodeAt(0)));

/** How long the escape at `at` is; 0 when there is none. */
function escapeSize(text: string, at: number): number {
  if (text.charCodeAt(at) !== BACKSLASH) return 0;
  const letter = unitAt(text, at + 1);
  if (letter === 117) return hexUnit(text, at + 2) < 0 ? 0 : 6;
  return ESCAPABLE.has(letter) ? 2 : 0;
}

/** A backslash, or a control character, which no string may have as it is. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const SPECIAL = /[\u0000-\u001f\\]/;
/** Shorter stretches are quicker looked through than cut out. */
const SHORT = 24;

/** The first special character from `from` on, before `to`; -1 when there is none. */
function specialIn(text: string, from: number, to: number): number {
  if (to - from > SHORT) {
    const at = text.slice(from, to).search(SPECIAL);
    return at < 0 ? -1 : from + at;
  }
  for (let i = from; i < to; i++) {
    const c = text.charCodeAt(i);
    if (c < 32 || c === BACKSLASH) return i;
  }
  return -1;
}

/**
 * The number as digits alone when it is whole, and written with a fraction or an exponent: `4111111111111111.0` is the same
 * number as without them. So is `4111111111111111.01` to readers that have no other numbers than IEEE 754 doubles (RFC 8259
 * §6). Undefined when it is not, or has more digits than anything that rules look for.
 */
export function wholeNumber(raw: string): string | undefined {
  const [, sign = '', whole = '', fraction = '', exponent] = NUMBER.exec(raw) ?? [];
  if (fraction === '' && exponent === undefined) return undefined;
  if (whole.length + fraction.length < LEAST_DIGITS) return undefined;
  const all = whole + fraction;
  const first = all.search(/[1-9]/);
  const end = withoutZeros(all);
  // Digits before the point, counted from the first that is not zero.
  const point = whole.length + Number(exponent ?? 0) - first;
  if (first < 0 || !(point > 0 && point <= MOST_DIGITS)) return undefined;
  if (end - first <= point) return sign + all.slice(first, end).padEnd(point, '0');
  const double = Number(raw);
  return Number.isSafeInteger(double) && point >= LEAST_DIGITS ? String(double) : undefined;
}

/** Where the zeros at the end begin. A regular expression would try at each zero before them. */
function withoutZeros(digits: string): number {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === 48) end--;
  return end;
}

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
const MOST_DIGITS = 64;
/** Nobody has a number with fewer. */
const LEAST_DIGITS = 9;

/** 0 when there is no valid number. */
function numberEnd(text: string, from: number): number {
  const whole = unitAt(text, from) === MINUS ? from + 1 : from;
  let end = digitsEnd(text, whole);
  if (end === whole || (end - whole > 1 && unitAt(text, whole) === 48)) return 0;
  if (unitAt(text, end) === 46) {
    const fraction = end + 1;
    end = digitsEnd(text, fraction);
    if (end === fraction) return 0;
  }
  if ((unitAt(text, end) | 32) === 101) {
    const sign = unitAt(text, end + 1);
    const exponent = sign === 43 || sign === MINUS ? end + 2 : end + 1;
    end = digitsEnd(text, exponent);
    if (end === exponent) return 0;
  }
  return end;
}

function digitsEnd(text: string, from: number): number {
  let i = from;
  while (isDigit(unitAt(text, i))) i++;
  return i;
}

/** 0 when there is none. */
function literalEnd(text: string, from: number): number {
  for (const literal of ['true', 'false', 'null']) if (text.startsWith(literal, from)) return from + literal.length;
  return 0;
}
