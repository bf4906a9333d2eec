const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const DATA = Buffer.from('data:');
const NEWLINE = Uint8Array.of(LF);
/** What OpenAI's API, and those made after it, send behind the last event. */
const DONE = '[DONE]';

/** Takes the data of events as it comes. */
export interface SseSink {
  write(bytes: Uint8Array, from: number, to: number): void;
  /** One event is whole. `isDone`: its data was `[DONE]`. */
  end(isDone: boolean): void;
}

/** Not yet known, or known not to be a line of data. */
const OTHER_LINE = -1;
/** Behind `data:`, where one space may stand. */
const BEFORE_DATA = 5;
const IN_DATA = 6;

/**
 * Finds the data of server-sent events (WHATWG HTML §9.2) in bytes that may be split anywhere, and hands it on without keeping any:
 * an event may be as long as it likes.
 */
export class SseData {
  readonly #sink: SseSink;
  /** How much of `data:` stands at the beginning of the line, or one of the places above. */
  #place = 0;
  #lineEmpty = true;
  #afterReturn = false;
  #hasData = false;
  #head = '';

  constructor(sink: SseSink) {
    this.#sink = sink;
  }

  write(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const byte = bytes[at];
      if (byte === LF && this.#afterReturn) {
        this.#afterReturn = false;
        at++;
      } else if (byte === LF || byte === CR) {
        this.#afterReturn = byte === CR;
        this.#endLine();
        at++;
      } else {
        this.#afterReturn = false;
        this.#lineEmpty = false;
        at = this.#inLine(bytes, at);
      }
    }
  }

  /** The stream is over; some senders leave out the blank line behind the last event. */
  end(): void {
    this.#endLine();
    if (this.#hasData) this.#endEvent();
  }

  #inLine(bytes: Uint8Array, at: number): number {
    if (this.#place >= 0 && this.#place < BEFORE_DATA) {
      this.#place = bytes[at] === DATA[this.#place] ? this.#place + 1 : OTHER_LINE;
      if (this.#place === BEFORE_DATA) {
        if (this.#hasData) this.#sink.write(NEWLINE, 0, 1);
        this.#hasData = true;
      }
      return at + 1;
    }
    if (this.#place === BEFORE_DATA) {
      this.#place = IN_DATA;
      if (bytes[at] === SPACE) return at + 1;
    }
    let end = at;
    while (end < bytes.length && bytes[end] !== LF && bytes[end] !== CR) end++;
    if (this.#place === IN_DATA) {
      for (let i = at; i < end && this.#head.length <= DONE.length; i++)
        this.#head += String.fromCharCode(bytes[i] ?? 0);
      this.#sink.write(bytes, at, end);
    }
    return end;
  }

  #endLine(): void {
    if (this.#lineEmpty && this.#hasData) this.#endEvent();
    this.#lineEmpty = true;
    this.#place = 0;
  }

  #endEvent(): void {
    const isDone = this.#head === DONE;
    this.#hasData = false;
    this.#head = '';
    this.#sink.end(isDone);
  }
}
