/** Who waits for a place to run. */
type Waiting = () => void;

/** How much the latest run counts in the mean of their durations. */
const WEIGHT = 0.2;

/**
 * The places of one agent: at most `concurrency` run, the others wait in the order in which they came. A place that gets free goes
 * to who has waited longest within the same step, so that no newcomer can take it.
 */
export class Lane {
  readonly #concurrency: number;
  readonly #waiting = new Set<Waiting>();
  #entered = 0;
  #running = 0;
  #meanMs = 1000;
  #onEmpty: (() => void)[] = [];

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** What has been let in and has not left: it runs, waits, or is about to. */
  get entered(): number {
    return this.#entered;
  }

  get running(): number {
    return this.#running;
  }

  enter(): void {
    this.#entered++;
  }

  leave(): void {
    if (--this.#entered > 0) return;
    for (const tell of this.#onEmpty.splice(0)) tell();
  }

  /**
   * Resolves when it may run; undefined when it may at once. `onTurn` is told in the very step in which the place becomes its own,
   * and `ran` is then to be called. Rejects with the signal's reason, and the place goes on to the next.
   */
  turn(signal: AbortSignal, onTurn: () => void): Promise<void> | undefined {
    if (this.#running < this.#concurrency) {
      this.#running++;
      onTurn();
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiting.delete(go);
        reject(signal.reason as Error);
      };
      const go = (): void => {
        signal.removeEventListener('abort', giveUp);
        onTurn();
        resolve();
      };
      this.#waiting.add(go);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** A run is over, which took that long. */
  ran(ms: number): void {
    this.#meanMs += WEIGHT * (ms - this.#meanMs);
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#running--;
      return;
    }
    this.#waiting.delete(next);
    next();
  }

  /** Seconds until a place among the waiting may be free, going by how long runs took lately. */
  get retryAfter(): number {
    return Math.min(60, Math.max(1, Math.ceil(this.#meanMs / this.#concurrency / 1000)));
  }

  /** Resolves when nobody is left in it. */
  empty(): Promise<void> {
    if (this.#entered === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty.push(resolve);
    });
  }
}
