/** Makes what goes into a log line small and free of secrets, whatever it was. */

const MAX_DEPTH = 4;
const MAX_MEMBERS = 50;
const MAX_TEXT = 2_048;
const MAX_FRAMES = 8;

/** Names whose values are secrets, in any case and with any prefix: `authorization`, `x-api-key`, `apiToken`. */
const SECRET_NAME =
  /(?:authorization|cookies?|password|passwd|passphrase|secrets?|tokens?|credentials?|api[-_]?keys?|private[-_]?keys?)$/i;

/** Secrets that stand in text: credentials of the `Authorization` schemes, and user information in URLs. */
const SCHEME = /\b(Bearer|Basic) [\w.~+/=-]+/gi;
const USER_INFO = /:\/\/[^/@\s]*@/g;

/** Text without credentials, of at most `limit` characters. */
export function cleanText(text: string, limit = MAX_TEXT): string {
  const short = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return short.replace(SCHEME, '$1 [redacted]').replace(USER_INFO, '://[redacted]@');
}

/** A value as it may be logged: bounded in depth, length and number of members; errors with their chain of causes. */
export function cleanValue(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '[…]';
  if (value instanceof Error) return cleanError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.slice(0, MAX_MEMBERS).map((item) => cleanValue(item, depth + 1));
  return cleanRecord(value as Record<string, unknown>, depth + 1);
}

export function cleanRecord(record: Readonly<Record<string, unknown>>, depth = 0): Record<string, unknown> {
  const clean: Record<string, unknown> = {};
  let left = MAX_MEMBERS;
  for (const [name, value] of Object.entries(record)) {
    if (left-- <= 0) break;
    clean[name] = isSecret(name, value) ? '[redacted]' : cleanMember(value, depth);
  }
  return clean;
}

/** Code of others throws anything, such as a proxy, or an error whose members throw when they are looked at. */
function cleanMember(value: unknown, depth: number): unknown {
  try {
    return cleanValue(value, depth);
  } catch {
    return '[unreadable]';
  }
}

/** A number or a flag is never a secret, so that `tokens: 3` can be told. */
function isSecret(name: string, value: unknown): boolean {
  return (typeof value === 'string' || typeof value === 'object') && value !== null && SECRET_NAME.test(name);
}

/**
 * Only what every error has. Libraries hang requests, replies and bodies on theirs, and those never belong in a log. The
 * frames are kept without the message that stands before them.
 */
function cleanError(error: Error, depth: number): Record<string, unknown> {
  const { code, cause, errors } = error as Error & { code?: unknown; errors?: unknown };
  const clean: Record<string, unknown> = { type: error.name, message: cleanText(error.message) };
  if (typeof code === 'string' || typeof code === 'number') clean['code'] = code;
  // An error with a closed code is an expected one; for any other the place is what tells most.
  if (error.name !== 'OutriderError' && typeof error.stack === 'string') {
    const frames = error.stack.split('\n').filter((line) => line.startsWith('    at '));
    clean['at'] = frames.slice(0, MAX_FRAMES).map((line) => line.slice(7));
  }
  if (Array.isArray(errors)) clean['errors'] = errors.slice(0, 3).map((item) => cleanValue(item, depth + 1));
  if (cause !== undefined) clean['cause'] = cleanValue(cause, depth + 1);
  return clean;
}
