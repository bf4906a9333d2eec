import type { Transport } from '@modelcontextprotocol/client';
import type { PeerLog } from './log.ts';
import { type Fetch, guardedFetch } from './mcp-fetch.ts';
import type { ScopeStore } from './mcp-scope.ts';
import { StderrLog } from './stderr-log.ts';
import { childEnvironment, StdioTransport } from './stdio.ts';

/** A configured server, with its token looked up. */
export type McpServerOptions =
  | {
      readonly transport: 'http' | 'streamable_http' | 'sse';
      readonly url: string;
      readonly headers?: Readonly<Record<string, string>> | undefined;
      /** Bearer token; wins over an `Authorization` in `headers`. */
      readonly token?: string | undefined;
    }
  | {
      readonly transport: 'stdio';
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      readonly cwd?: string | undefined;
    };

export interface TransportContext {
  readonly name: string;
  readonly fetch: Fetch;
  /** Bytes of one message from the server. */
  readonly bodyLimit: number;
  /** Our own environment; a child gets only the harmless part of it. */
  readonly spawnEnv: Readonly<Record<string, string | undefined>>;
  readonly log: PeerLog;
  readonly store: ScopeStore;
}

/** For a child, between SIGTERM and SIGKILL. */
const GRACE_MS = 2000;

export async function makeTransport(server: McpServerOptions, context: TransportContext): Promise<Transport> {
  const sdk = await import('@modelcontextprotocol/client');
  if (server.transport === 'stdio') {
    const stderr = new StderrLog(context.log, { mcp_server: context.name });
    return new StdioTransport({
      command: server.command,
      args: server.args,
      env: childEnvironment(context.spawnEnv, server.env),
      cwd: server.cwd,
      messageLimit: context.bodyLimit,
      graceMs: GRACE_MS,
      parse: sdk.parseJSONRPCMessage,
      onStderr: (chunk) => stderr.push(chunk),
    });
  }
  const headers = new Headers(server.headers);
  if (server.token !== undefined) headers.set('Authorization', `Bearer ${server.token}`);
  const requestInit = { headers: Object.fromEntries(headers) };
  const url = new URL(server.url);
  const isSse = server.transport === 'sse';
  const fetch = guardedFetch(context.fetch, {
    limit: context.bodyLimit,
    store: context.store,
    // SSE has only the one stream; streamable HTTP could open another, for which nobody here has a use.
    standaloneStream: isSse,
    onTooLarge: (error) => transport.onerror?.(error),
  });
  const transport: Transport = isSse
    ? new sdk.SSEClientTransport(url, { fetch, requestInit })
    : new sdk.StreamableHTTPClientTransport(url, { fetch, requestInit });
  return transport;
}
