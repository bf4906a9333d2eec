import type { Call, Reply } from '../call.ts';
import { AgentError, toAgentError } from '../contract/agent-error.ts';
import { errorToJson } from '../contract/error-wire.ts';
import { grpcErrorReply } from '../contract/grpc-error.ts';
import { OutriderError } from '../errors.ts';
import { jsonReply } from '../problem.ts';
import { isGrpc } from '../protocols/grpc.ts';

/**
 * What went wrong in a host, for its callers. What an agent threw is an `AgentError` long before it comes here; anything unknown is
 * a fault of our own.
 */
export function toHostError(thrown: unknown): AgentError {
  if (thrown instanceof AgentError || thrown instanceof OutriderError) return toAgentError(thrown);
  return new AgentError('internal', 'something went wrong inside the host', { cause: thrown });
}

/** An error as the caller of this surface reads it: a gRPC status, or the envelope of the contract. */
export function errorReply(error: AgentError, call: Call): Reply {
  return isGrpc(call.headers) ? grpcErrorReply(error) : envelopeReply(error);
}

/** `{"error": {"code", "message", "details"}}`, with the status that the code stands for. */
export function envelopeReply(error: AgentError): Reply {
  const json = errorToJson(error);
  const { retry_after_seconds: retryAfter, allow } = json.details;
  const reply = jsonReply(isErrorStatus(error.status) ? error.status : 502, { error: json });
  const headers = [...reply.headers];
  if (typeof retryAfter === 'number') headers.push('Retry-After', String(retryAfter));
  if (json.code === 'unauthenticated') headers.push('WWW-Authenticate', 'Bearer');
  // An agent may have made this error: nothing of it gets into a header but what looks like a method.
  if (json.code === 'method_not_allowed' && isMethodList(allow)) {
    headers.push('Allow', allow.join(', '));
  }
  return { ...reply, headers };
}

/** The status of a code that is not known here is whatever its sender says. */
function isErrorStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 400 && status <= 599;
}

function isMethodList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string' && /^[A-Z]{1,16}$/.test(one));
}
