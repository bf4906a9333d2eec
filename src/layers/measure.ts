import { type BodyEnd, isStream, onBodyEnd } from '../body.ts';
import type { Call } from '../call.ts';
import { toOutriderError } from '../errors.ts';
import type { Log } from '../log.ts';
import { pathOf } from '../protocols/attributes.ts';
import type { CallSpan } from '../span.ts';
import { type Layer, UNCHANGED } from '../stack.ts';
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
}

type Measured = Call & { readonly span?: CallSpan };

export interface MeasureOptions {
  meter: RequestMeter;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
  /** Told once about every request, when the reply's body has ended. */
  onDone?: (call: Measured, done: Done) => void;
}

/** Counts and times every request: to the reply's headers, and to the end of its body. Stands outside `rescue`. */
export function measure({ meter, now = () => performance.now(), onDone }: MeasureOptions): Layer<Measured> {
  return async (call, next) => {
    const began = now();
    meter.begin();
    try {
      const reply = await next(UNCHANGED);
      const headSeconds = (now() - began) / 1000;
      meter.replied(call.method, reply.status, headSeconds);
      if (!isStream(reply.body)) {
        meter.ended(headSeconds, 'complete');
        onDone?.(call, { status: reply.status, headSeconds, seconds: headSeconds, end: 'complete' });
        return reply;
      }
      const body = onBodyEnd(reply.body, (end) => {
        const seconds = (now() - began) / 1000;
        meter.ended(seconds, end);
        onDone?.(call, { status: reply.status, headSeconds, seconds, end });
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
  return (call, { status, headSeconds, seconds, end }) => {
    const bad = status >= 500 || end === 'failed';
    if (!bad && !debug) return;
    log[bad ? 'warn' : 'debug']('request', {
      surface,
      method: call.method,
      path: scrubbedPath(pathOf(call.target), scrub),
      status,
      head_ms: Math.round(headSeconds * 1000),
      total_ms: Math.round(seconds * 1000),
      ...(end !== 'complete' && { end }),
      ...(call.span?.traceId !== undefined && { trace_id: call.span.traceId }),
    });
  };
}
