import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { InboundCall, Reply, Service } from '../call.ts';
import type { OutriderError } from '../errors.ts';
import { callerLeft, inboundCall } from './inbound-call.ts';
import { pump } from './pump.ts';
import { refusal } from './request-check.ts';
import { sendRaw } from './send-reply.ts';
import { streamBody } from './stream-body.ts';

export interface UpgradeOptions {
  service: Service<InboundCall>;
  /** Called for every request that becomes a call; what it returns, when that one's connection has closed. */
  begin: (socket: Duplex, request: IncomingMessage) => () => void;
  /** The answer to a request that does not become a call. */
  refuse: (fault: OutriderError) => Reply;
  /** Without a byte in either direction. */
  idleTimeoutMs: number;
}

/** For a caller to close its side once the other has closed. */
const LINGER_MS = 2_000;

/** Makes calls of the server's requests to switch protocols: a reply of status 101 switches, any other is the last on its connection. */
export function serveUpgrades(server: Server, { service, begin, refuse, idleTimeoutMs }: UpgradeOptions): void {
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const fault = refusal(request);
    socket.on('error', ignore);
    if (fault !== undefined) {
      void sendRaw(socket, refuse(fault), false);
      return;
    }
    const end = begin(socket, request);
    const leave = new AbortController();
    const left = (): void => leave.abort();
    socket.on('close', () => {
      end();
      left();
    });
    // Before the switch, an end means that the caller has left; after it, only that it has nothing more to say.
    socket.on('end', left);
    socket.setTimeout(idleTimeoutMs, () => socket.destroy());
    if (head.length > 0) socket.unshift(head);
    const call = {
      ...inboundCall(request, streamBody(socket, { abandon: ignore, cut: callerLeft }), leave.signal),
      upgrade: true,
    };
    service(call)
      .then((reply) => {
        if (reply.status !== 101) return sendRaw(socket, reply, request.method === 'HEAD');
        socket.off('end', left);
        return switchProtocol(socket, reply);
      })
      .catch(() => socket.destroy());
  });
}

async function switchProtocol(socket: Duplex, reply: Reply): Promise<void> {
  await sendRaw(socket, { ...reply, body: null }, true);
  if (reply.body !== null && !(reply.body instanceof Uint8Array)) await pump(reply.body, socket);
  socket.end();
  // A caller that does not close its side in turn would keep the socket for ever.
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

function ignore(): void {}
