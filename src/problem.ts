import type { Reply } from './call.ts';
import type { ErrorCode, OutriderError } from './errors.ts';

const TITLE: Record<ErrorCode, string> = {
  bad_request: 'Bad request',
  unauthenticated: 'Authentication required',
  forbidden: 'Forbidden',
  blocked: 'Blocked by a guardrail',
  not_found: 'Not found',
  method_not_allowed: 'Method not allowed',
  request_timeout: 'Request too slow',
  conflict: 'Conflict',
  body_too_large: 'Body too large',
  unsupported_media_type: 'Unsupported media type',
  expectation_failed: 'Expectation failed',
  unprocessable: 'Unprocessable content',
  rate_limited: 'Too many requests',
  headers_too_large: 'Headers too large',
  cancelled: 'Caller left',
  internal: 'Internal error',
  unreachable: 'Upstream unreachable',
  agent_failed: 'Agent failed',
  unreadable: 'Reply cannot be inspected',
  overloaded: 'Overloaded',
  draining: 'Shutting down',
  not_ready: 'Not ready',
  timeout: 'Upstream timed out',
  storage_full: 'Storage full',
};

/** An error as an RFC 9457 problem document, with an `error` member for callers that look for a one-line message. */
export function problemReply(error: OutriderError): Reply {
  const headers = ['Content-Type', 'application/problem+json'];
  if (error.retryAfter !== undefined) headers.push('Retry-After', String(Math.max(1, Math.ceil(error.retryAfter))));
  const allow = error.details?.['allow'];
  if (Array.isArray(allow)) headers.push('Allow', allow.join(', '));
  if (error.code === 'unauthenticated') headers.push('WWW-Authenticate', 'Bearer');
  const body = {
    type: `urn:outrider:problem:${error.code}`,
    title: TITLE[error.code],
    status: error.status,
    detail: error.message,
    code: error.code,
    error: error.message,
    ...error.details,
  };
  return { status: error.status, headers, body: Buffer.from(JSON.stringify(body)) };
}

/** A JSON document as a reply. */
export function jsonReply(status: number, value: unknown): Reply {
  return { status, headers: ['Content-Type', 'application/json'], body: Buffer.from(JSON.stringify(value)) };
}
