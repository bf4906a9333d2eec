import { decodeInSteps, unitBytes } from './bytes.ts';
import { unitAt } from './characters.ts';
import type { EditList, Edits } from './edits.ts';
import { hexDigit } from './escapes.ts';
import { finish, STEP, type Steps } from './steps.ts';

const AMPERSAND = 38;
const EQUALS = 61;
const PERCENT = 37;
const PLUS = 43;

/**
 * Goes through the names and values of `application/x-www-form-urlencoded` text (WHATWG URL §5.1), in order. `form` holds
 * one character for each byte.
 */
export class FormReader {
  readonly #form: string;
  #inName = true;
  #next = 0;
  /** Whether the characters of the name or value stand for themselves. */
  #isPlain = true;
  start = 0;
  end = 0;

  constructor(form: string) {
    this.#form = form;
  }

  /** On to the next one, which may be empty; false when there is none. */
  next(): boolean {
    return finish(this.nextInSteps());
  }

  *nextInSteps(): Steps<boolean> {
    const form = this.#form;
    let i = this.#next;
    if (i > form.length) return false;
    this.start = i;
    this.#isPlain = true;
    for (let stop = i + STEP; ; stop += STEP) {
      const most = Math.min(stop, form.length);
      for (; i < most; i++) {
        const c = form.charCodeAt(i);
        if (c === AMPERSAND || (c === EQUALS && this.#inName)) break;
        if (c === PERCENT || c === PLUS || c >= 128) this.#isPlain = false;
      }
      if (i < most || most === form.length) break;
      yield;
    }
    this.end = i;
    this.#inName = unitAt(form, i) !== EQUALS;
    this.#next = i + 1;
    return true;
  }

  /** Decoded. */
  text(): string {
    return finish(this.textInSteps());
  }

  *textInSteps(): Steps<string> {
    if (this.#isPlain) return this.#form.slice(this.start, this.end);
    const bytes = Buffer.allocUnsafe(this.end - this.start);
    let size = 0;
    for (let i = this.start; i < this.end; i++) {
      if (size % STEP === STEP - 1) yield;
      const c = this.#form.charCodeAt(i);
      const byte = c === PERCENT && i + 2 < this.end ? this.#hexByte(i) : -1;
      bytes[size++] = byte >= 0 ? byte : c === PLUS ? 32 : c;
      if (byte >= 0) i += 2;
    }
    return (yield* decodeInSteps(bytes.subarray(0, size))).text;
  }

  /**
   * Adds edits of `text()` to `out`, as edits of the form. New text is percent-encoded; what is not edited keeps its encoding.
   */
  *mapInSteps(text: string, { places, texts }: Edits, out: EditList): Steps<void> {
    let unit = 0;
    let at = this.start;
    for (let i = 0; i < places.length; i++) {
      // Edits have two places each.
      const target = places[i] as number;
      if (this.#isPlain) {
        at = this.start + target;
      } else {
        for (; unit < target; unit++) {
          for (let byte = unitBytes(text, unit); byte > 0; byte--) at += this.#byteSize(at);
          if (unit % STEP === STEP - 1) yield;
        }
      }
      out.places.push(at);
      if (i % 4096 === 4095) yield;
    }
    for (const text of texts) out.texts.push(encode(text));
  }

  /** How many characters the byte at `at` takes. */
  #byteSize(at: number): 1 | 3 {
    return unitAt(this.#form, at) === PERCENT && at + 2 < this.end && this.#hexByte(at) >= 0 ? 3 : 1;
  }

  #hexByte(at: number): number {
    const high = hexDigit(unitAt(this.#form, at + 1));
    const low = hexDigit(unitAt(this.#form, at + 2));
    return high < 0 || low < 0 ? -1 : high * 16 + low;
  }
}

let lastEncoded: readonly [string, string] = ['', ''];

function encode(text: string): string {
  // The same few replacements come again and again.
  if (lastEncoded[0] !== text) lastEncoded = [text, encodeAnew(text)];
  return lastEncoded[1];
}

function encodeAnew(text: string): string {
  let out = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(byte);
    if (/[A-Za-z0-9*._-]/.test(character)) out += character;
    else out += byte === 32 ? '+' : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}
