const BASE_MS = 500;
const MAX_MS = 30_000;

/**
 * How long to leave something alone that keeps failing. The first failure costs nothing, so that a server that ran for long
 * is back at once; from the second on the wait doubles up to 30 s, with up to half of it taken off at random.
 */
export class Backoff {
  #failures = 0;
  #until = 0;

  failed(now: number, random: number = Math.random()): void {
    this.#failures++;
    if (this.#failures < 2) return;
    const wait = Math.min(MAX_MS, BASE_MS * 2 ** (this.#failures - 2));
    this.#until = now + wait * (1 - random / 2);
  }

  reset(): void {
    this.#failures = 0;
    this.#until = 0;
  }

  /** Milliseconds left; 0 when it may be tried. */
  remaining(now: number): number {
    return Math.max(0, this.#until - now);
  }
}
