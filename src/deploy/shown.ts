import type { Json } from './json.ts';

/** A value of a manifest as part of a message or a name: a text as it is, anything else as JSON; nothing where there is none. */
export function shown(value: Json | undefined): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
