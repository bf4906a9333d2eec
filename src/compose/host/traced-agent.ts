import type { Agent, CallOptions, TraceContext } from '../../agent/agent.ts';
import { toAgentError } from '../../contract/agent-error.ts';
import type { AgentInfo, ExecuteEvent } from '../../contract/messages.ts';
import { getField } from '../../fields.ts';
import { agentReplyAttributes, agentRunSpan, endAttributes } from '../../protocols/attributes.ts';
import type { CallSpan, SpanKind, SpanSource } from '../../span.ts';

export interface TracedAgentOptions {
  readonly tracing: SpanSource | undefined;
  readonly info: AgentInfo;
  /** `client` for an agent in another process. */
  readonly kind: Extract<SpanKind, 'client' | 'internal'>;
}

/** The same agent, with a span around each of its runs. What the agent does goes on in the trace under that span. */
export function tracedAgent(agent: Agent, { tracing, info, kind }: TracedAgentOptions): Agent {
  if (tracing === undefined) return agent;
  const { name, attributes } = agentRunSpan(info);
  const begin = (options: CallOptions): { span: CallSpan; call: CallOptions } => {
    const parent = fieldsOf(options.trace);
    const span = tracing.start(name, kind, parent);
    span.set(attributes);
    return { span, call: { ...options, trace: contextOf(span.inject(parent)) } };
  };
  return {
    async execute(request, options = {}) {
      const { span, call } = begin(options);
      try {
        const reply = await agent.execute(request, call);
        span.set(agentReplyAttributes(reply));
        return reply;
      } catch (error) {
        fail(span, error);
        throw error;
      } finally {
        span.end();
      }
    },
    stream(request, options = {}) {
      let begun: { span: CallSpan; events: AsyncIterator<ExecuteEvent> } | undefined;
      const events: AsyncIterableIterator<ExecuteEvent> = {
        [Symbol.asyncIterator]: () => events,
        async next() {
          // Begins with the run: when it is first read.
          if (begun === undefined) {
            const { span, call } = begin(options);
            begun = { span, events: agent.stream(request, call)[Symbol.asyncIterator]() };
          }
          const { span } = begun;
          try {
            const result = await begun.events.next();
            if (result.done === true) span.end();
            else if (result.value.done !== undefined) {
              span.set(agentReplyAttributes(result.value.done));
              span.end();
            }
            return result;
          } catch (error) {
            fail(span, error);
            span.end();
            throw error;
          }
        },
        async return() {
          begun?.span.set(endAttributes('cancelled'));
          begun?.span.end();
          await begun?.events.return?.();
          return { done: true, value: undefined };
        },
      };
      return events;
    },
  };
}

function fail(span: CallSpan, thrown: unknown): void {
  const { code } = toAgentError(thrown);
  if (code === 'cancelled') span.set(endAttributes('cancelled'));
  else span.fail(code);
}

function fieldsOf(trace: TraceContext | undefined): string[] {
  if (trace === undefined) return [];
  const { traceparent, tracestate } = trace;
  return ['traceparent', traceparent, ...(tracestate === undefined ? [] : ['tracestate', tracestate])];
}

function contextOf(fields: readonly string[]): TraceContext | undefined {
  const traceparent = getField(fields, 'traceparent');
  const tracestate = getField(fields, 'tracestate');
  return traceparent === undefined ? undefined : { traceparent, ...(tracestate !== undefined && { tracestate }) };
}
