import { OutriderError } from '../errors.ts';
import { type Layer, UNCHANGED } from '../stack.ts';

/** Turns new calls away while the process is shutting down; those in flight go on. */
export function admit(isDraining: () => boolean): Layer {
  return (_call, next) => {
    if (isDraining()) throw new OutriderError('draining', 'shutting down, try another replica', { retryAfter: 1 });
    return next(UNCHANGED);
  };
}
