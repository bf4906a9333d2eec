import { stripVTControlCharacters } from 'node:util';
import { LineBudget, type LineRate } from './line-budget.ts';
import { LineSplitter } from './line-splitter.ts';
import type { PeerLog } from './log.ts';

const LINE_BYTES = 4096;
const LINES_PER_SECOND = 20;
const BURST = 200;
/** How fast the pipe is read: even a line that is left out takes its time. */
const READ: LineRate = { lines: 20_000, bytes: 2 ** 23, burstSeconds: 4 };

/**
 * A child's stderr, or another stream that is named in `fields`, as log lines: each at most 4 KiB, without control characters, 20 a second after a burst of 200. What is
 * left out is counted and said, so that a child that shouts can fill neither the log nor the disk.
 */
export class StderrLog {
  readonly #log: PeerLog;
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #now: () => number;
  readonly #lines = new LineSplitter(LINE_BYTES, (line, cut) => this.#line(line, cut));
  readonly #read: LineBudget;
  #tokens = BURST;
  #refilled: number;
  #suppressed = 0;

  constructor(log: PeerLog, fields: Readonly<Record<string, unknown>>, now: () => number = Date.now) {
    this.#log = log;
    this.#fields = { stream: 'stderr', ...fields };
    this.#now = now;
    this.#refilled = now();
    this.#read = new LineBudget(READ, now);
  }

  /** Returns for how many milliseconds no more should be read. */
  push(chunk: Buffer): number {
    this.#lines.push(chunk);
    return this.#read.overdrawnMs();
  }

  end(): void {
    this.#lines.end();
    this.#reportSuppressed();
  }

  #line(line: Buffer, cut: boolean): void {
    this.#read.spend(line.length);
    const now = this.#now();
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#refilled) / 1000) * LINES_PER_SECOND);
    this.#refilled = now;
    if (this.#tokens < 1) {
      this.#suppressed++;
      return;
    }
    this.#tokens--;
    this.#reportSuppressed();
    const text = stripVTControlCharacters(line.toString()).replace(/\p{Cc}/gu, ' ');
    if (text.trim() !== '') this.#log.info(text, { ...this.#fields, ...(cut && { cut }) });
  }

  #reportSuppressed(): void {
    if (this.#suppressed === 0) return;
    this.#log.warn('lines of output left out', { ...this.#fields, lines: this.#suppressed });
    this.#suppressed = 0;
  }
}
