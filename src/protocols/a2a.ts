import type { Fields } from '../fields.ts';
import { isJsonRpcResponse, isObject } from './jsonrpc.ts';

/** What is particular to A2A over JSON-RPC (A2A 1.0 §9; `tasks/send` is the method of its first drafts). */

export const DEFAULT_METHOD = 'tasks/send';

/** Of the caller's fields only these reach a peer: trace context, and the service parameters of A2A 1.0 §3.2.6. */
const PASSED_ON = new Set(['traceparent', 'tracestate', 'a2a-version', 'a2a-extensions']);

/** Fields of the request to a peer. Nothing else of the caller's goes out: no cookie, no credential. */
export function requestFields(from: Fields, token: string | undefined): string[] {
  const out = ['Content-Type', 'application/json', 'Accept', 'application/json, text/event-stream'];
  if (token !== undefined) out.push('Authorization', `Bearer ${token}`);
  for (let i = 0; i < from.length; i += 2) {
    // Fields come in pairs, see fields.ts.
    const name = from[i] as string;
    if (PASSED_ON.has(name.toLowerCase())) out.push(name, from[i + 1] as string);
  }
  return out;
}

/**
 * A peer's answer when it is its JSON-RPC response, to be handed on, else undefined. Small peers leave `jsonrpc` out, which is let pass on
 * a success; on an error status only a whole JSON-RPC error counts, because gateways too answer `{"error": …}`.
 */
export function peerResponse(status: number, text: string): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (isJsonRpcResponse(value)) return value;
  if (status < 200 || status > 299 || !isObject(value) || value['jsonrpc'] !== undefined) return undefined;
  return Object.hasOwn(value, 'result') || isObject(value['error']) ? value : undefined;
}
