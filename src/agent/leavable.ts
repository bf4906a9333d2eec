/**
 * The events of a generator that is waiting for something most of the time. A generator's own `return` waits until it yields, which
 * may be never: here it calls `leave`, which must make the generator end, and does not wait for it.
 */
export function leavable<T>(events: AsyncGenerator<T, void, undefined>, leave: () => void): AsyncIterableIterator<T> {
  let left = false;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => (left ? Promise.resolve(END) : events.next()),
    async return() {
      left = true;
      leave();
      // Whatever its end says, nobody reads it any more.
      events.return().catch(() => undefined);
      return END;
    },
  };
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Lets an agent whose stream is read no more clean up. Nobody waits for it, and what it says to it goes nowhere. */
export function abandon(source: AsyncIterator<unknown> | undefined): void {
  try {
    source?.return?.()?.then(undefined, () => undefined);
  } catch {
    // As if it had rejected.
  }
}
