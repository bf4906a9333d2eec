import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { recordedSpans } from '../../test/support/recorded-spans.ts';
import { cancelBody, isStream, readBody } from '../body.ts';
import type { InboundCall, Reply } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { type CallSpan, NO_SPAN } from '../span.ts';
import { Stack } from '../stack.ts';
import { type TraceOptions, trace } from './trace.ts';

function call(more: Partial<InboundCall> = {}): InboundCall {
  return {
    method: 'POST',
    target: '/chat?key=hush',
    headers: ['Host', 'agent.example:8080', 'User-Agent', 'curl/8'],
    body: null,
    signal: new AbortController().signal,
    remote: '10.0.0.9',
    ...more,
  };
}

function service(
  options: Omit<TraceOptions, 'surface'>,
  inner: (call: InboundCall & { span: CallSpan }) => Promise<Reply>,
) {
  return Stack.empty<InboundCall>()
    .add(trace({ surface: 'inbound', ...options }))
    .serve(inner);
}

async function* chunks(...parts: (string | Error)[]): AsyncIterable<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part;
    yield Buffer.from(part);
  }
}

const OK: Reply = { status: 200, headers: [], body: Buffer.from('ok') };

describe('without tracing', () => {
  test('the span is none, and the reply the very same', async () => {
    let span: CallSpan | undefined;
    const reply = await service({ tracing: undefined }, async (inner) => {
      span = inner.span;
      return OK;
    })(call());
    assert.equal(span, NO_SPAN);
    assert.equal(reply, OK);
    const fields = ['traceparent', 'theirs'];
    assert.equal(NO_SPAN.inject(fields), fields);
    assert.equal(NO_SPAN.child('x', 'client'), NO_SPAN);
  });
});

describe('what is recorded', () => {
  test('a request for the agent: method, path without query, status, client', async () => {
    const { source, spans } = recordedSpans();
    const reply = await service({ tracing: source }, async () => OK)(call());
    assert.equal(reply, OK);
    assert.deepEqual(spans, [
      {
        id: 0,
        parent: undefined,
        name: 'POST',
        kind: 'server',
        attributes: {
          'http.request.method': 'POST',
          'url.scheme': 'http',
          'url.path': '/chat',
          'server.address': 'agent.example',
          'server.port': 8080,
          'client.address': '10.0.0.9',
          'user_agent.original': 'curl/8',
          'outrider.surface': 'inbound',
          'http.response.status_code': 200,
        },
        events: [],
        failed: undefined,
        ends: 1,
      },
    ]);
  });

  test('an endpoint of our own: its route, and no path', async () => {
    const { source, spans } = recordedSpans();
    const inner = service({ tracing: source, route: () => '/a2a/{peer}' }, async () => OK);
    await inner(call({ target: '/a2a/weather?x=1' }));
    assert.equal(spans[0]?.name, 'POST /a2a/{peer}');
    assert.equal(spans[0]?.attributes['http.route'], '/a2a/{peer}');
    assert.equal(spans[0]?.attributes['url.path'], undefined);
  });

  test('a method that nobody knows is not taken for a name', async () => {
    const { source, spans } = recordedSpans();
    await service({ tracing: source }, async () => OK)(call({ method: 'BREW' }));
    assert.equal(spans[0]?.name, 'HTTP');
    assert.equal(spans[0]?.attributes['http.request.method'], '_OTHER');
    assert.equal(spans[0]?.attributes['http.request.method_original'], 'BREW');
  });

  test('long values are cut', async () => {
    const { source, spans } = recordedSpans();
    await service(
      { tracing: source },
      async () => OK,
    )(call({ target: `/${'x'.repeat(5_000)}`, headers: ['User-Agent', 'y'.repeat(5_000), 'Host', 'z'.repeat(5_000)] }));
    for (const value of Object.values(spans[0]?.attributes ?? {})) assert.ok(String(value).length <= 256);
  });

  test('personal data in a path is scrubbed, percent-encoded or not', async () => {
    const { source, spans } = recordedSpans();
    const scrub = (text: string): string => text.replaceAll(/\w+@\w+\.com/g, '[EMAIL]');
    const inner = service({ tracing: source, scrub }, async () => OK);
    for (const target of ['/u/a@b.com/x', '/u/a%40b.com/x', '/u/caf%C3%A9', '/u/%zz/a@b.com'])
      await inner(call({ target }));
    assert.deepEqual(
      spans.map(({ attributes }) => attributes['url.path']),
      ['/u/[EMAIL]/x', '/u/[EMAIL]/x', '/u/caf%C3%A9', '/u/%zz/[EMAIL]'],
    );
  });

  test('nothing is put together for a span that is not sampled', async () => {
    const { source, spans } = recordedSpans({ sampled: false });
    let scrubs = 0;
    const scrub = (text: string): string => {
      scrubs++;
      return text;
    };
    await service({ tracing: source, scrub }, async () => OK)(call());
    assert.equal(scrubs, 0);
    assert.equal(spans[0]?.attributes['url.path'], undefined);
    assert.equal(spans[0]?.ends, 1);
  });
});

describe('how it ends', () => {
  const streamed = (body: AsyncIterable<Uint8Array>, status = 200): Reply => ({ status, headers: [], body });

  test('4xx is no failure of who answers, 5xx is', async () => {
    const { source, spans } = recordedSpans();
    for (const status of [403, 503]) await service({ tracing: source }, async () => ({ ...OK, status }))(call());
    assert.deepEqual(
      spans.map(({ failed, ends }) => [failed, ends]),
      [
        [undefined, 1],
        ['503', 1],
      ],
    );
  });

  test('a stream: at its end, not before', async () => {
    const { source, spans } = recordedSpans();
    const reply = await service({ tracing: source }, async () => streamed(chunks('a', 'b')))(call());
    assert.equal(spans[0]?.ends, 0);
    assert.equal(Buffer.from(await readBody(reply.body, 10)).toString(), 'ab');
    assert.deepEqual([spans[0]?.ends, spans[0]?.failed], [1, undefined]);
  });

  test('a stream that breaks off: failed, with the code', async () => {
    const { source, spans } = recordedSpans();
    const broken = chunks('a', new OutriderError('timeout', 'too slow'));
    const reply = await service({ tracing: source }, async () => streamed(broken))(call());
    await assert.rejects(readBody(reply.body, 10));
    assert.deepEqual(
      [spans[0]?.ends, spans[0]?.failed, spans[0]?.attributes['outrider.reply.end']],
      [1, 'timeout', 'failed'],
    );
  });

  test('a caller who leaves: once, and no failure', async () => {
    const { source, spans } = recordedSpans();
    const inner = service({ tracing: source }, async () => streamed(chunks('a', 'b')));
    await cancelBody((await inner(call())).body);
    const half = (await inner(call())).body;
    assert.ok(isStream(half));
    const iterator = half[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.return?.();
    await iterator.return?.();
    const torn = service({ tracing: source }, async () => streamed(chunks(new OutriderError('cancelled', 'left'))));
    await assert.rejects(readBody((await torn(call())).body, 10));
    assert.equal(spans.length, 3);
    assert.deepEqual(
      spans.map(({ ends, failed, attributes }) => [ends, failed, attributes['outrider.reply.end']]),
      spans.map(() => [1, undefined, 'cancelled']),
    );
  });

  test('an error that nobody made a reply of is recorded and goes on', async () => {
    const { source, spans } = recordedSpans();
    const error = new Error('a bug');
    const inner = service({ tracing: source }, async () => {
      throw error;
    });
    await assert.rejects(inner(call()), error);
    assert.deepEqual([spans[0]?.ends, spans[0]?.failed], [1, 'internal']);
  });
});
