import type { Fields } from './fields.ts';

/** Fields that speak of one connection only (RFC 9110 §7.6.1), and `Expect`, which each hop answers for itself. */
const HOP_BY_HOP = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'proxy-authenticate',
  'proxy-authorization',
  'expect',
]);

/** What nearly every `Connection` field says; it names no further field. */
const NAMES_NOTHING = /^(?:keep-alive|close|upgrade)$/i;

/** What a caller may not have removed by naming it in `Connection`: what the body is, and for whom, was decided by these. */
const KEPT = new Set(['host', 'content-type', 'content-encoding', 'content-length']);

/**
 * A copy without hop-by-hop fields, without every field that `Connection` names, and without those that `drop` names in
 * lower case. `TE: trailers` stays: every hop here carries trailers.
 */
export function endToEnd(fields: Fields, drop?: (lowerName: string) => boolean): string[] {
  const named = namedByConnection(fields);
  const out: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    // Fields come in pairs, so both are there.
    const name = fields[i] as string;
    const value = fields[i + 1] as string;
    const lower = name.toLowerCase();
    if (lower === 'te') {
      if (value.toLowerCase() === 'trailers') out.push(name, value);
    } else if (!(HOP_BY_HOP.has(lower) || named?.has(lower) || drop?.(lower))) {
      out.push(name, value);
    }
  }
  return out;
}

function namedByConnection(fields: Fields): Set<string> | undefined {
  let named: Set<string> | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    const value = fields[i + 1] as string;
    if (name.length !== 10 || name.toLowerCase() !== 'connection' || NAMES_NOTHING.test(value)) continue;
    named ??= new Set();
    for (const token of value.split(',')) {
      const lower = token.trim().toLowerCase();
      if (!KEPT.has(lower)) named.add(lower);
    }
  }
  return named;
}
