import type { Call, InboundCall, Reply, Service } from '../call.ts';
import type { Config } from '../config/load.ts';
import { type OutriderError, toOutriderError } from '../errors.ts';
import type { Engine } from '../guardrails/engine.ts';
import { accessLog, measure } from '../layers/measure.ts';
import { rescue } from '../layers/rescue.ts';
import { trace } from '../layers/trace.ts';
import type { AuditSink } from '../ledger/port.ts';
import type { Log } from '../log.ts';
import type { CallSpan } from '../span.ts';
import { Stack } from '../stack.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Tracing } from '../telemetry/tracing.ts';

/** What every surface is made with. */
export interface Parts {
  readonly config: Config;
  readonly version: string;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tracing: Tracing | undefined;
  readonly engine: Engine;
  readonly audit: AuditSink;
  /** A text with everything redacted that the rules redact; for what may be recorded. */
  readonly scrub: (text: string) => string;
}

export interface SurfaceOptions {
  name: 'inbound' | 'a2a' | 'mcp' | 'cost';
  /** The endpoint a call is for, where it is one of our own. */
  route?: (call: InboundCall) => string | undefined;
  /** How an error looks to callers here. */
  errorReply?: (error: OutriderError) => Reply;
}

/** The outer layers, the same on every surface: what is measured and traced includes every refusal. */
export function surface(
  parts: Parts,
  options: SurfaceOptions,
): Stack<InboundCall, InboundCall & { readonly span: CallSpan }> {
  const { log, metrics, tracing, scrub } = parts;
  const { name, route, errorReply } = options;
  return Stack.empty<InboundCall>()
    .add(trace({ tracing, surface: name, scrub, ...(route && { route }) }))
    .add(measure({ meter: metrics.surface(name), onDone: accessLog(log, name, scrub) }))
    .add(rescue({ onError: (error) => logError(log, name, error), ...(errorReply && { reply: errorReply }) }));
}

/** Refusals are the caller's business and are counted; what went wrong on our side or behind us is logged with its cause. */
function logError(log: Log, surface: string, error: OutriderError): void {
  if (error.code === 'internal') log.error('a request failed', { surface, error });
  else if (error.status >= 500) log.warn('a request failed', { surface, code: error.code, cause: error.cause });
}

/** The same service, with its failures counted under the name of what was asked. */
export function counted<C extends Call>(
  service: Service<C>,
  nameOf: (call: C) => string,
  metrics: Metrics,
): Service<C> {
  return async (call) => {
    try {
      return await service(call);
    } catch (thrown) {
      const { code } = toOutriderError(thrown);
      if (code === 'unreachable' || code === 'timeout') metrics.upstreamError(nameOf(call), code);
      throw thrown;
    }
  };
}
