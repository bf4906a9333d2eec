import type { Readable } from 'node:stream';
import { LineSplitter } from './line-splitter.ts';

/** What is handled in one turn of the event loop, so that everybody else has the others. */
const TURN_LINES = 64;
const TURN_BYTES = 2 ** 18;

export interface LineReaderOptions {
  /** Bytes of one line; see `LineSplitter`. */
  readonly limit: number;
  readonly onLine: (line: Buffer, cut: boolean) => void;
  /** Asked after each slice of lines: milliseconds for which nothing more is to be read. */
  readonly pauseMs: () => number;
}

/**
 * The lines of a stream, a slice a turn of the event loop. While a slice waits the stream is paused, so that the pipe fills
 * and the writer has to wait: no flood takes more than its slices, nor more memory than a chunk or two.
 */
export class LineReader {
  readonly #source: Readable;
  readonly #pauseMs: () => number;
  readonly #lines: LineSplitter;
  #waiting: Buffer[] = [];
  #takenLines = 0;
  #takenBytes = 0;
  #turn: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #idle: (() => void) | undefined;

  constructor(source: Readable, { limit, onLine, pauseMs }: LineReaderOptions) {
    this.#source = source;
    this.#pauseMs = pauseMs;
    this.#lines = new LineSplitter(limit, (line, cut) => {
      this.#takenLines++;
      if (!this.#stopped) onLine(line, cut);
    });
    source.on('data', (chunk: Buffer) => {
      if (this.#stopped) return;
      this.#waiting.push(chunk);
      this.#work();
    });
  }

  /** Resolves when all that has arrived was handled. */
  drained(): Promise<void> {
    if (this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }

  /** Gives up what waits, and reads no more. */
  stop(): void {
    this.#stopped = true;
    clearImmediate(this.#turn);
    clearTimeout(this.#timer);
    this.#waiting = [];
    this.#idle?.();
    this.#source.pause();
  }

  #work(): void {
    if (this.#timer !== undefined) {
      // Of a child that has exited Node resumes the pipes, so that more may come in a pause.
      this.#source.pause();
      return;
    }
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.#takenLines = 0;
      this.#takenBytes = 0;
      if (this.#waiting.length > 0) this.#work();
    });
    for (let chunk = this.#waiting[0]; chunk !== undefined; chunk = this.#waiting[0]) {
      const room = this.#takenBytes < TURN_BYTES ? TURN_LINES - this.#takenLines : 0;
      const taken = room <= 0 ? 0 : this.#lines.push(chunk, room);
      if (this.#stopped) return;
      this.#takenBytes += taken;
      if (taken === chunk.length) this.#waiting.shift();
      else if (taken > 0) this.#waiting[0] = chunk.subarray(taken);
      const pause = this.#pauseMs();
      if (pause > 0) return this.#rest(pause);
      if (room <= 0) break;
    }
    if (this.#waiting.length > 0) {
      this.#source.pause();
      return;
    }
    this.#idle?.();
    if (this.#source.isPaused()) this.#source.resume();
  }

  #rest(ms: number): void {
    this.#source.pause();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#work();
    }, ms);
  }
}
