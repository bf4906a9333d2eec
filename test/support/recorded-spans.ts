import type { Fields } from '../../src/fields.ts';
import type { CallSpan, SpanAttributes, SpanKind, SpanSource } from '../../src/span.ts';

export interface RecordedSpan {
  id: number;
  parent: number | undefined;
  name: string;
  kind: SpanKind;
  attributes: Record<string, unknown>;
  events: { name: string; attributes: SpanAttributes | undefined }[];
  failed: string | undefined;
  /** How many times it was ended. */
  ends: number;
}

/** Spans kept in memory, for tests of what makes them. A span writes `x-span: ID` where a real one writes `traceparent`. */
export function recordedSpans({ sampled = true } = {}): { source: SpanSource; spans: RecordedSpan[] } {
  const spans: RecordedSpan[] = [];
  const make = (
    name: string,
    kind: SpanKind,
    parent: number | undefined,
    attributes: SpanAttributes = {},
  ): CallSpan => {
    const span: RecordedSpan = {
      id: spans.length,
      parent,
      name,
      kind,
      attributes: {},
      events: [],
      failed: undefined,
      ends: 0,
    };
    spans.push(span);
    const put = (more: SpanAttributes): void => {
      for (const [key, value] of Object.entries(more)) if (value !== undefined) span.attributes[key] = value;
    };
    put(attributes);
    return {
      traceId: 'trace',
      recording: sampled,
      rename: (to) => void (span.name = to),
      set: put,
      event: (event, more) => void span.events.push({ name: event, attributes: more }),
      child: (child, childKind, more) => make(child, childKind, span.id, more),
      fail: (code) => void (span.failed = code),
      end: () => void span.ends++,
      inject: (fields: Fields) => [...fields, 'x-span', String(span.id)],
    };
  };
  return { source: { start: (name, kind) => make(name, kind, undefined) }, spans };
}
