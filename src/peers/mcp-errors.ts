import { OutriderError } from '../errors.ts';
import { HttpRefusal } from './mcp-fetch.ts';

/** The session ended under a request. `extent` says whether the request can have had an effect. */
export class SessionLost extends Error {
  readonly extent: 'nothing ran' | 'may have run';

  constructor(extent: 'nothing ran' | 'may have run', cause?: unknown) {
    super('the MCP session was lost', { cause });
    this.extent = extent;
  }
}

/** The SDK's string codes (SdkErrorCode), by what they mean to a caller. */
const TIMED_OUT = 'REQUEST_TIMEOUT';
const LOST = new Set(['CONNECTION_CLOSED', 'NOT_CONNECTED', 'SEND_FAILED']);
const NOT_OFFERED = new Set(['METHOD_NOT_SUPPORTED_BY_PROTOCOL_VERSION', 'CAPABILITY_NOT_SUPPORTED']);

export const NOT_OFFERED_MESSAGE = 'this method is not part of the negotiated MCP revision';

/** True when the SDK held a message back because the session has no such thing. */
export function isNotOffered(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return code !== undefined && NOT_OFFERED.has(code);
}

/** Failures to connect: not a byte of the request went out. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** What the SDK, `fetch` or the operating system threw, as one of our errors. Their messages stay in the cause. */
export function toPeerError(thrown: unknown): OutriderError | SessionLost {
  if (thrown instanceof OutriderError || thrown instanceof SessionLost) return thrown;
  if (thrown instanceof HttpRefusal) {
    if (thrown.sessionUnknown) return new SessionLost('nothing ran', thrown);
    return new OutriderError('unreachable', 'the MCP server refused the request', {
      cause: thrown,
      details: { status: thrown.status },
    });
  }
  const code = codeOf(thrown);
  if (code === TIMED_OUT)
    return new OutriderError('timeout', 'the MCP server did not answer in time', { cause: thrown });
  if (isNotOffered(thrown)) return new OutriderError('bad_request', NOT_OFFERED_MESSAGE, { cause: thrown });
  if (code !== undefined && LOST.has(code)) return new SessionLost('may have run', thrown);
  if (thrown instanceof TypeError && thrown.cause !== undefined) {
    // That is how fetch reports every failure of the connection.
    const cause = codeOf(thrown.cause);
    return new SessionLost(cause !== undefined && NEVER_SENT.has(cause) ? 'nothing ran' : 'may have run', thrown);
  }
  return new OutriderError('unreachable', 'the MCP server could not be reached, or does not speak MCP', {
    cause: thrown,
  });
}

/** True for what a transport reports because it gives up: a message too large, or a flood of what is none. */
export function endsSession(fault: unknown): fault is OutriderError {
  return fault instanceof OutriderError && fault.code !== 'bad_request';
}

function codeOf(thrown: unknown): string | undefined {
  if (thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string') return thrown.code;
  return undefined;
}

/** Why something failed, for the log: codes and our own messages. What others put into messages may quote what was received. */
export function faultText(thrown: unknown): string {
  const ours = thrown instanceof OutriderError || thrown instanceof HttpRefusal || thrown instanceof SessionLost;
  const own = ours ? thrown.message : (codeOf(thrown) ?? (thrown instanceof Error ? thrown.name : 'unknown'));
  const cause = thrown instanceof Error && thrown.cause !== undefined ? faultText(thrown.cause) : undefined;
  return cause === undefined ? own : `${own}: ${cause}`;
}
