import type { JsonObject } from '@bufbuild/protobuf';
import { AgentError } from './agent-error.ts';
import type { ErrorJson } from './gen/outrider/agent/v1/agent_pb.ts';

/** How deep a chain of causes goes over the wire, and is read from it. */
const MAX_CAUSES = 8;

/** An error as the contract's `Error` message. Of its causes those that are `AgentError`s, which were made for callers. */
export function errorToJson(error: AgentError): Required<ErrorJson> {
  const { code, message, details, retryable, retryAfter } = error;
  const cause = causeOf(error.cause, MAX_CAUSES);
  return {
    code,
    message,
    details: {
      // AgentError says that its details are JSON.
      ...(details as JsonObject | undefined),
      retryable,
      ...(retryAfter !== undefined && { retry_after_seconds: Math.max(1, Math.ceil(retryAfter)) }),
      ...(cause !== undefined && { cause }),
    },
  };
}

function causeOf(cause: unknown, left: number): JsonObject | undefined {
  if (!(cause instanceof AgentError) || left === 0) return undefined;
  const inner = causeOf(cause.cause, left - 1);
  return { code: cause.code, message: cause.message, ...(inner !== undefined && { cause: inner }) };
}

/** The error that a peer sent. `status`: HTTP status it came with, for codes that are not known here. */
export function errorFromJson({ code = '', message = '', details = {} }: ErrorJson, status?: number): AgentError {
  const { retryable, retry_after_seconds: retryAfter, cause, ...rest } = details;
  return new AgentError(code || 'agent_failed', message || 'the agent failed', {
    ...(typeof retryable === 'boolean' && { retryable }),
    ...(typeof retryAfter === 'number' && retryAfter >= 0 && { retryAfter }),
    ...(Object.keys(rest).length > 0 && { details: rest }),
    ...(status !== undefined && { status }),
    cause: causeFrom(cause, MAX_CAUSES),
  });
}

function causeFrom(value: unknown, left: number): AgentError | undefined {
  if (typeof value !== 'object' || value === null || left === 0) return undefined;
  const { code, message, cause } = value as Record<string, unknown>;
  if (typeof code !== 'string' || typeof message !== 'string') return undefined;
  return new AgentError(code, message, { cause: causeFrom(cause, left - 1) });
}
