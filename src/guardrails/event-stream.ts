import type { Engine } from './engine.ts';
import { EventLanes } from './event-lanes.ts';
import { type EventReader, JsonLineReader, SseReader } from './event-reader.ts';
import { eventTexts, SHORT } from './event-texts.ts';
import { HeldEvent } from './held-event.ts';
import { JsonCutter } from './ndjson-lines.ts';
import { type EventCutter, SseCutter } from './sse-lines.ts';
import { finish, STEP, type Steps } from './steps.ts';
import type { StreamInspector, StreamOptions } from './stream.ts';
import type { Tally } from './tally.ts';
import type { Unreadable } from './unreadable.ts';

export interface EventStreamOptions extends StreamOptions {
  /** `sse`: `text/event-stream`. `json`: NDJSON, JSON Lines, JSON text sequences. */
  readonly lines: 'sse' | 'json';
}

/**
 * Runs the rules over a stream of events. Each event is held, whole, until all texts in it are decided; all leave in order, and
 * byte for byte as they came unless something in them matched. A match that runs through several events is replaced in the first
 * of them and deleted in the others. Chunks may be cut anywhere, and are not to be changed after they were given.
 */
export class EventStream implements StreamInspector {
  readonly #tally: Tally;
  readonly #cutter: EventCutter;
  readonly #reader: EventReader;
  readonly #lanes: EventLanes;
  readonly #limit: number;
  /** Bytes that an event is worth in a step, besides its own. */
  readonly #worth: number;
  /** Of an event that is not complete. */
  #parts: Uint8Array[] = [];
  /** What comes before those, put together. */
  #begun: Uint8Array[] = [];
  /** Complete, and not gone; those before `#head` are. */
  #queue: HeldEvent[] = [];
  #head = 0;
  /** Bytes of an event that is not complete; of the queue. */
  #partial = 0;
  #held = 0;
  readonly #out: Uint8Array[] = [];
  #unreadable: Unreadable | undefined;

  constructor(engine: Engine, tally: Tally, { limit, lines }: EventStreamOptions) {
    const texts = eventTexts(engine, tally);
    this.#tally = tally;
    this.#limit = limit;
    this.#worth = WORTH + RULE_WORTH * engine.weight;
    this.#lanes = new EventLanes(texts);
    this.#cutter = lines === 'sse' ? new SseCutter() : new JsonCutter();
    this.#reader = lines === 'sse' ? new SseReader(texts) : new JsonLineReader(texts);
  }

  /** Events that are complete; `release` can do nothing for others. */
  get holds(): boolean {
    return this.#queue.length > this.#head;
  }

  /** `invalid_json`: a line was none, and was read as text. */
  get unreadable(): Unreadable | undefined {
    return this.#unreadable;
  }

  push(chunk: Uint8Array): Uint8Array {
    let from = 0;
    while (!this.#isOver()) {
      const end = this.#cutter.next(chunk, from);
      if (end < 0) break;
      const event = this.#join(chunk.subarray(from, end));
      if (this.#isShort(event)) this.#take(event);
      else if (!this.#isOver()) finish(this.#takeInSteps(event));
      from = end;
    }
    if (from < chunk.length && !this.#isOver()) this.#keep(chunk.subarray(from));
    return this.#takeOut();
  }

  *pushInSteps(chunk: Uint8Array): Steps<Uint8Array> {
    let spent = 0;
    for (let at = 0; at < chunk.length && !this.#isOver(); at += STEP) {
      const part = chunk.subarray(at, at + STEP);
      let from = 0;
      while (!this.#isOver()) {
        const end = this.#cutter.next(part, from);
        if (end < 0) break;
        const event = this.#join(part.subarray(from, end));
        if (this.#isShort(event)) {
          this.#take(event);
          spent += this.#worth + event.length;
          if (spent > TURN) {
            spent = 0;
            yield;
          }
        } else if (!this.#isOver()) {
          yield* this.#takeInSteps(event);
          yield;
        }
        from = end;
      }
      if (from < part.length && !this.#isOver()) this.#keep(part.subarray(from));
      if (at + STEP < chunk.length) yield;
    }
    return yield* this.#takeOutInSteps();
  }

  end(): Uint8Array {
    return finish(this.endInSteps());
  }

  *endInSteps(): Steps<Uint8Array> {
    if (this.#partial > 0) {
      const event = this.#join(NOTHING);
      if (!this.#isOver()) yield* this.#takeInSteps(event);
    }
    if (!this.#isOver()) yield* this.#lanes.end();
    yield* this.#leaveInSteps();
    return yield* this.#takeOutInSteps();
  }

  get mark(): number {
    return this.#lanes.turn;
  }

  release(before = this.mark): Uint8Array {
    if (!this.#isOver()) this.#lanes.release(before);
    this.#leave();
    return this.#takeOut();
  }

  /** Nothing more is given. */
  #isOver(): boolean {
    return this.#tally.blockedBy !== undefined || this.#unreadable === 'too_large';
  }

  #keep(bytes: Uint8Array): void {
    if (this.#parts.length === MANY_PARTS) {
      // A part each for very many bytes would take far more room than they do.
      this.#begun.push(Buffer.concat(this.#parts));
      this.#parts = [];
    }
    this.#parts.push(bytes);
    this.#partial += bytes.length;
    if (this.#partial + this.#held > this.#limit) this.#unreadable = 'too_large';
  }

  /** The event that ends with these bytes; none when it is too large. */
  #join(last: Uint8Array): Uint8Array {
    let bytes = last;
    if (this.#partial > 0) {
      bytes = Buffer.concat([...this.#begun, ...this.#parts, last]);
      this.#begun = [];
      this.#parts = [];
      this.#partial = 0;
    }
    if (bytes.length + this.#held <= this.#limit) return bytes;
    this.#unreadable = 'too_large';
    return NOTHING;
  }

  /** Whether it takes no long time, whatever comes of it. */
  #isShort(event: Uint8Array): boolean {
    return event.length <= SHORT && this.#held <= MOST_HELD && !this.#isOver();
  }

  #take(bytes: Uint8Array): void {
    if (this.#queue.length === 0 && isBlank(bytes)) {
      this.#out.push(bytes);
      return;
    }
    const event = this.#begin(new HeldEvent(bytes));
    event.isShort = true;
    if (!isBlank(bytes) && !this.#reader.readAlike(event, this.#lanes))
      this.#noteRead(finish(this.#reader.read(event, this.#lanes)));
    this.#lanes.endEvent();
    event.waits--;
    this.#leave();
  }

  /** The same for an event of any size, also when much is held back. */
  *#takeInSteps(bytes: Uint8Array): Steps<void> {
    if (this.#queue.length === 0 && isBlank(bytes)) {
      this.#out.push(bytes);
      return;
    }
    // Putting it together was a step, and so is decoding it.
    if (bytes.length > STEP) yield;
    const event = this.#begin(yield* HeldEvent.inSteps(bytes));
    if (bytes.length > STEP) yield;
    if (!isBlank(bytes)) this.#noteRead(yield* this.#reader.read(event, this.#lanes));
    this.#lanes.endEvent();
    event.waits--;
    yield* this.#leaveInSteps();
  }

  #begin(event: HeldEvent): HeldEvent {
    this.#lanes.beginEvent();
    // Not to leave before all of it was read.
    event.waits++;
    this.#queue.push(event);
    this.#held += event.bytes.length;
    return event;
  }

  #noteRead(isWhatItSays: boolean): void {
    if (!isWhatItSays) this.#unreadable ??= 'invalid_json';
  }

  #leave(): void {
    for (let event = this.#next(); event !== undefined; event = this.#next()) this.#out.push(event.render());
    this.#dropGone();
  }

  *#leaveInSteps(): Steps<void> {
    let spent = 0;
    for (let event = this.#next(); event !== undefined; event = this.#next()) {
      this.#out.push(event.bytes.length > SHORT ? yield* event.renderInSteps() : event.render());
      spent += WORTH + event.bytes.length;
      if (spent > TURN) {
        spent = 0;
        yield;
      }
    }
    this.#dropGone();
  }

  /** Takes the first event that was not let go, when all of it is decided. */
  #next(): HeldEvent | undefined {
    if (this.#isOver()) return undefined;
    const event = this.#queue[this.#head];
    if (event === undefined || event.waits > 0) return undefined;
    this.#head++;
    this.#held -= event.bytes.length;
    return event;
  }

  #dropGone(): void {
    const queue = this.#queue;
    if (this.#head === queue.length) {
      queue.length = 0;
      this.#head = 0;
    } else if (this.#head > MANY_GONE && 2 * this.#head > queue.length) {
      this.#queue = queue.slice(this.#head);
      this.#head = 0;
    }
  }

  *#takeOutInSteps(): Steps<Uint8Array> {
    const out = this.#out;
    if (out.length > MANY_PARTS) {
      const joined: Uint8Array[] = [];
      for (let at = 0; at < out.length; at += MANY_PARTS) {
        joined.push(joinNeighbours(out.slice(at, at + MANY_PARTS)));
        yield;
      }
      out.length = 0;
      for (const part of joined) out.push(part);
    }
    return this.#takeOut();
  }

  #takeOut(): Uint8Array {
    if (this.#isOver()) {
      this.#queue = [];
      this.#head = 0;
      this.#begun = [];
      this.#parts = [];
      this.#partial = 0;
      this.#held = 0;
    }
    const out = this.#out;
    if (out.length === 0) return NOTHING;
    // Events mostly are neighbours in one chunk.
    const joined = joinNeighbours(out);
    out.length = 0;
    return joined;
  }
}

/** Bytes of a step, in which anything may be found, and as many as an event, and each rule for it, is worth besides. */
const TURN = 4096;
const WORTH = 64;
const RULE_WORTH = 10;
/** Bytes held back with which one event cannot let go very much. */
const MOST_HELD = 16_384;
/** Events that are gone may pile up before they are dropped. */
const MANY_GONE = 64;
/** Stretches of bytes that are put together at once. */
const MANY_PARTS = 1024;

const NOTHING: Uint8Array = new Uint8Array(0);

/** Whether this is a line end and nothing else. */
function isBlank(bytes: Uint8Array): boolean {
  return bytes.length === 1 && (bytes[0] === 10 || bytes[0] === 13);
}

/** Without a copy when all of them are stretches of the same memory, one behind the other. */
function joinNeighbours(parts: readonly Uint8Array[]): Uint8Array {
  const first = parts[0] as Uint8Array;
  let end = first.byteOffset;
  for (const part of parts) {
    if (part.buffer !== first.buffer || part.byteOffset !== end) return Buffer.concat(parts);
    end += part.length;
  }
  return parts.length === 1 ? first : new Uint8Array(first.buffer, first.byteOffset, end - first.byteOffset);
}
