import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Address } from '../address.ts';
import type { InboundCall, Reply, Service } from '../call.ts';
import { OutriderError, toOutriderError } from '../errors.ts';
import { problemReply } from '../problem.ts';
import { boundConnections } from './bound-connections.ts';
import { http2Beside } from './http2-beside.ts';
import { inboundCall, requestBody } from './inbound-call.ts';
import { isWebSocketUpgrade, refusal } from './request-check.ts';
import { sendRaw, sendReply } from './send-reply.ts';
import { secureContext, type TlsIdentity, tlsServer } from './tls-server.ts';
import { serveUpgrades } from './upgrade.ts';

export interface ListenOptions {
  /** Who listens, for the error when the port is taken: "inbound (OUTRIDER_INBOUND_ADDR)". */
  name: string;
  maxHeaderBytes: number;
  headerTimeoutMs: number;
  /** Without a byte in either direction on a connection that has a request in flight. */
  idleTimeoutMs: number;
  /** For a whole request to arrive, and not less than `headerTimeoutMs`; unset, a request may take as long as its bytes keep coming. */
  requestTimeoutMs?: number;
  /** Open at once; one more, and the one that came first is cut. Unset: as many as the machine bears. */
  maxConnections?: number;
  /** HTTP/2 without TLS as well, on the same port: known by the preface that its connections begin with. */
  http2?: boolean;
  /** TLS 1.2 and later, with this certificate. */
  tls?: TlsIdentity;
  /** Told of every request refused before it became a call. */
  onRefused?: (error: OutriderError) => void;
  /** How such a refusal looks to callers here; a problem document unless told otherwise. */
  refusalReply?: (error: OutriderError) => Reply;
}

export interface Listener {
  readonly host: string;
  readonly port: number;
  /**
   * From now on each reply closes its connection; idle connections end at once, and HTTP/2 callers are told to go elsewhere.
   * The port stays open.
   */
  drain(): void;
  /** Requests, those of HTTP/2 each for itself, and switched connections in flight. */
  active(): number;
  /** From now on new connections get this certificate. Throws, and keeps the old one, when it cannot be used; for listeners with TLS alone. */
  renew(tls: TlsIdentity): void;
  /** Stops listening and cuts whatever is still open. */
  close(): Promise<void>;
}

/** Above the 60 s for which load balancers keep idle connections, so that they never reuse one that is being closed. */
const KEEP_ALIVE_MS = 75_000;

/** What a socket is busy with: nothing (idle), a request, or a switched protocol. */
type Busy = { request: IncomingMessage; response: ServerResponse | undefined };

/** Serves HTTP/1.1 on an address, and HTTP/2 where `http2` says so. Rejects with `conflict` naming the listener when the port is taken. */
export async function listen(
  service: Service<InboundCall>,
  address: Address,
  options: ListenOptions,
): Promise<Listener> {
  const { refusalReply = problemReply } = options;
  const busy = new Map<Duplex, Busy>();
  // Counted apart: with pipelining, one socket has several.
  let active = 0;
  // Kept open between requests. One that has not sent its first yet is not among them: at its end that one is answered.
  const idle = new Set<Duplex>();
  let draining = false;

  /** For a request, or the connection that it switches; returns what is to be called at the end of that. */
  const begin = (socket: Duplex, request: IncomingMessage, response?: ServerResponse): (() => void) => {
    const current = { request, response };
    active++;
    busy.set(socket, current);
    idle.delete(socket);
    return () => {
      active--;
      if (busy.get(socket) !== current) return;
      busy.delete(socket);
      if (!socket.destroyed) idle.add(socket);
    };
  };
  const refuse = (fault: OutriderError): Reply => {
    options.onRefused?.(fault);
    return refusalReply(fault);
  };
  const answer = answering(service, refusalReply);

  const settings = serverSettings(options);
  const secure = options.tls && tlsServer(settings, options.tls, options.headerTimeoutMs);
  const server = secure ?? createServer(settings);
  server.timeout = options.idleTimeoutMs;
  if (options.maxConnections !== undefined) boundConnections(server, options.maxConnections);

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    if (!request.socket.writable) {
      // It stood behind a request that has been answered before its end: nothing can be said to it any more.
      request.socket.destroy();
      return;
    }
    const fault = refusal(request);
    if (fault !== undefined) {
      request.on('error', ignore);
      void sendReply(request, response, refuse(fault), true);
      return;
    }
    const end = begin(request.socket, request, response);
    const leave = new AbortController();
    response.on('close', () => {
      end();
      if (!response.writableFinished) leave.abort();
    });
    // On the next tick the parser has handed over what came together with the headers: mostly all of a small request.
    process.nextTick(() => {
      const call = inboundCall(request, requestBody(request, response), leave.signal);
      answer(call)
        .then((reply) => sendReply(request, response, reply, draining))
        .catch(() => response.destroy());
    });
  };

  server.on(secure === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    socket.once('close', () => idle.delete(socket));
  });
  server.on('request', handle);
  server.on('checkContinue', handle);
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const fault = new OutriderError('expectation_failed', 'no expectation but 100-continue is met here');
    void sendReply(request, response, refuse(fault), true);
  });
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    socket.on('error', ignore);
    const fault = new OutriderError('method_not_allowed', 'CONNECT is not served here');
    void sendRaw(socket, refuse(fault), false);
  });
  serveUpgrades(server, { service: answer, begin, refuse, idleTimeoutMs: options.idleTimeoutMs });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const current = busy.get(socket);
    if (!socket.writable || !isParseFault(error) || current?.response?.headersSent) {
      socket.destroy();
      return;
    }
    void sendRaw(socket, refuse(protocolFault(error)), false).then(() => socket.destroy());
  });
  server.on('timeout', (socket: Socket) => {
    const current = busy.get(socket);
    if (current === undefined || isStuck(current)) socket.destroy();
    // The agent is still at work, which its own timeouts watch over; ask again later.
    else socket.setTimeout(options.idleTimeoutMs);
  });

  const http2 =
    options.http2 === true
      ? http2Beside(server, service, { onRefused: ignore, refusalReply, keepAliveMs: KEEP_ALIVE_MS, ...options })
      : undefined;
  await bind(server, address, options.name);
  // Listening on TCP, so that the address is an object.
  const { port } = server.address() as AddressInfo;
  return {
    host: address.host,
    port,
    drain(): void {
      draining = true;
      for (const socket of idle) socket.destroy();
      http2?.drain();
    },
    active: () => active + (http2?.active() ?? 0),
    renew(tls): void {
      secure?.setSecureContext(secureContext(tls));
    },
    close(): Promise<void> {
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        for (const socket of busy.keys()) socket.destroy();
        http2?.close();
      });
    },
  };
}

function serverSettings({ maxHeaderBytes, headerTimeoutMs, requestTimeoutMs = 0 }: ListenOptions): ServerOptions {
  return {
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: headerTimeoutMs,
    // 0 is no limit: a long upload is idle-limited instead.
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(Math.max(headerTimeoutMs / 4, 50), 2_000),
    keepAliveTimeout: KEEP_ALIVE_MS,
    optimizeEmptyRequests: true,
    // Refused here in our own words, as a problem document.
    requireHostHeader: false,
    shouldUpgradeCallback: isWebSocketUpgrade,
  };
}

/** A service that fails where no layer rescues it must not take the process with it. */
function answering(service: Service<InboundCall>, reply: (error: OutriderError) => Reply): Service<InboundCall> {
  return async (call) => {
    try {
      return await service(call);
    } catch (error) {
      return reply(toOutriderError(error));
    }
  };
}

/** Something can be said to whoever sent what is no HTTP; not to one who reset the connection, or does not get through the handshake. */
function isParseFault({ code = '' }: NodeJS.ErrnoException): boolean {
  return code.startsWith('HPE_') || code.startsWith('ERR_HTTP_');
}

/** True when it is the caller who has stopped: its body is incomplete, or it does not read what was sent. */
function isStuck({ request, response }: Busy): boolean {
  return response === undefined || !request.complete || response.writableNeedDrain;
}

function protocolFault(error: NodeJS.ErrnoException): OutriderError {
  if (error.code === 'HPE_HEADER_OVERFLOW')
    return new OutriderError('headers_too_large', 'the request headers are too large');
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new OutriderError('request_timeout', 'the request did not arrive in time');
  return new OutriderError('bad_request', 'the request is not valid HTTP/1.1', { cause: error });
}

function bind(server: Server, { host, port }: Address, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE')
        reject(new OutriderError('conflict', `port ${port} (${name}) is already taken`, { cause: error }));
      else
        reject(
          new OutriderError('conflict', `cannot listen on ${host}, port ${port} (${name}): ${error.code}`, {
            cause: error,
          }),
        );
    });
    server.listen({ port, ...(host !== '' && { host }) }, () => resolve());
  });
}

function ignore(): void {}
