import type { JsonObject } from '@bufbuild/protobuf';
import { AgentError } from './agent-error.ts';
import type { ErrorJson } from './gen/outrider/agent/v1/agent_pb.ts';
import { jsonCopy } from './json-copy.ts';

/** How deep a chain of causes goes over the wire, and is read from it. */
const MAX_CAUSES = 8;

/** UTF-16 units of a message. */
const MAX_MESSAGE = 4_096;

const CODE = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

/** Members of `details` that the contract has; what an agent calls so is not sent. */
const RESERVED = ['retryable', 'retry_after_seconds', 'cause'] as const;

/**
 * An error as the contract's `Error` message. Of its causes those that are `AgentError`s, which were made for callers. What the
 * agent's code put into it is copied as far as it is JSON, within bounds, so that making a reply of it cannot fail.
 */
export function errorToJson(error: AgentError): Required<ErrorJson> {
  const { code, details, retryable, retryAfter } = error;
  const cause = causeOf(error.cause, MAX_CAUSES);
  const ours: JsonObject = {
    retryable,
    ...(isSeconds(retryAfter) && { retry_after_seconds: Math.max(1, Math.ceil(retryAfter)) }),
    ...(cause !== undefined && { cause }),
  };
  return { code: codeText(code), message: messageText(error.message), details: { ...freeDetails(details), ...ours } };
}

function causeOf(cause: unknown, left: number): JsonObject | undefined {
  if (!(cause instanceof AgentError) || left === 0) return undefined;
  const inner = causeOf(cause.cause, left - 1);
  return {
    code: codeText(cause.code),
    message: messageText(cause.message),
    ...(inner !== undefined && { cause: inner }),
  };
}

/**
 * The error that a peer sent, whatever it sent: what has another type than the contract says is taken for absent. `status`: HTTP
 * status it came with, for codes that are not known here.
 */
export function errorFromJson(value: unknown, status?: number): AgentError {
  const { code, message, details } = record(value);
  const { retryable, retry_after_seconds: retryAfter, cause } = record(details);
  const rest = freeDetails(details);
  return new AgentError(codeText(code), messageText(message), {
    ...(typeof retryable === 'boolean' && { retryable }),
    ...(isSeconds(retryAfter) && { retryAfter }),
    ...(rest !== undefined && { details: rest }),
    ...(status !== undefined && { status }),
    cause: causeFrom(cause, MAX_CAUSES),
  });
}

function causeFrom(value: unknown, left: number): AgentError | undefined {
  const { code, message, cause } = record(value);
  if (typeof code !== 'string' || typeof message !== 'string' || left === 0) return undefined;
  return new AgentError(codeText(code), messageText(message), { cause: causeFrom(cause, left - 1) });
}

function freeDetails(details: unknown): JsonObject | undefined {
  if (typeof details !== 'object' || details === null) return undefined;
  const copy = jsonCopy(details);
  for (const name of RESERVED) delete copy[name];
  return Object.keys(copy).length > 0 ? copy : undefined;
}

function codeText(code: unknown): string {
  return typeof code === 'string' && CODE.test(code) ? code : 'agent_failed';
}

function messageText(message: unknown): string {
  return typeof message === 'string' && message !== ''
    ? message.slice(0, MAX_MESSAGE).toWellFormed()
    : 'the agent failed';
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  // Any object is as good as a record of unknowns.
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
