/** Every way in which Outrider itself says no, with the HTTP status it becomes. Closed: replies and metrics carry these. */
export const STATUS_OF = {
  bad_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  blocked: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  conflict: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  expectation_failed: 417,
  unprocessable: 422,
  rate_limited: 429,
  headers_too_large: 431,
  cancelled: 499,
  internal: 500,
  unreachable: 502,
  agent_failed: 502,
  unreadable: 502,
  overloaded: 503,
  draining: 503,
  not_ready: 503,
  timeout: 504,
  storage_full: 507,
} as const;

export type ErrorCode = keyof typeof STATUS_OF;

/**
 * The one error that crosses module borders. `message` is shown to callers, so it names no secret, no matched text and no
 * internal address; what only an operator may know goes into `cause`.
 */
export class OutriderError extends Error {
  override readonly name = 'OutriderError';
  readonly code: ErrorCode;
  /** Seconds after which a retry may help; sent as `Retry-After`. */
  readonly retryAfter: number | undefined;
  /** Further members for the reply, such as the list of faults in a rejected event. */
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; retryAfter?: number; details?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfter = options.retryAfter;
    this.details = options.details;
  }

  get status(): number {
    return STATUS_OF[this.code];
  }
}

/** The only place where something unknown that was thrown becomes an OutriderError. */
export function toOutriderError(thrown: unknown): OutriderError {
  if (thrown instanceof OutriderError) return thrown;
  return new OutriderError('internal', 'something went wrong inside the sidecar', { cause: thrown });
}
