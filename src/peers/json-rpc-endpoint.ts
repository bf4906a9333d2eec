import { randomUUID } from 'node:crypto';
import { cancelBody, readBody } from '../body.ts';
import type { Call, Reply, Service } from '../call.ts';
import { OutriderError, toOutriderError } from '../errors.ts';
import type { RpcRequest, SpanDescription } from '../protocols/attributes.ts';
import { JsonRpcError, type JsonRpcRequest, parseRequest } from '../protocols/jsonrpc.ts';
import type { Traced } from '../span.ts';

export interface JsonRpcEndpoint<Peer> {
  /** Everything before the name in the path: `/a2a/`. */
  prefix: string;
  /** What a name stands for, in errors: `A2A peer`. */
  kind: string;
  peers: ReadonlyMap<string, Peer>;
  /** Bytes of a request. */
  bodyLimit: number;
  defaultMethod?: string;
  answer: (peer: Peer, request: JsonRpcRequest, call: Call & Traced) => Promise<Reply>;
  /** Names the span of a request that is recorded. */
  describe: (peer: string, request: RpcRequest) => SpanDescription;
}

/**
 * `POST {prefix}{name}` with one JSON-RPC request. What is thrown after the request was read is a `JsonRpcError`, so that the
 * layer that turns errors into replies can put the caller's id under it.
 */
export function jsonRpcEndpoint<Peer>(endpoint: JsonRpcEndpoint<Peer>): Service<Call & Traced> {
  return async (call) => {
    if (call.method !== 'POST') {
      await cancelBody(call.body);
      throw new OutriderError('method_not_allowed', 'only POST is served here');
    }
    const bytes = await readBody(call.body, endpoint.bodyLimit);
    const request = parseRequest(bytes, {
      newId: randomUUID,
      ...(endpoint.defaultMethod !== undefined && { defaultMethod: endpoint.defaultMethod }),
    });
    try {
      const name = nameIn(call.target, endpoint.prefix);
      const peer = endpoint.peers.get(name);
      if (peer === undefined) throw new OutriderError('not_found', `no ${endpoint.kind} of this name is configured`);
      if (call.span?.recording) {
        const { method, params, idText } = request;
        const described = endpoint.describe(name, { method, params, id: JSON.parse(idText) });
        call.span.rename(described.name);
        call.span.set(described.attributes);
      }
      return await endpoint.answer(peer, request, call);
    } catch (error) {
      throw error instanceof JsonRpcError ? error : new JsonRpcError(toOutriderError(error), request.idText);
    }
  };
}

/** The path's last segment, not decoded: configured names need no escaping. */
function nameIn(target: string, prefix: string): string {
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  return path.startsWith(prefix) ? path.slice(prefix.length) : '';
}
