import type { TraceContext } from './agent.ts';

/**
 * The trace headers of a call: those of its options, else what the program's own OpenTelemetry says of the span that is active now.
 * `@opentelemetry/api` keeps what a program has registered in this global, whatever copy of it was loaded; a program without it pays
 * one look-up, and nothing is loaded for it.
 */
export function traceFields(trace: TraceContext | undefined, into: string[]): void {
  if (trace !== undefined) {
    // The far side reads these, and so does every proxy between: nothing that is not what it says goes out.
    if (!TRACEPARENT.test(trace.traceparent)) return;
    into.push('traceparent', trace.traceparent);
    if (trace.tracestate !== undefined && PRINTABLE.test(trace.tracestate)) into.push('tracestate', trace.tracestate);
    return;
  }
  // What the API registers there has these members, or is not there.
  const api = (globalThis as { [OPENTELEMETRY]?: OpenTelemetry })[OPENTELEMETRY];
  if (api?.propagation === undefined || api.context === undefined) return;
  api.propagation.inject(api.context.active(), into, {
    set(carrier: string[], name: string, value: string) {
      if (TOKEN.test(name) && PRINTABLE.test(value)) carrier.push(name.toLowerCase(), value);
    },
  });
}

const OPENTELEMETRY = Symbol.for('opentelemetry.js.api.1');

interface OpenTelemetry {
  context?: { active(): unknown };
  propagation?: {
    inject(
      context: unknown,
      carrier: string[],
      setter: { set(carrier: string[], name: string, value: string): void },
    ): void;
  };
}

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[\x21-\x7e]{0,200})?$/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const PRINTABLE = /^[\x20-\x7e]{1,4096}$/;
