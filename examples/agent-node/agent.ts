/**
 * A small agent without dependencies. It says what a text is about, in the text's own words, so it needs no model; everything an
 * agent should not have to do itself (auth, guardrails, traces, costs, A2A, MCP) it leaves to the sidecar beside it.
 *
 *   POST /invoke    {"input"}                       the gist, and one cost event
 *   POST /stream    {"input", "delay_ms"?}          the same, word by word, as server-sent events
 *   POST /delegate  {"peer", "text"}                asks another agent, through the sidecar
 *   POST /tools     {"server", "tool"?, "arguments"?}   lists an MCP server's tools or calls one, through the sidecar
 *   POST /a2a       JSON-RPC tasks/send             other agents ask this one
 *   GET  /openapi.json, /stats
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { gist } from './gist.ts';
import { openapi } from './openapi.ts';

const NAME = process.env['AGENT_NAME'] ?? 'gist-node';
const VERSION = process.env['AGENT_VERSION'] ?? '0.0.0';
const PORT = Number(process.env['PORT'] ?? 8081);
const SIDECAR = process.env['OUTRIDER_LOCAL_URL'] ?? 'http://127.0.0.1:9090';
const COSTS = process.env['OUTRIDER_COST_URL'] ?? SIDECAR;
const MAX_BODY = 2 ** 20;

const stats = { invocations: 0, streams_open: 0, streams_finished: 0, streams_cancelled: 0 };

class HttpError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

type Handler = (body: Record<string, unknown>, request: IncomingMessage, response: ServerResponse) => Promise<unknown>;

const handlers: Record<string, Handler> = {
  'POST /invoke': async (body, request) => {
    stats.invocations++;
    const answer = gist(text(body, 'input'));
    return { agent: NAME, version: VERSION, ...answer, cost_event: await recordCost(request, answer) };
  },

  'POST /stream': async (body, request, response) => {
    const answer = gist(text(body, 'input'));
    const delay = typeof body['delay_ms'] === 'number' ? Math.min(Math.max(body['delay_ms'], 0), 10_000) : 20;
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    stats.streams_open++;
    try {
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
      // As models do it: the pieces are the answer, put one behind the other.
      for (const piece of answer.output.split(/(?<= )/)) {
        response.write(`event: token\ndata: ${JSON.stringify({ text: piece })}\n\n`);
        await sleep(delay, undefined, { signal: gone.signal });
      }
      const costEvent = await recordCost(request, answer);
      response.end(`event: done\ndata: ${JSON.stringify({ ...answer, cost_event: costEvent })}\n\n`);
      stats.streams_finished++;
    } catch (error) {
      // The caller has left: what it no longer wants is not made.
      if (!gone.signal.aborted) throw error;
      stats.streams_cancelled++;
    } finally {
      stats.streams_open--;
    }
    return undefined;
  },

  'POST /delegate': async (body, request) => {
    const peer = text(body, 'peer');
    const params = { message: text(body, 'text') };
    return { peer, result: await askSidecar(`/a2a/${encodeURIComponent(peer)}`, { params }, request) };
  },

  'POST /tools': async (body, request) => {
    const server = text(body, 'server');
    const ask =
      body['tool'] === undefined
        ? { method: 'tools/list', params: {} }
        : { method: 'tools/call', params: { name: text(body, 'tool'), arguments: body['arguments'] ?? {} } };
    return { server, result: await askSidecar(`/mcp/${encodeURIComponent(server)}`, ask, request) };
  },

  'POST /a2a': async (body) => {
    const reply = { jsonrpc: '2.0', id: body['id'] ?? null };
    if (body['method'] !== 'tasks/send')
      return { ...reply, error: { code: -32601, message: 'only tasks/send is known' } };
    const { message } = (body['params'] ?? {}) as { message?: unknown };
    if (typeof message !== 'string')
      return { ...reply, error: { code: -32602, message: 'params.message: expected text' } };
    return { ...reply, result: { agent: NAME, status: 'completed', output: gist(message).output } };
  },

  'GET /stats': async () => stats,
  'GET /openapi.json': async () => openapi(NAME, VERSION),
};

/** Calls one of the sidecar's JSON-RPC helpers and gives the result. The caller's trace goes on through it. */
async function askSidecar(path: string, rpc: object, request: IncomingMessage): Promise<unknown> {
  const response = await post(SIDECAR + path, rpc, request, 60_000);
  const reply = (await response.json()) as { result?: unknown; error?: { message?: string } | string };
  if (response.ok && reply.error === undefined) return reply.result;
  const why = typeof reply.error === 'string' ? reply.error : reply.error?.message;
  throw new HttpError(response.ok ? 502 : response.status, why ?? 'the sidecar gave no reason');
}

/** Tells the sidecar what the answer cost. An answer is not withheld because its price could not be written down. */
async function recordCost(request: IncomingMessage, { model, usage, cost_usd }: ReturnType<typeof gist>) {
  const event_id = randomUUID();
  try {
    const response = await post(`${COSTS}/cost`, { event_id, model, ...usage, cost_usd }, request, 2000);
    await response.body?.cancel();
    return response.status === 202 ? event_id : null;
  } catch {
    return null;
  }
}

function post(url: string, body: object, request: IncomingMessage, timeoutMs: number): Promise<Response> {
  const headers: Record<string, string> = { 'Content-Type': 'application/json' };
  for (const name of ['traceparent', 'tracestate']) {
    const value = request.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal: AbortSignal.timeout(timeoutMs) });
}

function text(body: Record<string, unknown>, name: string): string {
  const value = body[name];
  if (typeof value !== 'string' || value.trim() === '') throw new HttpError(400, `${name}: expected text`);
  return value;
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let size = 0;
  // node:http gives Buffers when no encoding is set.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new HttpError(413, `the body is larger than ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString());
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new HttpError(400, 'expected a JSON object');
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  // Own members only: a path must not find what every object has.
  const key = `${request.method} ${path}`;
  const handler = Object.hasOwn(handlers, key) ? handlers[key] : undefined;
  try {
    if (handler === undefined) {
      const known = Object.keys(handlers).some((other) => other.endsWith(` ${path}`));
      throw known ? new HttpError(405, 'method not allowed') : new HttpError(404, 'not found');
    }
    const body = request.method === 'POST' ? await readJson(request) : {};
    const answer = await handler(body, request, response);
    if (answer !== undefined) send(response, 200, answer);
  } catch (error) {
    if (response.headersSent) response.destroy();
    else if (error instanceof HttpError) send(response, error.status, { error: error.message });
    else send(response, 502, { error: 'a helper could not be reached' });
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  // What was not read of a body would be taken for the next request.
  if (status === 413) response.setHeader('Connection', 'close');
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

const server = createServer((request, response) => {
  response.on('close', () => {
    if (!server.listening) server.closeIdleConnections();
  });
  void serve(request, response);
});

// Loopback only: the way in is through the sidecar.
server.listen(PORT, '127.0.0.1', () => console.log(`${NAME} listens on 127.0.0.1:${PORT}`));
server.on('error', (error) => {
  console.error(`${NAME} cannot listen on 127.0.0.1:${PORT}: ${error.message}`);
  process.exitCode = 1;
});

// No new connections; requests in flight are finished; then nothing is left to wait for, and Node ends.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => server.close());
