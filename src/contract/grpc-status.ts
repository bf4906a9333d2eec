import type { ErrorCode } from '../errors.ts';

/** Canonical status codes: https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
export const GRPC_STATUS = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalid_argument: 3,
  deadline_exceeded: 4,
  not_found: 5,
  already_exists: 6,
  permission_denied: 7,
  resource_exhausted: 8,
  failed_precondition: 9,
  aborted: 10,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** The gRPC status of an error of the contract. `status`: its HTTP status, which says it for codes that are not known here. */
export function grpcStatusOf(code: string, status: number): number {
  return STATUS_OF_CODE.get(code) ?? STATUS_OF_HTTP.get(status) ?? GRPC_STATUS.unknown;
}

/** The code of an error that came with nothing but a gRPC status: from a proxy, or another kind of server. */
export function codeOfGrpcStatus(status: number): string {
  return CODE_OF_STATUS.get(status) ?? 'agent_failed';
}

/** The HTTP status for an error whose code is not known here, and that came with this gRPC status. */
export function httpStatusOfGrpc(status: number): number {
  return HTTP_OF_STATUS.get(status) ?? 502;
}

// Every code of ours, so that a new one has to be thought of here.
const STATUS_OF_CODE: ReadonlyMap<string, number> = new Map(
  Object.entries({
    bad_request: GRPC_STATUS.invalid_argument,
    unauthenticated: GRPC_STATUS.unauthenticated,
    forbidden: GRPC_STATUS.permission_denied,
    blocked: GRPC_STATUS.permission_denied,
    not_found: GRPC_STATUS.not_found,
    method_not_allowed: GRPC_STATUS.unimplemented,
    request_timeout: GRPC_STATUS.deadline_exceeded,
    conflict: GRPC_STATUS.already_exists,
    body_too_large: GRPC_STATUS.resource_exhausted,
    unsupported_media_type: GRPC_STATUS.invalid_argument,
    expectation_failed: GRPC_STATUS.failed_precondition,
    unprocessable: GRPC_STATUS.invalid_argument,
    rate_limited: GRPC_STATUS.resource_exhausted,
    headers_too_large: GRPC_STATUS.resource_exhausted,
    cancelled: GRPC_STATUS.cancelled,
    internal: GRPC_STATUS.internal,
    unreachable: GRPC_STATUS.unavailable,
    agent_failed: GRPC_STATUS.unknown,
    unreadable: GRPC_STATUS.internal,
    overloaded: GRPC_STATUS.unavailable,
    draining: GRPC_STATUS.unavailable,
    not_ready: GRPC_STATUS.unavailable,
    timeout: GRPC_STATUS.deadline_exceeded,
    storage_full: GRPC_STATUS.resource_exhausted,
    interrupted: GRPC_STATUS.aborted,
  } satisfies Record<ErrorCode | 'interrupted', number>),
);

/** As gRPC has it for servers that are none: https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
const STATUS_OF_HTTP: ReadonlyMap<number, number> = new Map<number, number>([
  [400, GRPC_STATUS.invalid_argument],
  [401, GRPC_STATUS.unauthenticated],
  [403, GRPC_STATUS.permission_denied],
  [404, GRPC_STATUS.not_found],
  [409, GRPC_STATUS.aborted],
  [413, GRPC_STATUS.resource_exhausted],
  [422, GRPC_STATUS.invalid_argument],
  [429, GRPC_STATUS.resource_exhausted],
  [500, GRPC_STATUS.internal],
  [501, GRPC_STATUS.unimplemented],
  [503, GRPC_STATUS.unavailable],
  [504, GRPC_STATUS.deadline_exceeded],
]);

const CODE_OF_STATUS: ReadonlyMap<number, string> = new Map<number, string>([
  [GRPC_STATUS.cancelled, 'cancelled'],
  [GRPC_STATUS.invalid_argument, 'bad_request'],
  [GRPC_STATUS.deadline_exceeded, 'timeout'],
  [GRPC_STATUS.not_found, 'not_found'],
  [GRPC_STATUS.already_exists, 'conflict'],
  [GRPC_STATUS.permission_denied, 'forbidden'],
  [GRPC_STATUS.resource_exhausted, 'rate_limited'],
  [GRPC_STATUS.aborted, 'conflict'],
  [GRPC_STATUS.unimplemented, 'not_found'],
  [GRPC_STATUS.internal, 'internal'],
  [GRPC_STATUS.unavailable, 'unreachable'],
  [GRPC_STATUS.unauthenticated, 'unauthenticated'],
]);

const HTTP_OF_STATUS: ReadonlyMap<number, number> = new Map<number, number>([
  [GRPC_STATUS.cancelled, 499],
  [GRPC_STATUS.invalid_argument, 400],
  [GRPC_STATUS.deadline_exceeded, 504],
  [GRPC_STATUS.not_found, 404],
  [GRPC_STATUS.already_exists, 409],
  [GRPC_STATUS.permission_denied, 403],
  [GRPC_STATUS.resource_exhausted, 429],
  [GRPC_STATUS.failed_precondition, 422],
  [GRPC_STATUS.aborted, 409],
  [GRPC_STATUS.unimplemented, 501],
  [GRPC_STATUS.internal, 500],
  [GRPC_STATUS.unavailable, 503],
  [GRPC_STATUS.unauthenticated, 401],
]);
