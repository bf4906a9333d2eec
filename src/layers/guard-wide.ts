import { guessWide, transcodeInSteps } from '../guardrails/charset.ts';
import type { Engine } from '../guardrails/engine.ts';
import { inspectInSteps } from '../guardrails/inspect.ts';
import { finish, type Steps } from '../guardrails/steps.ts';
import type { StreamInspector } from '../guardrails/stream.ts';
import type { Tally } from '../guardrails/tally.ts';
import type { Unreadable } from '../guardrails/unreadable.ts';

/** Bytes of text in UTF-16 or UTF-32 that does not say so: it is rare. */
const MOST_WIDE = 262_144;
/** Bytes that tell it. */
const TELLING = 4;

/**
 * A stream of text that may turn out, with its first bytes, to be UTF-16 or UTF-32 although it does not say so: it is then
 * read whole.
 */
export class WideAware implements StreamInspector {
  readonly #engine: Engine;
  readonly #tally: Tally;
  readonly #inner: StreamInspector;
  /** Undefined until it can be told. */
  #isWide: boolean | undefined;
  #held: Uint8Array[] = [];
  #size = 0;
  #fault: Unreadable | undefined;

  constructor(engine: Engine, tally: Tally, inner: StreamInspector) {
    this.#engine = engine;
    this.#tally = tally;
    this.#inner = inner;
  }

  get holds(): boolean {
    return this.#held.length > 0 || this.#inner.holds;
  }

  get unreadable(): Unreadable | undefined {
    return this.#fault ?? this.#inner.unreadable;
  }

  push(chunk: Uint8Array): Uint8Array {
    return finish(this.pushInSteps(chunk));
  }

  end(): Uint8Array {
    return finish(this.endInSteps());
  }

  *pushInSteps(chunk: Uint8Array): Steps<Uint8Array> {
    if (this.#isWide === false) return yield* this.#inner.pushInSteps(chunk);
    if (this.#fault !== undefined) return NOTHING;
    this.#held.push(chunk);
    this.#size += chunk.length;
    this.#isWide ??= this.#judge(false);
    if (this.#isWide === false) return yield* this.#inner.pushInSteps(this.#take());
    if (this.#size > MOST_WIDE) this.#fault = 'too_large';
    return NOTHING;
  }

  *endInSteps(): Steps<Uint8Array> {
    if (this.#fault !== undefined) return NOTHING;
    this.#isWide ??= this.#judge(true);
    if (this.#isWide !== true) {
      const before = yield* this.#inner.pushInSteps(this.#take());
      const last = yield* this.#inner.endInSteps();
      return before.length === 0 ? last : Buffer.concat([before, last]);
    }
    const bytes = this.#take();
    const text = yield* transcodeInSteps(bytes, undefined);
    if (text === 'unknown' || text === 'malformed') {
      this.#fault = text === 'unknown' ? 'unknown_charset' : 'malformed_charset';
      return bytes;
    }
    const inspected = yield* inspectInSteps(this.#engine, text.utf8, undefined, this.#tally);
    if (this.#tally.blockedBy !== undefined) return NOTHING;
    this.#fault = inspected.unreadable;
    return inspected.bytes === text.utf8 ? bytes : yield* text.encodeInSteps(inspected.bytes);
  }

  release(before?: number): Uint8Array {
    return this.#isWide === false ? this.#inner.release(before) : NOTHING;
  }

  get mark(): number {
    return this.#inner.mark;
  }

  #judge(isEnd: boolean): boolean | undefined {
    const [first] = this.#held;
    // What begins like any text does is not waited for.
    if (first !== undefined && first.length > 1 && isNarrow(first)) return false;
    if (this.#size < TELLING && !isEnd) return undefined;
    return guessWide(Buffer.concat(this.#held), true) !== undefined;
  }

  #take(): Uint8Array {
    const bytes = this.#held.length === 1 ? (this.#held[0] ?? NOTHING) : Buffer.concat(this.#held);
    this.#held = [];
    return bytes;
  }
}

function isNarrow(bytes: Uint8Array): boolean {
  return bytes[0] !== 0 && bytes[1] !== 0 && bytes[0] !== 0xfe && bytes[0] !== 0xff;
}

const NOTHING = new Uint8Array(0);
