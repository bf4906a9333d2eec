import type { OutgoingHttpHeaders } from 'node:http2';
import type { Fields } from '../fields.ts';

/** Fields that an HTTP/2 message must not have: they speak of an HTTP/1.1 connection (RFC 9113 §8.2.2). */
const CONNECTION_FIELDS = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** The fields as `node:http2` takes them, without those that HTTP/2 forbids and those that `drop` names in lower case. */
export function toHttp2Headers(fields: Fields, drop?: (lowerName: string) => boolean): OutgoingHttpHeaders {
  // Without a prototype, so that no field can be named like a member of one.
  const headers = Object.create(null) as OutgoingHttpHeaders;
  for (let i = 0; i < fields.length; i += 2) {
    // Fields come in pairs, so both are there.
    const name = (fields[i] as string).toLowerCase();
    const value = fields[i + 1] as string;
    if (isConnectionField(name) || drop?.(name) || (name === 'te' && value.toLowerCase() !== 'trailers')) continue;
    const known = headers[name];
    if (known === undefined) headers[name] = value;
    else if (Array.isArray(known)) known.push(value);
    else headers[name] = [String(known), value];
  }
  return headers;
}

/** Whether HTTP/2 forbids the field. `name` must be lower case. */
export function isConnectionField(name: string): boolean {
  return CONNECTION_FIELDS.has(name);
}

/** A list as `node:http2` gives it, without what begins with `:`, which is no field. */
export function withoutPseudo(raw: readonly string[]): string[] {
  const fields: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    // Names and values alternate.
    const name = raw[i] as string;
    if (name.charCodeAt(0) !== COLON) fields.push(name, raw[i + 1] as string);
  }
  return fields;
}

const COLON = 58;
