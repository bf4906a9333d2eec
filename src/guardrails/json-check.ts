import { isDigit } from './characters.ts';
import { JsonReader } from './json.ts';
import { finish, STEP, type Steps } from './steps.ts';

/** Whether bytes in UTF-8 hold JSON values, one or several. */
export function isJson(bytes: Uint8Array, latin1: string): boolean {
  return new Check(bytes).run(bytes.length) || finish(areValuesInSteps(latin1));
}

export function* isJsonInSteps(bytes: Uint8Array, latin1: string): Steps<boolean> {
  const check = new Check(bytes);
  for (let to = STEP; ; to += STEP) {
    if (check.run(to)) return true;
    if (check.isOver || to >= bytes.length) return yield* areValuesInSteps(latin1);
    yield;
  }
}

/** Several values, a byte order mark: rare, and for a reader that knows all of it. */
function* areValuesInSteps(latin1: string): Steps<boolean> {
  const reader = new JsonReader(latin1.startsWith('\u00ef\u00bb\u00bf') ? latin1.slice(3) : latin1);
  let paused = 0;
  for (;;) {
    const event = reader.next();
    if (event === 'valid' || event === 'invalid') return event === 'valid';
    if (reader.end - paused < STEP && event !== 'pause') continue;
    paused = reader.end;
    yield;
  }
}

const STATES = [
  // Where a value is due; where one may begin or its array end; where a key may, or its object end; where a key is due.
  'value',
  'first',
  'firstKey',
  'key',
  'colon',
  'afterValue',
  'end',
  'keyString',
  'keyEscape',
  'keyHex3',
  'keyHex2',
  'keyHex1',
  'keyHex0',
  'escape',
  'hex3',
  'hex2',
  'hex1',
  'hex0',
  'minus',
  // From here on, what comes next may end a number.
  'zero',
  'int',
  'dot',
  'fraction',
  'e',
  'sign',
  'exponent',
  't',
  'tr',
  'tru',
  'f',
  'fa',
  'fal',
  'fals',
  'n',
  'nu',
  'nul',
  'string',
  // Not states, but what is to be done.
  'invalid',
  'openObject',
  'openArray',
  'closeObject',
  'closeArray',
  'comma',
  'done',
  'numberDone',
] as const;
type State = (typeof STATES)[number];

const ID = Object.fromEntries(STATES.map((name, id) => [name, id])) as Readonly<Record<State, number>>;
// Constants: in the object they would be looked up by name.
const {
  value: VALUE,
  first: FIRST,
  firstKey: FIRST_KEY,
  key: KEY,
  colon: BEFORE_COLON,
  afterValue: AFTER_VALUE,
  end: END,
  string: STRING,
  keyString: KEY_STRING,
  invalid: INVALID,
  openObject: OPEN_OBJECT,
  openArray: OPEN_ARRAY,
  closeObject: CLOSE_OBJECT,
  closeArray: CLOSE_ARRAY,
  comma: NEXT,
  numberDone: NUMBER_DONE,
  zero: ZERO,
  int: INT,
  fraction: FRACTION,
  exponent: EXPONENT,
} = ID;

const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const COLON = 58;

/** For each state and byte the next state, or what is to be done. */
const TABLE = makeTable();
function makeTable(): Uint8Array {
  const table = new Uint8Array(ID.invalid * 256).fill(INVALID);
  const on = (from: State, bytes: string, to: State): void => {
    for (const byte of bytes) table[ID[from] * 256 + byte.charCodeAt(0)] = ID[to];
  };
  for (const from of ['value', 'first', 'firstKey', 'key', 'colon', 'afterValue', 'end'] as const)
    on(from, ' \n\r\t', from);
  for (const from of ['value', 'first'] as const) {
    on(from, '"', 'string');
    on(from, '-', 'minus');
    on(from, '0', 'zero');
    on(from, '123456789', 'int');
    on(from, 't', 't');
    on(from, 'f', 'f');
    on(from, 'n', 'n');
    on(from, '{', 'openObject');
    on(from, '[', 'openArray');
  }
  on('first', ']', 'closeArray');
  on('firstKey', '}', 'closeObject');
  on('firstKey', '"', 'keyString');
  on('key', '"', 'keyString');
  on('colon', ':', 'value');
  for (const from of ['afterValue', 'zero', 'int', 'fraction', 'exponent'] as const) {
    const isNumber = from !== 'afterValue';
    on(from, isNumber ? ' \n\r\t,]}' : '', 'numberDone');
    if (isNumber) continue;
    on(from, ',', 'comma');
    on(from, ']', 'closeArray');
    on(from, '}', 'closeObject');
  }
  for (const [body, escape, hex] of [
    ['string', 'escape', 'hex'],
    ['keyString', 'keyEscape', 'keyHex'],
  ] as const) {
    for (let c = 32; c < 256; c++) table[ID[body] * 256 + c] = ID[body];
    on(body, '\\', escape);
    on(body, '"', body === 'string' ? 'done' : 'colon');
    on(escape, '"\\/bfnrt', body);
    on(escape, 'u', `${hex}3`);
    for (const [from, to] of [
      [`${hex}3`, `${hex}2`],
      [`${hex}2`, `${hex}1`],
      [`${hex}1`, `${hex}0`],
      [`${hex}0`, body],
    ] as const) {
      on(from, '0123456789abcdefABCDEF', to);
    }
  }
  const digits = '0123456789';
  on('minus', '0', 'zero');
  on('minus', '123456789', 'int');
  on('int', digits, 'int');
  for (const from of ['zero', 'int'] as const) on(from, '.', 'dot');
  for (const from of ['dot', 'fraction'] as const) on(from, digits, 'fraction');
  for (const from of ['zero', 'int', 'fraction'] as const) on(from, 'eE', 'e');
  on('e', '+-', 'sign');
  for (const from of ['e', 'sign', 'exponent'] as const) on(from, digits, 'exponent');
  for (const word of ['true', 'false', 'null']) {
    for (let i = 1; i < word.length; i++) {
      // Each beginning of these words is a state.
      const next = i + 1 === word.length ? 'done' : (word.slice(0, i + 1) as State);
      on(word.slice(0, i) as State, word[i] as string, next);
    }
  }
  return table;
}

/** Whether bytes are one JSON value (RFC 8259); one table look-up a byte, and fewer within strings. */
class Check {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #state: number = VALUE;
  #depth = 0;
  /** For each container that is open, whether it is an array. */
  #arrays = new Uint8Array(32);

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Whether it cannot be one any more. */
  get isOver(): boolean {
    return this.#state === INVALID;
  }

  /** Goes on up to the byte at `to`. True at the end of the bytes, when they are. */
  run(to: number): boolean {
    const bytes = this.#bytes;
    const stop = Math.min(to, bytes.length);
    let state = this.#state;
    let i = this.#at;
    // Casts: within the bytes; the table has an entry for each state and byte. What comes mostly takes no look-up.
    while (i < stop) {
      if (state === STRING || state === KEY_STRING) {
        i = plainEnd(this.#view, i, stop);
        if (i < stop && bytes[i] === QUOTE) {
          i++;
          state = state === KEY_STRING ? BEFORE_COLON : this.#depth === 0 ? END : AFTER_VALUE;
        }
        if (i === stop) break;
      } else if (state === INT) {
        while (i < stop && isDigit(bytes[i] as number)) i++;
        if (i === stop) break;
        if (bytes[i] === COMMA && this.#depth > 0) state = AFTER_VALUE;
      }
      let byte = bytes[i++] as number;
      if ((byte === COLON && state === BEFORE_COLON) || (byte === COMMA && state === AFTER_VALUE)) {
        state = byte === COLON || this.#arrays[this.#depth - 1] === 1 ? VALUE : KEY;
        if (i === stop) break;
        byte = bytes[i++] as number;
      }
      if (byte === QUOTE && (state === VALUE || state === KEY)) {
        state = state === KEY ? KEY_STRING : STRING;
        continue;
      }
      const next = TABLE[state * 256 + byte] as number;
      if (next < INVALID) {
        state = next;
        continue;
      }
      if (next === INVALID) {
        this.#state = INVALID;
        return false;
      }
      if (next === NUMBER_DONE) {
        // The byte behind a number is for the state after a value.
        i--;
        state = this.#depth === 0 ? END : AFTER_VALUE;
      } else {
        state = this.#act(next);
        if (state === INVALID) break;
      }
    }
    this.#at = i;
    this.#state = state;
    return i === bytes.length && this.#depth === 0 && (state === END || isNumberEnd(state));
  }

  /** Gives the state after it. */
  #act(what: number): number {
    switch (what) {
      case OPEN_OBJECT:
      case OPEN_ARRAY: {
        if (this.#depth === this.#arrays.length) {
          const larger = new Uint8Array(2 * this.#depth);
          larger.set(this.#arrays);
          this.#arrays = larger;
        }
        const isArray = what === OPEN_ARRAY;
        this.#arrays[this.#depth++] = isArray ? 1 : 0;
        return isArray ? FIRST : FIRST_KEY;
      }
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        if (this.#depth === 0 || this.#arrays[this.#depth - 1] !== (what === CLOSE_ARRAY ? 1 : 0)) return INVALID;
        this.#depth--;
        break;
      case NEXT:
        return this.#arrays[this.#depth - 1] === 1 ? VALUE : KEY;
      default:
    }
    return this.#depth === 0 ? END : AFTER_VALUE;
  }
}

/** The first place from `from` on, before `to`, where a string ends or holds an escape or a control; else `to`. */
function plainEnd(bytes: DataView, from: number, to: number): number {
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const four = bytes.getInt32(i, true);
    // The highest bit of each byte, exact in the first that is none: where it is zero; where it is below the space.
    const quotes = four ^ 0x22222222;
    const backslashes = four ^ 0x5c5c5c5c;
    const found =
      (((quotes - 0x01010101) & ~quotes) |
        ((backslashes - 0x01010101) & ~backslashes) |
        ((four - 0x20202020) & ~four)) &
      0x80808080;
    if (found !== 0) return i + ((31 - Math.clz32(found & -found)) >> 3);
  }
  while (i < to && isPlain(bytes.getUint8(i))) i++;
  return i;
}

function isPlain(byte: number): boolean {
  return byte >= 32 && byte !== QUOTE && byte !== BACKSLASH;
}

function isNumberEnd(state: number): boolean {
  return state === ZERO || state === INT || state === FRACTION || state === EXPONENT;
}
