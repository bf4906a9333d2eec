import { asNumber, isObject, type Json, type JsonObject, listOf, textOf } from './json.ts';
import { FORCED_VARIABLES, type Plan } from './plan.ts';
import type { Note, Place } from './target.ts';

/** The objects of a list, each with where it stands in the list. */
export function indexed(value: Json | undefined): readonly { readonly data: JsonObject; readonly index: number }[] {
  const list = listOf(value);
  return list.flatMap((data: Json, index) => (isObject(data) ? [{ data, index }] : []));
}

/** Containers of a service mesh and of Knative: never the agent, whoever put them there. */
export const MESH = /^((istio|linkerd|kuma|consul|cilium)-.*|queue-proxy)$/;

/** An entry of `env`, with its place in it; the last of that name, which is the one that counts. */
export function findVariable(
  container: JsonObject,
  name: string,
): { readonly index: number; readonly entry: JsonObject } | undefined {
  const env = listOf(container['env']);
  const index = env.findLastIndex((entry: Json) => isObject(entry) && entry['name'] === name);
  const entry: Json | undefined = env[index];
  return isObject(entry) ? { index, entry } : undefined;
}

/** `env` with what an agent is told: `PORT` and `HOST` are changed where they stand, of the others the manifest's own win. */
export function tellAgent(env: Json | undefined, variables: Readonly<Record<string, string>>): Json[] {
  const before = listOf(env);
  const names = new Set(before.flatMap((entry: Json) => (isObject(entry) ? [entry['name']] : [])));
  const changed = before.map((entry: Json): Json => {
    const name = isObject(entry) ? textOf(entry['name']) : undefined;
    const value = name === undefined || !FORCED_VARIABLES.has(name) ? undefined : variables[name];
    return name === undefined || value === undefined ? entry : { name, value };
  });
  const added = Object.entries(variables).filter(([name]) => !names.has(name));
  return [...changed, ...added.map(([name, value]) => ({ name, value }))];
}

/** Secrets of the sidecar's that the agent's container names itself. */
export function knownSecrets(container: JsonObject, at: Place, plan: Plan): Note[] {
  return plan.secrets.flatMap((name) => {
    const found = findVariable(container, name);
    if (found === undefined) return [];
    const message = `${name} is the sidecar's alone, which checks or sends it: remove it from the agent`;
    return [{ document: at.document, path: [...at.path, 'env', found.index], message }];
  });
}

/** The number that a variable `PORT` gives. */
export function portVariable(container: JsonObject): { readonly port: number; readonly index: number } | undefined {
  const found = findVariable(container, 'PORT');
  const port = asNumber(found?.entry['value']);
  return found !== undefined && isPortNumber(port) ? { port, index: found.index } : undefined;
}

export function isPortNumber(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536;
}
