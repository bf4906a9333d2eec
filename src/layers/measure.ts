import { type BodyEnd, isStream, onBodyEnd } from '../body.ts';
import type { Call, Reply } from '../call.ts';
import { toOutriderError } from '../errors.ts';
import { getField } from '../fields.ts';
import type { Log } from '../log.ts';
import { pathOf } from '../protocols/attributes.ts';
import { GRPC_FAULTS, grpcStatusName, isGrpc } from '../protocols/grpc.ts';
import type { CallSpan } from '../span.ts';
import { type Layer, UNCHANGED } from '../stack.ts';
import type { Identified } from './request-id.ts';
import { scrubbedPath } from './scrubbed-path.ts';

/** Where the requests of one surface are counted. Times are in seconds since the request's begin. */
export interface RequestMeter {
  begin(): void;
  /** The reply's status and headers are there. */
  replied(method: string, status: number, seconds: number): void;
  ended(seconds: number, end: BodyEnd): void;
}

export interface Done {
  readonly status: number;
  readonly headSeconds: number;
  readonly seconds: number;
  readonly end: BodyEnd;
  /** Of a gRPC call, whose HTTP status is always 200: the name of its status. */
  readonly grpcStatus?: string;
}

type Measured = Call & { readonly span?: CallSpan } & Partial<Identified>;

export interface MeasureOptions {
  meter: RequestMeter;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
  /** Told once about every request, when the reply's body has ended. */
  onDone?: (call: Measured, done: Done) => void;
}

/** Counts and times every request: to the reply's headers, and to the end of its body. Stands outside `rescue`. */
export function measure({ meter, now = () => performance.now(), onDone }: MeasureOptions): Layer<Measured> {
  const tell = (call: Measured, reply: Reply, done: Done): void => {
    if (onDone === undefined) return;
    if (call.http2 !== true || !isGrpc(reply.headers)) {
      onDone(call, done);
      return;
    }
    const inHeaders = getField(reply.headers, 'grpc-status');
    const named = (status: string | undefined): void => onDone(call, { ...done, grpcStatus: grpcStatusName(status) });
    if (inHeaders !== undefined || reply.trailers === undefined) named(inHeaders);
    else void reply.trailers.then((fields) => named(getField(fields, 'grpc-status')));
  };
  return async (call, next) => {
    const began = now();
    meter.begin();
    try {
      const reply = await next(UNCHANGED);
      const headSeconds = (now() - began) / 1000;
      meter.replied(call.method, reply.status, headSeconds);
      if (!isStream(reply.body)) {
        meter.ended(headSeconds, 'complete');
        tell(call, reply, { status: reply.status, headSeconds, seconds: headSeconds, end: 'complete' });
        return reply;
      }
      const body = onBodyEnd(reply.body, (end) => {
        const seconds = (now() - began) / 1000;
        meter.ended(seconds, end);
        tell(call, reply, { status: reply.status, headSeconds, seconds, end });
      });
      return { ...reply, body };
    } catch (error) {
      const seconds = (now() - began) / 1000;
      const { status } = toOutriderError(error);
      meter.replied(call.method, status, seconds);
      meter.ended(seconds, 'failed');
      onDone?.(call, { status, headSeconds: seconds, seconds, end: 'failed' });
      throw error;
    }
  };
}

/**
 * One line for each request: faults of our side and replies that broke off as warnings, all else for debugging. Holds no
 * query, no header and no body; `scrub` takes personal data out of the path.
 */
export function accessLog(
  log: Log,
  surface: string,
  scrub: (text: string) => string = (text) => text,
): NonNullable<MeasureOptions['onDone']> {
  const debug = log.enabled('debug');
  return (call, { status, headSeconds, seconds, end, grpcStatus }) => {
    const bad = status >= 500 || end === 'failed' || GRPC_FAULTS.has(grpcStatus ?? '');
    if (!bad && !debug) return;
    log[bad ? 'warn' : 'debug']('request', {
      surface,
      method: call.method,
      path: scrubbedPath(pathOf(call.target), scrub),
      status,
      ...(grpcStatus !== undefined && { grpc_status: grpcStatus }),
      head_ms: Math.round(headSeconds * 1000),
      total_ms: Math.round(seconds * 1000),
      ...(end !== 'complete' && { end }),
      ...(call.requestId !== undefined && { request_id: call.requestId }),
      ...(call.span?.traceId !== undefined && { trace_id: call.span.traceId }),
    });
  };
}
