import { type ClientRequest, type IncomingMessage, request as nodeRequest } from 'node:http';
import { request as nodeTlsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { isStream } from '../body.ts';
import type { Call, Reply } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { fieldPairs, getField, withoutFields } from '../fields.ts';
import { endToEnd } from '../hop-by-hop.ts';
import { pump } from './pump.ts';
import { streamBody } from './stream-body.ts';
import { upstreamError } from './upstream-error.ts';

export interface Target {
  origin: string;
  prefix: string;
  name: string;
  responseTimeoutMs: number;
  idleTimeoutMs: number;
}

/** undici sends no trailers and no `*` target, and gives up upgrades that are refused. */
export function needsNode(call: Call): boolean {
  return call.upgrade === true || call.target === '*' || carriesTrailers(call);
}

/** One request on a connection of its own, for what undici cannot carry. */
export function requestWithNode(target: Target, call: Call): Promise<Reply> {
  return new Promise((resolve, reject) => {
    if (call.signal.aborted) {
      reject(callerLeft());
      return;
    }
    const url = new URL(target.origin);
    const send = url.protocol === 'https:' ? nodeTlsRequest : nodeRequest;
    const request = send({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      method: call.method,
      path: call.target === '*' ? '*' : target.prefix + call.target,
      headers: framed(call),
      agent: false,
    });
    let silent: NodeJS.Timeout | undefined;
    // From the end of the request: an upload may take as long as it takes.
    request.on('finish', () => {
      silent = setTimeout(() => request.destroy(tooSlow(target)), target.responseTimeoutMs);
    });
    const onAbort = (): void => {
      request.destroy(callerLeft());
    };
    call.signal.addEventListener('abort', onAbort);
    request.on('close', () => {
      clearTimeout(silent);
      call.signal.removeEventListener('abort', onAbort);
    });
    request.on('error', (error) => reject(upstreamError(error, target.name)));
    request.on('response', (response) => {
      clearTimeout(silent);
      const reply = responseReply(response, target);
      if (reply.status >= 200 && reply.status <= 999) resolve(reply);
      else request.destroy(new OutriderError('unreachable', `${target.name} did not answer with HTTP`));
    });
    request.on('upgrade', (response, socket, head) => {
      clearTimeout(silent);
      resolve(upgradeReply(response, socket, head, call, target));
    });
    sendBody(request, call).catch((error: unknown) => request.destroy(upstreamError(error, target.name)));
  });
}

/** A `Trailer` field that `Connection` named, or that went with a changed body, is gone, and so are the trailers. */
function carriesTrailers(call: Call): boolean {
  return call.trailers !== undefined && getField(call.headers, 'trailer') !== undefined;
}

/**
 * The headers with the framing spelt out. Node would leave it out for GET, HEAD, DELETE and OPTIONS and still send the body,
 * which the other side would take for its next request.
 */
function framed(call: Call): string[] {
  const { body } = call;
  if (call.upgrade === true) return [...call.headers, 'Connection', 'Upgrade', 'Upgrade', 'websocket'];
  if (carriesTrailers(call)) {
    return [...withoutFields(call.headers, (name) => name === 'content-length'), 'Transfer-Encoding', 'chunked'];
  }
  const headers = withoutFields(call.headers, (name) => name === 'trailer');
  if (body === null || getField(headers, 'content-length') !== undefined) return headers;
  if (isStream(body)) headers.push('Transfer-Encoding', 'chunked');
  else headers.push('Content-Length', String(body.length));
  return headers;
}

async function sendBody(request: ClientRequest, call: Call): Promise<void> {
  if (call.upgrade !== true && call.body !== null) {
    if (isStream(call.body)) await pump(call.body, request);
    else request.write(call.body);
  }
  if (carriesTrailers(call)) request.addTrailers(fieldPairs((await call.trailers) ?? []));
  request.end();
}

function responseReply(response: IncomingMessage, target: Target): Reply {
  response.setTimeout(target.idleTimeoutMs, () => response.destroy(tooSlow(target)));
  const trailers = new Promise<readonly string[]>((settle) => {
    response.on('close', () => settle(endToEnd(response.rawTrailers)));
  });
  return {
    // Set on every response that Node parsed; only requests have none.
    status: response.statusCode as number,
    headers: endToEnd(response.rawHeaders),
    body: streamBody(response, {
      abandon: (stream) => stream.destroy(),
      cut: (cause) => upstreamError(cause, target.name),
    }),
    trailers,
  };
}

function upgradeReply(response: IncomingMessage, socket: Duplex, head: Buffer, call: Call, target: Target): Reply {
  if (head.length > 0) socket.unshift(head);
  const leave = (): void => {
    socket.destroy();
  };
  call.signal.addEventListener('abort', leave);
  socket.on('close', () => call.signal.removeEventListener('abort', leave));
  if (isStream(call.body)) {
    pump(call.body, socket).then(
      () => socket.end(),
      () => socket.destroy(),
    );
  }
  const headers = endToEnd(response.rawHeaders);
  headers.push('Connection', 'Upgrade', 'Upgrade', response.headers.upgrade ?? 'websocket');
  const body = streamBody(socket, { abandon: leave, cut: (cause) => upstreamError(cause, target.name) });
  return { status: 101, headers, body };
}

function callerLeft(): OutriderError {
  return new OutriderError('cancelled', 'the caller has left');
}

function tooSlow({ name }: Target): OutriderError {
  return new OutriderError('timeout', `${name} did not answer in time`);
}
