import { safeParse, type z } from 'zod';
import type { Environment } from '../environment.ts';
import { explain } from './explain.ts';
import { ConfigError, type Fault, formatPath, type Path } from './faults.ts';
import type { Gathered } from './gather.ts';
import type { Resolution } from './resolve.ts';
import { settle } from './settle.ts';
import type { Field, ObjectShape } from './shape-tree.ts';
import type { Variable } from './variable.ts';
import { find, placeOf, type WrittenMap } from './written.ts';

export interface Checked<Values> {
  /** As it was written, with unquoted values as the schema means them. May hold secrets. */
  readonly written: unknown;
  /** Undefined when something is wrong with it. */
  readonly parsed: Values | undefined;
  /** What is right on its own, so that the rules between keys can be checked for these. */
  readonly known: Partial<Values>;
}

/** Holds what was gathered against a schema, whose tree `shape` is; adds to its faults. Throws `ConfigError` when it cannot even be read. */
export function check<Schema extends z.ZodObject>(
  { root, complete, faults }: Gathered,
  schema: Schema,
  shape: ObjectShape,
  variables: readonly Variable[],
): Checked<z.output<Schema>> {
  const settled = settle(root, shape);
  if (settled.faults.length > 0) throw new ConfigError([...faults, ...settled.faults]);
  // Parsed once in a process's life: compiling the schema first would only cost time.
  const parsed = schema.safeParse(settled.value, { jitless: true });
  if (parsed.success) return { written: settled.value, parsed: parsed.data, known: parsed.data };
  const explained = explain(parsed.error.issues, root, shape);
  faults.push(...explained.faults);
  if (complete) faults.push(...explained.missing.map((path) => missingKey(path, root, variables)));
  return { written: settled.value, parsed: undefined, known: soundKeys(settled.value, shape) };
}

/** What the rules between keys need to know of it. */
export function resolutionOf({ root, complete, faults, warnings }: Gathered, env: Environment): Resolution {
  return {
    env,
    complete,
    faults,
    warnings,
    placeOf: (path: Path) => placeOf(root, path),
    isWritten: (path: Path) => find(root, path) !== undefined,
  };
}

/** The keys whose values are right on their own, so that the rules between keys can be checked for these. */
function soundKeys<Values>(value: unknown, shape: ObjectShape): Partial<Values> {
  const written = new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  const sound = [...shape.fields].flatMap(([key, field]) => {
    const parsed = safeParse(field.schema, soundEntries(written.get(key), field));
    return parsed.success && parsed.data !== undefined ? [[key, parsed.data]] : [];
  });
  // Each value came out of the schema of its own key.
  return Object.fromEntries(sound) as Partial<Values>;
}

/** Of a mapping from names to anything, the entries that are right. */
function soundEntries(value: unknown, { shape, schema }: Field): unknown {
  if (shape.kind !== 'record' || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([name, entry]) => safeParse(schema, { [name]: entry }).success),
  );
}

function missingKey(path: Path, root: WrittenMap, variables: readonly Variable[]): Fault {
  const variable = variables.find(({ key }) => key === path.join('.'));
  const message = variable === undefined ? 'required' : `required: set ${variable.name}, or this key in the file`;
  return { ...placeOf(root, path), path: formatPath(path), message };
}
