/** What may come in a second, and how many seconds' worth at once. */
export interface LineRate {
  readonly lines: number;
  readonly bytes: number;
  readonly burstSeconds: number;
}

/** Lines that cost time and are of no use: each takes its share of a second, of its lines or its bytes, whichever is more. */
export class LineBudget {
  readonly #rate: LineRate;
  readonly #now: () => number;
  /** When all that was spent will have been earned. */
  #earnedAt = 0;

  constructor(rate: LineRate, now: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#now = now;
  }

  spend(bytes: number): void {
    const { lines, bytes: bytesASecond } = this.#rate;
    this.#earnedAt = Math.max(this.#earnedAt, this.#now()) + 1000 * Math.max(1 / lines, bytes / bytesASecond);
  }

  /** Milliseconds until more may be spent; 0 when it may be now. A single line may always overdraw. */
  overdrawnMs(): number {
    return Math.max(0, this.#earnedAt - this.#now() - 1000 * this.#rate.burstSeconds);
  }
}
