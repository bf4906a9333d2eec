import type { Dispatcher } from 'undici';
import type { Call, Reply } from '../call.ts';
import { OutriderError } from '../errors.ts';
import type { Fields } from '../fields.ts';
import { endToEnd } from '../hop-by-hop.ts';
import { upstreamError } from './upstream-error.ts';

/** What may wait in memory for a slow reader before the sender is paused. */
const HIGH_WATER_BYTES = 64 * 1024;
/** An agent that never comes to its answer is silent, whatever it sends instead. */
const MOST_INFORMATIONAL = 16;

/**
 * One request and its response on an undici connection. The reply is given out once everything that arrived together with
 * its headers is known: a small response is then bytes at hand and needs no iterator, and a stream is not held back.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #call: Call;
  readonly #peer: string;
  readonly #resolve: (reply: Reply) => void;
  readonly #reject: (error: Error) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #informational = 0;
  #status = 0;
  #headers: Fields = [];
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  #ended = false;
  #failure: OutriderError | undefined;
  #replied = false;
  #wake: (() => void) | undefined;
  #trailers: ((fields: Fields) => void) | undefined;
  readonly #onAbort = (): void => this.#cancel();

  constructor(call: Call, peer: string, resolve: (reply: Reply) => void, reject: (error: Error) => void) {
    this.#call = call;
    this.#peer = peer;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#call.signal.aborted) this.#cancel();
    else this.#call.signal.addEventListener('abort', this.#onAbort);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) {
      // Each of these starts the response timeout anew.
      if (++this.#informational > MOST_INFORMATIONAL) controller.abort(new Error('too many informational responses'));
      return;
    }
    this.#status = status;
    this.#headers = endToEnd(textFields(controller.rawHeaders));
    queueMicrotask(() => this.#reply());
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    if (this.#buffered > HIGH_WATER_BYTES) controller.pause();
    this.#notify();
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#ended = true;
    this.#settle();
    this.#trailers?.(endToEnd(textFields(controller.rawTrailers)));
    this.#notify();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#failure ??= upstreamError(error, this.#peer);
    this.#settle();
    this.#trailers?.([]);
    if (!this.#replied) {
      this.#replied = true;
      this.#reject(this.#failure);
    }
    this.#notify();
  }

  #reply(): void {
    if (this.#replied) return;
    this.#replied = true;
    const { length } = this.#chunks;
    const trailing = textFields(this.#controller?.rawTrailers);
    if (this.#ended && trailing.length === 0) {
      const body = length === 0 ? null : length === 1 ? (this.#chunks[0] ?? null) : Buffer.concat(this.#chunks);
      this.#resolve({ status: this.#status, headers: this.#headers, body });
      return;
    }
    const trailers = new Promise<Fields>((resolve) => {
      this.#trailers = resolve;
    });
    if (this.#ended) this.#trailers?.(endToEnd(trailing));
    this.#resolve({
      status: this.#status,
      headers: this.#headers,
      body: { [Symbol.asyncIterator]: () => this },
      trailers,
    });
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#buffered -= chunk.length;
        if (this.#buffered <= HIGH_WATER_BYTES && this.#controller?.paused) this.#controller.resume();
        return { done: false, value: chunk };
      }
      if (this.#ended) return { done: true, value: undefined };
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#cancel();
    this.#chunks = [];
    return { done: true, value: undefined };
  }

  #cancel(): void {
    if (this.#ended || this.#failure !== undefined) return;
    this.#failure = new OutriderError('cancelled', 'the caller has left');
    this.#controller?.abort(this.#failure);
  }

  #settle(): void {
    this.#call.signal.removeEventListener('abort', this.#onAbort);
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

function textFields(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  if (!Array.isArray(raw)) return [];
  return raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')));
}
