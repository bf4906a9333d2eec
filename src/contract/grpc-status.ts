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
  return STATUS_OF_CODE[code] ?? STATUS_OF_HTTP[status] ?? GRPC_STATUS.unknown;
}

/** The code of an error that came with nothing but a gRPC status: from a proxy, or another kind of server. */
export function codeOfGrpcStatus(status: number): string {
  return CODE_OF_STATUS[status] ?? 'agent_failed';
}

const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  cancelled: GRPC_STATUS.cancelled,
  agent_failed: GRPC_STATUS.unknown,
  interrupted: GRPC_STATUS.aborted,
  bad_request: GRPC_STATUS.invalid_argument,
  unprocessable: GRPC_STATUS.invalid_argument,
  timeout: GRPC_STATUS.deadline_exceeded,
  not_found: GRPC_STATUS.not_found,
  conflict: GRPC_STATUS.already_exists,
  forbidden: GRPC_STATUS.permission_denied,
  blocked: GRPC_STATUS.permission_denied,
  rate_limited: GRPC_STATUS.resource_exhausted,
  body_too_large: GRPC_STATUS.resource_exhausted,
  headers_too_large: GRPC_STATUS.resource_exhausted,
  storage_full: GRPC_STATUS.resource_exhausted,
  method_not_allowed: GRPC_STATUS.unimplemented,
  internal: GRPC_STATUS.internal,
  unreadable: GRPC_STATUS.internal,
  unreachable: GRPC_STATUS.unavailable,
  overloaded: GRPC_STATUS.unavailable,
  draining: GRPC_STATUS.unavailable,
  not_ready: GRPC_STATUS.unavailable,
  unauthenticated: GRPC_STATUS.unauthenticated,
};

/** As gRPC has it for servers that are none: https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
const STATUS_OF_HTTP: Readonly<Record<number, number>> = {
  400: GRPC_STATUS.invalid_argument,
  401: GRPC_STATUS.unauthenticated,
  403: GRPC_STATUS.permission_denied,
  404: GRPC_STATUS.not_found,
  409: GRPC_STATUS.aborted,
  413: GRPC_STATUS.resource_exhausted,
  422: GRPC_STATUS.invalid_argument,
  429: GRPC_STATUS.resource_exhausted,
  500: GRPC_STATUS.internal,
  503: GRPC_STATUS.unavailable,
  504: GRPC_STATUS.deadline_exceeded,
};

const CODE_OF_STATUS: Readonly<Record<number, string>> = {
  [GRPC_STATUS.cancelled]: 'cancelled',
  [GRPC_STATUS.invalid_argument]: 'bad_request',
  [GRPC_STATUS.deadline_exceeded]: 'timeout',
  [GRPC_STATUS.not_found]: 'not_found',
  [GRPC_STATUS.already_exists]: 'conflict',
  [GRPC_STATUS.permission_denied]: 'forbidden',
  [GRPC_STATUS.resource_exhausted]: 'rate_limited',
  [GRPC_STATUS.aborted]: 'conflict',
  [GRPC_STATUS.unimplemented]: 'not_found',
  [GRPC_STATUS.internal]: 'internal',
  [GRPC_STATUS.unavailable]: 'unreachable',
  [GRPC_STATUS.unauthenticated]: 'unauthenticated',
};
