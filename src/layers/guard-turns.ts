import { OutriderError } from '../errors.ts';
import type { Steps } from '../guardrails/steps.ts';

/** Milliseconds of a turn: others wait no longer for the event loop. */
const TURN = 5;
/** Bytes from which on only one body is inspected at a time: what an inspection needs grows with it. */
const LARGE = 2 ** 20;

/** Shares the event loop between inspections: one has one short turn each time the loop comes round. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #last: Promise<void> = Promise.resolve();

  /** Does the steps, with turns for everything else between. Throws `cancelled` when the signal aborts meanwhile. */
  async run<T>(steps: Steps<T>, size: number, signal: AbortSignal): Promise<T> {
    if (size < LARGE) return this.#run(steps, signal);
    const before = this.#last;
    let done = (): void => {};
    this.#last = new Promise((resolve) => {
      done = resolve;
    });
    try {
      await before;
      return await this.#run(steps, signal);
    } finally {
      done();
    }
  }

  async #run<T>(steps: Steps<T>, signal: AbortSignal): Promise<T> {
    for (;;) {
      await this.#turn();
      if (signal.aborted) throw new OutriderError('cancelled', 'the caller has left');
      const end = performance.now() + TURN;
      do {
        const { done, value } = steps.next();
        if (done) return value;
      } while (performance.now() < end);
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) setImmediate(this.#next);
    });
  }

  readonly #next = (): void => {
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0) setImmediate(this.#next);
  };
}
