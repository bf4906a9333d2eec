import {
  SpanKind as ApiKind,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  type TextMapGetter,
  type TextMapPropagator,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { type Fields, withoutFields } from '../fields.ts';
import type { CallSpan, SpanAttributes, SpanKind, SpanSource } from '../span.ts';

const KIND: Record<SpanKind, ApiKind> = { internal: ApiKind.INTERNAL, server: ApiKind.SERVER, client: ApiKind.CLIENT };

export function spanSource(tracer: Tracer, propagator: TextMapPropagator): SpanSource {
  const means: Means = { tracer, propagator, fields: new Set(propagator.fields()) };
  return {
    start(name, kind, fields) {
      const parent = propagator.extract(ROOT_CONTEXT, fields, FROM_FIELDS);
      return new OtelSpan(means, tracer.startSpan(name, { kind: KIND[kind] }, parent), parent);
    },
  };
}

interface Means {
  readonly tracer: Tracer;
  readonly propagator: TextMapPropagator;
  /** Names of the fields that the propagator writes. */
  readonly fields: ReadonlySet<string>;
}

class OtelSpan implements CallSpan {
  readonly #means: Means;
  readonly #span: Span;
  readonly #parent: Context;
  #context: Context | undefined;
  #ended = false;

  constructor(means: Means, span: Span, parent: Context) {
    this.#means = means;
    this.#span = span;
    this.#parent = parent;
  }

  get traceId(): string {
    return this.#span.spanContext().traceId;
  }

  get recording(): boolean {
    return !this.#ended && this.#span.isRecording();
  }

  rename(name: string): void {
    if (!this.#ended) this.#span.updateName(name);
  }

  set(attributes: SpanAttributes): void {
    if (!this.recording) return;
    for (const name in attributes) {
      const value = attributes[name];
      if (value !== undefined) this.#span.setAttribute(name, value);
    }
  }

  event(name: string, attributes?: SpanAttributes): void {
    if (this.recording) this.#span.addEvent(name, attributes);
  }

  child(name: string, kind: SpanKind, attributes?: SpanAttributes): CallSpan {
    const context = this.#here();
    const span = new OtelSpan(this.#means, this.#means.tracer.startSpan(name, { kind: KIND[kind] }, context), context);
    if (attributes !== undefined) span.set(attributes);
    return span;
  }

  fail(code: string): void {
    if (!this.recording) return;
    this.#span.setAttribute('error.type', code);
    this.#span.setStatus({ code: SpanStatusCode.ERROR });
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#span.end();
  }

  inject(fields: Fields): Fields {
    const { propagator, fields: names } = this.#means;
    if (names.size === 0) return fields;
    const out = withoutFields(fields, (name) => names.has(name));
    propagator.inject(this.#here(), out, INTO_FIELDS);
    return out;
  }

  #here(): Context {
    this.#context ??= trace.setSpan(this.#parent, this.#span);
    return this.#context;
  }
}

const FROM_FIELDS: TextMapGetter<Fields> = {
  keys: (fields) => fields.filter((_, index) => index % 2 === 0),
  /** Several lines of a field are one list (RFC 9110 §5.3); two `traceparent` lines thereby are no valid one. */
  get(fields, name) {
    let found: string | undefined;
    for (let i = 0; i < fields.length; i += 2) {
      const candidate = fields[i] as string;
      if (candidate.length !== name.length || candidate.toLowerCase() !== name) continue;
      // Fields come in pairs, so both are there.
      found = found === undefined ? (fields[i + 1] as string) : `${found},${fields[i + 1]}`;
    }
    return found;
  },
};

const INTO_FIELDS = {
  set(fields: string[], name: string, value: string): void {
    fields.push(name, value);
  },
};
