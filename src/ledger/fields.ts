import { z } from 'zod';
import { OutriderError } from '../errors.ts';
import { parseTimestamp } from './timestamp.ts';

/** What is wrong with one member of a body: where it stands, such as `costs[3].model`, and what was expected. */
export interface Fault {
  readonly path: string;
  readonly message: string;
}

/** More faults than these are counted, not listed. */
const MAX_FAULTS = 100;

export const EVENT_ID = /^[\x20-\x7e]{1,128}$/;

/** A name: no control characters, which have no business in it and could command the terminal that shows it. */
export function text(max: number): z.ZodString {
  return z
    .string()
    .min(1, 'must not be empty')
    .max(max, `must not be longer than ${max} characters`)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not hold control characters');
}

/** RFC 3339, made UTC with milliseconds. */
export const timestamp = z.string().transform((value, context) => {
  const parsed = parseTimestamp(value);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'expected an RFC 3339 timestamp such as 2026-01-31T12:00:00Z' });
  return z.NEVER;
});

/** Zod's findings as faults; `prefix` is the place of the value inside the body. */
export function faultsOf(error: z.ZodError, prefix = ''): Fault[] {
  return error.issues.map((issue) => ({
    path: issue.path.reduce<string>(appendKey, prefix) || 'body',
    message: issue.message,
  }));
}

function appendKey(path: string, key: PropertyKey): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  return path === '' ? String(key) : `${path}.${String(key)}`;
}

/** Throws `bad_request` with `details.faults` when there are faults. */
export function rejectFaults(faults: readonly Fault[]): void {
  if (faults.length === 0) return;
  const first = faults[0];
  const more = faults.length > 1 ? `, and ${faults.length - 1} more` : '';
  throw new OutriderError('bad_request', `${first?.path}: ${first?.message}${more}`, {
    details: { faults: faults.slice(0, MAX_FAULTS), ...(faults.length > MAX_FAULTS && { fault_count: faults.length }) },
  });
}

/** The JSON value of a body. Throws `bad_request` when it is not UTF-8 or not JSON. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(UTF8.decode(bytes));
  } catch {
    // The parser's message quotes the body: it stays here.
    throw new OutriderError('bad_request', 'the body is not JSON', {
      details: { faults: [{ path: 'body', message: 'not valid JSON in UTF-8' }] },
    });
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The value of an `Idempotency-Key` header. The draft (draft-ietf-httpapi-idempotency-key-header) makes it a quoted string; most
 * clients send it bare, and both name the same key.
 */
export function unquoteKey(value: string | undefined): string | undefined {
  return value === undefined ? undefined : value.replace(/^"(.*)"$/, '$1');
}
