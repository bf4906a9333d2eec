import type { Reply } from '../call.ts';
import { type ErrorCode, OutriderError } from '../errors.ts';
import type { Fields } from '../fields.ts';

/** JSON-RPC 2.0 as `/a2a` and `/mcp` speak it: one request a body, never a batch. */

/** Reserved codes, JSON-RPC 2.0 §5.1. */
export const PARSE_ERROR = -32_700;
const INVALID_REQUEST = -32_600;
export const METHOD_NOT_FOUND = -32_601;

/** The only place where our own errors become JSON-RPC codes. Ours lie in -32010…-32019. */
const RPC_CODE_OF: Record<ErrorCode, number> = {
  bad_request: INVALID_REQUEST,
  method_not_allowed: INVALID_REQUEST,
  unsupported_media_type: INVALID_REQUEST,
  expectation_failed: INVALID_REQUEST,
  conflict: INVALID_REQUEST,
  unprocessable: INVALID_REQUEST,
  not_found: -32_010,
  unreachable: -32_011,
  agent_failed: -32_011,
  timeout: -32_012,
  request_timeout: -32_012,
  blocked: -32_013,
  unreadable: -32_013,
  forbidden: -32_013,
  unauthenticated: -32_013,
  body_too_large: -32_014,
  headers_too_large: -32_014,
  internal: -32_015,
  overloaded: -32_016,
  draining: -32_016,
  not_ready: -32_016,
  rate_limited: -32_017,
  cancelled: -32_018,
  storage_full: -32_019,
};

/** No honest request nests deeper; a deeper one would only exhaust the stack of whoever writes it again. */
const MAX_DEPTH = 256;

const JSON_FIELDS: Fields = ['Content-Type', 'application/json'];

const decoder = new TextDecoder('utf-8', { fatal: true });
const encoder = new TextEncoder();

export interface JsonRpcRequest {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>> | readonly unknown[] | undefined;
  /** JSON text of the id: the caller's own, exactly as written, or the one made for it. */
  readonly idText: string;
  /** False when the caller gave no id, so that by JSON-RPC it may be a notification. */
  readonly hasId: boolean;
  /** The whole request: the caller's own text, in which only what was missing has been filled in. */
  readonly text: string;
}

/** An OutriderError that knows which request it answers, so that its reply carries the caller's id. */
export class JsonRpcError extends OutriderError {
  readonly idText: string;
  readonly rpcCode: number;

  constructor(error: OutriderError, idText: string, rpcCode: number = RPC_CODE_OF[error.code]) {
    super(error.code, error.message, {
      cause: error.cause,
      ...(error.retryAfter !== undefined && { retryAfter: error.retryAfter }),
      ...(error.details !== undefined && { details: error.details }),
    });
    this.idText = idText;
    this.rpcCode = rpcCode;
  }
}

/**
 * Reads one request. Throws `JsonRpcError` (`bad_request`, 400): -32700 for what is not JSON in UTF-8, -32600 for what is not
 * one JSON-RPC request. `newId` makes the id of a request that came without one; it is written as a JSON string.
 */
export function parseRequest(
  bytes: Uint8Array,
  options: { newId: () => string; defaultMethod?: string },
): JsonRpcRequest {
  const { text, value } = parseJson(bytes);
  if (Array.isArray(value)) throw invalid('batches are not supported: send one request a call');
  if (!isObject(value)) throw invalid('a JSON-RPC request is a JSON object');
  const hasId = Object.hasOwn(value, 'id');
  const idText = hasId ? idTextOf(value['id'], text) : JSON.stringify(options.newId());
  const { jsonrpc, method = options.defaultMethod, params } = value;
  if (jsonrpc !== undefined && jsonrpc !== '2.0') throw invalid('"jsonrpc" must be "2.0"', idText);
  if (typeof method !== 'string' || method === '') throw invalid('"method" must be a non-empty string', idText);
  if (params !== undefined && (typeof params !== 'object' || params === null)) {
    throw invalid('"params" must be an object or an array', idText);
  }
  const missing = [
    jsonrpc === undefined && '"jsonrpc":"2.0"',
    !hasId && `"id":${idText}`,
    value['method'] === undefined && `"method":${JSON.stringify(method)}`,
  ].filter((member) => member !== false);
  return {
    method,
    // Checked above: an object or an array, or absent.
    params: params as JsonRpcRequest['params'],
    idText,
    hasId,
    text: withMembers(text, missing, Object.keys(value).length === 0),
  };
}

/** A success or an error as the other side made it, under the caller's id. */
export function jsonRpcReply(
  idText: string,
  outcome: { result: unknown } | { error: unknown },
  extra: Fields = [],
): Reply {
  const member = 'result' in outcome ? '"result":' : '"error":';
  const value = JSON.stringify('result' in outcome ? outcome.result : outcome.error);
  return {
    status: 200,
    headers: [...JSON_FIELDS, ...extra],
    body: encoder.encode(`{"jsonrpc":"2.0","id":${idText},${member}${value}}`),
  };
}

/**
 * One of our own errors as a JSON-RPC reply with its HTTP status. The id is that of a `JsonRpcError`, else null, as
 * JSON-RPC 2.0 §5 has it for a request whose id is not known. `data.code` is our closed error code.
 */
export function jsonRpcErrorReply(error: OutriderError): Reply {
  const known = error instanceof JsonRpcError;
  const retryAfter = error.retryAfter === undefined ? undefined : Math.max(1, Math.ceil(error.retryAfter));
  const body = {
    code: known ? error.rpcCode : RPC_CODE_OF[error.code],
    message: error.message,
    data: {
      ...error.details,
      code: error.code,
      ...(retryAfter !== undefined && { retry_after: retryAfter }),
    },
  };
  return {
    status: error.status,
    headers: [
      ...JSON_FIELDS,
      ...(retryAfter === undefined ? [] : ['Retry-After', String(retryAfter)]),
      ...(error.code === 'method_not_allowed' ? ['Allow', 'POST'] : []),
    ],
    body: encoder.encode(`{"jsonrpc":"2.0","id":${known ? error.idText : 'null'},"error":${JSON.stringify(body)}}`),
  };
}

/** True for what has the form of a JSON-RPC 2.0 response. */
export function isJsonRpcResponse(value: unknown): value is Record<string, unknown> {
  if (!isObject(value) || value['jsonrpc'] !== '2.0') return false;
  return Object.hasOwn(value, 'result') || isObject(value['error']);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(bytes: Uint8Array): { text: string; value: unknown } {
  try {
    const text = decoder.decode(bytes);
    if (nestsTooDeep(text)) throw invalid(`the request nests deeper than ${MAX_DEPTH} levels`);
    return { text, value: JSON.parse(text) as unknown };
  } catch (error) {
    if (error instanceof JsonRpcError) throw error;
    // The parser's own message quotes the input, so it stays in the cause.
    throw new JsonRpcError(
      new OutriderError('bad_request', 'the body is not JSON in UTF-8', { cause: error }),
      'null',
      PARSE_ERROR,
    );
  }
}

function invalid(message: string, idText = 'null'): JsonRpcError {
  return new JsonRpcError(new OutriderError('bad_request', message), idText, INVALID_REQUEST);
}

function idTextOf(id: unknown, text: string): string {
  if (typeof id === 'number' && !Number.isSafeInteger(id)) return sourceOfNumericId(text);
  if (typeof id === 'string' || typeof id === 'number' || id === null) return JSON.stringify(id);
  throw invalid('"id" must be a string, a number or null');
}

/** The id as written, for a number that a double would change. Only called for such ids: it visits the whole document. */
function sourceOfNumericId(text: string): string {
  const sources = new Map<unknown, string>();
  let root: unknown;
  const reviver = function (this: unknown, key: string, value: unknown, context?: { source?: string }): unknown {
    if (key === 'id' && typeof context?.source === 'string') sources.set(this, context.source);
    if (key === '') root = value;
    return value;
  };
  JSON.parse(text, reviver);
  return sources.get(root) ?? 'null';
}

/** Puts members first into the text of an object, so that everything else in it stays as the caller wrote it. */
function withMembers(text: string, members: readonly string[], empty: boolean): string {
  if (members.length === 0) return text;
  const start = text.indexOf('{') + 1;
  return `{${members.join(',')}${empty ? '' : ','}${text.slice(start)}`;
}

function nestsTooDeep(text: string): boolean {
  if (text.length <= MAX_DEPTH) return false;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      i = endOfString(text, i);
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (++depth > MAX_DEPTH) return true;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth--;
    }
  }
  return false;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text.charCodeAt(i) !== QUOTE) i += text.charCodeAt(i) === BACKSLASH ? 2 : 1;
  return i;
}
