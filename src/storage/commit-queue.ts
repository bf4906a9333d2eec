import { OutriderError } from '../errors.ts';

/** Records that belong together: written in one transaction or not at all. */
export interface QueueUnit<R, A> {
  readonly records: readonly R[];
  /** Rough size in memory and on disk. */
  readonly bytes: number;
  /** Told how it ended; absent for records that nobody waits for. */
  readonly settle?: (outcome: A | OutriderError) => void;
}

export interface QueueLimits {
  /** Records that may wait, and their bytes. */
  readonly records: number;
  readonly bytes: number;
}

/** Most of one transaction: enough to make the disk's flush cheap for each, short enough to keep others waiting for milliseconds. */
const BATCH_RECORDS = 512;
const BATCH_BYTES = 2 ** 20;

/** What waits for the next transaction, first in first out, within bounds. */
export class CommitQueue<U extends QueueUnit<unknown, never>> {
  readonly #limits: QueueLimits;
  readonly #full: string;
  #units: U[] = [];
  #records = 0;
  #bytes = 0;

  /** `full`: what is said when it takes no more. */
  constructor(limits: QueueLimits, full: string) {
    this.#limits = limits;
    this.#full = full;
  }

  get records(): number {
    return this.#records;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Throws `overloaded` when it would hold more than its limits. */
  push(unit: U): void {
    if (
      this.#records + unit.records.length > this.#limits.records ||
      (this.#bytes + unit.bytes > this.#limits.bytes && this.#records > 0)
    ) {
      throw new OutriderError('overloaded', this.#full, { retryAfter: 1 });
    }
    this.#units.push(unit);
    this.#records += unit.records.length;
    this.#bytes += unit.bytes;
  }

  /** Puts back what could not be tried, before everything else and without asking for the limits: it was in already. */
  unshift(units: readonly U[]): void {
    this.#units.unshift(...units);
    for (const unit of units) {
      this.#records += unit.records.length;
      this.#bytes += unit.bytes;
    }
  }

  /** Takes the units of the next transaction; at least one when there is one. */
  take(): U[] {
    let records = 0;
    let bytes = 0;
    let count = 0;
    for (const unit of this.#units) {
      if (count > 0 && (records + unit.records.length > BATCH_RECORDS || bytes + unit.bytes > BATCH_BYTES)) break;
      records += unit.records.length;
      bytes += unit.bytes;
      count++;
    }
    this.#records -= records;
    this.#bytes -= bytes;
    return this.#units.splice(0, count);
  }

  /** Takes everything out for which somebody waits. */
  takeAwaited(): U[] {
    const awaited = this.#units.filter((unit) => unit.settle !== undefined);
    this.#units = this.#units.filter((unit) => unit.settle === undefined);
    for (const unit of awaited) {
      this.#records -= unit.records.length;
      this.#bytes -= unit.bytes;
    }
    return awaited;
  }
}
