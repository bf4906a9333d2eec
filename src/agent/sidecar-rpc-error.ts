import type { Reply } from '../call.ts';
import { AgentError } from '../contract/agent-error.ts';
import { isObject } from '../protocols/jsonrpc.ts';
import { retryAfterOf } from './reply-head.ts';

/** JSON-RPC 2.0 §5.1. Everything else that a peer or a server says for itself is its own failure. */
const CODE_OF: Readonly<Record<number, string>> = {
  [-32_700]: 'bad_request',
  [-32_600]: 'bad_request',
  [-32_601]: 'not_found',
  [-32_602]: 'bad_request',
};

/**
 * A JSON-RPC error as an `AgentError`. The sidecar's own has its code in `data.code` (docs/a2a-and-mcp.md), and whether a retry may
 * help follows from that. Of what a peer or a server says, code and data are in `details`.
 */
export function rpcError(error: Readonly<Record<string, unknown>>, reply: Reply): AgentError {
  const rpcCode = typeof error['code'] === 'number' ? error['code'] : 0;
  const message = typeof error['message'] === 'string' && error['message'] !== '' ? error['message'] : 'it failed';
  const data = isObject(error['data']) ? error['data'] : {};
  const { code, retry_after, retry_after_ms, ...rest } = data;
  const isOurs = typeof code === 'string' && ((rpcCode <= -32_010 && rpcCode >= -32_019) || rpcCode <= -32_600);
  if (!isOurs) {
    return new AgentError(CODE_OF[rpcCode] ?? 'agent_failed', message, {
      retryable: false,
      details: { rpc_code: rpcCode, ...(error['data'] !== undefined && { data: error['data'] }) },
    });
  }
  const retryAfter = seconds(retry_after_ms, 1_000) ?? seconds(retry_after, 1) ?? retryAfterOf(reply.headers);
  return new AgentError(code, message, {
    status: reply.status,
    details: { ...rest, rpc_code: rpcCode },
    ...(retryAfter !== undefined && { retryAfter }),
  });
}

function seconds(value: unknown, divisor: number): number | undefined {
  return typeof value === 'number' && value >= 0 ? value / divisor : undefined;
}
