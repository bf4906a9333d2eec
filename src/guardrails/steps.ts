/**
 * Work that may be long, done in steps: each `yield` is a place where others may have their turn. Who drives it decides
 * whether they get it, since nothing here knows a clock.
 */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Units (characters, bytes) of a step: well under a millisecond of work. */
export const STEP = 32_768;

/** All steps at once. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
