import { isObject, type Json } from '../json.ts';
import { SIDECAR_NAME } from '../plan.ts';
import { ManifestError, type Place } from '../target.ts';

export const DEPENDENCIES = 'run.googleapis.com/container-dependencies';

/** The annotation that has the agent start behind the sidecar: a JSON object, from each container to those that it waits for. */
export function withDependency(annotation: Json | undefined, agent: string, at: Place): string {
  const before = annotation === undefined ? {} : parse(annotation, at);
  const waitsFor = before[agent] ?? [];
  return JSON.stringify({ ...before, [agent]: [...new Set([...waitsFor, SIDECAR_NAME])] });
}

function parse(annotation: Json, at: Place): Record<string, readonly string[]> {
  let read: Json;
  try {
    // JSON.parse gives nothing else.
    read = JSON.parse(typeof annotation === 'string' ? annotation : '') as Json;
  } catch {
    read = null;
  }
  if (isObject(read) && Object.values(read).every(isNames)) {
    // Every value was looked at.
    return read as Record<string, readonly string[]>;
  }
  const message = `${DEPENDENCIES} has to be a JSON object of lists, such as {"agent":["database"]}: correct it`;
  throw new ManifestError([{ ...at, message }]);
}

function isNames(value: Json): boolean {
  return Array.isArray(value) && value.every((name: Json) => typeof name === 'string');
}
