import type { ServerHttp2Stream } from 'node:http2';
import type { Body } from '../body.ts';
import type { InboundCall } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { type Fields, getField } from '../fields.ts';
import { isGrpc } from '../protocols/grpc.ts';
import { isConnectionField, withoutPseudo } from './http2-fields.ts';
import { callerLeft } from './inbound-call.ts';
import { HOST } from './request-check.ts';
import { streamBody } from './stream-body.ts';

export interface Http2Request {
  readonly method: string;
  readonly target: string;
  /** With `Host` from `:authority`, and without pseudo fields. */
  readonly headers: string[];
  /** Why it is refused. */
  readonly fault: OutriderError | undefined;
}

/**
 * A request's head as the layers see it. node:http2 itself refuses what is malformed by RFC 9113 §8: names in capitals,
 * pseudo fields that are missing, doubled or late, connection fields, a length that the body does not have.
 */
export function http2Request(raw: readonly string[], maxHeaderBytes: number): Http2Request {
  let method = '';
  let target = '';
  let authority: string | undefined;
  let host: string | undefined;
  let cookie: string | undefined;
  let fault: OutriderError | undefined;
  let size = 0;
  const headers: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    // Names and values alternate.
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    size += name.length + value.length + FIELD_OVERHEAD;
    if (name === ':method') method = value;
    else if (name === ':path') target = value;
    else if (name === ':authority') authority = value;
    else if (name === 'host') {
      if (host !== undefined) fault = bad('more than one Host field');
      host = value;
    } else if (name === 'cookie') {
      // They were one field, cut up to be compressed better (RFC 9113 §8.2.3).
      cookie = cookie === undefined ? value : `${cookie}; ${value}`;
    } else if (isConnectionField(name)) {
      fault = bad(`a ${name} field in an HTTP/2 request`);
    } else if (name.charCodeAt(0) !== COLON) {
      headers.push(name, value);
    }
  }
  if (cookie !== undefined) headers.push('cookie', cookie);
  const names = authority ?? host;
  if (names !== undefined) headers.unshift('Host', names);
  if (size > maxHeaderBytes) fault = new OutriderError('headers_too_large', 'the request headers are too large');
  fault ??= headFault(method, target, authority, host);
  return { method, target, headers, fault };
}

function headFault(
  method: string,
  target: string,
  authority: string | undefined,
  host: string | undefined,
): OutriderError | undefined {
  if (method === 'CONNECT') return new OutriderError('method_not_allowed', 'CONNECT is not served here');
  if (authority !== undefined && host !== undefined && authority.toLowerCase() !== host.toLowerCase())
    return bad('the Host field names another host than :authority');
  const names = authority ?? host;
  if (names === undefined || names === '') return bad('no :authority and no Host field');
  if (!HOST.test(names)) return bad('the :authority is malformed');
  if (!TARGET.test(target)) return bad('the :path is malformed');
  return undefined;
}

/** Path and query of RFC 3986, in the characters that HTTP/1.1 lets through, or `*`. */
const TARGET = /^(?:\/[\x21-\x7e]*|\*)$/;
const COLON = 58;
/** Of a field in HTTP/1.1, with which the limit is shared. */
const FIELD_OVERHEAD = 4;

export interface BodyWatch {
  /** Whether the caller has ended its side. */
  hasEnded: () => boolean;
  /** Whether what is left is thrown away: nobody needs it any more. */
  isDropped: () => boolean;
  onChunk: () => void;
}

/**
 * What has come of the body so far when that is all of it, else a stream. To be asked when everything that
 * was read together with the headers has been handed over.
 */
export function http2Body(stream: ServerHttp2Stream, { headers }: Http2Request, watch: BodyWatch): Body {
  if (watch.hasEnded()) {
    // All of it: without a length this would be one chunk. No encoding is set, so it is a Buffer, or null when there is none.
    const body = stream.read(stream.readableLength) as Buffer | null;
    // Lets the stream say that it has ended.
    stream.resume();
    return body;
  }
  let asked = getField(headers, 'expect') === undefined;
  const body = streamBody(stream, {
    // It is answered first; the stream is reset when that has been sent.
    abandon: () => undefined,
    cut: callerLeft,
    isBroken: () => !watch.hasEnded() || watch.isDropped(),
  });
  const source = body[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        // The caller waits for this: it is sent when somebody begins to read, so that a refused body is never sent.
        if (!asked && !stream.headersSent && !stream.closed) stream.additionalHeaders({ ':status': 100 });
        asked = true;
        const result = await source.next();
        watch.onChunk();
        return result;
      },
      return: async () => (await source.return?.()) ?? { done: true, value: undefined },
    }),
  };
}

/** The call that a stream asks for. */
export function http2Call(
  stream: ServerHttp2Stream,
  request: Http2Request,
  body: Body,
  { signal, remote }: { signal: AbortSignal; remote: string },
): InboundCall {
  const { method, target, headers } = request;
  const call = { method, target, headers, body, signal, remote, http2: true };
  // gRPC has trailers behind replies only. Those of other requests need not be announced.
  if (body === null || body instanceof Uint8Array || isGrpc(headers)) return call;
  return { ...call, trailers: trailersOf(stream) };
}

function trailersOf(stream: ServerHttp2Stream): Promise<Fields> {
  return new Promise((resolve) => {
    let trailers: Fields = [];
    stream.on('trailers', (_headers, _flags, raw) => {
      trailers = withoutPseudo(raw);
    });
    stream.on('end', () => resolve(trailers));
    stream.on('close', () => resolve(trailers));
  });
}

function bad(what: string): OutriderError {
  return new OutriderError('bad_request', `refused: ${what}`);
}
