import type { Socket } from 'node:net';

/** What an HTTP/2 client begins with (RFC 9113 §3.4). No HTTP/1.1 request does. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export interface PeekHandlers {
  http1: (socket: Socket) => void;
  http2: (socket: Socket) => void;
  /** It began like HTTP/2 and then ended, or took too long; `late` says which. Nothing was answered. */
  neither: (socket: Socket, late: boolean) => void;
}

/**
 * Tells HTTP/2 with prior knowledge from HTTP/1.1 by the first bytes of a connection, and puts them back. For HTTP/1.1 the
 * first byte mostly tells; the preface may come in pieces. A connection on which nothing comes at all is one of HTTP/1.1,
 * which has an answer for that.
 */
export function peekProtocol(socket: Socket, timeoutMs: number, { http1, http2, neither }: PeekHandlers): void {
  let head: Buffer | undefined;
  const done = (then: () => void): void => {
    clearTimeout(timer);
    socket.off('readable', onReadable);
    socket.off('end', onEnd);
    socket.off('close', onClose);
    then();
  };
  const onReadable = (): void => {
    // Nobody has set an encoding, so these are Buffers. Null when there is no more for now.
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
      head = head === undefined ? chunk : Buffer.concat([head, chunk]);
      const seen = Math.min(head.length, PREFACE.length);
      const isHttp2 = PREFACE.compare(head, 0, seen, 0, seen) === 0;
      if (!isHttp2) return hand(http1, head);
      if (seen === PREFACE.length) return hand(http2, head);
    }
  };
  const hand = (take: (socket: Socket) => void, bytes: Buffer): void => {
    done(() => {
      // At once: a stream that has said that it ended takes nothing back.
      socket.unshift(bytes);
      take(socket);
    });
  };
  // Whoever has left without a byte gets no answer, and a stream that has said that it ended says so to nobody who comes later.
  const onEnd = (): void => done(() => (head === undefined ? socket.destroy() : neither(socket, false)));
  const onClose = (): void => done(() => undefined);
  const onLate = (): void => done(() => (head === undefined ? http1(socket) : neither(socket, true)));
  const timer = setTimeout(onLate, timeoutMs);
  socket.on('readable', onReadable);
  socket.once('end', onEnd);
  socket.once('close', onClose);
}
