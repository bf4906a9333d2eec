import { type ErrorCode, OutriderError, STATUS_OF } from '../errors.ts';

/** Codes of the contract. Open: a newer peer may send one that is not among these. */
export type AgentErrorCode = ErrorCode | 'interrupted' | (string & {});

/** What an `AgentError` says besides its code and message. */
export interface AgentErrorOptions {
  readonly cause?: unknown;
  /** Whether the same call may succeed later; by default what the code says. */
  readonly retryable?: boolean;
  /** Seconds after which a retry may help. */
  readonly retryAfter?: number;
  /** Further members for the caller: JSON. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** HTTP status of a code that is not known here. */
  readonly status?: number;
}

/** Agents of a module may have their own copy of this package: what that copy throws is one as well. */
const BRAND = Symbol.for('outrider.AgentError');

/**
 * Why a call of an agent failed, on both sides of the wire. An agent throws it to tell its callers what went wrong: code, message,
 * details and an `AgentError` as `cause` reach them, and nothing else that it throws does. Callers of an `Agent` get nothing but
 * this.
 */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: AgentErrorCode;
  readonly retryable: boolean;
  readonly retryAfter: number | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** HTTP status that stands for it. */
  readonly status: number;

  constructor(code: AgentErrorCode, message: string, options: AgentErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfter = options.retryAfter;
    this.details = options.details;
    this.status = statusOf(code) ?? errorStatus(options.status);
    this.retryable = options.retryable ?? RETRYABLE.has(code);
  }

  get [BRAND](): true {
    return true;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== AgentError) return Function.prototype[Symbol.hasInstance].call(this, value);
    try {
      return typeof value === 'object' && value !== null && BRAND in value;
    } catch {
      // A proxy.
      return false;
    }
  }
}

/** Of these, and of no other code, a later call may have another answer by itself. */
const RETRYABLE: ReadonlySet<string> = new Set([
  'rate_limited',
  'overloaded',
  'draining',
  'not_ready',
  'unreachable',
  'timeout',
  'interrupted',
]);

/**
 * The only place where something unknown that was thrown becomes an `AgentError`. What is no error of ours may hold anything, so
 * that nothing of it goes on but as `cause`, which does not cross the wire unless it is an `AgentError`.
 */
export function toAgentError(thrown: unknown): AgentError {
  if (thrown instanceof AgentError) {
    // One of another copy of this package, whose version may be another, is made one of ours.
    return Object.prototype.isPrototypeOf.call(AgentError.prototype, thrown) ? thrown : copyOf(thrown);
  }
  const known = asOutriderError(thrown);
  if (known === undefined) return new AgentError('agent_failed', 'the agent failed', { cause: thrown });
  const { code, message, retryAfter, details, cause } = known;
  return new AgentError(code, message, {
    cause,
    ...(retryAfter !== undefined && { retryAfter }),
    ...(details !== undefined && { details }),
  });
}

function asOutriderError(thrown: unknown): OutriderError | undefined {
  try {
    return thrown instanceof OutriderError ? thrown : undefined;
  } catch {
    // A proxy.
    return undefined;
  }
}

/** The same error once more, with other details if these are given. */
export function copyOf(error: AgentError, details: AgentError['details'] = error.details): AgentError {
  const { code, message, cause, retryable, retryAfter, status } = error;
  return new AgentError(code, message, {
    cause,
    retryable,
    status,
    ...(retryAfter !== undefined && { retryAfter }),
    ...(details !== undefined && { details }),
  });
}

/** A status that a peer sent along, when it is one of errors. */
function errorStatus(status: number | undefined): number {
  return status !== undefined && Number.isInteger(status) && status >= 400 && status <= 599 ? status : 502;
}

function statusOf(code: string): number | undefined {
  if (code === 'interrupted') return 502;
  return Object.hasOwn(STATUS_OF, code) ? STATUS_OF[code as ErrorCode] : undefined;
}
