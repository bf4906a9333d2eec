import { type JsonPath, type JsonPathStep, parseJsonPath } from './json-path.ts';
import type { Rule } from './rule.ts';

/**
 * Where a value is in a JSON document, from the root on: keys of objects, places in arrays. An object's key is where its value
 * is. `DEEPER` at the end: somewhere below.
 */
export type Position = readonly (string | number)[];

export const DEEPER = -1;

/** The rules that are applied to a value. Without a position, outside of JSON: those that are not limited to some paths. */
export function rulesAt(rules: readonly Rule[], position: Position | undefined): readonly Rule[] {
  return rules.every((rule) => appliesAt(rule, position)) ? rules : rules.filter((rule) => appliesAt(rule, position));
}

function appliesAt(rule: Rule, position: Position | undefined): boolean {
  if (rule.paths === undefined && rule.skipPaths === undefined) return true;
  if (position === undefined) return rule.paths === undefined;
  // Rather a rule too many than one too few.
  if (position.at(-1) === DEEPER) return true;
  const { paths, skipPaths } = compiled(rule);
  return (paths?.some((path) => covers(path, position)) ?? true) && !skipPaths?.some((path) => covers(path, position));
}

interface Compiled {
  readonly paths: readonly JsonPath[] | undefined;
  readonly skipPaths: readonly JsonPath[] | undefined;
}

const known = new WeakMap<Rule, Compiled>();

function compiled(rule: Rule): Compiled {
  const before = known.get(rule);
  if (before !== undefined) return before;
  const made = { paths: rule.paths?.map(parse), skipPaths: rule.skipPaths?.map(parse) };
  known.set(rule, made);
  return made;
}

function parse(text: string): JsonPath {
  const path = parseJsonPath(text);
  // Where rules are read, each path was.
  if (path === undefined) throw new TypeError('not a JSON path');
  return path;
}

/** Whether a value, or something that it is in, is what the path names. */
export function covers(path: JsonPath, position: Position): boolean {
  let from = 0;
  for (let first = 0; first < path.length; ) {
    let end = first + 1;
    while (end < path.length && path[end]?.kind !== 'deep') end++;
    // What begins with a `deep` step may be anywhere below; where it comes first leaves most for what follows.
    const last = path[first]?.kind === 'deep' ? position.length - (end - first) : from;
    while (from <= last && !fitsAt(path, first, end, position, from)) from++;
    if (from > last) return false;
    from += end - first;
    first = end;
  }
  return true;
}

function fitsAt(path: JsonPath, first: number, end: number, position: Position, from: number): boolean {
  if (from + end - first > position.length) return false;
  for (let i = first; i < end; i++) {
    // Both within their bounds.
    if (!fits(path[i] as JsonPathStep, position[from + i - first] as string | number)) return false;
  }
  return true;
}

function fits(step: JsonPathStep, at: string | number): boolean {
  switch (step.kind) {
    case 'any':
      return true;
    case 'index':
      return at === step.index;
    default:
      return at === step.key;
  }
}
