import type { ServerHttp2Stream } from 'node:http2';
import { cancelBody, isStream } from '../body.ts';
import type { Reply } from '../call.ts';
import { type Fields, getField } from '../fields.ts';
import { toHttp2Headers } from './http2-fields.ts';
import { PIECE_BYTES, pieces } from './pieces.ts';
import { pump } from './pump.ts';
import { watched } from './watched.ts';

export interface SendOptions {
  /** The request was HEAD: the reply has no body, whatever its headers say. */
  isHead: boolean;
  /** Told whenever a piece goes out. */
  onChunk: () => void;
}

/**
 * Writes a reply on a stream; resolves when all of it has been handed over to be sent, or cannot be. However it ends, the
 * body has been read to its end or given up. A body that breaks off resets the stream: its end would pass for the end of
 * the body.
 */
export async function sendHttp2Reply(stream: ServerHttp2Stream, reply: Reply, options: SendOptions): Promise<void> {
  try {
    await write(stream, reply, options);
  } catch {
    resetStream(stream);
    await cancelBody(reply.body).catch(() => undefined);
  }
}

async function write(stream: ServerHttp2Stream, reply: Reply, { isHead, onChunk }: SendOptions): Promise<void> {
  const { status, body } = reply;
  if (isOver(stream)) return cancelBody(body);
  const headers = toHttp2Headers(reply.headers, isTrailerList);
  headers[':status'] = status;
  if (isHead || status === 204 || status === 205 || status === 304) {
    stream.respond(headers, { endStream: true });
    return cancelBody(body);
  }
  // Trailers of a body that is at hand are settled.
  const known = isStream(body) ? undefined : ((await reply.trailers) ?? []);
  if (isOver(stream)) return cancelBody(body);
  const hasTrailers = known === undefined ? reply.trailers !== undefined : known.length > 0;
  if (body === null && !hasTrailers) {
    stream.respond(headers, { endStream: true });
    return;
  }
  if (body instanceof Uint8Array && !hasTrailers && getField(reply.headers, 'content-length') === undefined) {
    headers['content-length'] = body.length;
  }
  const trailersSent = hasTrailers ? sendTrailers(stream, known ?? reply.trailers ?? []) : undefined;
  stream.respond(headers, { waitForTrailers: hasTrailers });
  if (isStream(body)) await pump(watched(body, onChunk), stream);
  else if (body !== null && body.length > PIECE_BYTES) await pump(watched(pieces(body), onChunk), stream);
  else if (body !== null) stream.write(body);
  stream.end();
  await (trailersSent ?? finished(stream));
}

/**
 * RST_STREAM with INTERNAL_ERROR. Node's `close` ends the writable side first, so that what was sent would pass for the whole
 * reply.
 */
export function resetStream(stream: ServerHttp2Stream): void {
  stream.destroy(new Error('the reply has broken off'));
}

function isOver(stream: ServerHttp2Stream): boolean {
  return stream.closed || stream.destroyed;
}

function finished(stream: ServerHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableFinished || isOver(stream)) resolve();
    stream.once('finish', resolve);
    stream.once('close', resolve);
  });
}

/** Resolves when they are on their way, or never can be. */
function sendTrailers(stream: ServerHttp2Stream, trailers: Fields | Promise<Fields>): Promise<void> {
  return new Promise((resolve) => {
    const send = (fields: Fields): void => {
      if (isOver(stream)) return;
      try {
        stream.sendTrailers(toHttp2Headers(fields));
      } catch {
        // Fields that cannot be said in HTTP/2. Without them the reply is not whole.
        resetStream(stream);
      }
      // Node sends them in this same phase.
      setImmediate(resolve);
    };
    stream.once('close', resolve);
    stream.once('wantTrailers', () => {
      if (trailers instanceof Promise) void trailers.then(send);
      else send(trailers);
    });
  });
}

/** HTTP/2 announces no trailers; the agent's own list would speak of those of another connection. */
function isTrailerList(name: string): boolean {
  return name === 'trailer';
}
