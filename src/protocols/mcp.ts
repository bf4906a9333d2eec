import { type Fields, getField } from '../fields.ts';
import { isJsonRpcResponse, isObject, METHOD_NOT_FOUND } from './jsonrpc.ts';

/** What is particular to MCP (revision 2025-11-25 and before: sessions opened by `initialize`). */

/** Params of a request. MCP knows no positional ones. */
export type McpParams = Readonly<Record<string, unknown>>;

/** An error object of the server's own, to be handed on as it is. */
export interface RpcErrorObject {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** Methods that only read, so that a request which may have run already may run again. `tools/call` never is one. */
const REPEATABLE = new Set([
  'ping',
  'tools/list',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/read',
  'resources/templates/list',
  'completion/complete',
  'logging/setLevel',
]);

export function isRepeatable(method: string): boolean {
  return REPEATABLE.has(method);
}

/**
 * Params with the call's trace context in `_meta` (MCP, "OpenTelemetry trace context propagation": unprefixed `traceparent`
 * and `tracestate`). What the caller has set itself stays; a `tracestate` is never joined to another `traceparent`.
 */
export function withTraceContext(params: McpParams | undefined, headers: Fields): McpParams | undefined {
  const traceparent = getField(headers, 'traceparent');
  const meta = params?.['_meta'] ?? {};
  if (traceparent === undefined || !isObject(meta) || Object.hasOwn(meta, 'traceparent')) return params;
  const tracestate = getField(headers, 'tracestate');
  return {
    ...params,
    _meta: { ...meta, traceparent, ...(tracestate !== undefined && { tracestate }) },
  };
}

/**
 * True when a refusal says that the server does not know our session, so that nothing of the request ran. The transport's
 * rule is 404; servers built on the SDK's samples answer 400 with -32000 and speak of the session.
 */
export function isSessionUnknown(status: number, text: string): boolean {
  const error = rpcErrorOf(text);
  if (status === 404) return error?.code !== METHOD_NOT_FOUND;
  if (status !== 400) return false;
  return error !== undefined && error.code === -32_000 && /session|not initialized/i.test(error.message);
}

/** The error object of a JSON-RPC error response in `text`, if it is one. */
export function rpcErrorOf(text: string): RpcErrorObject | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const error = isJsonRpcResponse(value) ? value['error'] : undefined;
  if (!isObject(error)) return undefined;
  const { code, message, data } = error;
  if (typeof code !== 'number' || typeof message !== 'string') return undefined;
  return { code, message, ...(data !== undefined && { data }) };
}
