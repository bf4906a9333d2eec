/**
 * Which characters stand, to a human or a lenient reader, for an ASCII character or for nothing at all. By the properties of
 * the Unicode Character Database that the runtime has, and its compatibility mappings (NFKC, UAX #15).
 */

/** The character is what it seems. */
export const AS_IS = 0;
/** The character shows as nothing, or as part of the one before: a zero-width or combining one. */
export const NOTHING = 1;
/** The first half of a surrogate pair that may be one of these characters. */
export const HALF = 2;
/** A full stop or middle dot of another script: a look-alike of `.` only when something of a name comes right after it. */
export const STOP = 3;
/** A backslash, which may begin an escape. */
export const BACKSLASH = 4;
// Anything from 32 on: the ASCII character that it stands for.

const SIZE = 0x20000;
/** Tags, variation selectors and the rest of plane 14: nothing in there shows. */
const PLANE_14 = 0xe0000;

/** Made once, on first use: one number for each code point of the first two planes. Two milliseconds. */
let table: Uint8Array | undefined;

export function lookalikes(): Uint8Array {
  return (table ??= makeTable());
}

let suspects: RegExp | undefined;

/** Finds the first code unit that may not be what it seems. Native: the ordinary text costs a nanosecond for each character. */
export function suspect(): RegExp {
  return (suspects ??= new RegExp(`[${ranges(lookalikes().subarray(0, 0x10000))}]`));
}

function ranges(table: Uint8Array): string {
  let out = '';
  const escaped = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;
  for (let first = 0; first < table.length; first++) {
    if (table[first] === AS_IS) continue;
    let last = first;
    while (last + 1 < table.length && table[last + 1] !== AS_IS) last++;
    out += first === last ? escaped(first) : `${escaped(first)}-${escaped(last)}`;
    first = last;
  }
  return out;
}

/** For a code point. */
export function lookalikeOf(c: number): number {
  // Within the table below its size.
  if (c < SIZE) return lookalikes()[c] as number;
  return c >= PLANE_14 && c < PLANE_14 + 0x1000 ? NOTHING : AS_IS;
}

/** For a character outside of the Basic Multilingual Plane. */
export function lookalikeOfPair(high: number, low: number): number {
  return lookalikeOf(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
}

/** Blocks with characters that have a compatibility mapping to one ASCII character; last ones included. */
const COMPATIBLE: readonly (readonly [number, number])[] = [
  [0x00a0, 0x02ff],
  [0x0340, 0x03ff],
  [0x1d00, 0x1dff],
  [0x1f80, 0x24ff],
  [0x2c60, 0x2c7f],
  [0x3000, 0x303f],
  [0xa640, 0xa7ff],
  [0xfb29, 0xfb29],
  [0xfe10, 0xfe6f],
  [0xff00, 0xffef],
  [0x10780, 0x107bf],
  [0x1ccd0, 0x1ccff],
  [0x1d400, 0x1d7ff],
  [0x1f100, 0x1f1ff],
  [0x1fbf0, 0x1fbf9],
];

/** Look-alikes that no property and no mapping tells. */
const OTHERS: Readonly<Record<string, string>> = {
  // Minus signs, bullets, lines, and the long vowel mark that Japanese keyboards give for a hyphen.
  '-': '\u02d7\u2043\u207b\u208b\u2212\u23af\u2500\u2501\u2796\u30fc\uff70',
  '/': '\u2044\u2215\u29f8',
  ':': '\u02d0\u2236\ua789',
  ' ': '\u2800',
};

const STOPS = '\u00b7\u0387\u06d4\u2024\u2027\u2219\u22c5\u3002\u30fb\ufe52\uff0e\uff61\uff65';

/** Numbers in discs, each list from 0 or from 1 on. The other ones in circles have a mapping. */
const DISCS: readonly (readonly [first: number, digit: number, count: number])[] = [
  [0x24f5, 1, 9],
  [0x24ff, 0, 1],
  [0x2776, 1, 9],
  [0x2780, 1, 9],
  [0x278a, 1, 9],
  [0x1f10b, 0, 1],
  [0x1f10c, 0, 1],
];

/** In one expression, because going through all characters is what takes the time. */
const PROPERTIES = /([\p{DI}\p{Mn}\p{Me}])|(\p{Nd})|(\p{Pd})|\p{Zs}/gu;

function makeTable(): Uint8Array {
  const table = new Uint8Array(SIZE);
  for (const [first, last] of COMPATIBLE) {
    for (let c = first; c <= last; c++) {
      const mapped = String.fromCodePoint(c).normalize('NFKC');
      if (mapped.length === 1 && mapped > ' ' && mapped <= '~') table[c] = mapped.charCodeAt(0);
    }
  }
  for (const [character, others] of Object.entries(OTHERS)) {
    for (const other of others) table[other.charCodeAt(0)] = character.charCodeAt(0);
  }
  for (const stop of STOPS) table[stop.charCodeAt(0)] = STOP;
  for (const [first, digit, count] of DISCS) {
    for (let i = 0; i < count; i++) table[first + i] = 48 + digit + i;
  }
  for (const [first, last] of SCRIPTS) addProperties(table, first, last);
  for (let half = 0xd800; half < 0xdc00; half++) {
    // Of planes 1 and 14.
    if (half < 0xd840 || (half >= 0xdb40 && half < 0xdb44)) table[half] = HALF;
  }
  // ASCII is what it is.
  table.fill(AS_IS, 0, 128);
  table[92] = BACKSLASH;
  return table;
}

/** Where those properties occur: not among ideographs, Hangul, Tangut and surrogates. */
const SCRIPTS: readonly (readonly [number, number])[] = [
  [0x0080, 0x33ff],
  [0xa000, 0xabff],
  [0xf900, 0xffff],
  [0x10000, 0x13fff],
  [0x16000, 0x16fff],
  [0x1b000, 0x1ffff],
];

function addProperties(table: Uint8Array, first: number, last: number): void {
  const width = first < 0x10000 ? 1 : 2;
  const units = new Uint16Array((last + 1 - first) * width);
  for (let c = first, i = 0; c <= last; c++) {
    if (width === 2) units[i++] = 0xd800 + ((c - 0x10000) >> 10);
    units[i++] = width === 2 ? 0xdc00 + (c & 0x3ff) : c;
  }
  const text = Buffer.from(units.buffer).toString('utf16le');
  PROPERTIES.lastIndex = 0;
  let digit = 0;
  let digitAt = -1;
  for (let found = PROPERTIES.exec(text); found !== null; found = PROPERTIES.exec(text)) {
    const [, hidden, number, dash] = found;
    const c = first + found.index / width;
    if (number !== undefined) {
      // The digits of a script stand in a row from its zero on (Unicode Standard, 4.6), also when a row follows on a row.
      digit = c === digitAt + 1 ? (digit + 1) % 10 : 0;
      digitAt = c;
    }
    table[c] = hidden !== undefined ? NOTHING : number !== undefined ? 48 + digit : dash !== undefined ? 45 : 32;
  }
}
