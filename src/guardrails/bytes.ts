import { isAscii, isUtf8 } from 'node:buffer';
import type { Edits } from './edits.ts';

/** A text and the way back from its UTF-16 code units to the bytes it was made of. */
export interface DecodedText {
  readonly text: string;
  /** True when each byte is one code unit. */
  readonly byteForUnit: boolean;
}

/**
 * Bytes as UTF-8 text, without loss: a byte that is not part of valid UTF-8 becomes the lone surrogate U+DC00 + byte, which
 * valid UTF-8 cannot give (the idea of Python's PEP 383).
 */
export function decodeBytes(bytes: Uint8Array): DecodedText {
  if (isAscii(bytes)) return { text: asBuffer(bytes).toString('latin1'), byteForUnit: true };
  if (isUtf8(bytes)) return { text: asBuffer(bytes).toString('utf8'), byteForUnit: false };
  return { text: decodeInvalid(bytes), byteForUnit: false };
}

/** The bytes one by one as characters, whatever they mean. */
export function asLatin1(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('latin1');
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Valid stretches are decoded as a whole; the bytes between them one by one. */
function decodeInvalid(bytes: Uint8Array): string {
  const buffer = asBuffer(bytes);
  const parts: string[] = [];
  let valid = 0;
  for (let i = 0; i < bytes.length; ) {
    const length = sequenceLength(bytes, i);
    if (length > 0) {
      i += length;
      continue;
    }
    // i is within the bytes.
    parts.push(buffer.toString('utf8', valid, i), String.fromCharCode(0xdc00 + (bytes[i] as number)));
    valid = ++i;
  }
  parts.push(buffer.toString('utf8', valid));
  return parts.join('');
}

/** Length of the well-formed sequence at `at`, 0 when there is none (Unicode, table 3-7). */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number;
  if (lead < 0x80) return 1;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || at + length > bytes.length) return 0;
  const second = bytes[at + 1] as number;
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let i = at + 2; i < at + length; i++) if (((bytes[i] as number) & 0xc0) !== 0x80) return 0;
  return length;
}

/** How many bytes the code unit at `at` stands for; a surrogate pair counts on its first half. */
export function unitBytes(text: string, at: number): number {
  const c = text.charCodeAt(at);
  if (c < 0x80) return 1;
  if (c < 0x800) return 2;
  if (c < 0xd800 || c > 0xdfff) return 3;
  if (c < 0xdc00) return 4;
  const before = text.charCodeAt(at - 1);
  return before >= 0xd800 && before < 0xdc00 ? 0 : 1;
}

/** The bytes with the edits done, whose places count code units of `decoded`. All other bytes stay as they are. */
export function editBytes(bytes: Uint8Array, decoded: DecodedText, edits: Edits): Uint8Array {
  if (edits.length === 0) return bytes;
  const parts: Uint8Array[] = [];
  let unit = 0;
  let byte = 0;
  const byteAt = (target: number): number => {
    if (decoded.byteForUnit) return target;
    while (unit < target) byte += unitBytes(decoded.text, unit++);
    return byte;
  };
  let done = 0;
  for (const edit of edits) {
    parts.push(bytes.subarray(done, byteAt(edit.start)), Buffer.from(edit.text, 'utf8'));
    done = byteAt(edit.end);
  }
  parts.push(bytes.subarray(done));
  return Buffer.concat(parts);
}
