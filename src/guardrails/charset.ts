import { isUtf8 } from 'node:buffer';
import { asBuffer } from './bytes.ts';
import { hasControls } from './characters.ts';
import { finish, STEP, type Steps } from './steps.ts';

/** A body in some charset, as the UTF-8 that `inspect` reads, and the way back. */
export interface Transcoded {
  readonly utf8: Uint8Array;
  /** The bytes in the body's own charset; characters that it does not have become `?`. */
  encode(utf8: Uint8Array): Uint8Array;
}

export interface TranscodedInSteps extends Transcoded {
  encodeInSteps(utf8: Uint8Array): Steps<Uint8Array>;
}

/** `unknown`: not a charset that is read here, or one that contradicts the bytes. `malformed`: not text in that charset. */
export type CharsetFault = 'unknown' | 'malformed';

type Wide = 'utf-16le' | 'utf-16be' | 'utf-32le' | 'utf-32be';
type Charset = 'utf-8' | 'latin1' | 'utf-16le' | 'utf-16be';

const CHARSETS: Readonly<Record<string, Charset>> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'us-ascii': 'utf-8',
  ascii: 'utf-8',
  'iso-8859-1': 'latin1',
  'iso8859-1': 'latin1',
  latin1: 'latin1',
  'utf-16le': 'utf-16le',
  'utf-16be': 'utf-16be',
};

/**
 * Turns a body into UTF-8. `declared` is the charset parameter of its Content-Type. Without one it is UTF-8, unless a byte
 * order mark or the zero bytes of its first characters say UTF-16 or UTF-32, as JSON readers take them to (RFC 4627 §3),
 * whatever is declared: then a body that contradicts its declaration is `unknown`.
 */
export function transcode(bytes: Uint8Array, declared: string | undefined): TranscodedInSteps | CharsetFault {
  return finish(transcodeInSteps(bytes, declared));
}

export function* transcodeInSteps(
  bytes: Uint8Array,
  declared: string | undefined,
): Steps<TranscodedInSteps | CharsetFault> {
  const marked = markedCharset(bytes);
  if (marked === 'unknown') return 'unknown';
  let charset: Charset | undefined;
  if (declared === 'utf-16') charset = marked;
  else if (declared === undefined) charset = marked ?? 'utf-8';
  // Object.hasOwn: the name comes from the wire.
  else charset = Object.hasOwn(CHARSETS, declared) ? CHARSETS[declared] : undefined;
  if (charset === undefined || (marked !== undefined && marked !== charset)) return 'unknown';
  const guessed = marked === undefined ? zeroPattern(bytes) : undefined;
  switch (charset) {
    case 'utf-8':
      return guessed === undefined ? asIs(bytes) : yield* transcodeGuessed(bytes, guessed);
    case 'latin1':
      if (guessed !== undefined) return 'unknown';
      return transcoded(yield* inPieces(bytes, FROM_LATIN1), encodeLatin1);
    default:
      // Readers of JSON that look at the bytes alone would read something else than what is read here.
      if (
        guessed !== undefined &&
        guessed !== charset &&
        /^\s*["[{]/.test(guessWide(bytes.subarray(0, 4096), false) ?? '')
      ) {
        return 'unknown';
      }
      if (marked === undefined && !bytes.includes(0) && isUtf8(bytes))
        return bytes.length === 0 ? asIs(bytes) : 'unknown';
      return (yield* transcodeWide(bytes, charset)) ?? 'malformed';
  }
}

function asIs(bytes: Uint8Array): TranscodedInSteps {
  return { utf8: bytes, encode: (utf8) => utf8, encodeInSteps: (utf8) => asSteps(utf8) };
}

// oxlint-disable-next-line require-yield -- steps whose only one is done at once
function* asSteps(bytes: Uint8Array): Steps<Uint8Array> {
  return bytes;
}

/** From one charset to another, piece by piece. */
interface Conversion {
  /** Whether a piece may end before this byte. */
  readonly mayCut: (bytes: Buffer, at: number) => boolean;
  readonly convert: (piece: Buffer) => Uint8Array;
}

const NOT_TEXT = new Error('not text in its charset');

/** Throws what `convert` throws. */
function* inPieces(bytes: Uint8Array, { mayCut, convert }: Conversion): Steps<Uint8Array> {
  const buffer = asBuffer(bytes);
  if (buffer.length <= STEP) return convert(buffer);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < buffer.length; ) {
    let end = Math.min(at + STEP, buffer.length);
    // No character is longer than four bytes.
    for (let most = end + 4; end < buffer.length && end < most && !mayCut(buffer, end); ) end++;
    pieces.push(convert(buffer.subarray(at, end)));
    at = end;
    yield;
  }
  return Buffer.concat(pieces);
}

function transcoded(utf8: Uint8Array, back: (text: string) => Uint8Array): TranscodedInSteps {
  const conversion: Conversion = {
    mayCut: (bytes, at) => ((bytes[at] as number) & 0xc0) !== 0x80,
    convert: (piece) => back(piece.toString('utf8')),
  };
  return {
    utf8,
    encode: (utf8) => finish(inPieces(utf8, conversion)),
    encodeInSteps: (utf8) => inPieces(utf8, conversion),
  };
}

const FROM_LATIN1: Conversion = {
  mayCut: () => true,
  convert: (piece) => Buffer.from(piece.toString('latin1'), 'utf8'),
};

/** What a byte order mark says; `unknown` for UTF-32. */
function markedCharset(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | 'unknown' | undefined {
  const [a, b, c, d] = bytes;
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 ? 'unknown' : 'utf-16le';
  if (a === 0xfe && b === 0xff) return 'utf-16be';
  return a === 0 && b === 0 && c === 0xfe && d === 0xff ? 'unknown' : undefined;
}

/** Zero bytes are no text in UTF-8, but a part of every ASCII character in UTF-16 and UTF-32. */
function zeroPattern(bytes: Uint8Array): Wide | undefined {
  if (bytes.length < 2) return undefined;
  const [a, b, c = 0, d = 0] = bytes;
  if (a === 0) return b === 0 ? (bytes.length >= 4 ? 'utf-32be' : undefined) : 'utf-16be';
  if (b !== 0) return undefined;
  return bytes.length >= 4 && c === 0 && d === 0 ? 'utf-32le' : 'utf-16le';
}

/** When it cannot be read as what its zero bytes say: it is no text, or text that nobody should be made to read. */
function* transcodeGuessed(bytes: Uint8Array, guessed: Wide): Steps<TranscodedInSteps | CharsetFault> {
  const read = yield* transcodeWide(bytes, guessed);
  if (read !== undefined) return read;
  return guessWide(bytes.subarray(0, 4096), false) === undefined ? asIs(bytes) : 'malformed';
}

/**
 * The text that begins with these bytes, when a mark or zero bytes say that it is UTF-16 or UTF-32 and it may be: faults
 * that a lenient reader passes over count for nothing, but what is not made of characters in use is no text.
 */
export function guessWide(bytes: Uint8Array, withMark: boolean): string | undefined {
  const marked = withMark ? markedCharset(bytes) : undefined;
  const charset = marked === 'unknown' ? (bytes[0] === 0 ? 'utf-32be' : 'utf-32le') : (marked ?? zeroPattern(bytes));
  if (charset === undefined) return undefined;
  const text = decodeWide(bytes, charset, true);
  return text === undefined || hasControls(text, text.startsWith('\ufeff') ? 2 : 1) ? undefined : text;
}

function* transcodeWide(bytes: Uint8Array, charset: Wide): Steps<TranscodedInSteps | undefined> {
  const isLittle = charset.endsWith('le');
  const width = charset.startsWith('utf-32') ? 4 : 2;
  const from: Conversion = {
    mayCut: (bytes, at) =>
      at % width === 0 &&
      (width === 4 || !isHighSurrogate(isLittle ? bytes.readUInt16LE(at - 2) : bytes.readUInt16BE(at - 2))),
    convert: (piece) => {
      const text = decodeWide(piece, charset, false);
      if (text === undefined) throw NOT_TEXT;
      return Buffer.from(text, 'utf8');
    },
  };
  try {
    return transcoded(yield* inPieces(bytes, from), (text) => encodeWide(text, charset));
  } catch (error) {
    if (error === NOT_TEXT) return undefined;
    throw error;
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

function encodeWide(text: string, charset: Wide): Uint8Array {
  if (charset === 'utf-32le' || charset === 'utf-32be') return encodeUtf32(text, charset === 'utf-32le');
  const units = Buffer.from(text, 'utf16le');
  return charset === 'utf-16be' ? units.swap16() : units;
}

/** Undefined when it is not well-formed; `lenient` lets lone surrogates and a cut end pass. */
function decodeWide(bytes: Uint8Array, charset: Wide, lenient: boolean): string | undefined {
  if (charset === 'utf-32le' || charset === 'utf-32be') return decodeUtf32(bytes, charset === 'utf-32le', lenient);
  const even = asBuffer(bytes.subarray(0, bytes.length - (bytes.length % 2)));
  if (!lenient && even.length !== bytes.length) return undefined;
  const text = (charset === 'utf-16be' ? Buffer.from(even).swap16() : even).toString('utf16le');
  return lenient || text.isWellFormed() ? text : undefined;
}

function decodeUtf32(bytes: Uint8Array, isLittle: boolean, lenient: boolean): string | undefined {
  if (!lenient && bytes.length % 4 !== 0) return undefined;
  const buffer = asBuffer(bytes);
  let text = '';
  let part: number[] = [];
  for (let i = 0; i + 4 <= bytes.length; i += 4) {
    const c = isLittle ? buffer.readUInt32LE(i) : buffer.readUInt32BE(i);
    if (c > 0x10ffff || (!lenient && c >= 0xd800 && c <= 0xdfff)) return undefined;
    part.push(c);
    if (part.length < 4096) continue;
    text += String.fromCodePoint(...part);
    part = [];
  }
  return text + String.fromCodePoint(...part);
}

function encodeUtf32(text: string, isLittle: boolean): Uint8Array {
  const out = Buffer.allocUnsafe(4 * text.length);
  let size = 0;
  for (const character of text) {
    const c = character.codePointAt(0) as number;
    size = isLittle ? out.writeUInt32LE(c, size) : out.writeUInt32BE(c, size);
  }
  return out.subarray(0, size);
}

function encodeLatin1(text: string): Uint8Array {
  return Buffer.from(text.replace(/[\u0100-\u{10ffff}]/gu, '?'), 'latin1');
}
