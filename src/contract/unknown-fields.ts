import type { Message } from '@bufbuild/protobuf';

/**
 * Carries what a newer peer sent in binary and this code does not know, from a message to its plain object and back. A symbol: JSON
 * can neither hold it nor forge it, and spreading an object keeps it.
 */
const UNKNOWN_FIELDS = Symbol('unknown fields');

interface Carrier {
  [UNKNOWN_FIELDS]?: Message['$unknown'];
}

export function keepUnknown(from: Message, to: Carrier): void {
  if (from.$unknown !== undefined) to[UNKNOWN_FIELDS] = from.$unknown;
}

export function restoreUnknown(from: Carrier, to: Message): void {
  const unknown = from[UNKNOWN_FIELDS];
  if (unknown !== undefined) to.$unknown = unknown;
}
