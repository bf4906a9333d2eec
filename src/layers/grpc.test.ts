import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordedSpans } from '../../test/support/recorded-spans.ts';
import { until } from '../../test/support/until.ts';
import { cancelBody, readBody } from '../body.ts';
import type { Call, Reply } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { getField } from '../fields.ts';
import type { CallSpan } from '../span.ts';
import { Stack } from '../stack.ts';
import { grpcCalls, grpcClientSpan, grpcNames, grpcRefused, isGrpcCall } from './grpc.ts';

const GRPC_HEADERS = ['content-type', 'application/grpc'];

function call(init: Partial<Call> = {}): Call {
  return {
    method: 'POST',
    target: '/test.v1.Echo/Unary',
    headers: GRPC_HEADERS,
    body: null,
    signal: new AbortController().signal,
    http2: true,
    ...init,
  };
}

function serving(inner: (call: Call) => Promise<Reply>) {
  const told: string[] = [];
  const { source, spans } = recordedSpans();
  const span = source.start('POST', 'server', []);
  const service = Stack.empty<Call & { readonly span: CallSpan }>()
    .add(grpcCalls({ onStatus: (status) => void told.push(status) }))
    .add(grpcNames())
    .serve(inner);
  return { told, spans, send: (init?: Partial<Call>) => service({ ...call(init), span }) };
}

async function* stream(...parts: (string | Error)[]): AsyncIterable<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part;
    yield Buffer.from(part);
  }
}

const ENDED: Reply = {
  status: 200,
  headers: GRPC_HEADERS,
  body: null,
  trailers: Promise.resolve(['grpc-status', '0', 'x-a', '1']),
};

async function endOf(reply: Reply): Promise<[text: string, status: string | undefined]> {
  const text = Buffer.from(await readBody(reply.body, 1_000)).toString();
  return [text, getField((await reply.trailers) ?? [], 'grpc-status') ?? getField(reply.headers, 'grpc-status')];
}

test('only HTTP/2 with the type of gRPC is gRPC; everything else passes as the same object', async () => {
  assert.equal(isGrpcCall(call()), true);
  assert.equal(isGrpcCall(call({ headers: ['content-type', 'application/grpc-web'] })), false);
  const { http2: _, ...overHttp1 } = call();
  assert.equal(isGrpcCall(overHttp1), false);
  const reply: Reply = { status: 200, headers: [], body: stream('x') };
  const { send, told } = serving(async () => reply);
  assert.equal(await send({ headers: [] }), reply);
  assert.deepEqual(told, []);
});

test('a reply that has its status goes on as it is', async () => {
  const { send, told, spans } = serving(async () => ({ ...ENDED, body: stream('a', 'b') }));
  const reply = await send();
  assert.deepEqual(told, []);
  assert.deepEqual(await endOf(reply), ['ab', '0']);
  assert.deepEqual(await reply.trailers, ['grpc-status', '0', 'x-a', '1']);
  assert.deepEqual(told, ['OK']);
  assert.deepEqual(
    [spans[0]?.name, spans[0]?.attributes, spans[0]?.failed],
    [
      'test.v1.Echo/Unary',
      { 'rpc.system.name': 'grpc', 'rpc.method': 'test.v1.Echo/Unary', 'rpc.response.status_code': 'OK' },
      undefined,
    ],
  );
  const atHand = serving(async () => ({ ...ENDED, body: Buffer.from('x') }));
  assert.deepEqual(await endOf(await atHand.send()), ['x', '0']);
  assert.deepEqual(atHand.told, ['OK']);
  const only = serving(async () => ({ status: 200, headers: [...GRPC_HEADERS, 'grpc-status', '5'], body: null }));
  assert.deepEqual(await endOf(await only.send()), ['', '5']);
  assert.deepEqual(only.told, ['NOT_FOUND']);
});

test('a reply that breaks off, or has no status, ends with one', async () => {
  const broken = serving(async () => ({
    ...ENDED,
    body: stream('half', new OutriderError('unreachable', 'the agent could not be reached')),
  }));
  assert.deepEqual(await endOf(await broken.send()), ['half', '14']);
  assert.deepEqual([broken.told, broken.spans[0]?.failed], [['UNAVAILABLE'], 'UNAVAILABLE']);

  const blocked = serving(async () => ({ ...ENDED, body: stream(new OutriderError('blocked', 'blocked by x')) }));
  const reply = await blocked.send();
  assert.deepEqual(await endOf(reply), ['', '7']);
  assert.equal(getField((await reply.trailers) ?? [], 'grpc-message'), 'blocked by x');

  const raw = serving(async () => ({ ...ENDED, body: stream(new Error('secret')) }));
  const hidden = await raw.send();
  await endOf(hidden);
  assert.doesNotMatch(String(await hidden.trailers), /secret/);

  const silent = serving(async () => ({ ...ENDED, body: stream('x'), trailers: Promise.resolve(['x-a', '1']) }));
  assert.deepEqual(await endOf(await silent.send()), ['x', '14']);
});

test('a caller that leaves is told nothing, and its reply is given up', async () => {
  const cancelled = serving(async () => ({
    ...ENDED,
    body: stream('a', new OutriderError('cancelled', 'the caller has left')),
  }));
  await assert.rejects(endOf(await cancelled.send()), { code: 'cancelled' });
  assert.deepEqual([cancelled.told, cancelled.spans[0]?.failed], [['CANCELLED'], undefined]);
  let returned = 0;
  const body: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: async () => ({ done: false, value: Buffer.from('x') }),
      return: async () => {
        returned++;
        return { done: true, value: undefined };
      },
    }),
  };
  const given = serving(async () => ({ ...ENDED, body }));
  const reply = await given.send();
  await cancelBody(reply.body);
  assert.deepEqual([returned, given.told], [1, ['CANCELLED']]);
  assert.equal(getField((await reply.trailers) ?? [], 'grpc-status'), '1');
});

test('the deadline ends a call that has no answer yet, and one that has begun', async () => {
  const abortable = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new OutriderError('cancelled', 'the caller has left')));
    });
  const headers = [...GRPC_HEADERS, 'grpc-timeout', '20m'];
  const silent = serving(({ signal }) => abortable(signal));
  await assert.rejects(silent.send({ headers }), { code: 'timeout' });
  const begun = serving(async ({ signal }) => ({
    ...ENDED,
    body: (async function* () {
      yield Buffer.from('a');
      await abortable(signal);
    })(),
  }));
  assert.deepEqual(await endOf(await begun.send({ headers })), ['a', '4']);
  assert.deepEqual(begun.told, ['DEADLINE_EXCEEDED']);
  // One that is in time, malformed, or longer than a timer runs, changes nothing.
  for (const text of ['60S', '99999999H', 'soon']) {
    const fine = serving(async () => ({ ...ENDED, body: stream('a') }));
    assert.deepEqual(await endOf(await fine.send({ headers: [...GRPC_HEADERS, 'grpc-timeout', text] })), ['a', '0']);
  }
});

test('with a deadline, a caller that leaves is still seen to have left', async () => {
  let begun = false;
  let aborted = false;
  const { send } = serving(
    ({ signal }) =>
      new Promise((_, reject) => {
        begun = true;
        signal.addEventListener('abort', () => {
          aborted = true;
          reject(new OutriderError('cancelled', 'the caller has left'));
        });
      }),
  );
  const leave = new AbortController();
  const sending = send({ headers: [...GRPC_HEADERS, 'grpc-timeout', '60S'], signal: leave.signal });
  await until(() => begun, 'the call to be there');
  leave.abort();
  await assert.rejects(sending, { code: 'cancelled' });
  await until(() => aborted, 'the call to be aborted');
});

test('the span of the call that goes out fails with every status but OK', async () => {
  for (const [status, failed] of [
    ['0', undefined],
    ['5', 'NOT_FOUND'],
  ] as const) {
    const { source, spans } = recordedSpans();
    const span = source.start('agent', 'client', []);
    const service = Stack.empty<Call & { readonly span: CallSpan }>()
      .add(grpcClientSpan())
      .serve(async () => ({ ...ENDED, body: stream('x'), trailers: Promise.resolve(['grpc-status', status]) }));
    await endOf(await service({ ...call(), span }));
    assert.deepEqual([spans[0]?.name, spans[0]?.failed], ['test.v1.Echo/Unary', failed]);
  }
});

test('a path that is no method names nothing', async () => {
  const { send, spans } = serving(async () => ENDED);
  await send({ target: `/${'x'.repeat(500)}/y?a=hush` });
  assert.equal(spans[0]?.name, 'POST');
  assert.doesNotMatch(JSON.stringify(spans[0]), /hush/);
});

test('a refusal is counted by its status, and marks the span', () => {
  const { source, spans } = recordedSpans();
  const span = source.start('POST', 'server', []);
  const told: string[] = [];
  const reply = { status: 200, headers: ['grpc-status', '14'], body: null };
  grpcRefused(reply, { span }, (status) => told.push(status));
  assert.deepEqual(told, ['UNAVAILABLE']);
  assert.equal(spans[0]?.failed, 'UNAVAILABLE');
});
