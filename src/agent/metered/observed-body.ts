/** Looks at a body as it is read; throws nothing. */
export interface BodyObserver {
  chunk(bytes: Uint8Array): void;
  /** Once. `broken`: it failed, or its reader gave it up. */
  end(end: 'complete' | 'broken'): void;
}

/**
 * The same bytes, piece by piece as they come, each seen by `observer` on its way. Nothing is read ahead and nothing is kept: a slow
 * reader slows the sender as it did before.
 */
export function observedBody(source: ReadableStream<Uint8Array>, observer: BodyObserver): ReadableStream<Uint8Array> {
  // Not locked before it is read, so that a response that cannot be rebuilt can still be given back as it is.
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  const readerOf = (): ReadableStreamDefaultReader<Uint8Array> => {
    reader ??= source.getReader();
    return reader;
  };
  const observed = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await readerOf().read();
          if (done) {
            observer.end('complete');
            controller.close();
            return;
          }
          observer.chunk(value);
          controller.enqueue(value);
        } catch (error) {
          observer.end('broken');
          throw error;
        }
      },
      cancel(reason) {
        observer.end('broken');
        return readerOf().cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  seeRelease(observed, () => observer.end('broken'));
  return observed;
}

/**
 * Some SDKs (`@google/genai`) neither cancel a body whose reader has left nor read on: they release it. Whoever means to hand it to
 * another reader does so at once.
 */
function seeRelease(stream: ReadableStream<Uint8Array>, abandoned: () => void): void {
  const getReader = stream.getReader.bind(stream);
  Object.defineProperty(stream, 'getReader', {
    configurable: true,
    writable: true,
    value(...options: Parameters<typeof getReader>) {
      const reader = getReader(...options);
      const release = reader.releaseLock.bind(reader);
      reader.releaseLock = () => {
        release();
        setImmediate(() => {
          if (!stream.locked) abandoned();
        });
      };
      return reader;
    },
  });
}
