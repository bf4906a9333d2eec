import { hexDigit } from './escapes.ts';
import { STEP } from './steps.ts';

/** What a token is; `null` is none. */
export const KEY = 0;
export const STRING = 1;
export const NUMBER = 2;
export const TRUE = 3;
export const FALSE = 4;

/** How a step ended. `pause`: there is more to read. */
export type JsonEnd = 'pause' | 'valid' | 'invalid';

/** Containers that stand deeper count as one with that around them. */
export const MAX_DEPTH = 32;

const OBJECT_START = 0;
const BEFORE_KEY = 1;
const BEFORE_COLON = 2;
const ARRAY_START = 3;
const BEFORE_VALUE = 4;
const AFTER_VALUE = 5;

/** For tokens; more is given back after the text. */
const ROOM = 4096;

/**
 * The tokens of a JSON text (RFC 8259; or several, one behind the other) with where each of them stands, all at once: what a
 * string means in an event may hang on a member that comes after it. Flat and used again and again, so that reading costs no
 * object. One pass, no recursion.
 */
export class JsonTokens {
  count = 0;
  types = new Uint8Array(ROOM);
  /** Of strings and keys: what stands between the quotes. */
  starts = new Int32Array(ROOM);
  ends = new Int32Array(ROOM);
  /** 1: holds a backslash. */
  escaped = new Uint8Array(ROOM);
  /** Container of a token; -1: none. */
  holders = new Int32Array(ROOM);
  /** Token that is the key of it; in an array -1 - its place; -1 for a value that is all. */
  where = new Int32Array(ROOM);

  /** All but the texts is as it was with the text before. */
  isSameShape = false;

  containers = 0;
  parents = new Int32Array(ROOM);
  /** Of a container in its parent, as `where`. */
  parentWhere = new Int32Array(ROOM);
  /** 1: it is one. */
  isArray = new Uint8Array(ROOM);

  /** Of the current element. */
  #places = new Int32Array(ROOM);
  /** For each container that is open, whether it is an array. */
  #open = new Uint8Array(64);

  /** What is read, and how far that has come. */
  #text = '';
  #to = 0;
  #at = 0;
  #state = BEFORE_VALUE;
  #depth = 0;
  #holder = -1;
  #key = -1;
  #values = 0;
  /** Of the string that it stands in; -1: in none. */
  #stringStart = -1;
  #escaped = 0;
  #tokensBefore = 0;
  #containersBefore = 0;

  /** Reads `text` from `from` up to `to`; false when it is not valid. */
  read(text: string, from: number, to: number): boolean {
    this.begin(text, from, to);
    let end: JsonEnd = 'pause';
    while (end === 'pause') end = this.next();
    return end === 'valid';
  }

  /** What is read by `next` is `text`, from `from` up to `to`. */
  begin(text: string, from: number, to: number): void {
    this.#tokensBefore = this.count;
    this.#containersBefore = this.containers;
    // Each takes two units at least. Growing bit by bit would copy all of it again and again; what is not used takes no memory.
    const room = Math.max(ROOM, Math.ceil((to - from) / 2) + 1);
    if (room > this.types.length || (room === ROOM && this.types.length > ROOM)) this.#makeRoom(room);
    this.count = 0;
    this.containers = 0;
    this.isSameShape = true;
    this.#text = text;
    this.#to = to;
    this.#at = from;
    this.#state = BEFORE_VALUE;
    this.#depth = 0;
    this.#holder = -1;
    this.#key = -1;
    this.#values = 0;
    this.#stringStart = -1;
  }

  /** Reads a step of it, or what is left. */
  next(): JsonEnd {
    const end = this.#next();
    if (end === 'pause') return end;
    this.#text = '';
    this.isSameShape &&= this.count === this.#tokensBefore && this.containers === this.#containersBefore;
    return end;
  }

  #next(): JsonEnd {
    const text = this.#text;
    const to = this.#to;
    let state = this.#state;
    let depth = this.#depth;
    let holder = this.#holder;
    let key = this.#key;
    let values = this.#values;
    let i = this.#at;
    let stringStart = this.#stringStart;
    let escaped = this.#escaped;
    const stop = Math.min(to, i + STEP);
    while (i < stop) {
      if (stringStart < 0) {
        const c = text.charCodeAt(i);
        if (c === 34) {
          if (state === BEFORE_COLON || state === AFTER_VALUE) return 'invalid';
          stringStart = ++i;
          escaped = 0;
        } else if (c === 44) {
          if (state !== AFTER_VALUE) return 'invalid';
          if (this.#open[depth - 1] === 1) {
            state = BEFORE_VALUE;
            if (depth <= MAX_DEPTH) (this.#places[holder] as number)++;
          } else {
            state = BEFORE_KEY;
          }
          i++;
          continue;
        } else if (c === 58) {
          if (state !== BEFORE_COLON) return 'invalid';
          state = BEFORE_VALUE;
          i++;
          continue;
        } else if (c === 123 || c === 91) {
          if (state !== BEFORE_VALUE && state !== ARRAY_START) return 'invalid';
          if (depth < MAX_DEPTH) holder = this.#enter(c === 91, holder, this.#where(depth, holder, key));
          if (depth === this.#open.length) this.#grow();
          this.#open[depth++] = c === 91 ? 1 : 0;
          state = c === 91 ? ARRAY_START : OBJECT_START;
          key = -1;
          i++;
          continue;
        } else if (c === 125 || c === 93) {
          if (depth === 0 || (this.#open[depth - 1] === 1) !== (c === 93)) return 'invalid';
          if (state !== AFTER_VALUE && state !== (c === 93 ? ARRAY_START : OBJECT_START)) return 'invalid';
          // A container that is open has its place among the parents.
          if (depth-- <= MAX_DEPTH) holder = this.parents[holder] as number;
          state = depth === 0 ? BEFORE_VALUE : AFTER_VALUE;
          values++;
          i++;
          continue;
        } else if (c === 32 || c === 10 || c === 13 || c === 9 || (c === 30 && depth === 0)) {
          i++;
          continue;
        } else {
          if (state !== BEFORE_VALUE && state !== ARRAY_START) return 'invalid';
          const type = c === 116 ? TRUE : c === 102 ? FALSE : c === 110 ? -1 : NUMBER;
          const end = type === NUMBER ? numberEnd(text, i) : literalEnd(text, i);
          if (end < 0 || end > to) return 'invalid';
          if (type >= 0) this.#add(type, i, end, holder, this.#where(depth, holder, key));
          state = depth === 0 ? BEFORE_VALUE : AFTER_VALUE;
          values++;
          i = end;
          continue;
        }
      }
      let unit = -1;
      for (; i < stop; i++) {
        unit = text.charCodeAt(i);
        if (unit === 34) break;
        if (unit < 32) return 'invalid';
        if (unit !== 92) continue;
        escaped = 1;
        i = escapeEnd(text, i, to);
        if (i < 0) return 'invalid';
      }
      if (i >= stop) break;
      const isKey = state === OBJECT_START || state === BEFORE_KEY;
      const where = isKey ? -1 : this.#where(depth, holder, key);
      const at = this.#add(isKey ? KEY : STRING, stringStart, i, holder, where);
      if (escaped > 0) this.escaped[at] = 1;
      stringStart = -1;
      i++;
      if (isKey) {
        key = at;
        state = BEFORE_COLON;
      } else {
        state = depth === 0 ? BEFORE_VALUE : AFTER_VALUE;
        values++;
      }
    }
    if (i >= to) return depth === 0 && values > 0 && stringStart < 0 ? 'valid' : 'invalid';
    this.#at = i;
    this.#state = state;
    this.#depth = depth;
    this.#holder = holder;
    this.#key = key;
    this.#values = values;
    this.#stringStart = stringStart;
    this.#escaped = escaped;
    return 'pause';
  }

  #where(depth: number, holder: number, key: number): number {
    if (depth === 0) return -1;
    if (this.#open[depth - 1] === 0) return key;
    return depth > MAX_DEPTH ? -1 : -1 - (this.#places[holder] as number);
  }

  #add(type: number, start: number, end: number, holder: number, where: number): number {
    const at = this.count++;
    if (this.types[at] !== type || this.holders[at] !== holder || this.where[at] !== where) this.isSameShape = false;
    this.types[at] = type;
    this.starts[at] = start;
    this.ends[at] = end;
    this.escaped[at] = 0;
    this.holders[at] = holder;
    this.where[at] = where;
    return at;
  }

  #enter(isArray: boolean, parent: number, where: number): number {
    const at = this.containers++;
    if (this.parentWhere[at] !== where || this.parents[at] !== parent || this.isArray[at] !== (isArray ? 1 : 0))
      this.isSameShape = false;
    this.parents[at] = parent;
    this.parentWhere[at] = where;
    this.isArray[at] = isArray ? 1 : 0;
    this.#places[at] = 0;
    return at;
  }

  #grow(): void {
    const larger = new Uint8Array(2 * this.#open.length);
    larger.set(this.#open);
    this.#open = larger;
  }

  #makeRoom(room: number): void {
    this.#tokensBefore = -1;
    this.types = new Uint8Array(room);
    this.starts = new Int32Array(room);
    this.ends = new Int32Array(room);
    this.escaped = new Uint8Array(room);
    this.holders = new Int32Array(room);
    this.where = new Int32Array(room);
    this.parents = new Int32Array(room);
    this.parentWhere = new Int32Array(room);
    this.isArray = new Uint8Array(room);
    this.#places = new Int32Array(room);
    if (this.#open.length > ROOM) this.#open = new Uint8Array(64);
  }
}

/** What may stand after a backslash, besides `u`. */
const ESCAPABLE: ReadonlySet<number> = new Set(Array.from('"\\/bfnrt', (c) => c.charCodeAt(0)));

/** The last unit of the escape at `at`; -1 when there is none. */
export function escapeEnd(text: string, at: number, to: number): number {
  if (at + 1 >= to) return -1;
  const letter = text.charCodeAt(at + 1);
  if (letter !== 117) return ESCAPABLE.has(letter) ? at + 1 : -1;
  if (at + 5 >= to) return -1;
  for (let i = at + 2; i < at + 6; i++) if (hexDigit(text.charCodeAt(i)) < 0) return -1;
  return at + 5;
}

const NUMBER_FORM = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\d.eE])/y;

/** -1 when there is none. */
export function numberEnd(text: string, from: number): number {
  NUMBER_FORM.lastIndex = from;
  return NUMBER_FORM.test(text) ? NUMBER_FORM.lastIndex : -1;
}

function literalEnd(text: string, from: number): number {
  for (const literal of ['true', 'false', 'null']) if (text.startsWith(literal, from)) return from + literal.length;
  return -1;
}
