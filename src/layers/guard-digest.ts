import { createHash } from 'node:crypto';
import type { Fields } from '../fields.ts';

/** Hash functions by the names that `Digest` (RFC 3230), `Content-Digest` and `Repr-Digest` (RFC 9530) have for them. */
const HASHES = new Map([
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512'],
  ['sha', 'sha1'],
  ['sha-1', 'sha1'],
  ['md5', 'md5'],
]);

const DIGESTS = new Set(['content-digest', 'repr-digest', 'digest', 'content-md5']);

/** Whether a field (in lower case) says what the bytes of the body must add up to. */
export function isDigest(name: string): boolean {
  return DIGESTS.has(name);
}

export function hasDigest(headers: Fields): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    // Fields come in pairs. All of these are longer than most names.
    const name = headers[i] as string;
    if (name.length >= 6 && isDigest(name.toLowerCase())) return true;
  }
  return false;
}

/** The value that a digest field has for other bytes, with the functions that are known; undefined when none of them is. */
export function redigested(name: string, value: string, body: Uint8Array): string | undefined {
  if (name === 'content-md5') return digest('md5', body);
  const isDictionary = name !== 'digest';
  const members: string[] = [];
  for (const member of value.split(',')) {
    const algorithm = member.slice(0, Math.max(0, member.indexOf('='))).trim();
    const hash = HASHES.get(algorithm.toLowerCase());
    if (hash === undefined) continue;
    const sum = digest(hash, body);
    members.push(isDictionary ? `${algorithm}=:${sum}:` : `${algorithm}=${sum}`);
  }
  return members.length === 0 ? undefined : members.join(isDictionary ? ', ' : ',');
}

function digest(hash: string, body: Uint8Array): string {
  return createHash(hash).update(body).digest('base64');
}
