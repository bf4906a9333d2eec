import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Body } from '../body.ts';
import type { InboundCall } from '../call.ts';
import { OutriderError } from '../errors.ts';
import type { Fields } from '../fields.ts';
import { originForm } from './request-check.ts';
import { streamBody } from './stream-body.ts';

/** A request as the layers see it. */
export function inboundCall(request: IncomingMessage, body: Body, signal: AbortSignal): InboundCall {
  const call = {
    // Set on every request that Node parsed.
    method: request.method as string,
    target: originForm(request.url as string),
    headers: request.rawHeaders,
    body,
    signal,
    remote: plainAddress(request.socket.remoteAddress ?? ''),
  };
  return request.headers.trailer === undefined || !isChunked(request)
    ? call
    : { ...call, trailers: trailersOf(request) };
}

/** A listener for both families sees IPv4 clients as `::ffff:192.0.2.1`. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}

/** Requests of which all bytes have come, which the parser says only after the tick in which they can be answered. */
const arrived = new WeakSet<IncomingMessage>();

/** Whether what comes next on its connection is another request. */
export function hasArrived(request: IncomingMessage): boolean {
  return request.complete || arrived.has(request);
}

/** What has come of the body so far when that is all of it, else a stream. To be asked one tick after the headers. */
export function requestBody(request: IncomingMessage, response: ServerResponse): Body {
  const { 'content-length': length } = request.headers;
  if (request.complete || (length === undefined ? !isChunked(request) : request.readableLength === Number(length))) {
    arrived.add(request);
    // Nothing has set an encoding on the request, so this is a Buffer, or null when there was no body.
    return request.readableLength === 0 ? null : (request.read(request.readableLength) as Buffer);
  }
  // A caller whose body nobody wants is answered at once; the connection then closes instead of reading the rest.
  const body = streamBody(request, { abandon: () => request.pause(), cut: callerLeft });
  return request.headers.expect === undefined ? body : invited(body, response);
}

/** For a request that breaks off: not a fault of anybody here. */
export function callerLeft(cause: Error | undefined): OutriderError {
  return new OutriderError('cancelled', 'the caller left before its request was complete', { cause });
}

function isChunked(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined;
}

/** The caller waits for `100 Continue`: it is sent when somebody begins to read, so that a refused body is never sent. */
function invited(body: AsyncIterable<Uint8Array>, response: ServerResponse): AsyncIterable<Uint8Array> {
  const source = body[Symbol.asyncIterator]();
  let asked = false;
  const iterator: AsyncIterator<Uint8Array> = {
    next() {
      if (!asked && !response.headersSent) response.writeContinue();
      asked = true;
      return source.next();
    },
    return: async () => (await source.return?.()) ?? { done: true, value: undefined },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

function trailersOf(request: IncomingMessage): Promise<Fields> {
  return new Promise((resolve) => {
    if (request.complete) resolve(request.rawTrailers);
    request.on('close', () => resolve(request.rawTrailers));
    request.on('end', () => resolve(request.rawTrailers));
  });
}
