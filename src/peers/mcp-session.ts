// oxlint-disable unicorn/prefer-add-event-listener -- the SDK has callback properties, not event targets

import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, StandardSchemaV1, Transport } from '@modelcontextprotocol/client';
import { OutriderError } from '../errors.ts';
import { METHOD_NOT_FOUND } from '../protocols/jsonrpc.ts';
import type { McpParams, RpcErrorObject } from '../protocols/mcp.ts';
import { unlessAborted } from './abortable.ts';
import { endsSession, isNotOffered, NOT_OFFERED_MESSAGE, SessionLost, toPeerError } from './mcp-errors.ts';
import { HttpRefusal } from './mcp-fetch.ts';
import { type RequestScope, ScopedTransport, type ScopeStore } from './mcp-scope.ts';

/** What the server said to a request: its result or its own error, both untouched. */
export type RpcOutcome = { readonly result: unknown } | { readonly error: RpcErrorObject };

export interface SessionOptions {
  readonly transport: Transport;
  readonly store: ScopeStore;
  /** Our version, told to the server. */
  readonly version: string;
  /** For the whole of the opening, and for each request. */
  readonly timeoutMs: number;
  /** Told what the transport reports out of band; none of it need be fatal. */
  readonly onFault: (error: Error) => void;
  /** Aborts when the session is not wanted any more while it is being opened. */
  readonly closing: AbortSignal;
}

/** Results are handed on, not understood: whatever came is accepted. */
const ANYTHING: StandardSchemaV1<unknown, unknown> = {
  '~standard': { version: 1, vendor: 'outrider', validate: (value) => ({ value }) },
};

/** How long a server may take to hear that its session ends. */
const FAREWELL_MS = 500;

/** How long a response stream may stay open after its response; it is cut then, and its socket with it. */
const LINGER_MS = 1000;

/** One initialised session with an MCP server. It is never mended: when it is lost, its owner opens another. */
export class McpSession {
  readonly #client: Client;
  readonly #transport: ScopedTransport;
  readonly #options: SessionOptions;
  #failure: Error | undefined;
  /** Settles when the session has ended, by us or by the server. */
  readonly ended: Promise<void>;
  isOpen = true;

  private constructor(
    client: Client,
    transport: ScopedTransport,
    options: SessionOptions,
    isStreamError: (error: Error) => boolean,
  ) {
    this.#client = client;
    this.#transport = transport;
    this.#options = options;
    this.ended = new Promise((resolve) => {
      client.onclose = () => {
        this.isOpen = false;
        resolve();
      };
    });
    client.onerror = (error) => {
      options.onFault(error);
      if (endsSession(error)) this.#failure = error;
      // The transport would reconnect, to a session that was never initialised.
      if (isStreamError(error) && this.isOpen) void this.close();
    };
  }

  /** Throws OutriderErrors: `unreachable`, `timeout`. */
  static async open(options: SessionOptions): Promise<McpSession> {
    const { Client, SseError } = await import('@modelcontextprotocol/client');
    // No capability: requests of the server to the client (sampling, elicitation, roots) are answered "method not found".
    const client = new Client({ name: 'outrider', version: options.version }, { capabilities: {} });
    const transport = new ScopedTransport(options.transport, options.store);
    const session = new McpSession(client, transport, options, (error) => error instanceof SseError);
    let timer: NodeJS.Timeout | undefined;
    // The transport's own start (a child, a first event) has no bound in the SDK.
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new OutriderError('timeout', 'the MCP server did not initialise in time')),
        options.timeoutMs,
      );
    });
    const connected = client.connect(transport, { timeout: options.timeoutMs });
    try {
      await unlessAborted(Promise.race([connected, late]), options.closing);
      return session;
    } catch (error) {
      connected.catch(() => {});
      await session.close();
      throw toPeerError(session.#failure ?? error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The answer to `initialize`, as the server gave it to us. */
  get initializeResult(): Record<string, unknown> {
    const instructions = this.#client.getInstructions();
    return {
      protocolVersion: this.#client.getNegotiatedProtocolVersion(),
      capabilities: this.#client.getServerCapabilities() ?? {},
      serverInfo: this.#client.getServerVersion(),
      ...(instructions !== undefined && { instructions }),
    };
  }

  /** Throws `SessionLost` when there must be another session first, else OutriderErrors. */
  async request(
    method: string,
    params: McpParams | undefined,
    signal: AbortSignal,
    timeoutMs = this.#options.timeoutMs,
  ): Promise<RpcOutcome> {
    if (!this.isOpen) throw new SessionLost('nothing ran', this.#failure);
    const scope: RequestScope = { abort: new AbortController() };
    const either = AbortSignal.any([signal, scope.abort.signal]);
    try {
      await this.#options.store.run(scope, () =>
        this.#client.request({ method, ...(params !== undefined && { params }) }, ANYTHING, {
          signal: either,
          timeout: timeoutMs,
          // A server that reports progress is not silent.
          ...(method === 'tools/call' && { onprogress: () => {}, resetTimeoutOnProgress: true }),
        }),
      );
    } catch (error) {
      scope.abort.abort();
      if (scope.outcome === undefined) return this.#failed(error, scope, signal);
    }
    const timer = setTimeout(() => scope.abort.abort(), LINGER_MS);
    timer.unref();
    if (scope.outcome === undefined) throw new OutriderError('internal', 'the MCP client lost a response');
    return scope.outcome;
  }

  #failed(error: unknown, scope: RequestScope, signal: AbortSignal): RpcOutcome {
    if (signal.aborted) throw new OutriderError('cancelled', 'the caller has left');
    if (error instanceof HttpRefusal) {
      if (error.rpcError !== undefined) return { error: error.rpcError };
      throw toPeerError(error);
    }
    if (isNotOffered(error)) return { error: { code: METHOD_NOT_FOUND, message: NOT_OFFERED_MESSAGE } };
    const failure = scope.failure ?? (this.isOpen ? undefined : (this.#failure ?? error));
    if (failure === undefined) throw toPeerError(error);
    throw failure instanceof OutriderError ? failure : new SessionLost('may have run', failure);
  }

  /** Throws as `request` does. */
  async notify(method: string, params: McpParams | undefined, signal: AbortSignal): Promise<void> {
    if (!this.isOpen) throw new SessionLost('nothing ran', this.#failure);
    const scope: RequestScope = { abort: new AbortController() };
    const late = AbortSignal.timeout(this.#options.timeoutMs);
    const sent = this.#options.store.run(scope, () =>
      this.#client.notification({ method, ...(params !== undefined && { params }) }),
    );
    try {
      await unlessAborted(sent, AbortSignal.any([signal, late]));
    } catch (error) {
      scope.abort.abort();
      if (late.aborted) throw new OutriderError('timeout', 'the MCP server did not take the notification in time');
      throw toPeerError(error);
    }
  }

  /** Ends a session that works: where the transport knows sessions, the server is told, for a moment at most. */
  async end(): Promise<void> {
    if (this.isOpen)
      await Promise.race([this.#transport.terminate().catch(() => {}), sleep(FAREWELL_MS, undefined, { ref: false })]);
    await this.close();
  }

  /** Resolves when nothing is left: where there is a child, it and all it has started. */
  async close(): Promise<void> {
    this.isOpen = false;
    await this.#transport.close().catch(() => {});
  }
}
