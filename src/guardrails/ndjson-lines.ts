import type { EventCutter } from './sse-lines.ts';

const LF = 10;
const RECORD_SEPARATOR = 30;

/** Cuts lines (NDJSON, JSON Lines) after each LF; what begins with a record separator is a JSON text sequence. */
export class JsonCutter implements EventCutter {
  #sequence: SequenceCutter | undefined;
  #isFirst = true;

  next(chunk: Uint8Array, from: number): number {
    if (this.#isFirst && from < chunk.length) {
      this.#isFirst = false;
      if (chunk[from] === RECORD_SEPARATOR) this.#sequence = new SequenceCutter();
    }
    if (this.#sequence !== undefined) return this.#sequence.next(chunk, from);
    return chunk.indexOf(LF, from) + 1 || -1;
  }
}

/**
 * Cuts a JSON text sequence (RFC 7464): a text begins with a record separator and may have several lines, so that it ends with
 * the line on which its brackets are closed, or else before the next separator.
 */
class SequenceCutter implements EventCutter {
  #depth = 0;
  #inString = false;
  #afterBackslash = false;
  #isEmpty = true;
  /** The separator at which the last cut was made begins the next text. */
  #atSeparator = false;

  next(chunk: Uint8Array, from: number): number {
    for (let i = from; i < chunk.length; i++) {
      const c = chunk[i] as number;
      if (c === RECORD_SEPARATOR && !this.#isEmpty && !this.#atSeparator) {
        this.#begin();
        this.#atSeparator = true;
        return i;
      }
      this.#atSeparator = false;
      if (c === LF && !this.#inString && this.#depth <= 0) {
        this.#begin();
        return i + 1;
      }
      if (c !== RECORD_SEPARATOR) this.#isEmpty = false;
      this.#step(c);
    }
    return -1;
  }

  #begin(): void {
    this.#depth = 0;
    this.#inString = false;
    this.#afterBackslash = false;
    this.#isEmpty = true;
  }

  #step(c: number): void {
    if (this.#inString) {
      if (this.#afterBackslash) this.#afterBackslash = false;
      else if (c === 92) this.#afterBackslash = true;
      else if (c === 34) this.#inString = false;
    } else if (c === 34) {
      this.#inString = true;
    } else if (c === 123 || c === 91) {
      this.#depth++;
    } else if (c === 125 || c === 93) {
      this.#depth--;
    }
  }
}
