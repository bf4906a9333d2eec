import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { InboundCall, Service } from '../call.ts';
import { OutriderError, toOutriderError } from '../errors.ts';
import { lazy } from '../lazy.ts';
import { problemReply } from '../problem.ts';
import type { Http2Server, Http2ServerOptions } from './http2-server.ts';
import { peekProtocol } from './protocol-peek.ts';
import { sendRaw } from './send-reply.ts';

export interface Http2BesideOptions extends Http2ServerOptions {
  /** For the first bytes of a connection to come. */
  headerTimeoutMs: number;
}

/** Lets the server take connections of HTTP/1.1 alone, and serves those of HTTP/2, with code that is loaded for the first of them. */
export function http2Beside(
  server: Server,
  service: Service<InboundCall>,
  options: Http2BesideOptions,
): Pick<Http2Server, 'drain' | 'active' | 'close'> {
  const { headerTimeoutMs, onRefused, refusalReply = problemReply } = options;
  let draining = false;
  const http2 = lazy(async () => {
    const { http2Server } = await import('./http2-server.ts');
    const loaded = http2Server(service, options);
    if (draining) loaded.drain();
    return loaded;
  });
  // Connections that nobody serves yet: too little has come to tell, or what serves them is being loaded.
  const unserved = new Set<Socket>();
  const takeHttp1 = server.listeners('connection');
  const asHttp1 = (socket: Socket): void => {
    for (const listener of takeHttp1) listener.call(server, socket);
  };
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    unserved.add(socket);
    socket.on('error', ignore);
    socket.once('close', () => unserved.delete(socket));
    const serve = (take: (socket: Socket) => void): void => {
      unserved.delete(socket);
      socket.off('error', ignore);
      take(socket);
    };
    const acceptHttp2 = async (): Promise<void> => {
      try {
        const loaded = http2.value ?? (await http2.load());
        // What it has sent meanwhile is kept for whoever takes it; it may also have left.
        if (!socket.destroyed) serve((accepted) => loaded.accept(accepted));
      } catch (error) {
        onRefused(toOutriderError(error));
        socket.destroy();
      }
    };
    peekProtocol(socket, headerTimeoutMs, {
      http1: () => serve(asHttp1),
      http2: () => void acceptHttp2(),
      neither(_socket, late) {
        const fault = late
          ? new OutriderError('request_timeout', 'the request did not arrive in time')
          : new OutriderError('bad_request', 'the request is not valid HTTP');
        onRefused(fault);
        void sendRaw(socket, refusalReply(fault), false);
      },
    });
  });
  return {
    drain() {
      draining = true;
      http2.value?.drain();
    },
    active: () => http2.value?.active() ?? 0,
    close() {
      http2.value?.close();
      for (const socket of unserved) socket.destroy();
    },
  };
}

function ignore(): void {}
