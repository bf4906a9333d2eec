const LF = 10;
const CR = 13;

/** Finds where the events of a stream end. */
export interface EventCutter {
  /** Place after the end of the event that ends first in `chunk` from `from` on; -1 when none does. Chunks come in order. */
  next(chunk: Uint8Array, from: number): number;
}

/**
 * Cuts server-sent events (WHATWG HTML §9.2) after the blank line that ends each. Lines end in CR LF, LF or CR; the LF of a CR LF
 * that comes in the next chunk goes with the next event, where it is a line without meaning.
 */
export class SseCutter implements EventCutter {
  #lineIsEmpty = true;
  #afterCr = false;
  #hasCr = false;

  next(chunk: Uint8Array, from: number): number {
    if (from === 0) this.#hasCr = chunk.includes(CR);
    return this.#hasCr || this.#afterCr ? this.#nextSlowly(chunk, from) : this.#nextLf(chunk, from);
  }

  /** Most streams have no CR, and the search for a byte is native. */
  #nextLf(chunk: Uint8Array, from: number): number {
    for (let start = from; ; ) {
      const end = chunk.indexOf(LF, start);
      if (end < 0) {
        if (start < chunk.length) this.#lineIsEmpty = false;
        return -1;
      }
      if (end === start && this.#lineIsEmpty) return end + 1;
      this.#lineIsEmpty = true;
      start = end + 1;
    }
  }

  #nextSlowly(chunk: Uint8Array, from: number): number {
    for (let i = from; i < chunk.length; i++) {
      const c = chunk[i];
      if (c === LF) {
        if (this.#afterCr) {
          this.#afterCr = false;
          continue;
        }
        if (this.#lineIsEmpty) return i + 1;
        this.#lineIsEmpty = true;
      } else if (c === CR) {
        this.#afterCr = true;
        if (this.#lineIsEmpty) {
          if (chunk[i + 1] !== LF) return i + 1;
          this.#afterCr = false;
          return i + 2;
        }
        this.#lineIsEmpty = true;
      } else {
        this.#lineIsEmpty = false;
        this.#afterCr = false;
      }
    }
    return -1;
  }
}

export type SseField = 'data' | 'event' | 'id' | 'retry' | 'comment' | 'unknown';

/** Reads the lines of an event, the blank one left out. */
export class SseLines {
  readonly #text: string;
  #next: number;
  /** The next CR; -1: there is none. */
  #cr: number;

  field: SseField = 'unknown';
  /** Of the value; of an unknown field: of the line; of a comment: of what is behind the colon. */
  start = 0;
  end = 0;

  /** `from`: behind a byte order mark. */
  constructor(text: string, from: number) {
    this.#text = text;
    this.#next = from;
    this.#cr = text.indexOf('\r', from);
  }

  next(): boolean {
    const text = this.#text;
    while (this.#next < text.length) {
      const start = this.#next;
      const end = this.#lineEnd(start);
      this.#next = end + 1;
      if (end === start) continue;
      this.#read(start, end);
      return true;
    }
    return false;
  }

  #lineEnd(from: number): number {
    const lf = this.#text.indexOf('\n', from);
    const end = lf < 0 ? this.#text.length : lf;
    if (this.#cr >= 0 && this.#cr < from) this.#cr = this.#text.indexOf('\r', from);
    return this.#cr >= 0 && this.#cr < end ? this.#cr : end;
  }

  #read(start: number, end: number): void {
    let colon = start;
    // Names of fields are short; without a colon the line is all name.
    while (colon < end && this.#text.charCodeAt(colon) !== 58) colon++;
    if (colon === end) colon = -1;
    this.field = fieldOf(this.#text, start, colon < 0 ? end : colon);
    this.end = end;
    if (this.field === 'unknown') this.start = start;
    else if (colon < 0) this.start = end;
    else if (this.field !== 'comment' && this.#text.charCodeAt(colon + 1) === 32) this.start = colon + 2;
    else this.start = colon + 1;
  }
}

function fieldOf(text: string, start: number, end: number): SseField {
  switch (end - start) {
    case 0:
      return 'comment';
    case 2:
      return text.startsWith('id', start) ? 'id' : 'unknown';
    case 4:
      return text.startsWith('data', start) ? 'data' : 'unknown';
    case 5:
      if (text.startsWith('event', start)) return 'event';
      return text.startsWith('retry', start) ? 'retry' : 'unknown';
    default:
      return 'unknown';
  }
}
