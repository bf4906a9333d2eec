/**
 * One step from a value to what is in it. `key`: the member of an object. `index`: the element of an array, from 0. `any`: every
 * member or element. `deep`: the members with this key at any depth below.
 */
export type JsonPathStep =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'any' }
  | { readonly kind: 'deep'; readonly key: string };

/** From the root on; empty: the root itself. A path covers everything below what it names. */
export type JsonPath = readonly JsonPathStep[];

/** What may be written, for faults. */
export const JSON_PATH_FORM =
  'expected a JSON path such as $.user.email, $.items[0], $.items[*].id, $["a b"] or $..email';

/** Longer ones, in steps, name nothing that anybody has. */
const MOST_STEPS = 64;

const NAME = String.raw`[\p{L}_$][\p{L}\p{M}\p{N}_$-]*`;
const STEP = new RegExp(
  [
    String.raw`(?:(?<deep>\.\.)|\.)(?<name>${NAME})`,
    String.raw`(?<any>\.\*|\[\*\])`,
    String.raw`\[(?<index>0|[1-9]\d{0,8})\]`,
    String.raw`(?<deepQuoted>\.\.)?\[(?<quoted>"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|'[^'\\\u0000-\u001f]*')\]`,
  ].join('|'),
  'uy',
);

/**
 * Reads a path in the part of RFC 9535 that rules take: `$`, `.key`, `["key"]` (or `['key']`), `[0]`, `[*]`, `.*`, `..key` (or
 * `..["key"]`). Undefined when it is none.
 */
export function parseJsonPath(text: string): JsonPath | undefined {
  if (!text.startsWith('$')) return undefined;
  const steps: JsonPathStep[] = [];
  STEP.lastIndex = 1;
  while (STEP.lastIndex < text.length) {
    // A failed match sets lastIndex back, so that the next call begins anew.
    const groups = STEP.exec(text)?.groups;
    if (groups === undefined || steps.length === MOST_STEPS) return undefined;
    steps.push(stepOf(groups));
  }
  return steps;
}

function stepOf({ deep, name, any, index, deepQuoted, quoted }: Record<string, string | undefined>): JsonPathStep {
  if (any !== undefined) return { kind: 'any' };
  if (index !== undefined) return { kind: 'index', index: Number(index) };
  // One of the two is there: the expression has no other branch.
  const key = name ?? unquote(quoted as string);
  return { kind: (deep ?? deepQuoted) === undefined ? 'key' : 'deep', key };
}

function unquote(quoted: string): string {
  // The expression lets only valid JSON strings through.
  return quoted.startsWith("'") ? quoted.slice(1, -1) : (JSON.parse(quoted) as string);
}
