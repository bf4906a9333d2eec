import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logLines } from '../../test/support/log-lines.ts';
import { recordedSpans } from '../../test/support/recorded-spans.ts';
import { cancelBody, readBody } from '../body.ts';
import type { Call, Reply } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { Stack } from '../stack.ts';
import { accessLog, type MeasureOptions, measure } from './measure.ts';

const CALL: Call = {
  method: 'POST',
  target: '/chat?key=hush',
  headers: ['Authorization', 'Bearer hush'],
  body: null,
  signal: new AbortController().signal,
};

function counted(inner: () => Promise<Reply>, onDone?: MeasureOptions['onDone']) {
  const told: unknown[][] = [];
  let time = 0;
  const service = Stack.empty()
    .add(
      measure({
        meter: {
          begin: () => void told.push(['begin']),
          replied: (...what) => void told.push(['replied', ...what]),
          ended: (...what) => void told.push(['ended', ...what]),
        },
        // Each look at the clock is a second later.
        now: () => (time += 1_000),
        ...(onDone !== undefined && { onDone }),
      }),
    )
    .serve(inner);
  return { service, told };
}

const stream = async function* (...parts: (string | Error)[]): AsyncIterable<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part;
    yield Buffer.from(part);
  }
};

test('bytes at hand: counted at once, and the reply is the very same', async () => {
  const reply: Reply = { status: 200, headers: [], body: Buffer.from('x') };
  const { service, told } = counted(async () => reply);
  assert.equal(await service(CALL), reply);
  assert.deepEqual(told, [['begin'], ['replied', 'POST', 200, 1], ['ended', 1, 'complete']]);
});

test('a stream: head and end apart', async () => {
  const { service, told } = counted(async () => ({ status: 200, headers: [], body: stream('a', 'b') }));
  const { body } = await service(CALL);
  assert.equal(told.length, 2);
  await readBody(body, 10);
  assert.deepEqual(told[2], ['ended', 2, 'complete']);
});

test('a stream given up or broken off ends once', async () => {
  const left = counted(async () => ({ status: 200, headers: [], body: stream('a') }));
  await cancelBody((await left.service(CALL)).body);
  assert.deepEqual(left.told.slice(2), [['ended', 2, 'cancelled']]);
  const broken = counted(async () => ({ status: 200, headers: [], body: stream(new Error('x')) }));
  await assert.rejects(readBody((await broken.service(CALL)).body, 10));
  assert.deepEqual(broken.told.slice(2), [['ended', 2, 'failed']]);
});

test('an error is counted as the status it becomes, and goes on', async () => {
  const error = new OutriderError('overloaded', 'x');
  const { service, told } = counted(async () => {
    throw error;
  });
  await assert.rejects(service(CALL), error);
  assert.deepEqual(told, [['begin'], ['replied', 'POST', 503, 1], ['ended', 1, 'failed']]);
});

test('the access log: no query, no header; good requests for debugging, bad ones as warnings', async () => {
  const { log, lines, text } = logLines('debug');
  const onDone = accessLog(log, 'inbound');
  await counted(async () => ({ status: 404, headers: [], body: null }), onDone).service(CALL);
  await counted(async () => ({ status: 502, headers: [], body: null }), onDone).service(CALL);
  const broken = counted(async () => ({ status: 200, headers: [], body: stream(new Error('x')) }), onDone);
  await assert.rejects(readBody((await broken.service(CALL)).body, 10));
  assert.deepEqual(
    lines.map((line) => Object.assign(line, { time: '' })),
    [
      {
        time: '',
        level: 'debug',
        msg: 'request',
        surface: 'inbound',
        method: 'POST',
        path: '/chat',
        status: 404,
        head_ms: 1000,
        total_ms: 1000,
      },
      {
        time: '',
        level: 'warn',
        msg: 'request',
        surface: 'inbound',
        method: 'POST',
        path: '/chat',
        status: 502,
        head_ms: 1000,
        total_ms: 1000,
      },
      {
        time: '',
        level: 'warn',
        msg: 'request',
        surface: 'inbound',
        method: 'POST',
        path: '/chat',
        status: 200,
        head_ms: 1000,
        total_ms: 2000,
        end: 'failed',
      },
    ],
  );
  assert.doesNotMatch(text(), /hush/);
});

test('the access log names the trace, and above debug only what went wrong', async () => {
  const { log, lines } = logLines('info');
  const onDone = accessLog(log, 'inbound');
  const span = recordedSpans().source.start('x', 'server', []);
  for (const status of [200, 500]) {
    await counted(async () => ({ status, headers: [], body: null }), onDone).service({ ...CALL, span } as Call);
  }
  assert.equal(lines.length, 1);
  assert.equal(lines[0]?.['status'], 500);
  assert.equal(lines[0]?.['trace_id'], 'trace');
});

test('a gRPC call is logged with its status, and as a warning when that is a fault of ours or behind us', async () => {
  const { log, lines } = logLines('debug');
  for (const status of ['0', '5', '14']) {
    const reply: Reply = {
      status: 200,
      headers: ['content-type', 'application/grpc'],
      body: stream('x'),
      trailers: Promise.resolve(['grpc-status', status]),
    };
    const { service } = counted(async () => reply, accessLog(log, 'inbound'));
    await readBody((await service({ ...CALL, http2: true })).body, 10);
    // Trailers are told of a turn later.
    await new Promise(setImmediate);
  }
  assert.deepEqual(
    lines.map(({ level, grpc_status: status }) => [level, status]),
    [
      ['debug', 'OK'],
      ['debug', 'NOT_FOUND'],
      ['warn', 'UNAVAILABLE'],
    ],
  );
});
