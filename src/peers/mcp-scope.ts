// oxlint-disable unicorn/prefer-add-event-listener -- the SDK has callback properties, not event targets
import { AsyncLocalStorage } from 'node:async_hooks';
import type { JSONRPCMessage, Transport, TransportSendOptions } from '@modelcontextprotocol/client';
import type { RpcErrorObject } from '../protocols/mcp.ts';

/** What happens to one request below the SDK's client, which hands on neither. */
export interface RequestScope {
  /** Aborts the request's own HTTP exchange. */
  readonly abort: AbortController;
  /** The server's answer as it came: the client rewrites some errors and drops members of results. */
  outcome?: { readonly result: unknown } | { readonly error: RpcErrorObject };
  /** Why there will be no answer. */
  failure?: Error;
}

/** The scope of whatever runs now, inside `client.request`. */
export type ScopeStore = AsyncLocalStorage<RequestScope>;

export const newScopeStore = (): ScopeStore => new AsyncLocalStorage<RequestScope>();

/** Stands between the SDK's client and a transport, and ties what passes to the scope of its request. */
export class ScopedTransport implements Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: Transport['onmessage'];

  readonly #inner: Transport;
  readonly #store: ScopeStore;
  readonly #waiting = new Map<string | number, RequestScope>();

  constructor(inner: Transport, store: ScopeStore) {
    this.#inner = inner;
    this.#store = store;
    inner.onclose = () => this.onclose?.();
    inner.onerror = (error) => this.onerror?.(error);
    inner.onmessage = (message, extra) => {
      this.#take(message);
      this.onmessage?.(message, extra);
    };
  }

  get sessionId(): string | undefined {
    return this.#inner.sessionId;
  }

  setProtocolVersion(version: string): void {
    this.#inner.setProtocolVersion?.(version);
  }

  start(): Promise<void> {
    return this.#inner.start();
  }

  /** Tells the server that the session ends, if the transport has a way to. */
  async terminate(): Promise<void> {
    const inner: Transport & { terminateSession?: () => Promise<void> } = this.#inner;
    await inner.terminateSession?.();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    const scope = this.#store.getStore();
    // A cancellation is sent in the scope that has just been aborted.
    if (scope === undefined || !('method' in message) || message.method === 'notifications/cancelled') {
      return this.#inner.send(message, options);
    }
    const { signal } = scope.abort;
    if ('id' in message) {
      const { id } = message;
      this.#waiting.set(id, scope);
      signal.addEventListener('abort', () => this.#waiting.delete(id), { once: true });
    }
    return this.#inner.send(message, {
      ...options,
      requestSignal: signal,
      onRequestStreamEnd: () => {
        if (scope.outcome !== undefined) return;
        scope.failure ??= new Error('the stream ended before the response');
        scope.abort.abort();
      },
    });
  }

  #take(message: JSONRPCMessage): void {
    if ('method' in message || message.id === undefined) return;
    const scope = this.#waiting.get(message.id);
    if (scope === undefined) return;
    this.#waiting.delete(message.id);
    scope.outcome = 'result' in message ? { result: message.result } : { error: message.error };
  }
}
