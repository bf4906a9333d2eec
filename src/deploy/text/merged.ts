import { isEqual } from '../equal.ts';
import { isObject, type Json } from '../json.ts';
import type { Splice } from './slot.ts';
import type { Entry, MapTree, Tree } from './tree.ts';

/** What is to become of a mapping: with merge keys, what comes through them is not its own text. */
export interface MapChange {
  readonly kept: readonly Entry[];
  readonly removed: readonly Entry[];
  /** Keys to write, in the order of what is wanted. */
  readonly added: readonly string[];
}

export function mapChange(tree: MapTree, after: Readonly<Record<string, Json>>, { changed }: Splice): MapChange {
  const own = new Set(tree.entries.filter(({ merge }) => !merge).map(({ key }) => key));
  const merges = tree.entries.filter(({ merge }) => merge);
  const merged = mergedData(merges, changed);
  // A merge cannot hide a key: where one has to go, the mapping gets what it keeps of the merge as text of its own.
  const expands =
    merges.length > 0 && (merged === undefined || Object.keys(merged).some((key) => !Object.hasOwn(after, key)));
  const given = expands ? {} : (merged ?? {});
  const stays = (entry: Entry) => (entry.merge ? !expands : Object.hasOwn(after, entry.key));
  return {
    kept: tree.entries.filter(stays),
    removed: tree.entries.filter((entry) => !stays(entry)),
    added: Object.keys(after).filter(
      (key) => !own.has(key) && !(Object.hasOwn(given, key) && isEqual(given[key], after[key])),
    ),
  };
}

/** What merge keys give now; undefined where that can no longer be said. */
function mergedData(merges: readonly Entry[], changed: Splice['changed']): Record<string, Json> | undefined {
  const merged: Record<string, Json> = {};
  for (const { value } of merges) {
    const target = value.kind === 'alias' ? value.target : value;
    const sources = target.kind === 'seq' ? target.items.map((item) => item.value) : [value];
    if (value !== target && changed.has(target) && target.kind === 'seq') return undefined;
    for (const source of sources) {
      const data = currentData(source, changed);
      if (!isObject(data)) return undefined;
      for (const [key, one] of Object.entries(data)) if (!Object.hasOwn(merged, key)) merged[key] = one;
    }
  }
  return merged;
}

function currentData(source: Tree, changed: Splice['changed']): Json | undefined {
  if (source.kind === 'alias') return changed.has(source.target) ? changed.get(source.target) : source.target.data;
  return source.hasAlias && changed.size > 0 ? undefined : source.data;
}

/** The kept entry that a new key follows; undefined where it comes first. */
export function predecessor(key: string, keys: readonly string[], kept: readonly Entry[]): Entry | undefined {
  for (let index = keys.indexOf(key) - 1; index >= 0; index -= 1) {
    const before = kept.find((entry) => !entry.merge && entry.key === keys[index]);
    if (before !== undefined) return before;
  }
  // Merge keys stand first by habit, and stay there.
  const leading = kept.findIndex(({ merge }) => !merge);
  return kept[(leading === -1 ? kept.length : leading) - 1];
}
