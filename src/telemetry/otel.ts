import { DiagLogLevel, diag, type TextMapPropagator } from '@opentelemetry/api';
import {
  CompositePropagator,
  setGlobalErrorHandler,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ConsoleSpanExporter,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { CountedExport } from './counted-export.ts';
import { diagnostics } from './diagnostics.ts';
import { spanSource } from './otel-span.ts';
import { otlpExporter } from './otlp.ts';
import { resourceOf } from './resource.ts';
import type { TracingSettings } from './settings.ts';
import type { Tracing, TracingOptions, TracingStatus } from './tracing.ts';

/** Joins the SDK's parts. Nothing is registered globally but the SDK's own log, which has no other place. */
export async function openTelemetry(settings: TracingSettings, options: TracingOptions): Promise<Tracing> {
  const { log } = options;
  const level = settings.diagnostics;
  if (level !== undefined) {
    diag.setLogger(diagnostics(log), { logLevel: DIAG_LEVEL[level], suppressOverrideMessage: true });
  }
  // Every failed batch is counted and told by CountedExport; the SDK's own report would repeat it with the reply's body.
  setGlobalErrorHandler(() => {});

  const ends: (() => void)[] = [];
  const exports = await Promise.all(
    settings.exporters.map(async (name) => {
      const connection = name === 'otlp' ? await otlpExporter(settings) : undefined;
      if (connection !== undefined) ends.push(connection.cut);
      const counted = new CountedExport(connection?.exporter ?? new ConsoleSpanExporter(), settings.batch.queue, log);
      const processor = new BatchSpanProcessor({
        exporter: counted.exporter,
        maxQueueSize: settings.batch.queue,
        maxExportBatchSize: settings.batch.size,
        scheduledDelayMillis: settings.batch.delayMs,
        exportTimeoutMillis: settings.batch.timeoutMs,
      });
      return { counted, processor: counted.before(processor) };
    }),
  );

  const provider = new TracerProvider({
    sampler: samplerOf(settings.sampler),
    spanLimits: given(settings.limits),
    resource: resourceOf(settings, options),
    spanProcessors: exports.map(({ processor }) => processor),
  });
  return {
    ...spanSource(provider.getTracer('outrider'), propagatorOf(settings)),
    status: () => sum(exports.map(({ counted }) => counted.status())),
    async shutdown(ms) {
      await within(ms, provider.shutdown());
      for (const { counted } of exports) counted.giveUp();
      for (const end of ends) end();
    },
  };
}

const DIAG_LEVEL: Record<NonNullable<TracingSettings['diagnostics']>, DiagLogLevel> = {
  error: DiagLogLevel.ERROR,
  warn: DiagLogLevel.WARN,
  info: DiagLogLevel.INFO,
  debug: DiagLogLevel.DEBUG,
};

function samplerOf({ root, ratio, parentBased }: TracingSettings['sampler']): Sampler {
  const sampler =
    root === 'always_on'
      ? new AlwaysOnSampler()
      : root === 'always_off'
        ? new AlwaysOffSampler()
        : new TraceIdRatioBasedSampler(ratio);
  return parentBased ? new ParentBasedSampler({ root: sampler }) : sampler;
}

function propagatorOf({ propagators }: TracingSettings): TextMapPropagator {
  return new CompositePropagator({
    propagators: propagators.map((name) =>
      name === 'baggage' ? new W3CBaggagePropagator() : new W3CTraceContextPropagator(),
    ),
  });
}

/** Only the limits that are set: the SDK takes a key with undefined for the key. */
function given<T extends string>(limits: Readonly<Record<T, number | undefined>>): Partial<Record<T, number>> {
  const set: Partial<Record<T, number>> = {};
  for (const name of Object.keys(limits) as T[]) {
    const value = limits[name];
    if (value !== undefined) set[name] = value;
  }
  return set;
}

function sum(statuses: readonly TracingStatus[]): TracingStatus {
  const total: TracingStatus = { exported: 0, failed: 0, dropped: 0, queued: 0 };
  for (const status of statuses) {
    total.exported += status.exported;
    total.failed += status.failed;
    total.dropped += status.dropped;
    total.queued += status.queued;
    if (status.last_error !== undefined) total.last_error = status.last_error;
  }
  return total;
}

/** Waits for `work`, whether it succeeds or fails, but no longer than `ms`. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work.catch(() => {}), limit]);
  clearTimeout(timer);
}
