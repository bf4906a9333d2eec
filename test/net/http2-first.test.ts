import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { type TestContext, test } from 'node:test';
import { readBody } from '../../src/body.ts';
import type { InboundCall, Reply } from '../../src/call.ts';
import { type Listener, listen } from '../../src/net/server.ts';
import { http } from '../support/http.ts';
import { FLAG, frame, PREFACE, type RawHttp2, rawHttp2, request, TYPE } from '../support/http2-frames.ts';
import { until } from '../support/until.ts';

/** What serves HTTP/2 is loaded with the first connection: nothing here may import it, and the first test is the one that waits. */
async function echoing(t: TestContext): Promise<Listener> {
  const listener = await listen(
    async ({ body }: InboundCall): Promise<Reply> => ({
      status: 200,
      headers: ['x-bytes', String((await readBody(body, 1e6)).length)],
      body: null,
    }),
    { host: '127.0.0.1', port: 0 },
    { name: 'test', maxHeaderBytes: 16_384, headerTimeoutMs: 10_000, idleTimeoutMs: 10_000, http2: true },
  );
  t.after(() => listener.close());
  return listener;
}

const CONNECTIONS = 20;
const STREAMS = 300;
/** All that a caller may send before it has been allowed more. */
const WINDOW = 65_535;
const FIELD = 'v'.repeat(1_000);

const answered = ({ frames }: RawHttp2): number => frames.filter(({ type }) => type === TYPE.headers).length;

test('the first connections, many at once, are served with everything that they sent meanwhile', async (t) => {
  const listener = await echoing(t);
  const gets = Array.from({ length: STREAMS }, (_, i) => request(2 * i + 3, { fields: [['x-long', FIELD]] }));
  const pieces = [16_384, 16_384, 16_384, WINDOW - 3 * 16_384].map((size, i) =>
    frame(TYPE.data, i === 3 ? FLAG.endStream : 0, 1, Buffer.alloc(size, 'x')),
  );
  const left = rawHttp2(listener.port);
  const half = connectTcp({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true });
  half.resume().on('error', () => undefined);
  half.end(Buffer.concat([Buffer.from(PREFACE), frame(TYPE.settings, 0, 0), request(1)]));
  const callers = Array.from({ length: CONNECTIONS }, () => rawHttp2(listener.port));
  // More than a socket holds before it stops reading.
  for (const caller of callers) caller.send(request(1, { method: 'POST', end: false }), ...pieces, ...gets);
  left.socket.destroy();
  const plain = http(`http://127.0.0.1:${listener.port}`);
  for (const caller of callers) await until(() => answered(caller) === STREAMS + 1, 'all answers');
  assert.equal((await plain).status, 200);
  // Whoever closes its side is not kept.
  if (!half.destroyed) await once(half, 'close');
  await until(() => listener.active() === 0, 'nothing to be in flight');
  for (const { socket } of callers) socket.destroy();
});

test('who comes to a server that drains is answered, and told that there will be nothing more', async (t) => {
  const listener = await echoing(t);
  listener.drain();
  const caller = rawHttp2(listener.port);
  caller.send(request(1));
  await until(() => answered(caller) === 1 && caller.goaway() !== undefined, 'an answer and a GOAWAY');
});

test('a server that is closed at once keeps no connection', async (t) => {
  const listener = await echoing(t);
  const caller = rawHttp2(listener.port);
  await once(caller.socket, 'connect');
  await listener.close();
  await until(() => caller.closed, 'the connection to be cut');
});

test('who leaves without having sent anything is not kept', async (t) => {
  const listener = await echoing(t);
  const callers = Array.from({ length: 50 }, () => {
    const socket = connectTcp({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true });
    return socket.resume().end();
  });
  // Well before the time within which the headers would have to come.
  await until(() => callers.every(({ closed }) => closed), 'the server to close its side', 5_000);
});
