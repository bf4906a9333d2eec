/** Hands things from one side to the other, one at a time: who gives waits until it is taken. */
export interface Handoff<T> {
  /** Resolves when it has been taken, or when nobody takes any more. */
  give: (value: T) => Promise<void>;
  /** Nothing more comes. */
  end: () => void;
  /** Nothing more is taken: whatever is given from now on is dropped. */
  close: () => void;
  /** The next thing; undefined at the end. One call at a time. */
  take: () => Promise<T | undefined>;
}

export function handoff<T>(): Handoff<T> {
  let over = false;
  let held: { value: T; taken: () => void } | undefined;
  let waiting: ((value: T | undefined) => void) | undefined;
  const stop = (): void => {
    over = true;
    waiting?.(undefined);
    waiting = undefined;
  };
  return {
    give(value) {
      if (over) return Promise.resolve();
      if (waiting !== undefined) {
        waiting(value);
        waiting = undefined;
        return Promise.resolve();
      }
      return new Promise((taken) => {
        held = { value, taken };
      });
    },
    end: stop,
    close() {
      stop();
      held?.taken();
      held = undefined;
    },
    take() {
      if (held !== undefined) {
        const { value, taken } = held;
        held = undefined;
        taken();
        return Promise.resolve(value);
      }
      if (over) return Promise.resolve(undefined);
      return new Promise((resolve) => {
        waiting = resolve;
      });
    },
  };
}
