import type { Agent } from '../agent/agent.ts';
import { grpcAgentOver } from '../agent/grpc.ts';
import { httpAgentOver } from '../agent/http.ts';
import type { RemoteOptions } from '../agent/remote.ts';
import { resilientAgent } from '../agent/resilient.ts';
import type { RetryOptions } from '../agent/retry.ts';
import { AgentError } from '../contract/agent-error.ts';
import { wasNotSent } from '../net/not-sent.ts';
import { type Connection, connect } from './connections.ts';

/** An agent in another process: where it is, what it is called there, and how it is called. */
export interface RemoteAgentOptions {
  /** `http://…` or `https://…`; for gRPC also `grpc://…` and `grpcs://…`. A path in it stands before those of the contract. */
  readonly url: string;
  /** What the agent is called there. */
  readonly id: string;
  /** Bearer token, or what gives the one that holds now. */
  readonly token?: string | (() => string | undefined) | undefined;
  /** How a call is repeated that certainly ran nothing, or that has an `idempotency_key`; false: never. */
  readonly retry?: RetryOptions | false | undefined;
  /** How long to wait, in milliseconds, when a call brings neither a deadline nor `timeout_seconds`; 10 minutes unless told. */
  readonly timeoutMs?: number | undefined;
  /** The largest reply, or event of a stream, in bytes; 64 MiB unless told. */
  readonly maxReplyBytes?: number | undefined;
}

/** An agent behind an address. Idle connections do not keep the process; `close` ends them, and what is under way on them. */
export interface RemoteAgent extends Agent {
  close(): Promise<void>;
}

/**
 * An agent behind HTTP: one of `outrider host`, or of any program that serves `POST /v1/agents/{id}/execute`. All agents at one
 * origin have their connections in common, and a circuit breaker. Throws `bad_request` for what is no address or id.
 */
export function httpAgent(options: RemoteAgentOptions): RemoteAgent {
  const connection = connect('http', options.url);
  return remote(connection, options, (over) => httpAgentOver(connection.send, over));
}

/** An agent behind gRPC: `outrider.agent.v1.AgentService`, over HTTP/2 without TLS for `grpc:` and `http:`. Else as `httpAgent`. */
export function grpcAgent(options: RemoteAgentOptions): RemoteAgent {
  const connection = connect('grpc', options.url);
  return remote(connection, options, (over) => grpcAgentOver(connection.send, over));
}

/** Behind gRPC for `grpc:` and `grpcs:`, else behind HTTP. */
export function agentAt(options: RemoteAgentOptions): RemoteAgent {
  if (!/^(https?|grpcs?):/i.test(options.url)) {
    const schemes = 'http://, https://, grpc:// or grpcs://';
    throw new AgentError('bad_request', `url: expected the address of an agent, which begins with ${schemes}`);
  }
  return /^grpcs?:/i.test(options.url) ? grpcAgent(options) : httpAgent(options);
}

function remote(
  connection: Connection,
  { id, token, retry, timeoutMs, maxReplyBytes }: RemoteAgentOptions,
  make: (options: RemoteOptions) => Agent,
): RemoteAgent {
  try {
    if (typeof token === 'string' && !/^[\x21-\x7e]*$/.test(token)) {
      throw new AgentError('bad_request', 'token: expected printable ASCII without spaces');
    }
    const agent = make({ id, path: connection.path, token, timeoutMs, maxReplyBytes, wasNotSent });
    return { ...resilientAgent(agent, connection.resilience, retry), close: () => connection.release() };
  } catch (error) {
    void connection.release();
    throw error;
  }
}
