// oxlint-disable typescript/no-explicit-any -- JSON that the assertions take apart
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isStream, readBody } from '../../src/body.ts';
import type { Call, Reply, Service } from '../../src/call.ts';
import { toOutriderError } from '../../src/errors.ts';
import { type HttpClient, httpClient } from '../../src/net/client.ts';
import type { PeerLog } from '../../src/peers/log.ts';
import { jsonRpcErrorReply } from '../../src/protocols/jsonrpc.ts';

/** What the rescue layer does in the sidecar. */
export const rescued =
  (service: Service): Service =>
  (call) =>
    service(call).catch((error: unknown) => jsonRpcErrorReply(toOutriderError(error)));

/** One call to a service, without sockets. */
export async function post(
  service: Service,
  target: string,
  body: unknown,
  options: { headers?: string[]; signal?: AbortSignal; method?: string } = {},
): Promise<{ status: number; json: any; headers: readonly string[]; text: string }> {
  const reply = await rescued(service)({
    method: options.method ?? 'POST',
    target,
    headers: options.headers ?? [],
    body: typeof body === 'string' ? Buffer.from(body) : Buffer.from(JSON.stringify(body)),
    signal: options.signal ?? new AbortController().signal,
  });
  const text = Buffer.from(await readBody(reply.body, 2 ** 26)).toString();
  return { status: reply.status, headers: reply.headers, text, json: text === '' ? undefined : JSON.parse(text) };
}

export interface Running {
  url: string;
  close(): Promise<void>;
}

/** A node:http server on a free port. */
export async function listen(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<Running> {
  const server: Server = createServer(handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A TCP listener's address is never a string or null.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A service behind real sockets. */
export function serve(service: Service): Promise<Running> {
  return listen((request, response) => {
    void relay(service, request, response);
  });
}

async function relay(service: Service, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const left = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) left.abort();
  });
  const call: Call = {
    method: request.method ?? '',
    target: request.url ?? '',
    headers: request.rawHeaders,
    body: request,
    signal: left.signal,
  };
  const reply: Reply = await rescued(service)(call);
  response.writeHead(reply.status, [...reply.headers]);
  if (!isStream(reply.body)) {
    response.end(reply.body ?? undefined);
    return;
  }
  response.flushHeaders();
  try {
    for await (const chunk of reply.body) {
      if (!response.write(chunk)) await once(response, 'drain', { signal: left.signal });
    }
    response.end();
  } catch {
    response.destroy();
  }
}

export function clientFor(url: string): HttpClient {
  return httpClient(url, {
    name: 'the peer',
    connectTimeoutMs: 2_000,
    responseTimeoutMs: 30_000,
    idleTimeoutMs: 30_000,
  });
}

export interface RecordedLog extends PeerLog {
  lines: { level: string; fields: object; message: string }[];
}

export function recordedLog(): RecordedLog {
  const lines: RecordedLog['lines'] = [];
  const at =
    (level: string) =>
    (message: string, fields: object = {}): void => {
      lines.push({ level, fields, message });
    };
  return { lines, info: at('info'), warn: at('warn') };
}

export const EVERYTHING = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/server-everything/dist/index.js', import.meta.url),
);

/** The reference server over HTTP, on a port of its own. */
export async function startEverything(
  mode: 'sse' | 'streamableHttp',
  port: number,
): Promise<{ stop(): Promise<void> }> {
  const child = spawn(process.execPath, [EVERYTHING, mode], {
    env: { PATH: process.env['PATH'], PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  for await (const line of createInterface({ input: child.stderr })) {
    if (/listening on port|running on port/.test(line)) break;
  }
  child.stderr.resume();
  return { stop: () => stop(child) };
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** A killed orphan that init has not reaped yet runs no more. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // Gone meanwhile, or a system without /proc.
    return !existsSync('/proc/self/stat');
  }
}

/** Waits until something is so; fails after `ms`. */
export async function until(check: () => boolean | Promise<boolean>, ms = 5_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error('it did not come to be in time');
    await sleep(20);
  }
}
