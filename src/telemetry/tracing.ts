import type { Environment } from '../environment.ts';
import type { Log } from '../log.ts';
import type { SpanSource } from '../span.ts';
import { tracingSettings } from './settings.ts';

/** Spans, counted exactly: `exported + failed + dropped + queued` is the number of sampled spans that have ended. */
export interface TracingStatus {
  /** Taken by the collector. */
  exported: number;
  /** Given up after the collector refused them or did not answer in time. */
  failed: number;
  /** Thrown away before sending: the queue was full, or the time to shut down was over. */
  dropped: number;
  /** Waiting or being sent. */
  queued: number;
  /** Why the last batch failed, such as `ECONNREFUSED` or `HTTP 500`; absent once a batch succeeded again. */
  last_error?: string;
}

export interface Tracing extends SpanSource {
  status(): TracingStatus;
  /** Sends what is queued, for at most `ms`; then gives the rest up and counts it as dropped. Never rejects. */
  shutdown(ms: number): Promise<void>;
}

export interface TracingOptions {
  env: Environment;
  /** From our own configuration; the environment wins. */
  endpoint?: string | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
  /** Used unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` names another. */
  serviceName: string;
  serviceVersion?: string | undefined;
  log: Log;
}

/**
 * Traces by the standard environment, or undefined when nothing is to be traced: then no module of OpenTelemetry is loaded,
 * which takes about 100 ms and 10 MiB. Rejects never: tracing that cannot start is a warning.
 */
export async function startTracing(options: TracingOptions): Promise<Tracing | undefined> {
  const { env, log } = options;
  const settings = tracingSettings(env, options, (message) => log.warn(message));
  if (settings === undefined) return undefined;
  try {
    const { openTelemetry } = await import('./otel.ts');
    return await openTelemetry(settings, options);
  } catch (error) {
    log.warn('tracing could not be started; nothing is traced', { error });
    return undefined;
  }
}
