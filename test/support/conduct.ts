import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { serve } from './agent.ts';
import { http } from './http.ts';
import { metric, parseMetrics } from './metrics.ts';
import { startOutrider, TOKEN } from './outrider.ts';
import { until } from './until.ts';

/** The agent's side of one exchange, conducted by a test. */
export interface Turn {
  request: IncomingMessage;
  response: ServerResponse;
  /** Settles when the agent's connection for it is over. */
  closed: Promise<void>;
}

export interface Client {
  /** Status and headers, as soon as they are there. */
  head: Promise<IncomingMessage>;
  /** All text so far. */
  text: () => string;
  bytes: () => Buffer;
  /** `complete`, or `broken` when the reply broke off. */
  end: Promise<'complete' | 'broken'>;
  leave: () => void;
}

export interface WholeReply {
  status: number | undefined;
  headers: IncomingMessage['headers'];
  bytes: Buffer;
  text: string;
}

export interface Conducted {
  inbound: string;
  /** A request of which the test sees what comes back, piece by piece, and the agent's side of it. */
  exchange: (path?: string, options?: { method?: string }) => Promise<Client & { turn: Turn }>;
  /** A caller who sends these bytes and reads nothing. */
  unread: (bytes: string) => Promise<Turn>;
  /** What comes back of an agent that says all of this at once. */
  replyTo: (headers: Record<string, string>, body: string | Buffer, status?: number) => Promise<WholeReply>;
  /** The next request at the agent. */
  nextTurn: () => Promise<Turn>;
  /** A sum in `/metrics`. */
  counted: (name: string, labels: Record<string, string>) => Promise<number>;
  close: () => Promise<void>;
}

/** The started command before an agent whose every reply the test writes itself, step by step. */
export async function conduct(config: string): Promise<Conducted> {
  const turns: Turn[] = [];
  const agent = await serve(
    createServer((incoming, response) => {
      incoming.resume();
      const closed = new Promise<void>((resolve) => {
        response.on('close', resolve);
      });
      turns.push({ request: incoming, response, closed });
    }),
  );
  const sidecar = await startOutrider({ agentUrl: agent.url, config });
  const nextTurn = (): Promise<Turn> => {
    const count = turns.length;
    return until(() => turns[count], 'the request at the agent');
  };
  const exchange: Conducted['exchange'] = async (path = '/', { method = 'POST' } = {}) => {
    const coming = nextTurn();
    const client = ask(sidecar.inbound + path, method);
    return { ...client, turn: await coming };
  };
  return {
    inbound: sidecar.inbound,
    nextTurn,
    exchange,
    async unread(bytes) {
      const coming = nextTurn();
      const { port, hostname } = new URL(sidecar.inbound);
      const socket = connect(Number(port), hostname);
      socket.pause();
      socket.on('error', () => {});
      socket.write(bytes);
      const turn = await coming;
      turn.response.on('close', () => socket.destroy());
      return turn;
    },
    async replyTo(headers, body, status = 200) {
      const { turn, head, end, bytes } = await exchange();
      turn.response.writeHead(status, headers);
      turn.response.end(body);
      const { statusCode, headers: got } = await head;
      await end;
      return { status: statusCode, headers: got, bytes: bytes(), text: bytes().toString() };
    },
    counted: async (name, labels) =>
      metric(parseMetrics((await http(`${sidecar.helpers}/metrics`)).text), name, labels),
    async close() {
      await sidecar.stop();
      await agent.close();
    },
  };
}

function ask(url: string, method: string): Client {
  const chunks: Buffer[] = [];
  const head = Promise.withResolvers<IncomingMessage>();
  const end = Promise.withResolvers<'complete' | 'broken'>();
  const outgoing = request(url, {
    method,
    headers: { Authorization: `Bearer ${TOKEN}` },
    agent: false,
    signal: AbortSignal.timeout(30_000),
  });
  outgoing.on('response', (incoming) => {
    head.resolve(incoming);
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => end.resolve('complete'));
    incoming.on('error', () => end.resolve('broken'));
  });
  outgoing.on('error', () => end.resolve('broken'));
  outgoing.end();
  const bytes = (): Buffer => Buffer.concat(chunks);
  return {
    head: head.promise,
    text: () => bytes().toString(),
    bytes,
    end: end.promise,
    leave: () => outgoing.destroy(),
  };
}
