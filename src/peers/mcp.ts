import { randomUUID } from 'node:crypto';
import type { Call, Reply, Service } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { getField } from '../fields.ts';
import { mcpSpan } from '../protocols/attributes.ts';
import { isObject, type JsonRpcRequest, jsonRpcReply } from '../protocols/jsonrpc.ts';
import { type McpParams, withTraceContext } from '../protocols/mcp.ts';
import type { Traced } from '../span.ts';
import { jsonRpcEndpoint } from './json-rpc-endpoint.ts';
import type { PeerLog } from './log.ts';
import type { Fetch } from './mcp-fetch.ts';
import { McpServer, type McpServerStatus } from './mcp-server.ts';
import type { McpServerOptions } from './mcp-transport.ts';
import { failSpan } from './span.ts';

export interface McpOptions {
  readonly servers: Readonly<Record<string, McpServerOptions>>;
  /** Our version, told to the servers. */
  readonly version: string;
  /** For opening a session, and for each request; a `tools/call` that reports progress starts it anew. */
  readonly timeoutMs: number;
  /** Bytes of a request, and of one message from a server. */
  readonly bodyLimit: number;
  /** Our own environment. A stdio server gets `PATH`, `HOME`, locale and the like of it, and what is configured for it. */
  readonly spawnEnv: Readonly<Record<string, string | undefined>>;
  readonly log: PeerLog;
  /** Default: the runtime's. */
  readonly fetch?: Fetch;
}

export interface McpServers {
  /** `POST /mcp/{server}`. Throws; `jsonRpcErrorReply` makes the reply of what it throws. */
  readonly service: Service<Call & Traced>;
  status(): Record<string, McpServerStatus>;
  /** Ends every session and every child; resolves when no process of theirs is left. */
  close(): Promise<void>;
}

/**
 * MCP servers behind one JSON reply a request. The callers need no session: each server's is opened and kept here. An MCP
 * client may be pointed at a server's path too; its `initialize` is answered with what the server told us, and it gets a
 * session id, which only tells its requests from those of other clients.
 */
export function mcpServers(options: McpOptions): McpServers {
  const context = { ...options, fetch: options.fetch ?? globalThis.fetch };
  const servers = new Map(
    Object.entries(options.servers).map(
      ([name, server]) => [name, { server: new McpServer(name, server, context), inFlight: new Map() }] as const,
    ),
  );
  return {
    service: jsonRpcEndpoint<Entry>({
      prefix: '/mcp/',
      kind: 'MCP server',
      peers: servers,
      bodyLimit: options.bodyLimit,
      describe: (server, request) => mcpSpan(request, { server, transport: transportOf(options.servers[server]) }),
      answer: (entry, request, call) => answer(entry, request, call),
    }),
    status: () => Object.fromEntries([...servers].map(([name, { server }]) => [name, server.status()])),
    close: async () => {
      await Promise.all([...servers.values()].map(({ server }) => server.close()));
    },
  };
}

interface Entry {
  readonly server: McpServer;
  /** Requests of MCP clients by session and id, so that `notifications/cancelled` finds them. */
  readonly inFlight: Map<string, AbortController>;
}

/** As OpenTelemetry names them: a pipe to a child, or a socket. */
function transportOf(server: McpServerOptions | undefined): 'pipe' | 'tcp' {
  return server?.transport === 'stdio' ? 'pipe' : 'tcp';
}

const SESSION_FIELD = 'mcp-session-id';

async function answer(entry: Entry, request: JsonRpcRequest, call: Call & Traced): Promise<Reply> {
  const params = objectParams(request.params);
  if (!request.hasId && request.method.startsWith('notifications/')) {
    await notification(entry, request.method, params, call);
    return { status: 202, headers: [], body: null };
  }
  if (request.method === 'initialize') {
    const result = await entry.server.initializeResult(call.signal);
    return jsonRpcReply(request.idText, { result }, ['Mcp-Session-Id', randomUUID()]);
  }
  const outcome = await cancellable(entry, requestKey(call, request.idText), call.signal, (signal) =>
    entry.server.request(request.method, withTraceContext(params, call.headers), signal),
  );
  failSpan(call.span, outcome);
  return jsonRpcReply(request.idText, outcome);
}

async function notification(entry: Entry, method: string, params: McpParams | undefined, call: Call): Promise<void> {
  // Our session with the server was initialised by ourselves.
  if (method === 'notifications/initialized') return;
  if (method === 'notifications/cancelled') {
    // The server knows the request under another id, so it is cancelled here, and the server told by that.
    const key = requestKey(call, JSON.stringify(params?.['requestId']));
    if (key !== undefined) entry.inFlight.get(key)?.abort();
    return;
  }
  await entry.server.notify(method, withTraceContext(params, call.headers), call.signal);
}

/** Undefined without a session: ids of different clients may be the same. */
function requestKey(call: Call, idText: string | undefined): string | undefined {
  const session = getField(call.headers, SESSION_FIELD);
  return session === undefined ? undefined : `${session} ${idText}`;
}

async function cancellable<T>(
  { inFlight }: Entry,
  key: string | undefined,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (key === undefined || inFlight.has(key)) return work(signal);
  const controller = new AbortController();
  inFlight.set(key, controller);
  try {
    return await work(AbortSignal.any([signal, controller.signal]));
  } finally {
    inFlight.delete(key);
  }
}

function objectParams(params: JsonRpcRequest['params']): McpParams | undefined {
  if (params === undefined || isObject(params)) return params;
  throw new OutriderError('bad_request', 'MCP takes "params" as an object');
}
