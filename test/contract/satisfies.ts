import type { JsonSchema } from '../../src/contract/json-schema.ts';

/** As much of JSON Schema 2020-12 as the schemas of the contract use; a keyword that is not known here is an error. */
export function satisfies(value: unknown, schema: JsonSchema, root: JsonSchema): boolean {
  return Object.entries(schema).every(([keyword, argument]) => {
    const rule = KEYWORDS[keyword];
    if (rule === undefined) throw new TypeError(`the keyword ${keyword} is not known here`);
    return rule(value, argument as never, root);
  });
}

type Rule<Argument = never> = (value: unknown, argument: Argument, root: JsonSchema) => boolean;

const always: Rule = () => true;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const TYPES: Record<string, (value: unknown) => boolean> = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
};

const type: Rule<string> = (value, name) => TYPES[name]?.(value) ?? false;
const ref: Rule<string> = (value, pointer, root) => {
  const target = pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((at, key) => (at as JsonSchema)[key], root);
  return satisfies(value, target as JsonSchema, root);
};
const properties: Rule<Record<string, JsonSchema>> = (value, schemas, root) =>
  !isObject(value) ||
  Object.entries(schemas).every(
    ([name, schema]) => !Object.hasOwn(value, name) || satisfies(value[name], schema, root),
  );
const additional: Rule<JsonSchema> = (value, schema, root) =>
  !isObject(value) || Object.values(value).every((entry) => satisfies(entry, schema, root));
const items: Rule<JsonSchema> = (value, schema, root) =>
  !Array.isArray(value) || value.every((entry) => satisfies(entry, schema, root));
const required: Rule<string[]> = (value, names) =>
  !isObject(value) || names.every((name) => Object.hasOwn(value, name));
const anyOf: Rule<JsonSchema[]> = (value, schemas, root) => schemas.some((schema) => satisfies(value, schema, root));
const not: Rule<JsonSchema> = (value, schema, root) => !satisfies(value, schema, root);
const pattern: Rule<string> = (value, source) => typeof value !== 'string' || new RegExp(source, 'u').test(value);
const number =
  (fits: (value: number, bound: number) => boolean): Rule<number> =>
  (value, bound) =>
    typeof value !== 'number' || fits(value, bound);
const length: Rule<number> = (value, least) =>
  (typeof value !== 'string' && !Array.isArray(value)) || value.length >= least;
const format: Rule<string> = (value) =>
  typeof value !== 'string' || /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value);
const encoding: Rule<string> = (value) =>
  typeof value !== 'string' || /^([\w+/-]{4})*([\w+/-]{2}(==)?|[\w+/-]{3}=?)?$/.test(value);

const KEYWORDS: Record<string, Rule> = {
  $schema: always,
  $defs: always,
  $comment: always,
  title: always,
  description: always,
  examples: always,
  $ref: ref,
  type,
  properties,
  additionalProperties: additional,
  items,
  required,
  anyOf,
  not,
  pattern,
  minimum: number((value, bound) => value >= bound),
  maximum: number((value, bound) => value <= bound),
  exclusiveMinimum: number((value, bound) => value > bound),
  minLength: length,
  minItems: length,
  format,
  contentEncoding: encoding,
};
