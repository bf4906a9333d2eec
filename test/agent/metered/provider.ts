import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Ends } from '../../support/temp.ts';

export const fixture = (name: string): string => readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8');

export interface Asked {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  // oxlint-disable-next-line typescript/no-explicit-any -- what SDKs send, taken apart by assertions
  readonly body: any;
}

/** How one request is answered; the socket is the script's to break. */
export type Script = (response: ServerResponse, asked: Asked) => unknown;

export interface Provider {
  readonly url: string;
  readonly asked: Asked[];
}

/** A provider of models that answers each request with the next script, and the last one for ever. */
export async function provider(t: Ends, ...scripts: Script[]): Promise<Provider> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const one = { path: request.url ?? '', headers: request.headers, body: json(text) ?? text };
      asked.push(one);
      const script = scripts.length > 1 ? scripts.shift() : scripts[0];
      script?.(response, one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  // Listening on TCP.
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The recorded reply, JSON or events by its name. As the provider does, usage is sent only to whoever asks for it. */
export function replay(name: string, change: (text: string) => string = (text) => text): Script {
  return (response, { body }) => {
    const events = name.endsWith('.sse');
    let text = change(fixture(name));
    if (name === 'openai-chat.sse' && body.stream_options?.include_usage !== true) {
      text = text.replace(/data: [^\n]*"choices":\[\],"usage"[^\n]*\n\n/, '');
    }
    response.writeHead(200, { 'Content-Type': events ? 'text/event-stream; charset=utf-8' : 'application/json' });
    // In pieces that respect nothing.
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += 97) response.write(bytes.subarray(at, at + 97));
    response.end();
  };
}

/** The first events of a recorded stream, and then silence. */
export function stall(name: string, events: number): Script {
  return (response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const parts = fixture(name).split(/(?<=\r?\n\r?\n)/);
    response.write(parts.slice(0, events).join(''));
  };
}

export function fail(status: number, body: object, headers: Record<string, string> = {}): Script {
  return (response) => {
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

export function send(type: string, body: string | Uint8Array): Script {
  return (response) => {
    response.writeHead(200, { 'Content-Type': type }).end(body);
  };
}
