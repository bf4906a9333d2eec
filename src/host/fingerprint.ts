import { createHash } from 'node:crypto';
import type { ExecuteRequest } from '../contract/messages.ts';

/**
 * What a request asks, as a hash: the same over JSON and over binary, which has no empty members, in whatever order its members
 * stand. How long the caller waits is not part of it, since that shrinks with every attempt; its labels in `metadata` are.
 */
export function fingerprint(request: ExecuteRequest): string {
  const { timeout_seconds: _wait, idempotency_key: _key, agent_id: _agent, parts, ...asked } = request;
  const whole = { ...withoutEmpty(asked), ...(parts?.length && { parts: parts.map(withoutEmpty) }) };
  return createHash('sha256')
    .update(JSON.stringify(sorted(whole)))
    .digest('base64url');
}

/** Of a message; in what is JSON itself, such as `context`, nothing is left out. */
function withoutEmpty(message: object): object {
  return Object.fromEntries(Object.entries(message).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  return value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}

/** Checked requests are of bounded depth. A list of pairs, since an object would put names that are numbers first. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return { o: entries.map(([key, entry]) => [key, sorted(entry)]) };
}
