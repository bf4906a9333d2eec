import { z } from 'zod';

/** What the loader must know of a value beyond its type, and JSON Schema has no word for. */
export interface Traits {
  /** Never printed. */
  secret?: true;
  /** The parsed number counts these; written as text with a unit, such as `25s` or `10MiB`. */
  unit?: 'ms' | 'bytes';
  /** A mapping in which this key stands is meant to be this one, of several that may stand there. */
  mark?: string;
}

export const traits = z.registry<Traits>();
