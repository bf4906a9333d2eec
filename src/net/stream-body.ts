import type { Readable } from 'node:stream';

export interface StreamBodyOptions {
  /** Called when the body is given up before its end. */
  abandon: (stream: Readable) => void;
  /** What its reader is told when the stream breaks off; `cause` when there is one. */
  cut: (cause: Error | undefined) => Error;
  /** Asked at its end: whether that was not the end of the body. */
  isBroken?: () => boolean;
}

/**
 * A Node stream as a body: one chunk for each pull, so that a slow reader slows the sender. Made by hand because a stream's
 * own iterator destroys the stream, and with it a request's socket, before an answer can be sent.
 */
export function streamBody(stream: Readable, { abandon, cut, isBroken }: StreamBodyOptions): AsyncIterable<Uint8Array> {
  let wake: (() => void) | undefined;
  let failure: Error | undefined;
  const notify = (): void => {
    wake?.();
    wake = undefined;
  };
  stream.on('readable', () => {
    // Lets a stream that ended while nobody reads say so.
    if (wake === undefined && stream.readableLength === 0) stream.read(0);
    notify();
  });
  stream.on('end', notify);
  stream.on('close', notify);
  stream.on('error', (error) => {
    failure = error;
    notify();
  });
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      for (;;) {
        // Raw sockets and HTTP messages have no encoding set, so what they hand out is always a Buffer.
        const chunk = stream.read() as Buffer | null;
        if (chunk !== null) return { done: false, value: chunk };
        if (stream.readableEnded) {
          if (isBroken?.()) throw cut(failure);
          return { done: true, value: undefined };
        }
        if (failure !== undefined || stream.destroyed) throw cut(failure);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    async return() {
      if (!stream.readableEnded) abandon(stream);
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
