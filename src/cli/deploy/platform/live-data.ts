import { parse, stringify } from 'yaml';
import { getAt } from '../../../deploy/edit.ts';
import { isList, isObject, type Json, textOf } from '../../../deploy/json.ts';
import { Failure } from '../failure.ts';

/** What a platform's program printed, JSON or YAML. */
export function parsed(text: string): Json {
  try {
    // What the parser makes without custom tags is this and nothing else.
    return parse(text, { schema: 'core' }) as Json;
  } catch {
    throw new Failure('what is on the platform now cannot be read, so nothing was applied');
  }
}

/** One form for everything that says the same. */
export function sortedYaml(data: Json): string {
  return stringify(data, { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false });
}

/** Without what is empty or null, which platforms add and which says nothing. `edit` sees every value that has a key. */
export function pruned(data: Json, edit: (key: string, value: Json) => Json = (_, value) => value): Json {
  if (isList(data)) return data.map((item) => pruned(item, edit));
  if (!isObject(data)) return data;
  const entries = Object.entries(data).map(([key, value]) => [key, pruned(edit(key, value), edit)] as const);
  return Object.fromEntries(entries.filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: Json): boolean {
  if (value === null) return true;
  return isList(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}

/** A name in a manifest that we made, so it is there. */
export function textAt(data: Json | undefined, path: readonly string[]): string {
  const value = textOf(getAt(data, path));
  if (value === undefined) throw new Failure(`the manifest has no ${path.join('.')}`);
  return value;
}
