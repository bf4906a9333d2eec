import type { Call, InboundCall, Reply, Service } from '../call.ts';
import type { Config } from '../config/load.ts';
import { type OutriderError, toOutriderError } from '../errors.ts';
import type { GuardOptions } from '../layers/guard-state.ts';
import { accessLog, measure } from '../layers/measure.ts';
import { rescue } from '../layers/rescue.ts';
import { trace } from '../layers/trace.ts';
import type { AuditSink } from '../ledger/port.ts';
import type { Log } from '../log.ts';
import { guardEvent, guardUnreadableEvent, guardWebhookEvent } from '../protocols/attributes.ts';
import type { CallSpan, Traced } from '../span.ts';
import { Stack } from '../stack.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import type { GuardRules } from './guardrails.ts';

/** What every surface is made with. */
export interface Parts {
  readonly config: Config;
  readonly version: string;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tracing: Tracing | undefined;
  readonly guardRules: GuardRules;
  readonly audit: AuditSink;
  /** A text with everything redacted that the rules redact; for what may be recorded. */
  readonly scrub: (text: string) => string;
}

export interface SurfaceOptions {
  name: 'inbound' | 'a2a' | 'mcp' | 'cost';
  /** The endpoint a call is for, where it is one of our own. */
  route?: (call: InboundCall) => string | undefined;
  /** How an error looks to the caller of this call. */
  errorReply?: (error: OutriderError, call: InboundCall & Traced) => Reply | Promise<Reply>;
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

/** What the guard of every surface is made with: the rules in force, and where decisions are seen. */
export function guardParts(parts: Parts): Omit<GuardOptions<Call & Traced>, 'surfaces' | 'voice'> {
  const { config, audit, guardRules, metrics } = parts;
  return {
    rules: () => guardRules.current(),
    bodyLimit: config.limits.body_bytes,
    actor: config.agent_name,
    audit,
    now: () => new Date(),
    onHit(hit, surface, { span }) {
      metrics.guardHit({ ...hit, surface });
      span?.event('guard', guardEvent(hit, surface));
    },
    onUnreadable(reason, action, surface, { span }) {
      metrics.guardUnreadable({ surface, reason, action });
      span?.event('guard.unreadable', guardUnreadableEvent(reason, action, surface));
    },
    onWebhookFailure({ rule, reason, action }, surface, { span }) {
      metrics.guardWebhookFailure({ rule, reason, action });
      span?.event('guard.webhook_failed', guardWebhookEvent(rule, reason, action, surface));
    },
  };
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
