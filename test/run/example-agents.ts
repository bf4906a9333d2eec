import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { freePort } from '../support/ports.ts';
import { eventually } from './processes.ts';

export interface Asked {
  path: string;
  body: Record<string, unknown>;
  headers: IncomingMessage['headers'];
}

/** Helpers as a sidecar offers them, which note what they are asked. */
export async function startHelpers() {
  const asked: Asked[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '';
    asked.push({ path, body: JSON.parse(await text(request)), headers: request.headers });
    const { status, ...reply } = ANSWERS[path] ?? UNKNOWN;
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(reply));
  };
  const server = createServer((request, response) => void answer(request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  // A TCP server that listens has such an address.
  return { asked, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const ANSWERS: Record<string, { status: number; [member: string]: unknown }> = {
  '/cost': { status: 202 },
  '/a2a/research': { status: 200, jsonrpc: '2.0', id: 1, result: { output: 'found' } },
  '/mcp/docs': { status: 200, jsonrpc: '2.0', id: 1, result: { tools: [{ name: 'search' }] } },
};
const UNKNOWN = { status: 404, jsonrpc: '2.0', id: 1, error: { code: -32010, message: 'unknown peer' } };

export async function startExample(
  command: string[],
  env: Record<string, string>,
): Promise<{ child: ChildProcess; base: string }> {
  const port = await freePort();
  const [file = '', ...args] = command;
  const child = spawn(file, args, {
    env: { PATH: process.env['PATH'] ?? '', PORT: String(port), AGENT_NAME: 'scribe', AGENT_VERSION: '1.2.3', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  await eventually(
    () => out.includes(`scribe listens on 127.0.0.1:${port}`),
    () => `it does not listen: ${out}`,
  );
  return { child, base: `http://127.0.0.1:${port}` };
}

export async function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}
