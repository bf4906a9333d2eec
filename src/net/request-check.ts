import type { IncomingMessage } from 'node:http';
import { OutriderError } from '../errors.ts';
import { countField, getField } from '../fields.ts';

/** A `Host` of RFC 9110 §7.2: a name, an IPv4 address or a bracketed IPv6 address, with an optional port. */
export const HOST = /^(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/;

/**
 * Why a request that Node's parser let through is refused nonetheless, or undefined. The parser itself refuses malformed or
 * doubled lengths, a length beside `Transfer-Encoding`, folded fields and control bytes.
 */
export function refusal(request: IncomingMessage): OutriderError | undefined {
  const fields = request.rawHeaders;
  if (request.httpVersionMajor !== 1) return bad('HTTP/1.1 only');
  const hosts = countField(fields, 'host');
  if (hosts > 1) return bad('more than one Host field');
  const host = getField(fields, 'host');
  if (host === undefined) {
    if (request.httpVersion === '1.1') return bad('no Host field');
  } else if (!HOST.test(host)) {
    return bad('the Host field is malformed');
  }
  const coding = getField(fields, 'transfer-encoding');
  if (coding !== undefined) {
    if (request.httpVersion !== '1.1') return bad('Transfer-Encoding in an HTTP/1.0 request');
    if (coding.toLowerCase() !== 'chunked') return bad('Transfer-Encoding other than chunked');
  }
  // The parser sets the target of every request.
  const target = request.url as string;
  if (!target.startsWith('/') && target !== '*') {
    if (host === undefined || authorityOf(target) !== host.toLowerCase())
      return bad('the request target names another host');
  }
  return undefined;
}

/** The target as path and query: RFC 9112 §3.2.2 obliges servers to accept the absolute form as well. */
export function originForm(target: string): string {
  if (target.startsWith('/') || target === '*') return target;
  const path = target.indexOf('/', target.indexOf('://') + 3);
  const query = target.indexOf('?');
  if (path >= 0 && (query < 0 || path < query)) return target.slice(path);
  return query < 0 ? '/' : `/${target.slice(query)}`;
}

/** Only WebSocket may switch protocols: others, h2c above all, would lead past everything that is checked here. */
export function isWebSocketUpgrade(request: IncomingMessage): boolean {
  return request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket';
}

function authorityOf(target: string): string | undefined {
  return /^https?:\/\/([^/?#@]*)(?:[/?]|$)/i.exec(target)?.[1]?.toLowerCase();
}

function bad(what: string): OutriderError {
  return new OutriderError('bad_request', `refused: ${what}`);
}
