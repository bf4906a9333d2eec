import { isAscii, isUtf8 } from 'node:buffer';
import type { Edits } from './edits.ts';
import { finish, STEP, type Steps } from './steps.ts';

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
  return finish(decodeInSteps(bytes));
}

export function* decodeInSteps(bytes: Uint8Array): Steps<DecodedText> {
  if (isAscii(bytes)) return { text: asBuffer(bytes).toString('latin1'), byteForUnit: true };
  if (isUtf8(bytes)) return { text: asBuffer(bytes).toString('utf8'), byteForUnit: false };
  let text = '';
  for (let from = 0; from < bytes.length; ) {
    if (from > 0) yield;
    const units = Buffer.allocUnsafe(2 * Math.min(STEP + 8, bytes.length - from));
    let size = 0;
    const stop = Math.min(from + STEP, bytes.length);
    while (from < stop) {
      const length = sequenceLength(bytes, from);
      const c = length === 0 ? 0xdc00 + (bytes[from] as number) : codePoint(bytes, from, length);
      // Not above U+FFFF: one unit, else a pair. Fewer units than bytes either way.
      if (c < 0x10000) {
        size = units.writeUInt16LE(c, size);
      } else {
        size = units.writeUInt16LE(0xd800 + ((c - 0x10000) >> 10), size);
        size = units.writeUInt16LE(0xdc00 + ((c - 0x10000) & 0x3ff), size);
      }
      from += length === 0 ? 1 : length;
    }
    text += units.toString('utf16le', 0, size);
  }
  return { text, byteForUnit: false };
}

/** The bytes one by one as characters, whatever they mean. */
export function asLatin1(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('latin1');
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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

/** Of a well-formed sequence. */
function codePoint(bytes: Uint8Array, at: number, length: number): number {
  const lead = bytes[at] as number;
  if (length === 1) return lead;
  let c = lead & (0xff >> (length + 1));
  for (let i = at + 1; i < at + length; i++) c = (c << 6) | ((bytes[i] as number) & 0x3f);
  return c;
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

function bytesIn(text: string, from: number, to: number): number {
  let bytes = to - from;
  for (let i = from; i < to; i++) if (text.charCodeAt(i) > 127) bytes += unitBytes(text, i) - 1;
  return bytes;
}

/** The bytes with the edits done, whose places count code units of `decoded`. All other bytes stay as they are. */
export function* editInSteps(
  bytes: Uint8Array,
  { text, byteForUnit }: DecodedText,
  { places, texts }: Edits,
): Steps<Uint8Array> {
  if (texts.length === 0) return bytes;
  const out = new ByteWriter(bytes.length + 256);
  let unit = 0;
  let byte = 0;
  let done = 0;
  for (let i = 0; i < places.length; i++) {
    if (i % 4096 === 4095) yield;
    const target = places[i] as number;
    if (byteForUnit) {
      byte = target;
    } else {
      while (unit < target) {
        const stop = Math.min(target, unit + STEP);
        byte += bytesIn(text, unit, stop);
        if (stop < target) yield;
        unit = stop;
      }
    }
    if (i % 2 === 0) {
      out.bytes(bytes, done, byte);
      out.text(texts[i >> 1] as string);
    }
    done = byte;
  }
  out.bytes(bytes, done, bytes.length);
  return out.end();
}

const NOTHING: Uint8Array = new Uint8Array(0);

/** Collects bytes; very many small pieces cost no object each. */
export class ByteWriter {
  readonly #chunks: Uint8Array[] = [];
  #chunk: Buffer;
  #size = 0;
  #text = '';
  #textBytes = NOTHING;

  /** `size`: bytes that are expected. */
  constructor(size: number) {
    this.#chunk = Buffer.allocUnsafe(Math.min(2 * STEP, size));
  }

  bytes(bytes: Uint8Array, from: number, to: number): void {
    const length = to - from;
    if (length > this.#chunk.length - this.#size) {
      this.#flush(length);
      if (length >= STEP) {
        this.#chunks.push(bytes.subarray(from, to));
        return;
      }
    }
    if (length > 48) {
      this.#chunk.set(bytes.subarray(from, to), this.#size);
      this.#size += length;
    } else {
      for (let i = from; i < to; i++) this.#chunk[this.#size++] = bytes[i] as number;
    }
  }

  text(text: string): void {
    if (this.#text !== text) {
      this.#text = text;
      this.#textBytes = Buffer.from(text, 'utf8');
    }
    this.bytes(this.#textBytes, 0, this.#textBytes.length);
  }

  end(): Uint8Array {
    const last = this.#chunk.subarray(0, this.#size);
    return this.#chunks.length === 0 ? last : Buffer.concat([...this.#chunks, last]);
  }

  #flush(needed: number): void {
    if (this.#size > 0) this.#chunks.push(this.#chunk.subarray(0, this.#size));
    this.#chunk = Buffer.allocUnsafeSlow(Math.max(2 * STEP, needed < STEP ? needed : 0));
    this.#size = 0;
  }
}
