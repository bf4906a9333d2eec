import { type Body, isStream } from '../body.ts';
import { OutriderError } from '../errors.ts';

/** A body that is not larger than this is not counted: the limit on concurrent requests bounds those. */
const UNCOUNTED = 65_536;

/** A bound on the bytes that many readers hold at the same time. Whoever is alone is always admitted. */
export class Budget {
  readonly #limit: number;
  #held = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes held now by all. */
  get held(): number {
    return this.#held;
  }

  hold(): Hold {
    let own = 0;
    let counted = 0;
    let isReleased = false;
    return {
      take: (bytes) => {
        own += bytes;
        if (own <= UNCOUNTED || isReleased) return;
        const more = own - counted;
        if (this.#held > counted && this.#held + more > this.#limit) {
          throw new OutriderError('overloaded', 'too many large bodies are being read at this time', {
            retryAfter: 1,
          });
        }
        this.#held += more;
        counted = own;
      },
      release: () => {
        isReleased = true;
        this.#held -= counted;
        counted = 0;
      },
    };
  }
}

/** One reader's share. */
export interface Hold {
  /** Counts further bytes. Throws `overloaded` when there is no room for them. */
  readonly take: (bytes: number) => void;
  /** Gives everything back. */
  readonly release: () => void;
}

/** The same body, counted as it comes; when there is no room, it is broken off, and its source told. */
export function held(body: Body, hold: Hold): Body {
  if (!isStream(body)) {
    if (body !== null) hold.take(body.length);
    return body;
  }
  return {
    [Symbol.asyncIterator]() {
      const source = body[Symbol.asyncIterator]();
      return {
        async next() {
          const result = await source.next();
          if (result.done) return result;
          try {
            hold.take(result.value.length);
          } catch (error) {
            // The reader does not give up what has thrown.
            await source.return?.();
            throw error;
          }
          return result;
        },
        async return() {
          await source.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
