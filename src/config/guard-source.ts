import { resolve as absolute } from 'node:path';
import { safeParse, strictObject } from 'zod';
import { resolutionOf } from './check.ts';
import { explain } from './explain.ts';
import { ConfigError } from './faults.ts';
import { gather, type LoadOptions } from './gather.ts';
import { type GuardConfig, resolveGuard } from './guard.ts';
import { guardKeys } from './guard-schema.ts';
import { configSchema } from './schema.ts';
import { settle } from './settle.ts';
import { writtenShape } from './shape.ts';

/** Where what the guardrails do is read again while the sidecar runs. */
export interface GuardSource {
  /** The file, absolute; undefined when there was none at the start: then nothing can change. */
  readonly file: string | undefined;
  /** What it said of the guardrails at the start; to be compared with that of a reading. */
  readonly text: string;
  /** Reads it as it is now. Rejects with `ConfigError`. */
  readonly read: () => Promise<GuardReading>;
  /** Names of the keys at the top, but those of the guardrails, that are not what they were at the start. */
  readonly changedKeys: (reading: GuardReading) => string[];
}

export interface GuardReading {
  readonly guard: GuardConfig;
  /** The file that was read, when there was one. */
  readonly file: string | undefined;
  readonly warnings: readonly string[];
  /** Bytes of a body that a rule must read. */
  readonly bodyLimit: number;
  /** What the file says of the guardrails; the same for two readings in which nothing has changed. */
  readonly text: string;
  /** All values as they were written. May hold secrets. */
  readonly written: unknown;
}

/** `written`: the values that are in force. */
export function guardSource(
  options: LoadOptions & { cwd: string },
  file: string | undefined,
  written: unknown,
): GuardSource {
  const path = file === undefined ? undefined : absolute(options.cwd, file);
  return {
    file: path,
    text: guardText(written),
    read: () => loadGuard({ ...options, configPath: path }),
    changedKeys(reading) {
      const [now, then] = [otherValues(reading.written), otherValues(written)];
      return Object.keys({ ...then, ...now }).filter((key) => now[key] !== then[key]);
    },
  };
}

const guardSchema = strictObject(guardKeys);

/**
 * Reads what the guardrails do and nothing else of the configuration, so that it can be tried without what a sidecar needs to
 * start, and changed while other keys wait for a restart. Throws `ConfigError` with every fault of these keys, of the file as a
 * whole, and of keys that are none: one of them may have been meant.
 */
export async function loadGuard(options: LoadOptions): Promise<GuardReading> {
  const { env, cwd = process.cwd() } = options;
  const gathered = await gather(options, cwd);
  const { file, root, faults, warnings } = gathered;
  const shape = writtenShape();
  const settled = settle(root, shape);
  const values = valuesOf(settled.value);
  const parsed = guardSchema.safeParse(
    pick(values, (key) => key in guardKeys),
    { jitless: true },
  );
  const unknown = Object.keys(values).filter((key) => !shape.fields.has(key));
  const explained = explain(
    [
      ...(parsed.error?.issues ?? []),
      ...(unknown.length > 0 ? [{ code: 'unrecognized_keys' as const, keys: unknown, path: [], message: '' }] : []),
    ],
    root,
    shape,
  );
  faults.push(...settled.faults, ...explained.faults);
  const guard = resolveGuard(parsed.data ?? {}, resolutionOf(gathered, env));
  if (faults.length > 0) throw new ConfigError(faults);
  const limits = safeParse(configSchema.shape.limits, values['limits']);
  // What is wrong with other keys is said where they are used.
  const bodyLimit = limits.success ? limits.data.body_bytes : configSchema.shape.limits.parse({}).body_bytes;
  return { guard, file, warnings, bodyLimit, text: guardText(values), written: values };
}

function valuesOf(value: unknown): Record<string, unknown> {
  // What `settle` makes of a mapping is one.
  return (value ?? {}) as Record<string, unknown>;
}

function pick(values: Record<string, unknown>, which: (key: string) => boolean): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => which(key)));
}

function guardText(values: unknown): string {
  return JSON.stringify(pick(valuesOf(values), (key) => key in guardKeys));
}

/** Each as text, so that two can be compared. */
function otherValues(values: unknown): Record<string, string> {
  const others = pick(valuesOf(values), (key) => !(key in guardKeys));
  return Object.fromEntries(Object.entries(others).map(([key, value]) => [key, JSON.stringify(value)]));
}
