import { constants, createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { InboundCall, Reply, Service } from '../call.ts';
import { toAgentError } from '../contract/agent-error.ts';
import { grpcErrorReply } from '../contract/grpc-error.ts';
import { OutriderError, toOutriderError } from '../errors.ts';
import { type Fields, getField } from '../fields.ts';
import { problemReply } from '../problem.ts';
import { isGrpc } from '../protocols/grpc.ts';
import { http2Body, http2Call, http2Request } from './http2-call.ts';
import { watchEnd } from './http2-end.ts';
import { resetStream, sendHttp2Reply } from './http2-reply.ts';
import { plainAddress } from './inbound-call.ts';

export interface Http2ServerOptions {
  maxHeaderBytes: number;
  /** Without a byte in either direction on a stream. */
  idleTimeoutMs: number;
  /** Without a stream on a connection. */
  keepAliveMs: number;
  onRefused: (error: OutriderError) => void;
  /** How an error looks that no layer has made a reply of, a problem document unless told otherwise; gRPC has its own form. */
  refusalReply?: (error: OutriderError) => Reply;
}

export interface Http2Server {
  /** Serves a connection whose preface has been seen, and put back. */
  accept(socket: Socket): void;
  /** Tells every caller that there will be nothing new; what is in flight goes on. */
  drain(): void;
  /** Streams in flight. */
  active(): number;
  /** Cuts whatever is still open. */
  close(): void;
}

/** Streams at once on one connection. */
const MAX_STREAMS = 1_024;
/**
 * Streams that a caller may reset at once, and then in each second, before its connection is cut (CVE-2023-44487). Not few: to
 * leave calls is everybody's right, and one that is reset together with its request never becomes a call here.
 */
const RESET_BURST = 20_000;
const RESETS_PER_SECOND = 2_000;
/** In megabytes: for the headers and the unsent replies of all streams of a connection. More streams are refused then. */
const MEMORY_MB = 128;
/** Of all fields of a request, uncompressed: what node:http2 holds of them before it looks at our settings. */
const HEADER_LIST_BYTES = 65_535;
/** Fields of one request. */
const MAX_FIELDS = 256;
/** What may be under way to us, on all streams of a connection together. */
const SESSION_WINDOW_BYTES = 1024 * 1024;

/** What is known of a stream in flight. */
interface Exchange {
  readonly stream: ServerHttp2Stream;
  readonly hasEnded: () => boolean;
  /** When the last byte went either way, in milliseconds. */
  at: number;
}

interface Connection {
  readonly session: ServerHttp2Session;
  readonly socket: Socket;
  readonly remote: string;
  streams: number;
  /** When it had its last stream. */
  at: number;
  /** It has been told to end. */
  isEnding: boolean;
}

/** Serves HTTP/2 on connections that are handed to it: every stream becomes a call. */
export function http2Server(service: Service<InboundCall>, options: Http2ServerOptions): Http2Server {
  const { idleTimeoutMs, keepAliveMs } = options;
  const connections = new Map<ServerHttp2Session, Connection>();
  const exchanges = new Set<Exchange>();
  let draining = false;
  let accepting: Socket | undefined;
  let sweeper: NodeJS.Timeout | undefined;

  const server = createServer({
    settings: {
      maxConcurrentStreams: MAX_STREAMS,
      // Only a limit for who has acknowledged it, and its answer a reset. What really is too large is answered by ourselves.
      maxHeaderListSize: Math.max(HEADER_LIST_BYTES, options.maxHeaderBytes),
      enablePush: false,
    },
    maxSessionMemory: MEMORY_MB,
    maxHeaderListPairs: MAX_FIELDS,
    streamResetBurst: RESET_BURST,
    streamResetRate: RESETS_PER_SECOND,
    // Which fields may stand twice in a reply is for the agent to say.
    strictSingleValueFields: false,
  });
  // What is wrong with a connection ends it; those whose requests were on it see that.
  server.on('sessionError', () => undefined);
  server.on('session', (session) => {
    // Made as its socket is accepted, in the same step.
    const socket = accepting as Socket;
    const remote = plainAddress(socket.remoteAddress ?? '');
    const connection: Connection = { session, socket, remote, streams: 0, at: performance.now(), isEnding: false };
    connections.set(session, connection);
    session.on('close', () => connections.delete(session));
    session.setLocalWindowSize(SESSION_WINDOW_BYTES);
    sweeper ??= setInterval(sweep, sweepMs(Math.min(idleTimeoutMs, keepAliveMs))).unref();
  });
  server.on('stream', (stream: ServerHttp2Stream, _headers, _flags, raw: string[]) => {
    // The reason stands in its code; whoever reads or writes it is told.
    stream.on('error', () => undefined);
    const connection = connections.get(stream.session as ServerHttp2Session);
    if (connection === undefined || stream.closed || stream.destroyed) return;
    serve(connection, stream, raw);
  });

  const serve = (connection: Connection, stream: ServerHttp2Stream, raw: string[]): void => {
    const endsLater = watchEnd(stream);
    const hasEnded = (): boolean => stream.endAfterHeaders || endsLater();
    const exchange: Exchange = { stream, hasEnded, at: performance.now() };
    const touch = (): void => {
      exchange.at = performance.now();
    };
    let isDropped = false;
    const leave = new AbortController();
    exchanges.add(exchange);
    connection.streams++;
    stream.on('aborted', () => leave.abort());
    stream.on('close', () => {
      exchanges.delete(exchange);
      connection.streams--;
      connection.at = performance.now();
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) leave.abort();
    });
    const request = http2Request(raw, options.maxHeaderBytes);
    const reply = async (): Promise<Reply> => {
      const fault = request.fault ?? expectationFault(request.headers);
      if (fault !== undefined) {
        options.onRefused(fault);
        return http2Refusal(fault, request.headers, options.refusalReply);
      }
      const body = http2Body(stream, request, {
        hasEnded: exchange.hasEnded,
        isDropped: () => isDropped,
        onChunk: touch,
      });
      try {
        return await service(http2Call(stream, request, body, { signal: leave.signal, remote: connection.remote }));
      } catch (error) {
        // A service that fails where no layer rescues it must not take the process with it.
        return http2Refusal(toOutriderError(error), request.headers, options.refusalReply);
      }
    };
    const answer = async (): Promise<void> => {
      try {
        const made = await reply();
        touch();
        await sendHttp2Reply(stream, made, { isHead: request.method === 'HEAD', onChunk: touch });
      } finally {
        isDropped = true;
        finish(stream, hasEnded());
        if (draining) connection.session.close();
      }
    };
    // When everything that was read with the headers has been handed over: mostly all of a small request.
    setImmediate(() => {
      // A caller that is gone already costs no more than this.
      if (stream.destroyed || leave.signal.aborted) return;
      void answer();
    });
  };

  /** Cuts streams whose caller sends no more of its request, or does not read, and ends connections without any. */
  const sweep = (): void => {
    const now = performance.now();
    for (const exchange of exchanges) {
      if (now - exchange.at < idleTimeoutMs) continue;
      // The agent is at work, which its own timeouts watch over, or it does not read: ask again later.
      if (isStuck(exchange)) resetStream(exchange.stream);
      else exchange.at = now;
    }
    for (const connection of connections.values()) {
      if (connection.streams > 0 || now - connection.at < keepAliveMs) continue;
      // Half a request, and a caller that does not read, would keep a connection for ever that waits for its own end.
      // Its session would first send what nobody reads.
      if (connection.isEnding) connection.socket.destroy();
      else connection.session.close();
      connection.isEnding = true;
    }
  };

  return {
    accept(socket) {
      // Whoever closes its side reads no more replies.
      socket.allowHalfOpen = false;
      accepting = socket;
      server.emit('connection', socket);
      accepting = undefined;
    },
    drain() {
      draining = true;
      for (const session of connections.keys()) session.close();
    },
    active: () => exchanges.size,
    close() {
      clearInterval(sweeper);
      for (const session of connections.keys()) session.destroy();
    },
  };
}

/** Lets a stream go whose reply is out: what is left of its request is not read. */
function finish(stream: ServerHttp2Stream, hasEnded: boolean): void {
  if (stream.destroyed) return;
  // RFC 9113 §8.1: after a complete reply this asks the caller to stop sending, without an error.
  // Not in this phase, or a reply without a body would be dropped before it has been sent.
  if (!hasEnded) setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
  stream.removeAllListeners('readable');
  stream.resume();
}

/**
 * True when it is the caller who has stopped: its request is incomplete, or it does not read what was sent. A reply that is out
 * ends its stream, unless it still waits to be read.
 */
function isStuck({ stream, hasEnded }: Exchange): boolean {
  return (!hasEnded() && stream.readableLength === 0) || stream.writableLength > 0 || stream.writableEnded;
}

function expectationFault(headers: Fields): OutriderError | undefined {
  const expect = getField(headers, 'expect');
  if (expect === undefined || expect.toLowerCase() === '100-continue') return undefined;
  return new OutriderError('expectation_failed', 'no expectation but 100-continue is met here');
}

/** An error in the words of whoever is told: gRPC knows nothing of HTTP's statuses and documents. */
function http2Refusal(
  error: OutriderError,
  headers: Fields,
  reply: Http2ServerOptions['refusalReply'] = problemReply,
): Reply {
  return isGrpc(headers) ? grpcErrorReply(toAgentError(error)) : reply(error);
}

function sweepMs(timeoutMs: number): number {
  return Math.min(Math.max(timeoutMs / 8, 25), 2_000);
}
