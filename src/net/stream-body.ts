import type { Readable } from 'node:stream';

/**
 * A Node stream as a body: one chunk for each pull, so that a slow reader slows the sender. Giving up the body before its
 * end calls `abandon`. Made by hand because a stream's own iterator destroys the stream, and with it a request's socket,
 * before an answer can be sent.
 */
export function streamBody(stream: Readable, abandon: (stream: Readable) => void): AsyncIterable<Uint8Array> {
  let wake: (() => void) | undefined;
  let failure: Error | undefined;
  const notify = (): void => {
    wake?.();
    wake = undefined;
  };
  stream.on('readable', notify);
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
        if (stream.readableEnded) return { done: true, value: undefined };
        if (failure !== undefined) throw failure;
        if (stream.destroyed) throw new Error('the stream was cut before its end');
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
