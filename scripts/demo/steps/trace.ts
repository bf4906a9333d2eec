import { randomBytes } from 'node:crypto';
import type { DecodedSpan } from '../../../test/support/otlp-receiver.ts';
import type { Step, Tour } from '../tour.ts';
import { invoke } from './agent.ts';

const one: Step = {
  title: 'The trace of one request: the agent, and what it cost',
  async run(tour) {
    const { ids, traceparent } = newTrace();
    await invoke(tour, 'Where did the time go?', { traceparent });
    const spans = await spansOf(tour, ids.trace, (own) => own.some((span) => surface(span) === 'cost'));
    const root = spans.find(({ parentSpanId }) => parentSpanId === ids.span);
    tour.holds("the sidecar's span is a child of the caller's", root?.kind === 'server', spans.map(describe));
    const agent = spans.find(({ kind, parentSpanId }) => kind === 'client' && parentSpanId === root?.spanId);
    tour.holds('the call to the agent is a child of that', agent !== undefined, spans.map(describe));
    const cost = spans.find((span) => surface(span) === 'cost' && span.parentSpanId === agent?.spanId);
    tour.holds(
      'and the cost event, sent by the agent, is a child of its call',
      cost !== undefined,
      spans.map(describe),
    );
  },
};

const two: Step = {
  title: 'The trace of one request through two agents',
  async run(tour) {
    const { ids, traceparent } = newTrace();
    const { inbound, token } = tour.stage.gist;
    const json = { peer: 'colleague', text: 'The ferry left early.' };
    await tour.ask({ url: `${inbound}/delegate`, token, headers: { traceparent }, json });
    const served = (own: DecodedSpan[]): DecodedSpan[] => own.filter(({ kind }) => kind === 'server');
    const spans = await spansOf(tour, ids.trace, (own) => served(own).length >= 3);
    const chain = served(spans)
      .toSorted((a, b) => depthOf(a, spans) - depthOf(b, spans))
      .map((span) => `${service(span)} ${surface(span)}`);
    tour.same('gist was asked, asked its sidecar, which asked colleague', chain, [
      'gist inbound',
      'gist a2a',
      'colleague inbound',
    ]);
    const ours = new Set([ids.span, ...spans.map(({ spanId }) => spanId)]);
    tour.holds(
      'no span hangs in the air',
      spans.every(({ parentSpanId }) => ours.has(parentSpanId)),
      spans.map(describe),
    );
  },
};

function newTrace(): { ids: { trace: string; span: string }; traceparent: string } {
  const ids = { trace: randomBytes(16).toString('hex'), span: randomBytes(8).toString('hex') };
  return { ids, traceparent: `00-${ids.trace}-${ids.span}-01` };
}

/** Waits for the spans of a trace at the collector, and prints them as a tree. */
async function spansOf(
  { stage, page }: Tour,
  trace: string,
  complete: (spans: DecodedSpan[]) => boolean,
): Promise<DecodedSpan[]> {
  const own = (all: DecodedSpan[]): DecodedSpan[] => all.filter(({ traceId }) => traceId === trace);
  // Everything has come when nothing hangs in the air: a parent ends, and is sent, after its children.
  const whole = (spans: DecodedSpan[]): boolean => complete(spans) && orphans(spans).length === 1;
  const spans = own(await stage.otlp.waitFor((all) => whole(own(all)), 10_000));
  const lines = orphans(spans).flatMap((root) => tree(root, spans, '', ''));
  page.output(lines.join('\n'), lines.length);
  return spans;
}

/** Spans whose parent is not among them; of a whole trace that is its root, whose parent is the caller's. */
function orphans(spans: readonly DecodedSpan[]): DecodedSpan[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  return spans.filter(({ parentSpanId }) => !ids.has(parentSpanId));
}

function tree(span: DecodedSpan, spans: readonly DecodedSpan[], own: string, below: string): string[] {
  const children = spans
    .filter(({ parentSpanId }) => parentSpanId === span.spanId)
    .sort((a, b) => Number(a.startNanos - b.startNanos));
  const ms = Number(span.endNanos - span.startNanos) / 1e6;
  return [
    `${`${own}${span.name}`.padEnd(44)} ${service(span).padEnd(10)} ${span.kind.padEnd(8)} ${ms.toFixed(1).padStart(7)} ms`,
    ...children.flatMap((child, index) => {
      const last = index === children.length - 1;
      return tree(child, spans, `${below}${last ? '└─ ' : '├─ '}`, `${below}${last ? '   ' : '│  '}`);
    }),
  ];
}

function depthOf({ parentSpanId }: DecodedSpan, spans: readonly DecodedSpan[]): number {
  const parent = spans.find(({ spanId }) => spanId === parentSpanId);
  return parent === undefined ? 0 : 1 + depthOf(parent, spans);
}

function service({ resource }: DecodedSpan): string {
  return String(resource['service.name']);
}

/** The door through which a request came in; server spans have one. */
function surface({ attributes }: DecodedSpan): string {
  return String(attributes['outrider.surface'] ?? '');
}

function describe(span: DecodedSpan): string {
  return `${service(span)}: ${span.name} (${span.kind})`;
}

export const trace: Step[] = [one, two];
