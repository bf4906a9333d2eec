import { looksLikeText } from '../guardrails/peek.ts';
import { STEP } from '../guardrails/steps.ts';
import { JsonBytes, JsonValues } from './guard-grpc-json.ts';
import { WireFault, WireReader } from './guard-grpc-wire.ts';

/** Messages in messages, as other readers allow them. */
export const MOST_DEPTH = 100;
/** What JSON may take more than the message. */
const MOST_GROWTH = 8;
const ROOM = 128;

/** The values of two JSON texts that differ in nothing else, side by side. */
export class Changes {
  readonly #before: JsonValues;
  readonly #after: JsonValues;

  constructor(before: Uint8Array, after: Uint8Array) {
    this.#before = new JsonValues(before);
    this.#after = new JsonValues(after);
  }

  /** What the next value is now; undefined: what it was. */
  next(): string | undefined {
    const before = this.#before.next();
    const after = this.#after.next();
    if (after === undefined || after === before) return undefined;
    return after.startsWith('"') ? String(JSON.parse(after)) : after;
  }
}

/** Of a field, where it is left out. */
export const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * One pass over a message. The first writes its JSON; the second, with the changes, gives for each value that has any what stands
 * in its place, and undefined for the others. Both go the same way, so that values are told by their order alone.
 */
export class Pass {
  readonly json: JsonBytes;
  readonly bytes: Uint8Array;
  readonly reader: WireReader;
  readonly #changes: Changes | undefined;
  readonly #mostJson: number;
  #paused = 0;

  constructor(bytes: Uint8Array, changes: Changes | undefined) {
    this.bytes = bytes;
    this.reader = new WireReader(bytes);
    this.#changes = changes;
    this.#mostJson = MOST_GROWTH * bytes.length + STEP;
    this.json = new JsonBytes(changes === undefined ? Math.ceil(1.25 * bytes.length) + ROOM : ROOM);
  }

  /** Whether so much was read since the last time that others should have their turn. */
  isDue(): boolean {
    if (this.reader.at - this.#paused <= STEP) return false;
    this.#paused = this.reader.at;
    return true;
  }

  /** A text, behind its tag. */
  string(end: number): Uint8Array | undefined {
    const to = this.reader.length(end);
    const from = this.reader.at;
    this.reader.at = to;
    if (this.#changes === undefined) {
      if (!this.json.string(this.bytes, from, to)) throw new WireFault('a text is not UTF-8');
      this.#bound();
      return undefined;
    }
    const changed = this.#changes.next();
    return changed === undefined ? undefined : Buffer.from(changed);
  }

  /** Content of some other type: read when it is text. */
  data(end: number): Uint8Array | undefined {
    const to = this.reader.length(end);
    const data = this.bytes.subarray(this.reader.at, to);
    this.reader.at = to;
    if (!looksLikeText(data)) return this.literal('""');
    if (this.#changes === undefined) {
      this.json.lossyString(data);
      this.#bound();
      return undefined;
    }
    const changed = this.#changes.next();
    return changed === undefined ? undefined : Buffer.from(changed);
  }

  /** A text, or other bytes, of something that nobody knows; whether it is another now. */
  guess(from: number, to: number): boolean {
    if (this.#changes !== undefined) return this.#changes.next() !== undefined;
    if (!this.json.string(this.bytes, from, to)) {
      const bytes = this.bytes.subarray(from, to);
      // What is not text at all has none to hide.
      if (looksLikeText(bytes)) this.json.lossyString(bytes);
      else this.json.ascii('""');
    }
    this.#bound();
    return false;
  }

  uint(end: number): Uint8Array | undefined {
    return this.literal(String(this.reader.uint64(end)));
  }

  bool(end: number): Uint8Array | undefined {
    return this.literal(this.reader.uint64(end) === 0n ? 'false' : 'true');
  }

  double(end: number): Uint8Array | undefined {
    return this.literal(numberText(this.reader.double(end)));
  }

  /** A number in free JSON: the text that is there in its place. */
  freeNumber(end: number): Uint8Array | undefined {
    const text = numberText(this.reader.double(end));
    if (this.#changes === undefined) {
      this.json.ascii(text);
      return undefined;
    }
    const now = this.#changes.next();
    return now === undefined ? undefined : Buffer.from(now);
  }

  /** A value that no text can stand for. */
  literal(text: string): Uint8Array | undefined {
    if (this.#changes !== undefined) return this.#changes.next() === undefined ? undefined : NOTHING;
    this.json.ascii(text);
    this.#bound();
    return undefined;
  }

  punctuation(text: string): void {
    if (this.#changes === undefined) this.json.ascii(text);
  }

  /** The name of a field is no text of the message. */
  label(label: string): void {
    if (this.#changes === undefined) this.json.ascii(label);
    else this.#changes.next();
  }

  #bound(): void {
    if (this.json.size > this.#mostJson) throw new WireFault('a message holds much more than it says');
  }
}

function numberText(value: number): string {
  return Number.isFinite(value) ? String(value) : `"${value}"`;
}

/** Stretches of a message that have others in their place. Most have none. */
export class Edits {
  readonly #bytes: Uint8Array;
  #pieces: Uint8Array[] | undefined;
  #kept: number;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#kept = start;
  }

  put(from: number, to: number, now: Uint8Array): void {
    this.#pieces ??= [];
    this.#pieces.push(this.#bytes.subarray(this.#kept, from), now);
    this.#kept = to;
  }

  done(end: number): Uint8Array | undefined {
    if (this.#pieces === undefined) return undefined;
    return Buffer.concat([...this.#pieces, this.#bytes.subarray(this.#kept, end)]);
  }
}
