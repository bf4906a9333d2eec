import { type OutriderError, toOutriderError } from '../errors.ts';
import type { Steps } from '../guardrails/steps.ts';
import type { StreamInspector } from '../guardrails/stream.ts';
import type { Tally } from '../guardrails/tally.ts';
import type { Unreadable } from '../guardrails/unreadable.ts';
import type { Hold } from './body-budget.ts';
import type { Coding } from './content-coding.ts';
import { decodeStream, StreamEncoder } from './content-coding-stream.ts';

/** Bytes that are inspected at once. */
const SLICE = 16_384;
/** Milliseconds after which everything else has its turn. */
const TURN = 5;

export interface GuardedStreamOptions {
  readonly inspector: StreamInspector;
  readonly tally: Tally;
  readonly codings: readonly Coding[];
  /** Bytes that one coded chunk may become. */
  readonly limit: number;
  /** Milliseconds after which what a silent stream holds back is given, where that gives little away. */
  readonly holdMs: number;
  /** Told once of each thing that could not be read; throws when it must not pass. */
  readonly onUnreadable: (reason: Unreadable) => void;
  /** Told once when it is over, however it ended; as soon as the caller has left, too. */
  readonly onEnd: () => void;
  readonly signal: AbortSignal;
  /** Counts what is held back. */
  readonly hold: Hold;
  /** The error of a rule that has blocked. */
  readonly blocked: () => OutriderError;
  /** What stands at the end of a stream that was broken off for this; undefined: it fails. */
  readonly last: (error: OutriderError) => Uint8Array | undefined;
}

/**
 * A stream with the rules applied while it flows: what may leave leaves at once. Never gives an empty chunk; asks its source
 * for no more than its reader asks for. When a rule blocks, the source is given up at once, and the stream ends with `last`.
 * When the source fails, what was held back is given first, as at an end.
 */
export class GuardedStream implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #options: GuardedStreamOptions;
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #encoder: StreamEncoder | undefined;
  /** What leaves before the end. */
  #last: Uint8Array = NOTHING;
  #timer: NodeJS.Timeout | undefined;
  /** Tells who waits that there is a pause. */
  #paused: ((pause: 'pause') => void) | undefined;
  /** What comes next, asked for and not there yet. */
  #awaited: Promise<IteratorResult<Uint8Array>> | undefined;
  /** Came, and was not inspected yet. */
  #rest: Uint8Array = NOTHING;
  #phase: 'open' | 'ending' | 'over' = 'open';
  #failure: unknown;
  #hasFailed = false;
  #isReported = false;
  #isSourceOver = false;
  /** When what is held back, since the inspector was at `#mark`, may be let go. */
  #due = Number.POSITIVE_INFINITY;
  #mark = 0;
  #seen: Unreadable | undefined;
  #busy = 0;
  /** Bytes that went in and did not come out, about; and the most there were. */
  #held = 0;
  #mostHeld = 0;

  constructor(body: AsyncIterable<Uint8Array>, options: GuardedStreamOptions) {
    this.#options = options;
    const source = body[Symbol.asyncIterator]();
    const { codings, limit } = options;
    this.#source = codings.length === 0 ? source : decodeStream(source, codings, limit);
    this.#encoder = codings.length === 0 ? undefined : new StreamEncoder(codings);
    options.signal.addEventListener('abort', this.#close);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (this.#phase === 'open') {
      let out: Uint8Array;
      try {
        out = await this.#step();
      } catch (error) {
        // Too much is held by all streams together, or a fault of our own.
        this.#breakOff(toOutriderError(error));
        break;
      }
      const fault = this.#fault();
      if (fault !== undefined) {
        // What a rule let through before it blocked may leave; what could not be read may be in there, too.
        if (this.#options.tally.blockedBy !== undefined) this.#last = out;
        this.#breakOff(fault);
      } else if (this.#isSourceOver) {
        this.#phase = 'ending';
        this.#last = out;
        this.#close();
      } else if (out.length > 0) {
        const value = this.#encoder === undefined ? out : await this.#encoder.push(out);
        if (value.length > 0) return { done: false, value };
      }
    }
    return this.#finish();
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#close();
    this.#phase = 'over';
    this.#rest = NOTHING;
    this.#last = NOTHING;
    this.#hasFailed = false;
    this.#encoder?.destroy();
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  /** What leaves last, then the end or the failure. */
  async #finish(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#phase === 'ending') {
      this.#phase = 'over';
      const value = await this.#coded(this.#last, !this.#hasFailed);
      this.#last = NOTHING;
      if (value.length > 0) return { done: false, value };
    }
    this.#encoder?.destroy();
    if (!this.#hasFailed) return { done: true, value: undefined };
    this.#hasFailed = false;
    // What was given last has its turn to be sent: whoever is told of a failure cuts the connection.
    await turn();
    throw this.#failure;
  }

  async #coded(last: Uint8Array, isWhole: boolean): Promise<Uint8Array> {
    if (this.#encoder === undefined) return last;
    const coded = last.length === 0 ? last : await this.#encoder.push(last);
    return isWhole ? Buffer.concat([coded, await this.#encoder.end()]) : coded;
  }

  /** One piece of work; gives what may leave by it. */
  async #step(): Promise<Uint8Array> {
    const { inspector } = this.#options;
    if (performance.now() >= this.#due) {
      const released = this.#release();
      if (released.length > 0) return released;
    }
    if (this.#rest.length > 0) return this.#inspect();
    let came: IteratorResult<Uint8Array> | 'pause';
    try {
      came = await this.#come();
    } catch (error) {
      this.#isSourceOver = true;
      this.#hasFailed = true;
      this.#failure = error;
      return this.#driven(inspector.endInSteps());
    }
    if (came === 'pause') return this.#release();
    if (came.done === true) {
      this.#isSourceOver = true;
      return this.#driven(inspector.endInSteps());
    }
    this.#rest = came.value;
    return this.#inspect();
  }

  async #inspect(): Promise<Uint8Array> {
    const { inspector, hold } = this.#options;
    const slice = this.#rest.length <= SLICE ? this.#rest : this.#rest.subarray(0, SLICE);
    this.#rest = this.#rest.subarray(slice.length);
    const out = await this.#driven(inspector.pushInSteps(slice));
    this.#held = inspector.holds ? Math.max(0, this.#held + slice.length - out.length) : 0;
    this.#arrange();
    if (this.#held > this.#mostHeld) {
      hold.take(this.#held - this.#mostHeld);
      this.#mostHeld = this.#held;
    }
    return out;
  }

  /** Sees to it that what is held back is not held for ever because its text does not go on. */
  #arrange(): void {
    const { inspector, holdMs } = this.#options;
    if (!inspector.holds) {
      this.#due = Number.POSITIVE_INFINITY;
      return;
    }
    if (this.#due !== Number.POSITIVE_INFINITY || this.#isReported) return;
    this.#due = performance.now() + holdMs;
    this.#mark = inspector.mark;
    // A timer that is made once costs a stream of small pieces little.
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#paused?.('pause'), holdMs).unref();
    else this.#timer.refresh();
  }

  #release(): Uint8Array {
    const { inspector } = this.#options;
    this.#due = Number.POSITIVE_INFINITY;
    const out = inspector.release(this.#mark);
    // Until something comes, there is no more to be had.
    if (inspector.mark !== this.#mark) this.#arrange();
    return out;
  }

  /** Does the steps, with turns for everything else between; gives up when nobody wants what they come to. */
  async #driven(steps: Steps<Uint8Array>): Promise<Uint8Array> {
    for (;;) {
      const began = performance.now();
      do {
        const { done, value } = steps.next();
        if (done) {
          this.#busy += performance.now() - began;
          if (this.#busy < TURN) return value;
          this.#busy = 0;
          await turn();
          return value;
        }
      } while (this.#busy + performance.now() - began < TURN);
      this.#busy = 0;
      await turn();
      if (this.#phase === 'over') return NOTHING;
    }
  }

  /** Why the stream must not go on, if so. */
  #fault(): OutriderError | undefined {
    const { tally, inspector, blocked, onUnreadable } = this.#options;
    if (tally.blockedBy !== undefined) return blocked();
    const { unreadable } = inspector;
    if (unreadable === undefined || unreadable === this.#seen) return undefined;
    this.#seen = unreadable;
    try {
      onUnreadable(unreadable);
      return undefined;
    } catch (error) {
      return toOutriderError(error);
    }
  }

  /** Ends the stream for this, and gives its source up at once. */
  #breakOff(error: OutriderError): void {
    this.#phase = 'ending';
    this.#rest = NOTHING;
    this.#close();
    // Nobody waits for what the source makes of it.
    this.#source.return?.().catch(() => undefined);
    const last = this.#options.last(error);
    this.#hasFailed = last === undefined;
    this.#failure = error;
    if (last !== undefined) this.#last = this.#last.length === 0 ? last : Buffer.concat([this.#last, last]);
  }

  readonly #close = (): void => {
    if (this.#isReported) return;
    this.#isReported = true;
    clearTimeout(this.#timer);
    this.#options.signal.removeEventListener('abort', this.#close);
    this.#options.hold.release();
    this.#options.onEnd();
  };

  /** What comes next; `pause` when something may be let go before. */
  async #come(): Promise<IteratorResult<Uint8Array> | 'pause'> {
    const awaited = (this.#awaited ??= this.#source.next());
    if (this.#due === Number.POSITIVE_INFINITY) {
      const result = await awaited;
      this.#awaited = undefined;
      return result;
    }
    const result = await new Promise<IteratorResult<Uint8Array> | 'pause'>((resolve, reject) => {
      // When this comes after the pause, somebody else waits for it, or nobody does.
      awaited.then(resolve, reject);
      this.#paused = resolve;
    });
    this.#paused = undefined;
    if (result !== 'pause') this.#awaited = undefined;
    return result;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

const NOTHING: Uint8Array = new Uint8Array(0);
