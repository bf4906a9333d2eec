import { cancelBody, readBody } from '../body.ts';
import type { Reply } from '../call.ts';
import type { AgentError } from '../contract/agent-error.ts';
import { errorFromJson } from '../contract/error-wire.ts';
import { wasTurnedAway } from '../contract/turned-away.ts';
import { CONTRACT_FIELD } from '../contract/version.ts';
import { type Fields, getField } from '../fields.ts';
import { isObject } from '../protocols/jsonrpc.ts';
import { noteFacts } from './error-facts.ts';
import { retryAfterOf } from './reply-head.ts';

/** More than any error says; a proxy may answer with a page. */
const MOST_BYTES = 256 * 1024;

/**
 * The error that a reply is: the envelope of the contract, the problem document of a sidecar that stands before the agent, or what
 * the status says when somebody else answered. Nothing else of a body goes into it. Reads the body, or gives it up.
 */
export async function replyError(reply: Reply): Promise<AgentError> {
  return noteReply(await errorOf(reply), reply.headers);
}

/** What the head of a reply says of the error in it. */
export function noteReply(error: AgentError, headers: Fields): AgentError {
  return noteFacts(error, {
    requestId: getField(headers, 'x-request-id'),
    nothingRan: getField(headers, CONTRACT_FIELD) !== undefined && wasTurnedAway(error),
  });
}

async function errorOf(reply: Reply): Promise<AgentError> {
  const { status } = reply;
  const document = await documentOf(reply);
  if (document !== undefined) {
    const { error, code, detail } = document;
    const details = { ...waitOf(reply) };
    if (isObject(error)) {
      const told = isObject(error['details']) ? { ...details, ...error['details'] } : details;
      return noteFacts(errorFromJson({ ...error, details: told }, status), { envelope: true });
    }
    const problem = problemError({ code, detail }, details, status);
    if (problem !== undefined) return problem;
  }
  const [code, message] = BY_STATUS[status] ?? BY_CLASS[Math.floor(status / 100)] ?? NO_HTTP;
  return errorFromJson({ code, message: `${message} (HTTP ${status})`, details: waitOf(reply) }, status);
}

/** What a problem document (RFC 9457) with the code that Outrider's own have says; undefined for any other document. */
export function problemError(
  { code, detail }: Readonly<Record<string, unknown>>,
  details: object = {},
  status?: number,
): AgentError | undefined {
  if (typeof code !== 'string' || typeof detail !== 'string') return undefined;
  return errorFromJson({ code, message: detail, details }, status);
}

async function documentOf(reply: Reply): Promise<Readonly<Record<string, unknown>> | undefined> {
  const type = getField(reply.headers, 'content-type') ?? '';
  if (!/^application\/([\w.+-]+\+)?json\b/i.test(type)) {
    await cancelBody(reply.body);
    return undefined;
  }
  try {
    const document: unknown = JSON.parse(Buffer.from(await readBody(reply.body, MOST_BYTES)).toString());
    return isObject(document) ? document : undefined;
  } catch {
    // The status alone has to do.
    return undefined;
  }
}

function waitOf({ headers }: Reply): { retry_after_seconds?: number } {
  const seconds = retryAfterOf(headers);
  return seconds === undefined ? {} : { retry_after_seconds: seconds };
}

/** What others than a peer of the contract mean by a status. */
const BY_STATUS: Readonly<Record<number, readonly [code: string, message: string]>> = {
  401: ['unauthenticated', 'the credential was not accepted'],
  403: ['forbidden', 'the call is not allowed'],
  404: ['not_found', 'there is no such agent at this address'],
  405: ['method_not_allowed', 'there is no such agent at this address'],
  408: ['request_timeout', 'the request was too slow'],
  409: ['conflict', 'the call is in conflict with another one'],
  413: ['body_too_large', 'the request is too large'],
  415: ['unsupported_media_type', 'JSON is not accepted there'],
  422: ['unprocessable', 'the request was refused'],
  429: ['rate_limited', 'too many calls'],
  431: ['headers_too_large', 'the headers of the request are too large'],
  500: ['agent_failed', 'the agent failed'],
  501: ['method_not_allowed', 'there is no such agent at this address'],
  502: ['unreachable', 'the agent could not be reached'],
  503: ['overloaded', 'the agent takes no calls now'],
  504: ['timeout', 'the agent did not answer in time'],
};

const BY_CLASS: Readonly<Record<number, readonly [code: string, message: string]>> = {
  2: ['unreadable', 'the agent gave an answer that is none of the contract'],
  3: ['unreadable', 'the agent answered with a redirect, which is not followed'],
  4: ['bad_request', 'the request was refused'],
  5: ['agent_failed', 'the agent failed'],
};

const NO_HTTP = ['unreadable', 'the agent gave an answer that is none of the contract'] as const;
