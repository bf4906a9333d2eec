import { randomUUID } from 'node:crypto';
import { AgentError } from '../contract/agent-error.ts';
import { isObject } from '../protocols/jsonrpc.ts';
import type { CallOptions } from './agent.ts';
import type { Helper } from './sidecar-fetch.ts';
import { rpcResult, rpcResults } from './sidecar-rpc.ts';

/** How a peer is called: signal, deadline and trace, and in which words of A2A. */
export interface A2aCallOptions extends CallOptions {
  /** The A2A method; `tasks/send` unless told, as the sidecar has it. `SendMessage` and `message/send` are those of A2A 1.0 and 0.3. */
  readonly method?: string;
  /** The version of A2A that is spoken, for the peer (`A2A-Version`); for methods that came with 1.0, that unless told. */
  readonly version?: string;
}

/** Another agent, which the sidecar knows by a name. Everything throws `AgentError`. */
export interface A2aPeer {
  /**
   * Sends a message, and gives the peer's JSON-RPC result: of a peer that streams, the last. A text is put into the form that the
   * method takes; an object goes as `params` as it is.
   */
  send(message: string | object, options?: A2aCallOptions): Promise<unknown>;
  /** The same, with each result of a peer that streams as it comes. Whoever stops reading cancels the peer's work. */
  stream(message: string | object, options?: A2aCallOptions): AsyncIterable<unknown>;
  /** Any method of A2A, such as `tasks/get`. */
  request(method: string, params?: object, options?: A2aCallOptions): Promise<unknown>;
}

export function a2aPeer(helper: Helper): A2aPeer {
  const requestOf = (message: string | object, { method, version = versionOf(method) }: A2aCallOptions) => ({
    method,
    params: typeof message === 'string' ? messageParams(message, method) : message,
    ...(version !== undefined && { headers: { 'a2a-version': version } }),
  });
  return {
    send: (message, options = {}) => rpcResult(helper, requestOf(message, options), options),
    stream: (message, options = {}) => rpcResults(helper, requestOf(message, options), options),
    request: (method, params, options = {}) =>
      rpcResult(helper, requestOf(params ?? {}, { ...options, method }), options),
  };
}

/** The methods of A2A 1.0 have names like its types; a request without a version is one of 0.3. */
function versionOf(method: string | undefined): string | undefined {
  return method !== undefined && /^[A-Z]/.test(method) ? '1.0' : undefined;
}

/** A text as A2A 1.0, A2A 0.3 and its first drafts have it. */
function messageParams(text: string, method: string | undefined): object {
  const messageId = randomUUID();
  if (method === 'SendMessage' || method === 'SendStreamingMessage') {
    return { message: { messageId, role: 'ROLE_USER', parts: [{ text }] } };
  }
  if (method === 'message/send' || method === 'message/stream') {
    return { message: { kind: 'message', messageId, role: 'user', parts: [{ kind: 'text', text }] } };
  }
  return { message: text };
}

/** A tool as its server describes it: https://modelcontextprotocol.io/specification/2025-06-18/server/tools */
export interface McpTool {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly [member: string]: unknown;
}

/** What a tool gave. `isError`: it ran and failed, and `content` says how; that is not thrown. */
export interface McpToolResult {
  readonly content: readonly Readonly<Record<string, unknown>>[];
  readonly structuredContent?: Readonly<Record<string, unknown>>;
  readonly isError?: boolean;
  readonly [member: string]: unknown;
}

/** An MCP server, which the sidecar knows by a name, whatever its transport. Everything throws `AgentError`. */
export interface McpServer {
  /** All tools, whatever the number of pages. */
  listTools(options?: CallOptions): Promise<McpTool[]>;
  callTool(name: string, args?: object, options?: CallOptions): Promise<McpToolResult>;
  /** Any method of MCP, such as `resources/read`. */
  request(method: string, params?: object, options?: CallOptions): Promise<unknown>;
}

/** A server with more pages does not end. */
const MAX_PAGES = 1_000;

export function mcpServer(helper: Helper): McpServer {
  const request: McpServer['request'] = (method, params, options = {}) =>
    rpcResult(helper, { method, params: params ?? {} }, options);
  return {
    request,
    async listTools(options) {
      const tools: McpTool[] = [];
      let cursor: unknown;
      for (let page = 0; page < MAX_PAGES; page++) {
        const result = await request('tools/list', cursor === undefined ? {} : { cursor }, options);
        if (!isObject(result) || !Array.isArray(result['tools'])) throw unreadable();
        // The specification says what stands there; a server that does otherwise is its own caller's affair.
        tools.push(...(result['tools'] as McpTool[]));
        cursor = result['nextCursor'] ?? undefined;
        if (cursor === undefined) return tools;
      }
      throw unreadable();
    },
    async callTool(name, args = {}, options) {
      const result = await request('tools/call', { name, arguments: args }, options);
      if (!isObject(result)) throw unreadable();
      const { content = [] } = result;
      if (!Array.isArray(content)) throw unreadable();
      return { ...result, content };
    },
  };
}

function unreadable(): AgentError {
  return new AgentError('unreadable', 'the MCP server answered with what MCP does not have');
}
