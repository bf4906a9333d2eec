import type { JsonObject } from '@bufbuild/protobuf';
import { AgentError } from './agent-error.ts';
import type { Faults, Path } from './faults.ts';

/**
 * How deep free JSON may be nested. Each level is two messages in binary, and most implementations of protobuf read no more than
 * 100 within each other; a few count the entry of a map as one more.
 */
export const MAX_DEPTH = 32;

const TOO_DEEP = `nested more than ${MAX_DEPTH} levels deep`;

/** A JSON object of which the contract does not say what is in it. */
export function checkFreeObject(value: unknown, faults: Faults, above: Path | undefined, key: string | number): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) faults.add(above, key, 'expected an object');
  else checkFree(value, faults, { above, key }, 1, true);
}

/** A member that is not known here: it may be anything, but not so deep that handing it on fails. */
export function checkUnknown(value: unknown, faults: Faults, above: Path | undefined): void {
  if (typeof value === 'object' && value !== null) checkFree(value, faults, { above, key: '*' }, 1, false);
}

function checkFree(value: object, faults: Faults, path: Path, depth: number, strict: boolean): void {
  if (depth > MAX_DEPTH) {
    faults.add(path, undefined, TOO_DEEP);
    return;
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length && !faults.full; i++) checkEntry(value[i], faults, path, i, depth, strict);
    return;
  }
  for (const [key, entry] of Object.entries(value)) {
    if (faults.full) return;
    if (strict && !key.isWellFormed()) faults.add(path, '*', 'expected a name that is well-formed Unicode');
    checkEntry(entry, faults, path, '*', depth, strict);
  }
}

function checkEntry(
  entry: unknown,
  faults: Faults,
  path: Path,
  key: string | number,
  depth: number,
  strict: boolean,
): void {
  if (typeof entry === 'object' && entry !== null) {
    checkFree(entry, faults, { above: path, key }, depth + 1, strict);
    return;
  }
  if (!strict || entry === null || typeof entry === 'boolean') return;
  if (typeof entry === 'string') {
    if (!entry.isWellFormed()) faults.add(path, key, 'expected well-formed Unicode');
  } else if (typeof entry === 'number') {
    if (!Number.isFinite(entry)) faults.add(path, key, 'expected a finite number');
    // An object's member that is undefined is none, as in `JSON.stringify`.
  } else if (entry !== undefined || typeof key === 'number') faults.add(path, key, 'expected a JSON value');
}

/** The object as protobuf's `Struct` has it: without members that are undefined. The same object when there are none. */
export function toStruct(value: JsonObject): JsonObject {
  return (hasUndefined(value, 1) ? withoutUndefined(value) : value) as JsonObject;
}

function hasUndefined(value: object, depth: number): boolean {
  if (depth > MAX_DEPTH) throw new AgentError('bad_request', `the message cannot be sent: ${TOO_DEEP}`);
  let found = false;
  for (const entry of Object.values(value)) {
    if (entry === undefined) found = true;
    else if (typeof entry === 'object' && entry !== null && hasUndefined(entry, depth + 1)) found = true;
  }
  return found;
}

function withoutUndefined(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((entry) => withoutUndefined(entry) ?? null);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, entry]) => entry !== undefined)
      .map(([key, entry]) => [key, withoutUndefined(entry)]),
  );
}
