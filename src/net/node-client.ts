import { type ClientRequest, type IncomingMessage, request as nodeRequest } from 'node:http';
import { request as nodeTlsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { isStream } from '../body.ts';
import type { Call, Reply } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { fieldPairs } from '../fields.ts';
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

/** One request on a connection of its own, for what undici cannot carry: protocol upgrades and request trailers. */
export function requestWithNode(target: Target, call: Call): Promise<Reply> {
  return new Promise((resolve, reject) => {
    if (call.signal.aborted) {
      reject(new OutriderError('cancelled', 'the caller has left'));
      return;
    }
    const url = new URL(target.origin);
    const send = url.protocol === 'https:' ? nodeTlsRequest : nodeRequest;
    const request = send({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      method: call.method,
      path: target.prefix + call.target,
      headers:
        call.upgrade === true ? [...call.headers, 'Connection', 'Upgrade', 'Upgrade', 'websocket'] : [...call.headers],
      agent: false,
    });
    const silent = setTimeout(
      () => request.destroy(new OutriderError('timeout', `${target.name} did not answer in time`)),
      target.responseTimeoutMs,
    );
    const onAbort = (): void => {
      request.destroy(new OutriderError('cancelled', 'the caller has left'));
    };
    call.signal.addEventListener('abort', onAbort);
    request.on('close', () => {
      clearTimeout(silent);
      call.signal.removeEventListener('abort', onAbort);
    });
    request.on('error', (error) => reject(upstreamError(error, target.name)));
    request.on('response', (response) => {
      clearTimeout(silent);
      resolve(responseReply(response, target));
    });
    request.on('upgrade', (response, socket, head) => {
      clearTimeout(silent);
      resolve(upgradeReply(response, socket, head, call));
    });
    sendBody(request, call).catch((error: unknown) => request.destroy(upstreamError(error, target.name)));
  });
}

async function sendBody(request: ClientRequest, call: Call): Promise<void> {
  if (call.upgrade === true || call.body === null) {
    request.end();
    return;
  }
  if (isStream(call.body)) await pump(call.body, request);
  else request.write(call.body);
  if (call.trailers !== undefined) request.addTrailers(fieldPairs(await call.trailers));
  request.end();
}

function responseReply(response: IncomingMessage, target: Target): Reply {
  response.setTimeout(target.idleTimeoutMs, () =>
    response.destroy(new OutriderError('timeout', `${target.name} did not answer in time`)),
  );
  const trailers = new Promise<readonly string[]>((settle) => {
    response.on('close', () => settle(endToEnd(response.rawTrailers)));
  });
  return {
    // Set on every response that Node parsed; only requests have none.
    status: response.statusCode as number,
    headers: endToEnd(response.rawHeaders),
    body: streamBody(response, (stream) => stream.destroy()),
    trailers,
  };
}

function upgradeReply(response: IncomingMessage, socket: Duplex, head: Buffer, call: Call): Reply {
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
  return { status: 101, headers, body: streamBody(socket, leave) };
}
