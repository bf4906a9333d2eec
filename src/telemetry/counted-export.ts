import { TraceFlags } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Log } from '../log.ts';
import { cleanText } from './clean.ts';
import { seldom } from './seldom.ts';
import type { TracingStatus } from './tracing.ts';

/**
 * Counts every sampled span from its end to its fate. It stands on both sides of the SDK's batching, whose queue it mirrors,
 * so that a span for which there is no room is counted here and never reaches a queue that would drop it without a word.
 */
export class CountedExport {
  readonly exporter: SpanExporter;
  readonly #capacity: number;
  readonly #log: Log;
  readonly #mayTell = seldom(60_000);
  #waiting = 0;
  #sending = 0;
  #exported = 0;
  #failed = 0;
  #dropped = 0;
  #closed = false;
  #givenUp = false;
  #lastError: string | undefined;

  constructor(exporter: SpanExporter, capacity: number, log: Log) {
    this.#capacity = capacity;
    this.#log = log;
    this.exporter = {
      export: (spans, done) => {
        this.#waiting -= spans.length;
        this.#sending += spans.length;
        let settled = false;
        const settle: typeof done = (result) => {
          if (settled) return;
          settled = true;
          this.#settle(
            spans.length,
            result.code === ExportResultCode.SUCCESS ? undefined : (result.error ?? 'refused'),
          );
          done(result);
        };
        try {
          exporter.export(spans, settle);
        } catch (error) {
          settle({ code: ExportResultCode.FAILED, error: error instanceof Error ? error : new Error(String(error)) });
        }
      },
      forceFlush: async () => exporter.forceFlush?.(),
      shutdown: () => exporter.shutdown(),
    };
  }

  before(inner: SpanProcessor): SpanProcessor {
    return {
      onStart: (span, context) => inner.onStart(span, context),
      onEnd: (span: ReadableSpan) => {
        if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
        if (this.#closed || this.#waiting >= this.#capacity) {
          this.#dropped++;
          this.#tell();
          return;
        }
        this.#waiting++;
        inner.onEnd(span);
      },
      forceFlush: () => inner.forceFlush(),
      shutdown: () => {
        this.#closed = true;
        return inner.shutdown();
      },
    };
  }

  status(): TracingStatus {
    return {
      exported: this.#exported,
      failed: this.#failed,
      dropped: this.#dropped,
      queued: this.#waiting + this.#sending,
      ...(this.#lastError !== undefined && { last_error: this.#lastError }),
    };
  }

  /** Counts what is still underway as dropped: nobody waits for it any more. */
  giveUp(): void {
    this.#closed = true;
    this.#dropped += this.#waiting + this.#sending;
    if (this.#waiting + this.#sending > 0) this.#tell();
    this.#waiting = 0;
    this.#sending = 0;
    this.#givenUp = true;
  }

  #settle(count: number, error: unknown): void {
    // Already counted as dropped.
    if (this.#givenUp) return;
    this.#sending -= count;
    if (error === undefined) {
      this.#exported += count;
      if (this.#lastError !== undefined) this.#log.info('traces are exported again');
      this.#lastError = undefined;
      return;
    }
    this.#failed += count;
    this.#lastError = reasonOf(error);
    this.#tell();
  }

  #tell(): void {
    if (!this.#mayTell()) return;
    const { failed, dropped, last_error } = this.status();
    this.#log.warn('traces are being lost', {
      failed,
      dropped,
      ...(last_error !== undefined && { reason: last_error }),
    });
  }
}

/** A short reason without the collector's reply, which may hold anything. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return cleanText(String(error), 200);
  const { code } = error as Error & { code?: unknown };
  if (typeof code === 'number') return `HTTP ${code}`;
  return cleanText(typeof code === 'string' ? code : error.message, 200);
}
