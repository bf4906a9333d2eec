/** What a manifest holds once it has been read. Never changed in place: a new value is made. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

/** Keys and indexes, from the root of a document. */
export type Path = readonly (string | number)[];
