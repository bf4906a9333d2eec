import { isUtf8 } from 'node:buffer';
import { asBuffer } from '../guardrails/bytes.ts';

const QUOTE = 34;
const BACKSLASH = 92;
const SPACE = 32;
/** Bytes that one byte of a text becomes at most, as `\u0000`. */
const MOST_PER_BYTE = 6;

/** JSON that is written as bytes: texts that are UTF-8 already are not decoded for it. */
export class JsonBytes {
  #bytes: Buffer;
  #size = 0;

  constructor(room: number) {
    this.#bytes = Buffer.allocUnsafe(room);
  }

  get size(): number {
    return this.#size;
  }

  /** What was written. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }

  /** ASCII that needs no escape, or JSON. */
  ascii(text: string): void {
    this.#reserve(text.length);
    for (let i = 0; i < text.length; i++) this.#bytes[this.#size++] = text.charCodeAt(i);
  }

  /** A string of these bytes; false, and nothing is written, when they are not UTF-8. */
  string(text: Uint8Array, from: number, to: number): boolean {
    let isPlain = true;
    let isAscii = true;
    for (let i = from; i < to; i++) {
      // Between two places of the text.
      const byte = text[i] as number;
      if (byte > 127) isAscii = false;
      else if (byte < SPACE || byte === QUOTE || byte === BACKSLASH) isPlain = false;
    }
    if (!isAscii && !isUtf8(text.subarray(from, to))) return false;
    this.#reserve((isPlain ? 1 : MOST_PER_BYTE) * (to - from) + 2);
    this.#bytes[this.#size++] = QUOTE;
    if (isPlain) {
      if (to - from < FEW) for (let i = from; i < to; i++) this.#bytes[this.#size++] = text[i] as number;
      else {
        this.#bytes.set(text.subarray(from, to), this.#size);
        this.#size += to - from;
      }
    } else this.#escaped(text, from, to);
    this.#bytes[this.#size++] = QUOTE;
    return true;
  }

  /** The same of bytes that need not be UTF-8: what is not becomes U+FFFD. */
  lossyString(text: Uint8Array): void {
    const wellFormed = Buffer.from(asBuffer(text).toString('utf8'));
    this.string(wellFormed, 0, wellFormed.length);
  }

  #escaped(text: Uint8Array, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const byte = text[i] as number;
      if (byte === QUOTE || byte === BACKSLASH) {
        this.#bytes[this.#size++] = BACKSLASH;
        this.#bytes[this.#size++] = byte;
      } else if (byte >= SPACE) this.#bytes[this.#size++] = byte;
      else this.#size += this.#bytes.write(`\\u00${byte.toString(16).padStart(2, '0')}`, this.#size, 'latin1');
    }
  }

  #reserve(more: number): void {
    if (this.#size + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#size + more));
    this.#bytes.copy(larger, 0, 0, this.#size);
    this.#bytes = larger;
  }
}

/** Bytes that are copied faster one by one. */
const FEW = 48;

/** The strings (with keys), numbers and literals of a valid JSON text, as they are written, one after the other. */
export class JsonValues {
  readonly #text: string;
  #at = 0;

  constructor(json: Uint8Array) {
    this.#text = asBuffer(json).toString('utf8');
  }

  /** Undefined after the last. */
  next(): string | undefined {
    const text = this.#text;
    let at = this.#at;
    while (at < text.length && STRUCTURE.includes(text[at] as string)) at++;
    if (at === text.length) return undefined;
    const start = at;
    if (text[at] === '"') {
      at = text.indexOf('"', at + 1);
      while (isEscaped(text, at)) at = text.indexOf('"', at + 1);
      at++;
    } else while (at < text.length && !STRUCTURE.includes(text[at] as string)) at++;
    this.#at = at;
    return text.slice(start, at);
  }
}

const STRUCTURE = '{}[],: \t\r\n';

/** Whether an odd number of backslashes stands before it. */
function isEscaped(text: string, at: number): boolean {
  let start = at;
  while (text[start - 1] === '\\') start--;
  return (at - start) % 2 === 1;
}
