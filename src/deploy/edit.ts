import type { Json, JsonObject, Path } from './json.ts';

/** What stands at a path; undefined where there is nothing. */
export function getAt(value: Json | undefined, path: Path): Json | undefined {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    if (Array.isArray(at)) at = at[Number(key)];
    // What is neither null, a list nor a scalar is an object: the narrowing of readonly lists does not see it.
    else at = Object.hasOwn(at, key) ? (at as JsonObject)[key] : undefined;
  }
  return at;
}

/** The same with another value at a path; objects on the way that are missing are made. */
export function setAt(value: Json | undefined, path: Path, to: Json): Json {
  const [key, ...rest] = path;
  if (key === undefined) return to;
  if (Array.isArray(value)) return value.map((item: Json, index) => (index === key ? setAt(item, rest, to) : item));
  // As above: lists are dealt with, and anything but an object is replaced by one.
  const object = typeof value === 'object' && value !== null ? (value as JsonObject) : {};
  return { ...object, [key]: setAt(object[key], rest, to) };
}

/** The same object without some of its keys. */
export function without(object: JsonObject, ...keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}
