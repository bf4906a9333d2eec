import type { InboundCall } from '../call.ts';
import { getField } from '../fields.ts';
import { methodName, pathOf, serverAttributes } from '../protocols/attributes.ts';
import { type CallSpan, NO_SPAN, type SpanSource } from '../span.ts';
import type { Layer } from '../stack.ts';
import { scrubbedPath } from './scrubbed-path.ts';
import { endWithError, endWithReply } from './span-end.ts';

export interface TraceOptions {
  /** Undefined: nothing is traced, and the caller's trace headers go on untouched. */
  tracing: SpanSource | undefined;
  surface: 'inbound' | 'a2a' | 'mcp' | 'cost' | 'host';
  /**
   * The endpoint of our own that a call is for, such as `/a2a/{peer}`: it names the span, and stands for the path. Undefined
   * for what goes to the agent, whose paths we know nothing about.
   */
  route?: (call: InboundCall) => string | undefined;
  /** Takes personal data out of the agent's paths, which may hold any, before they are recorded. */
  scrub?: (text: string) => string;
}

/**
 * One server span for each call, from its arrival to the end of the reply's body. Stands outside `rescue`, so that what is
 * refused is traced as well.
 */
export function trace({
  tracing,
  surface,
  route,
  scrub,
}: TraceOptions): Layer<InboundCall, { readonly span: CallSpan }> {
  if (tracing === undefined) return (_call, next) => next(UNTRACED);
  const pathFor = (target: string): string =>
    scrub === undefined ? pathOf(target) : scrubbedPath(pathOf(target), scrub);
  // Callers choose these texts, and choose them badly.
  const clean = (text: string | undefined): string | undefined =>
    text === undefined || scrub === undefined ? text : scrub(text);
  return async (call, next) => {
    const endpoint = route?.(call);
    const method = methodName(call.method);
    const span = tracing.start(endpoint === undefined ? method : `${method} ${endpoint}`, 'server', call.headers);
    if (span.recording) {
      span.set(
        serverAttributes({
          method: call.method,
          route: endpoint,
          path: endpoint === undefined ? pathFor(call.target) : undefined,
          host: clean(getField(call.headers, 'host')),
          remote: call.remote,
          userAgent: clean(getField(call.headers, 'user-agent')),
          surface,
        }),
      );
    }
    try {
      return endWithReply(span, await next({ span }), 500);
    } catch (error) {
      endWithError(span, error);
      throw error;
    }
  };
}

const UNTRACED = Object.freeze({ span: NO_SPAN });
