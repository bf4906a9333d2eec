import { isList, isObject, type Json, type JsonObject, type Path } from './json.ts';

/** What stands at a path; undefined where there is nothing. */
export function getAt(value: Json | undefined, path: Path): Json | undefined {
  let at = value;
  for (const key of path) {
    if (isList(at)) at = at[Number(key)];
    else at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }
  return at;
}

/** The same with another value at a path; objects on the way that are missing are made. */
export function setAt(value: Json | undefined, path: Path, to: Json): Json {
  const [key, ...rest] = path;
  if (key === undefined) return to;
  if (isList(value)) return value.map((item, index) => (index === key ? setAt(item, rest, to) : item));
  const object = isObject(value) ? value : {};
  return { ...object, [key]: setAt(object[key], rest, to) };
}

/** The same object without some of its keys. */
export function without(object: JsonObject, ...keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}
