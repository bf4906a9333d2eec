import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  method: string;
  target: string;
  headers: string[];
  body: Buffer;
  trailers: string[];
}

export interface TestAgent {
  url: string;
  /** Every request that reached the agent, in order, once its body was complete. */
  seen: Seen[];
  server: Server;
  close(): Promise<void>;
}

type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

/** An agent in this process, on a real socket. Reads each body and then answers with `handler`, by default with an echo. */
export async function startAgent(handler: Handler = echo): Promise<TestAgent> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      seen.push({
        method: request.method ?? '',
        target: request.url ?? '',
        headers: request.rawHeaders,
        body,
        trailers: request.rawTrailers,
      });
      handler(request, response, body);
    });
  });
  return { ...(await serve(server)), seen };
}

/** Listens on a free port of the loopback interface. */
export async function serve(server: Server): Promise<{ url: string; server: Server; close(): Promise<void> }> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    server,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const echo: Handler = (request, response, body) => {
  response.setHeader('Content-Type', request.headers['content-type'] ?? 'text/plain');
  response.end(body);
};
