import { isEqual } from './equal.ts';
import { isObject, type Json, type JsonObject, type Path } from './json.ts';

/** An operation of RFC 6902; these three say every difference. */
export type PatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: Json }
  | { readonly op: 'remove'; readonly path: string };

/**
 * What makes `after` of `before`, as a JSON Patch (RFC 6902); empty when they are the same. Lists are compared from both of their ends, so
 * that work and memory grow with what has come and not with its square: the patch may be larger than the smallest one, and is never slow to find.
 */
export function jsonPatch(before: Json, after: Json): PatchOperation[] {
  const operations: PatchOperation[] = [];
  compare(before, after, [], operations);
  return operations;
}

function compare(before: Json, after: Json, path: Path, into: PatchOperation[]): void {
  if (before === after) return;
  if (Array.isArray(before) && Array.isArray(after)) return compareLists(before, after, path, into);
  if (isObject(before) && isObject(after)) return compareMaps(before, after, path, into);
  into.push({ op: 'replace', path: pointer(path), value: after });
}

function compareMaps(before: JsonObject, after: JsonObject, path: Path, into: PatchOperation[]): void {
  for (const key of Object.keys(before)) {
    if (!Object.hasOwn(after, key)) into.push({ op: 'remove', path: pointer([...path, key]) });
  }
  for (const [key, value] of Object.entries(after)) {
    const was = Object.hasOwn(before, key) ? before[key] : undefined;
    if (was === undefined) into.push({ op: 'add', path: pointer([...path, key]), value });
    else compare(was, value, [...path, key], into);
  }
}

function compareLists(before: readonly Json[], after: readonly Json[], path: Path, into: PatchOperation[]): void {
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && isEqual(before[start], after[start])) start++;
  let end = 0;
  while (end < most - start && isEqual(before[before.length - 1 - end], after[after.length - 1 - end])) end++;
  const common = Math.min(before.length, after.length) - start - end;
  for (let index = start; index < start + common; index++) {
    // Both lists are as long as that.
    compare(before[index] as Json, after[index] as Json, [...path, index], into);
  }
  for (let index = before.length - end - 1; index >= start + common; index--) {
    into.push({ op: 'remove', path: pointer([...path, index]) });
  }
  for (let index = start + common; index < after.length - end; index++) {
    into.push({ op: 'add', path: pointer([...path, index]), value: after[index] as Json });
  }
}

/** https://www.rfc-editor.org/rfc/rfc6901 */
function pointer(path: Path): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
