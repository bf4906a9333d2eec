import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
// Of undici, the pool alone: its index loads fetch, caches and mocks too, 4 MB and a tenth of the time to start.
import Pool from 'undici/lib/dispatcher/pool.js';
import { isStream } from '../body.ts';
import type { Call, Reply, Service } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { Exchange } from './exchange.ts';
import { needsNode, requestWithNode, type Target } from './node-client.ts';

export interface ClientOptions {
  /** What the other side is called in errors that callers see: "the agent". Never an address. */
  name: string;
  connectTimeoutMs: number;
  /** From the end of the request to the end of the response headers. */
  responseTimeoutMs: number;
  /** Between two pieces of a response body. */
  idleTimeoutMs: number;
}

export interface HttpClient {
  /** Sends the call to this origin; `headers` must hold no hop-by-hop fields. Fails with `unreachable`, `timeout`, `cancelled`. */
  send: Service;
  close(): Promise<void>;
}

/**
 * Pooled HTTP/1.1 connections to one origin. A path in `url` is put before every target. Nothing is retried and no
 * redirect followed: whether that is safe only the caller knows.
 */
export function httpClient(url: string, options: ClientOptions): HttpClient {
  const { origin, pathname } = new URL(url);
  const prefix = pathname.replace(/\/+$/, '');
  const pool = new Pool(origin, {
    pipelining: 1,
    connect: { timeout: options.connectTimeoutMs },
    headersTimeout: options.responseTimeoutMs,
    bodyTimeout: options.idleTimeoutMs,
    // Below the 5 s after which Node and uvicorn close idle connections: a request never goes out on one that is being closed.
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 60_000,
  });
  const target: Target = { origin, prefix, ...options };

  return {
    send(call: Call): Promise<Reply> {
      if (needsNode(call)) return requestWithNode(target, call);
      return new Promise((resolve, reject) => {
        if (call.signal.aborted) {
          reject(new OutriderError('cancelled', 'the caller has left'));
          return;
        }
        const request: Dispatcher.DispatchOptions = {
          method: call.method,
          path: prefix + call.target,
          // The interface speaks of a mutable list, but undici only reads it.
          headers: call.headers as string[],
          body: isStream(call.body) ? Readable.from(call.body, { objectMode: false }) : call.body,
        };
        pool.dispatch(request, new Exchange(call, options.name, resolve, reject));
      });
    },
    close: () => pool.destroy(),
  };
}
