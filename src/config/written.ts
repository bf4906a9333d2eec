import { type Fault, formatPath, type Origin, type Path } from './faults.ts';

/** A configuration as it was written, before the schema has spoken: every value with its place. */
export type Written = WrittenScalar | WrittenList | WrittenMap;

export interface WrittenScalar {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** The characters of a value without quotes: `1.0` for the number 1. Undefined where quotes made it text. */
  readonly text: string | undefined;
  readonly at: Origin;
}
export interface WrittenList {
  readonly kind: 'list';
  readonly items: readonly Written[];
  readonly at: Origin;
}
export interface WrittenMap {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, WrittenEntry>;
  readonly at: Origin;
}
export interface WrittenEntry {
  readonly key: Origin;
  readonly value: Written;
}

/** An object's prototype would be set, not a key. */
export const FORBIDDEN_KEY = '__proto__';

/** What a file without any content says. */
export function emptyMap(at: Origin): WrittenMap {
  return { kind: 'map', entries: new Map(), at };
}

export function textScalar(value: string, at: Origin): WrittenScalar {
  return { kind: 'scalar', value, text: undefined, at };
}

/** Deeper than any key of the schema, and far from the end of the stack. */
export const DEEPEST = 64;

/** A value out of `JSON.parse`; all of it stands at one place. */
export function fromJson(value: unknown, at: Origin, faults: Fault[], path: Path): Written {
  if (path.length > DEEPEST) {
    faults.push({ ...at, path: formatPath(path.slice(0, 3)), message: 'nested too deeply' });
    return { kind: 'scalar', value: null, text: undefined, at };
  }
  if (Array.isArray(value)) {
    return { kind: 'list', items: value.map((item, index) => fromJson(item, at, faults, [...path, index])), at };
  }
  if (typeof value === 'object' && value !== null) {
    const entries = new Map<string, WrittenEntry>();
    for (const [key, item] of Object.entries(value)) {
      if (key === FORBIDDEN_KEY)
        faults.push({ ...at, path: formatPath([...path, key]), message: 'not allowed as a key' });
      else entries.set(key, { key: at, value: fromJson(item, at, faults, [...path, key]) });
    }
    return { kind: 'map', entries, at };
  }
  const scalar = typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string' ? value : null;
  return { kind: 'scalar', value: scalar, text: undefined, at };
}

/** `over` wins, key by key at the top, and one level deeper for the keys of `deep`. */
export function overlay(under: WrittenMap, over: WrittenMap, deep: ReadonlySet<string>): WrittenMap {
  const entries = new Map(under.entries);
  for (const [key, entry] of over.entries) {
    const below = entries.get(key)?.value;
    const merge = deep.has(key) && below?.kind === 'map' && entry.value.kind === 'map';
    entries.set(key, merge ? { key: entry.key, value: overlay(below, entry.value, new Set()) } : entry);
  }
  return { ...under, entries };
}

/** What stands at a path, or undefined when nothing was written there. */
export function find(root: Written, path: Path): Written | undefined {
  let here: Written | undefined = root;
  for (const step of path) here = here === undefined ? undefined : child(here, step);
  return here;
}

/** Where a path was written: the value itself, or the nearest value around it that was. */
export function placeOf(root: Written, path: Path): Origin {
  let here = root;
  for (const step of path) {
    const next = child(here, step);
    if (next === undefined) return here.at;
    here = next;
  }
  return here.at;
}

/** Where the key itself was written, when a path ends in one. */
export function placeOfKey(root: Written, path: Path): Origin {
  const parent = find(root, path.slice(0, -1));
  const entry = parent?.kind === 'map' ? parent.entries.get(String(path.at(-1))) : undefined;
  return entry?.key ?? placeOf(root, path);
}

function child(written: Written, step: PropertyKey): Written | undefined {
  if (written.kind === 'map') return written.entries.get(String(step))?.value;
  return written.kind === 'list' ? written.items[Number(step)] : undefined;
}
