import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { cancelBody, isStream } from '../body.ts';
import type { Reply } from '../call.ts';
import { fieldPairs, getField, withoutFields } from '../fields.ts';
import { hasArrived } from './inbound-call.ts';
import { pump } from './pump.ts';

/** For a caller to read the answer before its connection is gone. */
const LINGER_MS = 500;

/**
 * Writes a reply as the response to a request. `close`: end the connection after it. Rejects when its body breaks off; however
 * it ends, the body has been read to its end or given up.
 */
export async function sendReply(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  close: boolean,
): Promise<void> {
  try {
    await write(request, response, reply, close);
  } catch (error) {
    await cancelBody(reply.body).catch(() => undefined);
    throw error;
  }
}

async function write(request: IncomingMessage, response: ServerResponse, reply: Reply, close: boolean): Promise<void> {
  if (response.destroyed) {
    await cancelBody(reply.body);
    return;
  }
  const { body } = reply;
  const chunked = isChunked(request, reply);
  const announces = !chunked && getField(reply.headers, 'trailer') !== undefined;
  const headers = announces ? withoutFields(reply.headers, (name) => name === 'trailer') : [...reply.headers];
  // A body that was never read to its end would otherwise be taken for the next request.
  if (close || !hasArrived(request)) headers.push('Connection', 'close');
  if (!isStream(body)) {
    if (body !== null && getField(headers, 'content-length') === undefined) {
      headers.push('Content-Length', String(body.length));
    } else if (body === null && needsLength(request, reply)) {
      headers.push('Content-Length', '0');
    }
    response.writeHead(reply.status, headers);
    // A body of at most one chunk goes out together with its headers.
    if (body === null || request.method === 'HEAD') response.end();
    else response.end(body);
  } else {
    response.writeHead(reply.status, headers);
    response.flushHeaders();
    await pump(body, response);
    if (chunked && reply.trailers !== undefined) response.addTrailers(fieldPairs(await reply.trailers));
    response.end();
  }
  if (!hasArrived(request)) dropConnection(request, response);
}

/** Whether Node sends this body in chunks, which alone may have trailers behind them. */
function isChunked(request: IncomingMessage, { status, headers, body }: Reply): boolean {
  return (
    isStream(body) &&
    request.httpVersionMinor === 1 &&
    request.method !== 'HEAD' &&
    status !== 204 &&
    status !== 304 &&
    getField(headers, 'content-length') === undefined
  );
}

/** Writes a reply on a raw socket, for what Node gives no response object: upgrades and malformed requests. */
export async function sendRaw(socket: Duplex, reply: Reply, headOnly: boolean): Promise<void> {
  const { body } = reply;
  const switching = reply.status === 101;
  let head = `HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? ''}\r\n`;
  for (let i = 0; i < reply.headers.length; i += 2) head += `${reply.headers[i]}: ${reply.headers[i + 1]}\r\n`;
  if (!switching) {
    if (!isStream(body) && getField(reply.headers, 'content-length') === undefined)
      head += `Content-Length: ${body?.length ?? 0}\r\n`;
    head += 'Connection: close\r\n';
  }
  socket.write(`${head}\r\n`, 'latin1');
  if (headOnly) await cancelBody(body);
  else if (isStream(body)) await pump(body, socket);
  else if (body !== null) socket.write(body);
  if (switching) return;
  socket.end();
  // Whoever does not close its side in turn would keep the socket, and hold up the end of the process.
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

function needsLength(request: IncomingMessage, { status, headers }: Reply): boolean {
  return (
    request.method !== 'HEAD' &&
    status !== 204 &&
    status !== 304 &&
    status >= 200 &&
    getField(headers, 'content-length') === undefined
  );
}

/** Gives the caller a moment to read the answer, then ends a connection whose request is still arriving. */
function dropConnection(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  // Node would close it as soon as the answer is out. With a request that still arrives that is a reset, which overtakes the answer.
  socket.destroySoon = () => void socket.end();
  response.once('finish', () => {
    request.resume();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  });
}
