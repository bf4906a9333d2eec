import { configSchema } from './schema.ts';
import { type ObjectShape, objectShape } from './shape-tree.ts';

let written: ObjectShape | undefined;
let parsed: ObjectShape | undefined;

/** The sidecar's configuration as a file is written. */
export function writtenShape(): ObjectShape {
  written ??= objectShape(configSchema, 'in');
  return written;
}

/** The sidecar's configuration as the program reads it. */
export function parsedShape(): ObjectShape {
  parsed ??= objectShape(configSchema, 'out');
  return parsed;
}
