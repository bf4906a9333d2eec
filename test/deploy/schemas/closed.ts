import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../../../../shared/schemas');

/** A schema of a platform; undefined where the folder is not there. */
export function readSchema(file: string): Record<string, unknown> | undefined {
  const path = join(FOLDER, file);
  if (!existsSync(path)) return undefined;
  // A file of JSON whose root is an object, as every schema's.
  return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
}

/** What a test that needs the schema says where it is absent. */
export function skippedWithout(file: string): { skip: string | false } {
  return { skip: existsSync(join(FOLDER, file)) ? false : `../shared/schemas/${file} is not there` };
}

/**
 * The same schema refusing what it does not name: every object that lists its properties and says nothing of others is
 * closed. Maps, which list none, stay open.
 */
export function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const all = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const { type, properties, additionalProperties } = all;
  const isObject = type === 'object' || (Array.isArray(type) && type.includes('object'));
  const lists = typeof properties === 'object' && properties !== null && Object.keys(properties).length > 0;
  return isObject && lists && additionalProperties === undefined ? { ...all, additionalProperties: false } : all;
}
