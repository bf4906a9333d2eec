import { isObject, type Json, type JsonObject } from '../json.ts';

/** `depends_on` as a map; the short form means that a service has started. */
export function dependenciesOf(value: Json | undefined): JsonObject {
  if (isObject(value)) return value;
  const names = Array.isArray(value) ? value.map(String) : [];
  return Object.fromEntries(names.map((name) => [name, { condition: 'service_started' }]));
}

/** `depends_on` with more in it; conditions need the map. */
export function withEntries(value: Json | undefined, entries: readonly (readonly [string, JsonObject])[]): JsonObject {
  return { ...dependenciesOf(value), ...Object.fromEntries(entries) };
}
