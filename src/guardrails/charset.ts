import { asBuffer } from './bytes.ts';

/** A body in some charset, as the UTF-8 that `inspect` reads, and the way back. */
export interface Transcoded {
  readonly utf8: Uint8Array;
  /** The bytes in the body's own charset; characters that it does not have become `?`. */
  encode(utf8: Uint8Array): Uint8Array;
}

/** `unknown`: not a charset that is read here, or one that contradicts the bytes. `malformed`: not text in that charset. */
export type CharsetFault = 'unknown' | 'malformed';

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
 * order mark or the zero bytes of the first character say UTF-16, as JSON readers take them to (RFC 4627 §3).
 */
export function transcode(bytes: Uint8Array, declared: string | undefined): Transcoded | CharsetFault {
  const marked = markedCharset(bytes);
  if (marked === 'unknown') return 'unknown';
  let charset: Charset | undefined;
  if (declared === 'utf-16') charset = marked;
  else if (declared === undefined) charset = marked ?? 'utf-8';
  // Object.hasOwn: the name comes from the wire.
  else charset = Object.hasOwn(CHARSETS, declared) ? CHARSETS[declared] : undefined;
  if (charset === undefined || (marked !== undefined && marked !== charset)) return 'unknown';
  switch (charset) {
    case 'utf-8':
      return guessUtf16(bytes) ?? { utf8: bytes, encode: (utf8) => utf8 };
    case 'latin1':
      return { utf8: Buffer.from(asBuffer(bytes).toString('latin1'), 'utf8'), encode: encodeLatin1 };
    default:
      return transcodeUtf16(bytes, charset) ?? 'malformed';
  }
}

/** What a byte order mark says; `unknown` for UTF-32. */
function markedCharset(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | 'unknown' | undefined {
  const [a, b, c, d] = bytes;
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 ? 'unknown' : 'utf-16le';
  if (a === 0xfe && b === 0xff) return 'utf-16be';
  return a === 0 && b === 0 && c === 0xfe && d === 0xff ? 'unknown' : undefined;
}

/** Zero bytes are no text in UTF-8, but the half of every ASCII character in UTF-16. */
function guessUtf16(bytes: Uint8Array): Transcoded | undefined {
  if (bytes.length < 2 || (bytes[0] === 0) === (bytes[1] === 0)) return undefined;
  return transcodeUtf16(bytes, bytes[0] === 0 ? 'utf-16be' : 'utf-16le');
}

function transcodeUtf16(bytes: Uint8Array, charset: 'utf-16le' | 'utf-16be'): Transcoded | undefined {
  try {
    const text = new TextDecoder(charset, { fatal: true, ignoreBOM: true }).decode(bytes);
    return {
      utf8: Buffer.from(text, 'utf8'),
      encode(utf8) {
        const units = Buffer.from(asBuffer(utf8).toString('utf8'), 'utf16le');
        return charset === 'utf-16be' ? units.swap16() : units;
      },
    };
  } catch {
    return undefined;
  }
}

function encodeLatin1(utf8: Uint8Array): Uint8Array {
  const text = asBuffer(utf8).toString('utf8');
  return Buffer.from(text.replace(/[\u0100-\u{10ffff}]/gu, '?'), 'latin1');
}
