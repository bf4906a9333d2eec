import { type Fields, getField } from '../fields.ts';

/**
 * gRPC over HTTP/2, as much of it as one must know who only passes it on:
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */

/** Whether these are the headers of a gRPC message: `application/grpc`, or that with a subtype. gRPC-Web is not gRPC. */
export function isGrpc(fields: Fields): boolean {
  const type = getField(fields, 'content-type');
  return type !== undefined && GRPC_TYPE.test(type);
}

const GRPC_TYPE = /^application\/grpc(?:\+[^\s;,]*)?\s*(?:;|$)/i;

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000001 };

/** Milliseconds of a `grpc-timeout`: at most eight digits and a unit. Undefined when it is no such text. */
export function parseGrpcTimeout(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  // The expression lets these units through only.
  return Number(digits) * (UNIT_MS[unit] as number);
}

/** Of a unit; eight digits. */
const MOST = 99_999_999;

/** A `grpc-timeout` of that many milliseconds; never longer, and one nanosecond at least. */
export function formatGrpcTimeout(ms: number): string {
  if (!(ms > 0)) return '1n';
  if (ms < 1) return `${Math.max(1, Math.floor(ms * 1_000))}u`;
  for (const [unit, size] of UNITS) {
    const count = Math.floor(ms / size);
    if (count <= MOST) return `${count}${unit}`;
  }
  return `${MOST}H`;
}

/** Finest first. What is finer than a millisecond is of no use to a timer. */
const UNITS: readonly (readonly [string, number])[] = [
  ['m', 1],
  ['S', 1_000],
  ['M', 60_000],
  ['H', 3_600_000],
];

const STATUS_NAMES: readonly string[] = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

/** The name of a `grpc-status`; `UNKNOWN` when there is none, or none of that number. */
export function grpcStatusName(text: string | undefined): string {
  return (text !== undefined && /^\d{1,2}$/.test(text) ? STATUS_NAMES[Number(text)] : undefined) ?? 'UNKNOWN';
}

/** Statuses that are the fault of whoever answers, not of the caller (OpenTelemetry semantic conventions, "gRPC"). */
export const GRPC_FAULTS: ReadonlySet<string> = new Set([
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
]);
