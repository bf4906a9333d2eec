import { OutriderError } from '../errors.ts';

/** The same promise, which fails with `cancelled` as soon as the signal aborts. The work behind it goes on. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(new OutriderError('cancelled', 'the caller has left'));
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
