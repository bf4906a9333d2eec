/** What a manifest holds once it has been read. Never changed in place: a new value is made. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

/** Keys and indexes, from the root of a document. */
export type Path = readonly (string | number)[];

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `Array.isArray` makes `any[]` of what is readonly. */
export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** Empty where it is no list. */
export function listOf(value: Json | undefined): readonly Json[] {
  return isList(value) ? value : [];
}

export function objectsOf(value: Json | undefined): readonly JsonObject[] {
  return listOf(value).filter(isObject);
}

export function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** NaN where it is no number, nor a text of one. `Number` of an object asks members of it, which whoever wrote the manifest has chosen. */
export function asNumber(value: Json | undefined): number {
  return typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN;
}
