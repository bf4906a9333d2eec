import { Agent, type IncomingHttpHeaders, request } from 'node:http';

export interface HttpReply {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- JSON that assertions take apart; undefined when it is none
  json: any;
}

export interface HttpOptions {
  method?: string;
  /** Sent as they are; `Host` too. */
  headers?: Record<string, string | string[]>;
  /** Anything but text and bytes is sent as JSON. */
  body?: unknown;
  timeoutMs?: number;
}

/** One connection a request, so that no test waits for another one's. */
const agent = new Agent({ keepAlive: false });

/** A request that ends in time, with the whole reply. Unlike `fetch` it sends any `Host` and follows nothing. */
export function http(
  url: string,
  { method, headers = {}, body, timeoutMs = 15_000 }: HttpOptions = {},
): Promise<HttpReply> {
  const bytes =
    body === undefined
      ? undefined
      : typeof body === 'string' || body instanceof Uint8Array
        ? body
        : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      agent,
      method: method ?? (bytes === undefined ? 'GET' : 'POST'),
      headers: {
        ...(bytes !== undefined && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(bytes) }),
        ...headers,
      },
      signal: AbortSignal.timeout(timeoutMs),
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, json: parsed(text) });
      });
    });
    outgoing.end(bytes);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
