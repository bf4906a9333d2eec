import { z } from 'zod';
import { type Traits, traits } from './traits.ts';

/** The schema as a plain tree: what messages, masks and documents need, without the validator's wrappers. */
export type Shape = ObjectShape | RecordShape | ListShape | ChoiceShape | ScalarShape;

export interface ObjectShape {
  readonly kind: 'object';
  readonly fields: ReadonlyMap<string, Field>;
  /** The key that tells it apart from the other options of a choice. */
  readonly mark?: string | undefined;
}
export interface RecordShape {
  readonly kind: 'record';
  readonly value: Shape;
}
export interface ListShape {
  readonly kind: 'list';
  readonly item: Shape;
}
export interface ChoiceShape {
  readonly kind: 'choice';
  readonly options: readonly Shape[];
}
export interface ScalarShape extends Traits {
  readonly kind: 'scalar';
  readonly accepts: ReadonlySet<ScalarType>;
  /** The only values, when they are enumerated. */
  readonly values?: readonly string[];
  readonly url?: true;
}
export type ScalarType = 'string' | 'number' | 'boolean';

export interface Field {
  readonly shape: Shape;
  readonly required: boolean;
  /** As a file would write it; undefined when there is none. */
  readonly default: unknown;
  readonly description: string | undefined;
  readonly schema: z.core.$ZodType;
}

/** `in`: as a file is written. `out`: as the program reads it. */
export type Side = 'in' | 'out';

/** The keys that may stand in a mapping of this shape. `is` tells the options of a choice apart; see `optionsFor`. */
export function fieldsOf(shape: Shape | undefined, is: (key: string) => unknown): ReadonlyMap<string, Field> {
  if (shape?.kind === 'object') return shape.fields;
  if (shape?.kind !== 'choice') return new Map();
  const fields = new Map<string, Field>();
  for (const option of optionsFor(shape, is)) for (const [key, field] of option.fields) fields.set(key, field);
  return fields;
}

/**
 * The options that a mapping can mean: by a key that stands there and marks one of them, else by the required fields with
 * enumerated values, such as `transport`. `is(key)` is the value that was written there. All without a mark when none fits.
 */
export function optionsFor(shape: ChoiceShape, is: (key: string) => unknown): readonly ObjectShape[] {
  const objects = shape.options.filter((option) => option.kind === 'object');
  const marked = objects.filter((option) => option.mark !== undefined && isMarked(option, option.mark, is));
  if (marked.length > 0) return marked;
  const plain = objects.filter((option) => option.mark === undefined);
  const fitting = plain.filter((option) =>
    [...option.fields].every(([key, { shape: field, required }]) => {
      const values = required && field.kind === 'scalar' ? field.values : undefined;
      return values === undefined || values.some((value) => value === is(key));
    }),
  );
  return fitting.length > 0 ? fitting : plain;
}

/** Its key stands there, or another one with the only value that it can have: `type: webhook`. */
function isMarked({ fields }: ObjectShape, mark: string, is: (key: string) => unknown): boolean {
  if (is(mark) !== undefined) return true;
  return [...fields].some(([key, { shape }]) => {
    return shape.kind === 'scalar' && shape.values?.length === 1 && shape.values[0] === is(key);
  });
}

/** The tree of a whole schema. */
export function objectShape(schema: z.core.$ZodObject, side: Side): ObjectShape {
  const fields = Object.entries(schema._zod.def.shape).map(([key, field]) => [key, fieldOf(field, side)] as const);
  return { kind: 'object', fields: new Map(fields) };
}

function fieldOf(schema: z.core.$ZodType, side: Side): Field {
  return {
    shape: shapeOf(schema, side),
    required: schema._zod.optin === undefined,
    default: defaultOf(schema),
    description: z.globalRegistry.get(schema)?.description,
    schema,
  };
}

function defaultOf(schema: z.core.$ZodType): unknown {
  // `$ZodTypes` is the closed union of all schemas, discriminated by `def.type`; `$ZodType` is their common base.
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === 'default' || def.type === 'prefault') return def.defaultValue;
  return def.type === 'optional' ? defaultOf(def.innerType) : undefined;
}

function shapeOf(schema: z.core.$ZodType, side: Side): Shape {
  const own = traits.get(schema) ?? {};
  // As above.
  const { def } = (schema as z.core.$ZodTypes)._zod;
  const scalar = (...accepts: ScalarType[]): ScalarShape => ({ kind: 'scalar', accepts: new Set(accepts), ...own });
  if (own.unit !== undefined) return scalar('number', 'string');
  switch (def.type) {
    case 'object':
      // The discriminant says that it is an object schema.
      return { ...objectShape(schema as z.core.$ZodObject, side), mark: own.mark };
    case 'record':
      return { kind: 'record', value: shapeOf(def.valueType, side) };
    case 'array':
      return { kind: 'list', item: shapeOf(def.element, side) };
    case 'union':
      return { kind: 'choice', options: def.options.map((option) => shapeOf(option, side)) };
    case 'optional':
    case 'default':
    case 'prefault':
      return shapeOf(def.innerType, side);
    case 'pipe':
      return inherit(shapeOf(side === 'in' ? def.in : def.out, side), own);
    case 'string':
      return { ...scalar('string'), ...('format' in def && def.format === 'url' && { url: true as const }) };
    case 'enum':
      return { ...scalar('string'), values: Object.values(def.entries).map(String) };
    case 'literal':
      return { ...scalar('string'), values: def.values.map(String) };
    case 'boolean':
      return scalar('boolean');
    case 'number':
      return scalar('number');
    default:
      throw new TypeError(`the configuration schema uses ${def.type}, which shape-tree.ts does not know`);
  }
}

function inherit(shape: Shape, own: Traits): Shape {
  return shape.kind === 'scalar' ? { ...shape, ...own } : shape;
}
