import { parseAddress } from '../address.ts';
import type { Environment } from '../environment.ts';
import { type Fault, formatPath, type Origin } from './faults.ts';
import { HOST_ONLY } from './host-variables.ts';
import { jsonFault } from './json-fault.ts';
import { nearest } from './suggest.ts';
import type { Form, Variable } from './variable.ts';
import { VARIABLES, type VariableName } from './variables.ts';
import { fromJson, textScalar, type Written, type WrittenEntry, type WrittenMap } from './written.ts';

interface Found {
  readonly value: string;
  readonly at: Origin;
}

/** The value of a variable under either of its names; an empty one is as if it were not set. */
export function readVariable(env: Environment, name: VariableName): Found | undefined {
  return lookUp(env, VARIABLES.find((candidate) => candidate.name === name) ?? { name });
}

function lookUp(env: Environment, { name, alias }: Pick<Variable, 'name' | 'alias'>): Found | undefined {
  for (const key of [name, alias]) {
    const value = key === undefined ? undefined : env[key];
    if (value) return { value, at: { file: `env ${key}` } };
  }
  return undefined;
}

/** The address of the public listener, as far as the environment says it. */
export function readInboundAddress(env: Environment): string | undefined {
  const found = readVariable(env, 'OUTRIDER_INBOUND_ADDR');
  return found && withPort(found.value, env);
}

const ON = /^(1|true|yes|on)$/i;

/** Whether a variable of form `flag` is set to what means yes. */
export function isSwitchedOn(env: Environment, name: VariableName): boolean {
  return ON.test(readVariable(env, name)?.value ?? '');
}

/** Whether the environment says that there is to be no sidecar. */
export function isSwitchedOff(env: Environment): boolean {
  const value = readVariable(env, 'OUTRIDER')?.value.trim().toLowerCase() ?? '';
  return ['disabled', 'off', 'false', '0', 'no'].includes(value);
}

/** What the environment says about the keys of the configuration file; a sidecar's, unless told otherwise. */
export function readEnvironment(
  env: Environment,
  variables: readonly Variable[] = VARIABLES,
): { root: WrittenMap; faults: Fault[]; warnings: string[] } {
  const faults: Fault[] = [];
  const warnings = [...bothNames(env, variables), ...misspelt(env)];
  const entries = new Map<string, WrittenEntry>();
  for (const variable of variables) {
    const { key, form } = variable;
    const found = key === undefined ? undefined : lookUp(env, variable);
    if (key === undefined || found === undefined || form === 'switch') continue;
    const value = readers[form](found.value, found.at, key, { env, faults, warnings });
    if (value !== undefined) put(entries, key.split('.'), { key: found.at, value });
  }
  return { root: { kind: 'map', entries, at: { file: 'environment' } }, faults, warnings };
}

/** A key with dots stands in a mapping. */
function put(entries: Map<string, WrittenEntry>, [first = '', ...rest]: readonly string[], entry: WrittenEntry): void {
  if (rest.length === 0) return void entries.set(first, entry);
  const inner = new Map<string, WrittenEntry>();
  put(inner, rest, entry);
  entries.set(first, { key: entry.key, value: { kind: 'map', entries: inner, at: entry.key } });
}

interface Findings {
  readonly env: Environment;
  readonly faults: Fault[];
  readonly warnings: string[];
}

const readers: Record<
  Exclude<Form, 'switch'>,
  (text: string, at: Origin, key: string, findings: Findings) => Written | undefined
> = {
  text: (text, at) => textScalar(text, at),
  address: readAddress,
  flag: readFlag,
  json: readJson,
  pairs: readPairs,
};

function readAddress(text: string, at: Origin, path: string, { env, faults }: Findings): Written | undefined {
  const expanded = withPort(text, env);
  if (expanded === text || parseAddress(expanded) !== undefined) return textScalar(expanded, at);
  faults.push({ file: 'env PORT', path, message: `expected a port: ${at.file} refers to it` });
  return undefined;
}

/** A platform that chooses the port says it in `PORT`, and expands no variables in the values of others. */
function withPort(text: string, env: Environment): string {
  return text.replace(/:\$(PORT|\{PORT\})$/, () => `:${env['PORT'] || '8080'}`);
}

function readFlag(text: string, at: Origin, path: string, { faults }: Findings): Written | undefined {
  const on = ON.test(text);
  if (on || /^(0|false|no|off)$/i.test(text)) return { kind: 'scalar', value: on, text: undefined, at };
  faults.push({ ...at, path, message: 'expected 1 or 0' });
  return undefined;
}

function readJson(text: string, at: Origin, path: string, { faults }: Findings): Written | undefined {
  const problem = jsonFault(text);
  if (problem === undefined) return fromJson(JSON.parse(text), at, faults, [path]);
  const before = text.slice(0, problem.offset).split('\n');
  const place = { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  faults.push({ ...at, ...place, path, message: `malformed JSON: expected ${problem.expected}` });
  return undefined;
}

function readPairs(text: string, at: Origin, path: string, { warnings }: Findings): Written {
  const entries = new Map<string, WrittenEntry>();
  for (const [index, pair] of text.split(',').entries()) {
    if (pair.trim() === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(pair.slice(0, equals));
    const value = decode(pair.slice(equals + 1));
    if (equals > 0 && name && value !== undefined) entries.set(name, { key: at, value: textScalar(value, at) });
    else warnings.push(`${at.file}: ${formatPath([path])}: entry ${index + 1} is not NAME=VALUE, and is left out`);
  }
  return { kind: 'map', entries, at };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return undefined;
  }
}

function bothNames(env: Environment, variables: readonly Variable[]): string[] {
  return variables.flatMap(({ name, alias }) =>
    alias !== undefined && env[name] && env[alias] ? [`${name} and ${alias} are both set; ${name} is used`] : [],
  );
}

/** Only near misses: orchestrators put variables of their own behind any prefix. */
function misspelt(env: Environment): string[] {
  const known = [...VARIABLES, ...HOST_ONLY].flatMap(({ name, alias }: Variable) =>
    alias === undefined ? [name] : [name, alias],
  );
  return Object.keys(env).flatMap((name) => {
    if (!/^(OUTRIDER|AGENTBREEDER_SIDECAR)_/.test(name) || known.includes(name) || !env[name]) return [];
    const suggestion = nearest(name, known, 2);
    return suggestion === undefined ? [] : [`${name} is not read; did you mean ${suggestion}?`];
  });
}
