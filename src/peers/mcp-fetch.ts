import { OutriderError } from '../errors.ts';
import { isSessionUnknown, type RpcErrorObject, rpcErrorOf } from '../protocols/mcp.ts';
import { eventMeter } from '../protocols/sse.ts';
import type { ScopeStore } from './mcp-scope.ts';

export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** An HTTP answer that is no MCP answer. Thrown out of `fetch`, through the SDK's transports. */
export class HttpRefusal extends Error {
  readonly status: number;
  /** The server does not know our session: nothing of the request ran. */
  readonly sessionUnknown: boolean;
  /** The JSON-RPC error in the body, if there was one. */
  readonly rpcError: RpcErrorObject | undefined;

  constructor(status: number, text: string) {
    super(`the MCP server answered ${status}`);
    this.status = status;
    this.sessionUnknown = isSessionUnknown(status, text);
    this.rpcError = this.sessionUnknown ? undefined : rpcErrorOf(text);
  }
}

/** Bytes read of a refusal: enough for any JSON-RPC error. */
const REFUSAL_LIMIT = 64 * 1024;

/**
 * `fetch` for the SDK's HTTP transports. Follows no redirect, since the server's token would go along; opens no standalone
 * event stream, since nobody here listens to it; turns every refusal into `HttpRefusal`; and bounds what is buffered: a whole
 * response, or one event of a stream.
 */
export function guardedFetch(
  fetch: Fetch,
  options: { limit: number; store: ScopeStore; standaloneStream: boolean; onTooLarge: (error: OutriderError) => void },
): Fetch {
  const { limit, store } = options;
  return async (url, init) => {
    const isGet = (init?.method ?? 'GET') === 'GET';
    if (!options.standaloneStream && isGet && !new Headers(init?.headers).has('last-event-id')) {
      return new Response(null, { status: 405 });
    }
    const scope = store.getStore();
    const response = await fetch(url, { ...init, redirect: 'manual' });
    if (!response.ok) throw new HttpRefusal(response.status, await readSome(response, REFUSAL_LIMIT));
    if (response.body === null) return response;
    const isEvents = response.headers.get('content-type')?.toLowerCase().startsWith('text/event-stream') === true;
    const size = isEvents ? eventMeter() : totalMeter();
    const bounded = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          if (size(chunk) <= limit) {
            controller.enqueue(chunk);
            return;
          }
          const error = new OutriderError('body_too_large', `the MCP server's response is larger than ${limit} bytes`);
          if (scope === undefined) options.onTooLarge(error);
          else scope.failure = error;
          controller.error(error);
        },
      }),
    );
    return new Response(bounded, { status: response.status, headers: response.headers });
  };
}

function totalMeter(): (chunk: Uint8Array) => number {
  let total = 0;
  return (chunk) => (total += chunk.length);
}

async function readSome(response: Response, limit: number): Promise<string> {
  if (response.body === null) return '';
  const body = response.body.values();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > limit) break;
  }
  return size > limit ? '' : Buffer.concat(chunks).toString();
}
