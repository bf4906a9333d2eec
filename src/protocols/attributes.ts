import type { SpanAttributes } from '../span.ts';

/**
 * The one place with names of span attributes. HTTP names are stable (OpenTelemetry semantic conventions 1.45, "HTTP
 * spans"); GenAI, MCP and RPC ones are in development ("Semantic conventions for Model Context Protocol").
 * Values that others choose are cut: a span is no place to store things.
 */

/** Longest value that a caller may put into a span, in characters. */
const MAX_VALUE = 256;

/** The methods that are named; others become `_OTHER` in spans and `other` in metrics, so that callers invent no names. */
export const KNOWN_METHODS: readonly string[] = [
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'HEAD',
  'OPTIONS',
  'CONNECT',
  'TRACE',
  'QUERY',
];
const KNOWN = new Set(KNOWN_METHODS);

/** What a span of an HTTP request begins with: `GET`, or `HTTP` when the method is not a known one. */
export function methodName(method: string): string {
  return KNOWN.has(method) ? method : 'HTTP';
}

export function methodAttributes(method: string): SpanAttributes {
  if (KNOWN.has(method)) return { 'http.request.method': method };
  return { 'http.request.method': '_OTHER', 'http.request.method_original': cut(method) };
}

/** A request that we were sent. `host` is the `Host` field; `path` never holds the query. */
export function serverAttributes(request: {
  method: string;
  route: string | undefined;
  path: string | undefined;
  host: string | undefined;
  remote: string;
  userAgent: string | undefined;
  surface: string;
}): SpanAttributes {
  const { host } = request;
  const port = host === undefined ? undefined : /:(\d{1,5})$/.exec(host)?.[1];
  return {
    ...methodAttributes(request.method),
    'url.scheme': 'http',
    'http.route': request.route,
    'url.path': request.path === undefined ? undefined : cut(request.path),
    'server.address': host === undefined ? undefined : cut(port === undefined ? host : host.slice(0, -port.length - 1)),
    'server.port': port === undefined ? undefined : Number(port),
    'client.address': request.remote === '' ? undefined : request.remote,
    'user_agent.original': request.userAgent === undefined ? undefined : cut(request.userAgent),
    'outrider.surface': request.surface,
  };
}

export function statusAttributes(status: number): SpanAttributes {
  return { 'http.response.status_code': status };
}

/** How a streamed reply ended when it did not end well: `failed` or `cancelled`. */
export function endAttributes(end: string): SpanAttributes {
  return { 'outrider.reply.end': end };
}

/** The path of a request target, without its query: that is where secrets and personal data travel. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

/**
 * A call of gRPC: named after its method, `package.Service/Method`, when its path is one ("Semantic conventions for gRPC").
 * Messages and metadata are content, and never recorded.
 */
export function grpcSpan(target: string): { name: string | undefined; attributes: SpanAttributes } {
  const method = GRPC_PATH.exec(target)?.[1];
  return { name: method, attributes: { 'rpc.system.name': 'grpc', 'rpc.method': method ?? '_OTHER' } };
}

const GRPC_PATH = /^\/([A-Za-z_][\w.]{0,127}\/[A-Za-z_]\w{0,127})$/;

/** How a call of gRPC ended; HTTP's status is 200 whatever happens. `name`: `UNAVAILABLE`. */
export function grpcStatusAttributes(name: string): SpanAttributes {
  return { 'rpc.response.status_code': name };
}

/** What a JSON-RPC request tells about itself; the rest of it stays where it is. */
export interface RpcRequest {
  method: string;
  params?: unknown;
  id?: unknown;
}

export interface SpanDescription {
  name: string;
  attributes: SpanAttributes;
}

/**
 * A request to an MCP server: `{mcp.method.name} {tool or prompt}`. `server` is its configured name. Arguments, results
 * and resource URIs are never recorded: they are content.
 */
export function mcpSpan(
  request: RpcRequest,
  connection: { server: string; transport: 'pipe' | 'tcp'; sessionId?: string; protocolVersion?: string },
): SpanDescription {
  const { method } = request;
  const named = memberText(request.params, 'name');
  const tool = method === 'tools/call' ? named : undefined;
  const prompt = method === 'prompts/get' ? named : undefined;
  const target = tool ?? prompt;
  return {
    name: cut(target === undefined ? method : `${method} ${target}`),
    attributes: {
      'mcp.method.name': cut(method),
      'gen_ai.operation.name': tool === undefined ? undefined : 'execute_tool',
      'gen_ai.tool.name': tool,
      'gen_ai.prompt.name': prompt,
      'jsonrpc.request.id': requestId(request.id),
      'mcp.session.id': connection.sessionId === undefined ? undefined : cut(connection.sessionId),
      'mcp.protocol.version': connection.protocolVersion,
      'network.transport': connection.transport,
      'outrider.mcp.server': connection.server,
    },
  };
}

/** A request to an A2A peer: RPC conventions, with the peer as the GenAI agent. `peer` is its configured name. */
export function a2aSpan(request: RpcRequest, peer: string): SpanDescription {
  const method = cut(request.method);
  return {
    name: `${method} ${peer}`,
    attributes: {
      'rpc.system.name': 'jsonrpc',
      'rpc.method': method,
      'jsonrpc.request.id': requestId(request.id),
      'gen_ai.operation.name': INVOKES.has(method) ? 'invoke_agent' : undefined,
      'gen_ai.agent.name': peer,
    },
  };
}

/** A2A methods that make the peer work, as the versions of the protocol have named them. */
const INVOKES = new Set([
  'tasks/send',
  'tasks/sendSubscribe',
  'message/send',
  'message/stream',
  'SendMessage',
  'SendStreamingMessage',
]);

/**
 * The failure that a JSON-RPC response carries: its code, `tool_error` for an MCP tool's own (`isError`), or undefined.
 * HTTP knows nothing of either: both come with status 200.
 */
export function rpcFailure(response: unknown): { code: string; attributes: SpanAttributes } | undefined {
  const code = member(member(response, 'error'), 'code');
  if (typeof code === 'number') return { code: String(code), attributes: { 'rpc.response.status_code': String(code) } };
  if (member(member(response, 'result'), 'isError') === true) return { code: 'tool_error', attributes: {} };
  return undefined;
}

/** A run of an agent (OpenTelemetry semantic conventions, "Invoke agent span"). Neither its input nor its output is recorded. */
export function agentRunSpan(agent: { id: string; name: string; model: string }): SpanDescription {
  return {
    name: `invoke_agent ${agent.id}`,
    attributes: {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.id': agent.id,
      'gen_ai.agent.name': cut(agent.name),
      'gen_ai.request.model': agent.model === '' ? undefined : cut(agent.model),
    },
  };
}

/** How a run of an agent ended. */
export function agentReplyAttributes(reply: { stop_reason: string; loop_count: number }): SpanAttributes {
  return { 'gen_ai.response.finish_reasons': [cut(reply.stop_reason)], 'outrider.agent.loops': reply.loop_count };
}

/** A model call that was reported with its price. */
export function costAttributes(event: {
  model: string;
  provider: string | null;
  input_tokens: number;
  output_tokens: number;
}): SpanAttributes {
  return {
    'gen_ai.request.model': cut(event.model),
    'gen_ai.provider.name': event.provider === null ? undefined : cut(event.provider),
    'gen_ai.usage.input_tokens': event.input_tokens,
    'gen_ai.usage.output_tokens': event.output_tokens,
  };
}

/** A span event for a rule that matched: which, where and how often, never what. */
export function guardEvent(
  hit: { rule: string; action: string; count: number; path?: string },
  surface: string,
): SpanAttributes {
  return {
    'outrider.guard.rule': hit.rule,
    'outrider.guard.action': hit.action,
    'outrider.guard.surface': surface,
    'outrider.guard.count': hit.count,
    'outrider.guard.path': hit.path === undefined ? undefined : cut(hit.path),
  };
}

/** A span event for what rules could not read. */
export function guardUnreadableEvent(reason: string, action: string, surface: string): SpanAttributes {
  return { 'outrider.guard.reason': reason, 'outrider.guard.action': action, 'outrider.guard.surface': surface };
}

/** A span event for a rule whose endpoint gave no usable reply. */
export function guardWebhookEvent(rule: string, reason: string, action: string, surface: string): SpanAttributes {
  return { 'outrider.guard.rule': rule, ...guardUnreadableEvent(reason, action, surface) };
}

function requestId(id: unknown): string | undefined {
  return typeof id === 'string' || typeof id === 'number' ? cut(String(id)) : undefined;
}

function memberText(value: unknown, name: string): string | undefined {
  const text = member(value, name);
  return typeof text === 'string' ? cut(text) : undefined;
}

function member(value: unknown, name: string): unknown {
  // An object that is not null can be asked for any member.
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function cut(text: string): string {
  return text.length > MAX_VALUE ? text.slice(0, MAX_VALUE) : text;
}
