import { type Fields, withoutFields } from '../fields.ts';
import { isDigest, redigested } from './guard-digest.ts';

/** The fields of a message whose body is now these bytes: length and digests are right, and a validator is a weak one. */
export function fieldsFor(headers: Fields, body: Uint8Array): string[] {
  const out: string[] = [];
  let hasLength = false;
  for (let i = 0; i < headers.length; i += 2) {
    // Fields come in pairs, so both are there.
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    const lower = name.toLowerCase();
    if (lower === 'transfer-encoding') continue;
    if (lower === 'content-length') {
      if (!hasLength) out.push(name, String(body.length));
      hasLength = true;
    } else if (isDigest(lower)) {
      const digest = redigested(lower, value, body);
      if (digest !== undefined) out.push(name, digest);
    } else {
      out.push(name, lower === 'etag' ? weak(value) : value);
    }
  }
  if (!hasLength) out.push('Content-Length', String(body.length));
  return out;
}

/** The fields of a body that may change on its way. */
export function fieldsForStream(headers: Fields): string[] {
  const out: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    const lower = name.toLowerCase();
    if (lower !== 'content-length') out.push(name, lower === 'etag' ? weak(value) : value);
  }
  return out;
}

/** The trailers of such a body. They may come before the last of it is decided. */
export async function trailersForStream(trailers: Promise<Fields>, hasChanged: Promise<boolean>): Promise<Fields> {
  const came = await trailers;
  return (await hasChanged) ? withoutFields(came, isDigest) : came;
}

/** A strong validator promises the same bytes (RFC 9110 §8.8.1). */
function weak(tag: string): string {
  return tag.startsWith('"') ? `W/${tag}` : tag;
}
