import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordedSpans } from '../../test/support/recorded-spans.ts';
import { readBody } from '../body.ts';
import type { Call, Reply } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { type CallSpan, NO_SPAN } from '../span.ts';
import { Stack } from '../stack.ts';
import { type ClientSpanOptions, clientSpan } from './client-span.ts';

type Traced = Call & { readonly span: CallSpan };

function around(options: ClientSpanOptions, inner: (call: Traced) => Promise<Reply>) {
  return Stack.empty<Traced>().add(clientSpan(options)).serve(inner);
}

function call(span: CallSpan): Traced {
  return { method: 'GET', target: '/', headers: ['Host', 'h'], body: null, signal: new AbortController().signal, span };
}

const OK: Reply = { status: 200, headers: [], body: null };

test('a child of the span of the call, which the headers that go on name', async () => {
  const { source, spans } = recordedSpans();
  const parent = source.start('GET', 'server', []);
  let headers: readonly string[] = [];
  const service = around({ name: 'agent', attributes: { 'server.address': 'agent' } }, async (inner) => {
    headers = inner.headers;
    inner.span.rename('tools/call add');
    inner.span.set({ 'mcp.method.name': 'tools/call' });
    return OK;
  });
  await service(call(parent));
  assert.deepEqual(headers, ['Host', 'h', 'x-span', '1']);
  assert.deepEqual(
    { ...spans[1] },
    {
      id: 1,
      parent: 0,
      name: 'tools/call add',
      kind: 'client',
      attributes: {
        'server.address': 'agent',
        'http.request.method': 'GET',
        'mcp.method.name': 'tools/call',
        'http.response.status_code': 200,
      },
      events: [],
      failed: undefined,
      ends: 1,
    },
  );
  assert.equal(spans[0]?.ends, 0);
});

test('without tracing the call goes on with its own headers', async () => {
  let inner: Traced | undefined;
  const outer = call(NO_SPAN);
  await around({ name: 'agent' }, async (seen) => {
    inner = seen;
    return OK;
  })(outer);
  assert.equal(inner?.headers, outer.headers);
  assert.equal(inner?.span, NO_SPAN);
});

test('4xx is a failure of who asks; so are errors, with their code; leaving is none', async () => {
  const { source, spans } = recordedSpans();
  const parent = source.start('GET', 'server', []);
  await around({ name: 'a' }, async () => ({ ...OK, status: 404 }))(call(parent));
  for (const code of ['unreachable', 'cancelled'] as const) {
    const failing = around({ name: 'b' }, async () => {
      throw new OutriderError(code, 'x');
    });
    await assert.rejects(failing(call(parent)));
  }
  assert.deepEqual(
    spans.slice(1).map(({ failed, ends }) => [failed, ends]),
    [
      ['404', 1],
      ['unreachable', 1],
      [undefined, 1],
    ],
  );
});

test('a stream keeps it open to its end; an internal one is no HTTP request', async () => {
  const { source, spans } = recordedSpans();
  const parent = source.start('GET', 'server', []);
  const body = (async function* () {
    yield Buffer.from('x');
  })();
  const reply = await around({ name: 'record', kind: 'internal' }, async () => ({ ...OK, body }))(call(parent));
  assert.equal(spans[1]?.ends, 0);
  await readBody(reply.body, 10);
  assert.equal(spans[1]?.ends, 1);
  assert.equal(spans[1]?.kind, 'internal');
  assert.equal(spans[1]?.attributes['http.request.method'], undefined);
});
