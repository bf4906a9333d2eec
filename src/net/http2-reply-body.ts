import type { ClientHttp2Stream } from 'node:http2';

export interface ReplyBodyOptions {
  /** Told of each piece that is read. */
  onChunk: () => void;
  /** Called when the body is given up before its end. */
  onAbandon: () => void;
  /** Why the stream is over, for the reader of a body that broke off. */
  failure: () => Error;
}

/**
 * The body of a response as it streams: one piece for each pull, so that a slow reader slows the sender. What is left when
 * the server has ended its side is taken off the stream at once, at most what may be under way to us: the stream is over
 * then, whenever it is read, and nothing that happens to the connection can take it away any more.
 */
export class Http2ReplyBody implements AsyncIterator<Uint8Array, undefined> {
  readonly #stream: ClientHttp2Stream;
  readonly #options: ReplyBodyOptions;
  #rest: Uint8Array | null = null;
  #isWhole = false;
  #wake: (() => void) | undefined;
  readonly #notify = (): void => {
    this.#wake?.();
    this.#wake = undefined;
  };

  constructor(stream: ClientHttp2Stream, options: ReplyBodyOptions) {
    this.#stream = stream;
    this.#options = options;
    stream.on('readable', this.#notify);
    stream.on('close', this.#notify);
  }

  /** How much has come that nobody has read yet. */
  get waiting(): number {
    return this.#stream.readableLength;
  }

  /** The server has ended its side. */
  complete(): void {
    if (this.#stream.destroyed) return;
    this.#rest = takeAll(this.#stream);
    this.#isWhole = true;
    this.#notify();
  }

  /** Somebody has to look why it goes on no more. */
  fail(): void {
    this.#notify();
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const chunk = this.#isWhole ? this.#rest : (this.#stream.read() as Buffer | null);
      this.#rest = null;
      if (chunk !== null) {
        this.#options.onChunk();
        return { done: false, value: chunk };
      }
      if (this.#isWhole) return { done: true, value: undefined };
      if (this.#stream.destroyed || this.#stream.closed) throw this.#options.failure();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#rest = null;
    if (!this.#isWhole) this.#options.onAbandon();
    return { done: true, value: undefined };
  }
}

/** Everything that has come on a stream whose peer has ended it; lets the stream say so, and close. */
export function takeAll(stream: ClientHttp2Stream): Buffer | null {
  // Without a length it would be one chunk. No encoding is set, so it is a Buffer, or null when there is none.
  const all = stream.read(stream.readableLength) as Buffer | null;
  stream.read();
  return all;
}
