import { isObject, type Json } from '../json.ts';
import { FORCED_VARIABLES } from '../plan.ts';

/** A scalar as text; of anything else nothing. */
export function textOf(value: Json | undefined): string {
  return typeof value === 'object' || value === undefined ? '' : String(value);
}

/** A text as Compose is to read it literally: it would replace what `$` begins. */
export function literal(text: string): string {
  return text.replaceAll('$', '$$$$');
}

/** A reference that Compose fills in, and without which it starts nothing. */
export function secretReference(name: string): string {
  return `\${${name}:?set ${name} in .env or in the environment}`;
}

/** The number that a text stands for; of `${NAME:-8000}` its default. Undefined where only Compose can know it. */
export function numberOf(value: Json | undefined): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const [, standard] = /^\$\{\w+:?-(\d{1,5})\}$/.exec(value) ?? [];
  return /^\d{1,5}$/.test(value) ? Number(value) : standard === undefined ? undefined : Number(standard);
}

/** With the defaults of `${NAME:-8000}` in place of it; `$${…}` is the container's own business. */
export function withDefaults(value: Json | undefined): Json | undefined {
  if (typeof value === 'string') return value.replaceAll(/(?<!\$)\$\{\w+:?-([^${}]*)\}/g, '$1');
  return Array.isArray(value) ? value.map((item: Json) => withDefaults(item) ?? null) : value;
}

/** Names and values of an `environment`, a list or a map; null where the value comes from Compose's own environment. */
export function readEnvironment(environment: Json | undefined): ReadonlyMap<string, Json> {
  if (isObject(environment)) return new Map(Object.entries(environment));
  if (!Array.isArray(environment)) return new Map();
  return new Map(
    environment.map((entry: Json) => {
      const [, name = '', value = null] = /^([^=]*)(?:=(.*))?$/s.exec(textOf(entry)) ?? [];
      return [name, value];
    }),
  );
}

/** An `environment` in the form it has, with what an agent is told; of the others the file's own win. */
export function tellAgent(environment: Json | undefined, variables: Readonly<Record<string, string>>): Json {
  const before = readEnvironment(environment);
  const told = Object.entries(variables).filter(([name]) => FORCED_VARIABLES.has(name) || !before.has(name));
  if (!Array.isArray(environment)) return { ...(isObject(environment) && environment), ...Object.fromEntries(told) };
  const changed = environment.map((entry: Json): Json => {
    const name = textOf(entry).split('=')[0] ?? '';
    return FORCED_VARIABLES.has(name) ? `${name}=${variables[name]}` : entry;
  });
  const added = told.filter(([name]) => !before.has(name));
  return [...changed, ...added.map(([name, value]) => `${name}=${value}`)];
}
