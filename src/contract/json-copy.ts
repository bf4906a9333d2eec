import type { JsonObject, JsonValue } from '@bufbuild/protobuf';

const MAX_DEPTH = 16;
const MAX_ENTRIES = 1_000;
const MAX_CHARACTERS = 64 * 1024;

interface Budget {
  entries: number;
  characters: number;
}

/**
 * As much of an object that code of agents or a peer made as is JSON, and as bounds allow: what is no JSON, lies too deep or does not
 * fit any more is left out. Never throws, whatever getters and proxies are in it.
 */
export function jsonCopy(value: object): JsonObject {
  const copy = copied(value, 0, { entries: MAX_ENTRIES, characters: MAX_CHARACTERS });
  // Of an object that is no array there is an object.
  return typeof copy === 'object' && copy !== null && !Array.isArray(copy) ? copy : {};
}

function copied(value: unknown, depth: number, budget: Budget): JsonValue | undefined {
  if (--budget.entries < 0) return undefined;
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'string') return affordable(value, budget) ? value.toWellFormed() : undefined;
  if (typeof value !== 'object' || depth === MAX_DEPTH) return undefined;
  try {
    return Array.isArray(value) ? copiedList(value, depth, budget) : copiedObject(value, depth, budget);
  } catch {
    // A getter or a proxy.
    return undefined;
  }
}

function copiedList(list: readonly unknown[], depth: number, budget: Budget): JsonValue[] {
  const out: JsonValue[] = [];
  for (let i = 0; i < list.length && budget.entries > 0; i++) {
    const copy = copied(list[i], depth + 1, budget);
    if (copy !== undefined) out.push(copy);
  }
  return out;
}

function copiedObject(object: object, depth: number, budget: Budget): JsonObject {
  const out: JsonObject = {};
  for (const key of Object.keys(object)) {
    if (budget.entries <= 0) break;
    if (!key.isWellFormed() || !affordable(key, budget)) continue;
    const copy = copied(memberOf(object, key), depth + 1, budget);
    // A member of its own in any case, also when it is called `__proto__`.
    if (copy !== undefined) {
      Object.defineProperty(out, key, { value: copy, enumerable: true, writable: true, configurable: true });
    }
  }
  return out;
}

function memberOf(object: object, key: string): unknown {
  try {
    return (object as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function affordable(text: string, budget: Budget): boolean {
  if (text.length > budget.characters) return false;
  budget.characters -= text.length;
  return true;
}
