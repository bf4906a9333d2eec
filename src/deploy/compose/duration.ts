import type { Json } from '../json.ts';

const SECONDS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6 };

/** Seconds of a duration such as `1m30s`; undefined where it is no such text. */
export function secondsOf(value: Json | undefined): number | undefined {
  if (typeof value !== 'string' || !/^(\d{1,9}(\.\d{1,9})?(h|ms|us|m|s))+$/.test(value)) return undefined;
  const parts = [...value.matchAll(/([\d.]+)(h|ms|us|m|s)/g)];
  return parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (SECONDS[unit] ?? 0), 0);
}

/** The longer of two; the text stands as it was where it is long enough, or says what only Compose can know. */
export function atLeast(value: Json | undefined, seconds: number): Json {
  const known = secondsOf(value);
  if (value !== undefined && typeof value === 'string' && (known === undefined || known >= seconds)) return value;
  return `${seconds}s`;
}
