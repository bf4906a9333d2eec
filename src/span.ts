import type { Fields } from './fields.ts';

/** Values a span attribute may have; an undefined one is left out. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** `server`: we were asked. `client`: we ask another process. `internal`: work of our own. */
export type SpanKind = 'server' | 'client' | 'internal';

/**
 * The trace of one piece of work, as layers and services see it. No member throws, and none does anything after `end`.
 * Adapter: `telemetry/otel-span.ts`; without tracing it is `NO_SPAN`.
 */
export interface CallSpan {
  /** 32 lower-case hex digits (W3C Trace Context); undefined when nothing is traced. */
  readonly traceId: string | undefined;
  /** False when what is set here is thrown away: by the sampler, or because nothing is traced. */
  readonly recording: boolean;
  rename(name: string): void;
  set(attributes: SpanAttributes): void;
  event(name: string, attributes?: SpanAttributes): void;
  child(name: string, kind: SpanKind, attributes?: SpanAttributes): CallSpan;
  /** Marks the work as failed. `code` is one of few: an error code of ours or a status, never a message. */
  fail(code: string): void;
  end(): void;
  /** The fields with the trace headers of this span instead of whatever trace headers they had. */
  inject(fields: Fields): Fields;
}

/** Where spans come from. */
export interface SpanSource {
  /** A span whose parent is named by the trace headers in `fields`; malformed or absent ones start a new trace. */
  start(name: string, kind: SpanKind, fields: Fields): CallSpan;
}

/** The span of whoever is not traced: nothing is recorded, and the caller's own trace headers go on as they came. */
export const NO_SPAN: CallSpan = Object.freeze({
  traceId: undefined,
  recording: false,
  rename() {},
  set() {},
  event() {},
  child: () => NO_SPAN,
  fail() {},
  end() {},
  inject: (fields: Fields) => fields,
});

/** A call that may be traced: services that can say more of it than its path does set that on the span. */
export interface Traced {
  readonly span?: CallSpan;
}
