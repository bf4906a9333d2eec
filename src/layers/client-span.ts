import type { Call } from '../call.ts';
import { methodAttributes } from '../protocols/attributes.ts';
import type { CallSpan, SpanAttributes, SpanKind } from '../span.ts';
import { type Layer, UNCHANGED } from '../stack.ts';
import { endWithError, endWithReply } from './span-end.ts';

export interface ClientSpanOptions {
  /** What is asked: `agent`. The service inside may find a better name, with `call.span.rename`. */
  name: string;
  attributes?: SpanAttributes;
  /** `internal` for a service of our own, such as the ledger. */
  kind?: Extract<SpanKind, 'client' | 'internal'>;
}

/**
 * A child span around a service that goes out, from its call to the end of its reply's body. The headers that go on name
 * this span as their parent; inside, `call.span` is this span.
 */
export function clientSpan({
  name,
  attributes = {},
  kind = 'client',
}: ClientSpanOptions): Layer<Call & { readonly span: CallSpan }, { readonly span: CallSpan }> {
  return async (call, next) => {
    const { span: parent } = call;
    // The call has this very span already, so nothing needs to be handed on.
    if (parent.traceId === undefined) return next(UNCHANGED as { span: CallSpan });
    const span = parent.child(name, kind, attributes);
    if (span.recording && kind === 'client') span.set(methodAttributes(call.method));
    try {
      return endWithReply(span, await next({ span, headers: span.inject(call.headers) }), 400);
    } catch (error) {
      endWithError(span, error);
      throw error;
    }
  };
}
