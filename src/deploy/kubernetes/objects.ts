import { setAt } from '../edit.ts';
import { isObject, type Json, type JsonObject, listOf, textOf } from '../json.ts';
import type { Place } from '../target.ts';

/** An object of a file: a document, or an item of a document that is a `List`. */
export interface Resource extends Place {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly data: JsonObject;
}

export function resourcesOf(documents: readonly Json[]): Resource[] {
  return documents.flatMap((data, document) => resourcesIn(data, { document, path: [] }));
}

function resourcesIn(data: Json | undefined, place: Place): Resource[] {
  if (!isObject(data)) return [];
  const kind = textOf(data['kind']) ?? '';
  const items = data['items'];
  if (kind.endsWith('List') && Array.isArray(items)) {
    return items.flatMap((item: Json, index) =>
      resourcesIn(item, { document: place.document, path: [...place.path, 'items', index] }),
    );
  }
  const metadata = isObject(data['metadata']) ? data['metadata'] : {};
  return [
    {
      ...place,
      data,
      kind,
      apiVersion: textOf(data['apiVersion']) ?? '',
      name: (textOf(metadata['name']) ?? textOf(metadata['generateName']) ?? '').replace(/-$/, ''),
      namespace: textOf(metadata['namespace']),
    },
  ];
}

/** The documents with another object at the place of each. */
export function replaceAll(documents: readonly Json[], changed: readonly Resource[]): Json[] {
  return documents.map((data, document) =>
    changed
      .filter((one) => one.document === document)
      .reduce<Json>((json, one) => setAt(json, one.path, one.data), data),
  );
}

/** True where both are, or may be put by `kubectl -n`, in one namespace. */
export function sameNamespace(one: Resource, other: Resource): boolean {
  return one.namespace === undefined || other.namespace === undefined || one.namespace === other.namespace;
}

/** True where a selector of labels (equality and sets, not empty) picks what has these labels. */
export function selects(selector: Json | undefined, labels: JsonObject): boolean {
  if (!isObject(selector)) return false;
  const equal = selector['matchLabels'] ?? (selector['matchExpressions'] === undefined ? selector : {});
  if (!isObject(equal) || !Object.entries(equal).every(([name, value]) => labels[name] === value)) return false;
  const sets = listOf(selector['matchExpressions']);
  return sets.every((expression: Json) => isObject(expression) && meets(expression, labels));
}

function meets({ key, operator, values }: JsonObject, labels: JsonObject): boolean {
  const label = labels[textOf(key) ?? ''];
  const listed = Array.isArray(values) && values.includes(label ?? null);
  switch (operator) {
    case 'In':
      return label !== undefined && listed;
    case 'NotIn':
      return !listed;
    case 'Exists':
      return label !== undefined;
    default:
      return operator === 'DoesNotExist' && label === undefined;
  }
}
