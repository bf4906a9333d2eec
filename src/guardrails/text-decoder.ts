import { asBuffer, decodeBytes } from './bytes.ts';

/**
 * Bytes that come in chunks as text, without loss: as `decodeBytes`, with characters that are cut in two kept until the rest of
 * them has come.
 */
export class LosslessDecoder {
  #rest: Uint8Array = NOTHING;

  push(chunk: Uint8Array): string {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    const end = bytes.length - unfinished(bytes);
    this.#rest = end < bytes.length ? Uint8Array.from(bytes.subarray(end)) : NOTHING;
    return end === 0 ? '' : decodeBytes(bytes.subarray(0, end)).text;
  }

  end(): string {
    const rest = this.#rest;
    this.#rest = NOTHING;
    return rest.length === 0 ? '' : decodeBytes(rest).text;
  }
}

const NOTHING = new Uint8Array(0);

/** How many bytes at the end are the beginning of a character (Unicode, table 3-7). */
function unfinished(bytes: Uint8Array): number {
  const { length } = bytes;
  for (let back = 1; back <= 3 && back <= length; back++) {
    const byte = bytes[length - back] as number;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return byte >= 0xc2 && byte <= 0xf4 && size > back ? back : 0;
  }
  return 0;
}

/** The bytes that a lossless text was made of. */
export function encodeLossless(text: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text, 'utf8');
  const out: Uint8Array[] = [];
  let done = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0xd800 || c > 0xdfff) continue;
    if (c < 0xdc00) {
      // A pair: lone ones of this half do not come out of bytes.
      i++;
      continue;
    }
    out.push(Buffer.from(text.slice(done, i), 'utf8'), Uint8Array.of(c - 0xdc00));
    done = i + 1;
  }
  out.push(Buffer.from(text.slice(done), 'utf8'));
  return asBuffer(Buffer.concat(out));
}
