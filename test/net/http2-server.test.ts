import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { readBody } from '../../src/body.ts';
import type { InboundCall, Reply, Service } from '../../src/call.ts';
import { http2Server } from '../../src/net/http2-server.ts';
import { type Listener, type ListenOptions, listen } from '../../src/net/server.ts';
import { problemReply } from '../../src/problem.ts';
import { http } from '../support/http.ts';
import { FLAG, frame, headerBlock, PREFACE, rawHttp2, request, rst, TYPE } from '../support/http2-frames.ts';
import { raw } from '../support/raw.ts';
import { until } from '../support/until.ts';

interface Fixture {
  listener: Listener;
  url: string;
  seen: InboundCall[];
  refused: string[];
  /** Asks over HTTP/1.1 and HTTP/2, each on a new connection. */
  isWell: () => Promise<void>;
}

async function setUp(
  t: TestContext,
  service: (call: InboundCall) => Reply | Promise<Reply> = () => OK,
  options: Partial<ListenOptions> = {},
): Promise<Fixture> {
  const seen: InboundCall[] = [];
  const refused: string[] = [];
  const answer: Service<InboundCall> = async (call) => {
    if (call.target === '/well') return OK;
    seen.push(call);
    return service(call);
  };
  const listener = await listen(
    answer,
    { host: '127.0.0.1', port: 0 },
    {
      name: 'test',
      maxHeaderBytes: 16_384,
      headerTimeoutMs: 10_000,
      idleTimeoutMs: 10_000,
      http2: true,
      onRefused: ({ code }) => void refused.push(code),
      ...options,
    },
  );
  t.after(() => listener.close());
  const url = `http://127.0.0.1:${listener.port}`;
  return {
    listener,
    url,
    seen,
    refused,
    async isWell() {
      assert.equal((await http(`${url}/well`)).status, 200);
      const other = rawHttp2(listener.port);
      other.send(request(1, { path: '/well' }));
      await until(() => other.frames.some(({ type, stream }) => type === TYPE.headers && stream === 1), 'an answer');
      other.socket.destroy();
    },
  };
}

const OK: Reply = { status: 200, headers: ['Content-Type', 'text/plain'], body: Buffer.from('ok') };

test('a preface in pieces is a preface, and a request behind it is served', async (t) => {
  const { listener, seen } = await setUp(t);
  const slow = rawHttp2(listener.port, { begin: false });
  slow.socket.setNoDelay();
  for (const byte of Buffer.concat([Buffer.from(PREFACE), frame(TYPE.settings, 0, 0), request(1, { path: '/x' })])) {
    slow.socket.write(Buffer.from([byte]));
    await new Promise(setImmediate);
  }
  await until(() => slow.frames.some(({ type }) => type === TYPE.data), 'the answer');
  assert.deepEqual(
    seen.map(({ target, http2 }) => [target, http2]),
    [['/x', true]],
  );
  slow.socket.destroy();
});

test('HTTP/1.1 loses no byte, whatever its method begins with and however it comes', async (t) => {
  const { url, listener, seen } = await setUp(t, async ({ body }) => ({
    ...OK,
    body: Buffer.from(await readBody(body, 1000)),
  }));
  for (const method of ['POST', 'PUT', 'PATCH', 'PROPFIND', 'DELETE']) {
    const socket = connectTcp(listener.port, '127.0.0.1');
    socket.setNoDelay();
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    for (const byte of `${method} /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello`) {
      socket.write(byte);
      await new Promise(setImmediate);
    }
    await once(socket, 'close');
    assert.match(text, /^HTTP\/1\.1 200 [\s\S]*hello$/, method);
  }
  const pipelined = await raw(
    url,
    'GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  );
  assert.equal(pipelined.text.match(/HTTP\/1\.1 200/g)?.length, 2);
  // The other side is closed at once.
  const halfClosed = connectTcp({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true });
  let answer = '';
  halfClosed.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  halfClosed.end('GET /c HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => answer.startsWith('HTTP/1.1 200'), 'the answer to a half-closed request');
  halfClosed.destroy();
  assert.equal(seen.at(-1)?.target, '/c');
});

test('what begins like a preface and is none is refused in HTTP/1.1', async (t) => {
  const { url, isWell, seen } = await setUp(t, undefined, { headerTimeoutMs: 300 });
  assert.equal((await raw(url, 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n')).status, 400);
  assert.equal((await raw(url, 'PRI * HTTP/1.1\r\nHost: a\r\n\r\n')).status, 400);
  const late = await raw(url, PREFACE.slice(0, 20));
  assert.deepEqual([late.status, late.closed], [408, true]);
  const silent = await raw(url, '');
  assert.deepEqual([silent.status, silent.closed], [408, true]);
  const socket = connectTcp({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true });
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.end('PRI * HT');
  await until(() => text.startsWith('HTTP/1.1 400'), 'the refusal');
  socket.destroy();
  assert.deepEqual(seen, []);
  await isWell();
});

test('an upgrade to h2c is not made', async (t) => {
  const { url, seen } = await setUp(t);
  const reply = await raw(
    url,
    'GET /u HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n',
  );
  assert.equal(reply.status, 200);
  assert.equal(seen[0]?.upgrade, undefined);
});

test('garbage after the preface ends that connection only', async (t) => {
  const { listener, isWell, seen } = await setUp(t);
  for (const garbage of ['GET / HTTP/1.1\r\n\r\n', '\u0000'.repeat(100), 'x'.repeat(50_000)]) {
    const broken = rawHttp2(listener.port, { begin: false });
    broken.send(Buffer.from(PREFACE), Buffer.from(garbage));
    await until(() => broken.closed, 'it to be closed');
  }
  assert.deepEqual(seen, []);
  await isWell();
});

test('a request as the layers see it', async (t) => {
  const { listener, seen } = await setUp(t, async ({ body }) => ({
    ...OK,
    body: Buffer.from(await readBody(body, 10)),
  }));
  const client = rawHttp2(listener.port);
  client.send(
    request(1, {
      method: 'POST',
      path: '/a%20b?c=d',
      authority: 'Example.org:80',
      end: false,
      fields: [
        ['cookie', 'a=1'],
        ['x-a', '1'],
        ['cookie', 'b=2'],
        ['te', 'trailers'],
        ['x-a', '2'],
      ],
    }),
    frame(TYPE.data, 0, 1, Buffer.from('body')),
    frame(TYPE.headers, FLAG.endHeaders | FLAG.endStream, 1, headerBlock([['x-sum', '9']])),
  );
  const call = await until(() => seen[0], 'the call');
  assert.deepEqual(
    { ...call, body: undefined, signal: undefined, trailers: undefined },
    {
      method: 'POST',
      target: '/a%20b?c=d',
      headers: ['Host', 'Example.org:80', 'x-a', '1', 'te', 'trailers', 'x-a', '2', 'cookie', 'a=1; b=2'],
      body: undefined,
      signal: undefined,
      remote: '127.0.0.1',
      http2: true,
      trailers: undefined,
    },
  );
  await until(() => client.frames.some(({ type, flags }) => type === TYPE.data && flags & FLAG.endStream), 'the reply');
  client.socket.destroy();
});

test('requests that are refused', async (t) => {
  const { listener, seen, refused, isWell } = await setUp(t);
  const cases: Record<string, Buffer> = {
    'no authority': request(1, { authority: undefined }),
    'Host of another': request(1, { fields: [['host', 'b']] }),
    'two Hosts': request(1, {
      authority: undefined,
      fields: [
        ['host', 'a'],
        ['host', 'a'],
      ],
    }),
    'authority with a path': request(1, { authority: 'a/b' }),
    'absolute path': request(1, { path: 'http://a/' }),
    'path with a space': request(1, { path: '/a b' }),
    'path not ASCII': request(1, { path: '/\u00e9' }),
    'no path': request(1, { path: undefined }),
    CONNECT: request(1, { method: 'CONNECT', path: undefined, scheme: undefined }),
    'extended CONNECT': request(1, { method: 'CONNECT', protocol: 'websocket' }),
    'a connection field': request(1, { fields: [['connection', 'close']] }),
    'a transfer coding': request(1, { fields: [['transfer-encoding', 'chunked']] }),
    'TE gzip': request(1, { fields: [['te', 'gzip']] }),
    'a name in capitals': request(1, { fields: [['X-A', '1']] }),
    'a false length': request(1, { fields: [['content-length', '5']] }),
    'a pseudo field of replies': request(1, { status: '200' }),
    'an expectation': request(1, { fields: [['expect', 'miracles']] }),
  };
  for (const [what, bytes] of Object.entries(cases)) {
    const client = rawHttp2(listener.port);
    client.send(bytes);
    await until(
      () => client.closed || client.resetOf(1) !== undefined || client.frames.some(({ type }) => type === TYPE.headers),
      what,
    );
    client.socket.destroy();
  }
  assert.deepEqual(
    seen.map(({ headers, target }) => [target, ...headers]),
    [],
  );
  assert.ok(refused.includes('bad_request') && refused.includes('method_not_allowed'), String(refused));
  await isWell();
});

test('a field whose value would break out of HTTP/1.1 does not go on', async (t) => {
  const { listener, seen } = await setUp(t);
  for (const value of ['b\r\nc: d', 'b\u0000', 'b\n']) {
    const client = rawHttp2(listener.port);
    client.send(request(1, { fields: [['x-a', value]] }));
    await until(() => client.closed || client.frames.some(({ stream }) => stream === 1), 'an answer');
    client.socket.destroy();
  }
  for (const { headers } of seen) assert.deepEqual(headers, ['Host', 'a']);
});

test('rapid resets cut the connection, before many of them have cost anything', async (t) => {
  const { listener, seen, isWell } = await setUp(t, () => new Promise(() => undefined));
  const attacker = rawHttp2(listener.port);
  for (let i = 0; i < 500 && !attacker.closed; i++) {
    attacker.send(
      ...Array.from({ length: 100 }, (_, j) => [request((i * 100 + j) * 2 + 1), rst((i * 100 + j) * 2 + 1)]).flat(),
    );
    await new Promise(setImmediate);
  }
  await until(() => attacker.closed, 'the connection to be cut');
  assert.ok(seen.length < 20_000, `${seen.length} calls`);
  await until(() => listener.active() === 0, 'nothing to be left');
  for (const { signal } of seen) assert.ok(signal.aborted);
  await isWell();
});

test('header lists and CONTINUATION frames without end', async (t) => {
  const { listener, seen, refused, isWell } = await setUp(t);
  const big = rawHttp2(listener.port);
  const block = headerBlock(Array.from({ length: 40 }, (_, i) => [`x-${i}`, 'v'.repeat(1_000)]));
  const first = request(1).subarray(9);
  big.send(frame(TYPE.headers, FLAG.endStream, 1, first));
  for (let at = 0; at < block.length; at += 16_000) {
    const isLast = at + 16_000 >= block.length;
    big.send(frame(TYPE.continuation, isLast ? FLAG.endHeaders : 0, 1, block.subarray(at, at + 16_000)));
  }
  await until(() => big.frames.some(({ type, stream }) => type === TYPE.headers && stream === 1), 'an answer');
  assert.deepEqual(refused, ['headers_too_large']);
  big.socket.destroy();

  const many = rawHttp2(listener.port);
  many.send(request(1, { fields: Array.from({ length: 2_000 }, (_, i): [string, string] => [`y${i}`, '']) }));
  await until(() => many.closed || many.resetOf(1) !== undefined, 'too many fields to be refused');
  many.socket.destroy();

  const flood = rawHttp2(listener.port);
  flood.send(frame(TYPE.headers, FLAG.endStream, 1, first));
  for (let i = 0; i < 2_000 && !flood.closed; i++) {
    flood.send(frame(TYPE.continuation, 0, 1, headerBlock([[`z${i}`, 'v']])));
    if (i % 50 === 0) await new Promise(setImmediate);
  }
  await until(() => flood.closed, 'the flood to be cut');
  assert.deepEqual(seen, []);
  await isWell();
});

test('pings and settings without end, whose answers nobody reads', async (t) => {
  const { listener, isWell } = await setUp(t);
  for (const one of [frame(TYPE.ping, 0, 0, Buffer.alloc(8)), frame(TYPE.settings, 0, 0)]) {
    const flood = rawHttp2(listener.port);
    flood.socket.pause();
    const many = Buffer.concat(Array.from({ length: 2_000 }, () => one));
    let isOver = false;
    flood.socket.on('error', () => (isOver = true));
    flood.socket.on('close', () => (isOver = true));
    const write = (): void => void (isOver || flood.socket.write(many, () => setImmediate(write)));
    write();
    await until(() => isOver, 'the flood to be cut');
    flood.socket.destroy();
  }
  await isWell();
});

test('streams that do nothing: more than allowed are refused, the others end after the idle time', async (t) => {
  const { listener, seen, isWell } = await setUp(
    t,
    async ({ body }) => ({ ...OK, body: Buffer.from(await readBody(body, 10)) }),
    {
      idleTimeoutMs: 1_000,
    },
  );
  const idle = rawHttp2(listener.port);
  for (let i = 0; i < 10_000 && !idle.closed; i++) {
    idle.send(request(i * 2 + 1, { method: 'POST', end: false }));
    if (i % 100 === 0) await new Promise(setImmediate);
  }
  await until(() => seen.length > 0, 'the first of them');
  assert.ok(listener.active() <= 1_024, `${listener.active()} streams`);
  await until(() => listener.active() === 0, 'them to be cut');
  assert.ok(seen.length <= 1_024, `${seen.length} calls`);
  for (const { signal } of seen) assert.ok(signal.aborted);
  await isWell();
  idle.socket.destroy();
});

test('a body that stops, and a reader that stops, are cut after the idle time; a slow agent is not', async (t) => {
  const { listener, seen } = await setUp(
    t,
    async ({ target, body, signal }) => {
      if (target === '/slow') {
        await new Promise((resolve) => {
          setTimeout(resolve, 1_500);
        });
        return { ...OK, body: Buffer.from(signal.aborted ? 'gone' : 'here') };
      }
      if (target === '/big') return { ...OK, body: Buffer.alloc(1_000_000) };
      return { ...OK, body: Buffer.from(await readBody(body, 10)) };
    },
    { idleTimeoutMs: 500 },
  );
  const stops = rawHttp2(listener.port);
  stops.send(request(1, { method: 'POST', end: false }), frame(TYPE.data, 0, 1, Buffer.from('a')));
  const reads = rawHttp2(listener.port);
  // It has room for 64 KB, and says nothing of more.
  reads.send(request(1, { path: '/big' }));
  const waits = rawHttp2(listener.port);
  waits.send(request(1, { path: '/slow' }));
  await until(() => stops.resetOf(1) !== undefined, 'the body to be given up');
  await until(() => reads.resetOf(1) !== undefined, 'the reader to be given up');
  const got = reads.frames.filter(({ type, stream }) => type === TYPE.data && stream === 1);
  assert.ok(got.every(({ flags }) => (flags & FLAG.endStream) === 0));
  for (const { target, signal } of seen) if (target !== '/slow') assert.ok(signal.aborted, target);
  await until(() => listener.active() === 0, 'all to be over');
  assert.ok(seen.find(({ target }) => target === '/slow')?.signal.aborted === false);
  for (const { socket } of [stops, reads, waits]) socket.destroy();
});

test('a reply that breaks off resets the stream, and never ends it', async (t) => {
  const { listener } = await setUp(t, () => ({
    ...OK,
    body: (async function* () {
      yield Buffer.from('half');
      throw new Error('gone');
    })(),
  }));
  const client = rawHttp2(listener.port);
  client.send(request(1));
  assert.equal(await until(() => client.resetOf(1), 'the reset'), 2);
  assert.ok(
    client.frames.every(({ stream, type, flags }) => stream !== 1 || type > 1 || (flags & FLAG.endStream) === 0),
  );
  client.socket.destroy();
});

test('a slow reader slows the reply', async (t) => {
  let given = 0;
  const { listener } = await setUp(t, () => ({
    ...OK,
    body: (async function* () {
      for (; given < 64 * 2 ** 20; given += 65_536) yield Buffer.alloc(65_536);
    })(),
  }));
  const client = rawHttp2(listener.port);
  client.send(request(1));
  await until(() => client.frames.some(({ type }) => type === TYPE.data), 'the beginning');
  let last = -1;
  await until(() => last === (last = given), 'the reply to stand still', 5_000, 200);
  assert.ok(given < 1_000_000, `${given} bytes`);
  client.socket.destroy();
  await until(() => listener.active() === 0, 'it to be over');
});

test('an early answer asks the caller to stop, without an error', async (t) => {
  const { listener, url } = await setUp(t, () => ({ ...OK, status: 401 }));
  const session = connect(url);
  t.after(() => session.destroy());
  for (let i = 0; i < 20; i++) {
    const stream = session.request({ ':method': 'POST' });
    const sending = setInterval(() => stream.writable && stream.write(Buffer.alloc(10_000)), 1);
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await once(stream, 'close');
    clearInterval(sending);
    assert.deepEqual([stream.rstCode, text], [0, 'ok']);
  }
  await until(() => listener.active() === 0, 'nothing to be left');
});

test('a body is invited when somebody reads it', async (t) => {
  const { url } = await setUp(t, async ({ target, body }) =>
    target === '/no' ? { ...OK, status: 401 } : { ...OK, body: Buffer.from(await readBody(body, 100)) },
  );
  const session = connect(url);
  t.after(() => session.destroy());
  const wanted = session.request({ ':method': 'POST', expect: '100-continue' });
  await once(wanted, 'continue');
  wanted.end('hello');
  const [chunk] = await once(wanted, 'data');
  assert.equal(String(chunk), 'hello');
  const refused = session.request({ ':method': 'POST', ':path': '/no', expect: '100-continue' });
  let invited = false;
  refused.on('continue', () => (invited = true));
  const [headers] = await once(refused, 'response');
  refused.resume();
  assert.deepEqual([headers[':status'], invited], [401, false]);
});

test('draining says GOAWAY, lets streams finish, and serves what still comes in', async (t) => {
  let finish: (() => void) | undefined;
  const { listener, url } = await setUp(t, async ({ target }) => {
    if (target === '/wait') {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
    }
    return OK;
  });
  const session = connect(url);
  const stream = session.request({ ':path': '/wait' });
  await until(() => finish, 'the call');
  assert.equal(listener.active(), 1);
  listener.drain();
  await once(session, 'goaway');
  const late = rawHttp2(listener.port);
  late.send(request(1));
  await until(() => late.frames.some(({ type }) => type === TYPE.data), 'an answer on a new connection');
  await until(() => late.closed, 'that connection to be closed');
  finish?.();
  const [headers] = await once(stream, 'response');
  stream.resume();
  assert.equal(headers[':status'], 200);
  await once(session, 'close');
  await until(() => listener.active() === 0, 'nothing to be in flight');
});

test('leaving aborts the call at once: by reset, by closing, by vanishing', async (t) => {
  const { listener, seen } = await setUp(
    t,
    ({ signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(OK));
      }),
  );
  const client = rawHttp2(listener.port);
  client.send(request(1), request(3), request(5, { method: 'POST', end: false }));
  await until(() => seen.length === 3, 'the calls');
  const began = performance.now();
  client.send(rst(1));
  await until(() => seen[0]?.signal.aborted, 'the first to be aborted', 1_000, 1);
  assert.equal(seen[1]?.signal.aborted, false);
  client.socket.destroy();
  await until(() => seen.every(({ signal }) => signal.aborted), 'the others', 1_000, 1);
  const half = rawHttp2(listener.port);
  half.send(request(1));
  await until(() => seen.length === 4, 'another call');
  half.socket.end();
  await until(() => seen[3]?.signal.aborted, 'it to be aborted', 1_000, 1);
  assert.ok(performance.now() - began < 2_000);
  await until(() => listener.active() === 0, 'nothing to be left');
});

test('a connection without streams is closed after a while, whatever it pings', async (t) => {
  const server = http2Server(async () => OK, {
    maxHeaderBytes: 16_384,
    idleTimeoutMs: 10_000,
    keepAliveMs: 300,
    onRefused: () => undefined,
    refusalReply: problemReply,
  });
  const listener = createTcpServer((socket) => server.accept(socket));
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.after(() => {
    server.close();
    listener.close();
  });
  const client = rawHttp2((listener.address() as AddressInfo).port);
  client.send(request(1));
  await until(() => client.frames.some(({ type }) => type === TYPE.data), 'an answer');
  const pings = setInterval(() => client.send(frame(TYPE.ping, 0, 0, Buffer.alloc(8))), 50);
  await until(() => client.closed, 'it to be closed', 5_000);
  clearInterval(pings);
  assert.equal(client.goaway(), 0);
});

test('half a request does not keep a connection', async (t) => {
  const server = http2Server(async () => OK, {
    maxHeaderBytes: 16_384,
    idleTimeoutMs: 10_000,
    keepAliveMs: 300,
    onRefused: () => undefined,
    refusalReply: problemReply,
  });
  const listener = createTcpServer((socket) => server.accept(socket));
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.after(() => {
    server.close();
    listener.close();
  });
  const client = rawHttp2((listener.address() as AddressInfo).port);
  const block = headerBlock([
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'test'],
  ]);
  // Its fields never end, so that there is no stream that could be watched.
  client.send(frame(TYPE.headers, FLAG.endStream, 1, block));
  await until(() => client.closed, 'it to be closed', 5_000);
});

test('a caller that reads nothing is not kept, however small the replies that wait for it', async (t) => {
  // More in all than the buffers of a connection hold.
  const page = Buffer.alloc(32_768, 'x');
  let calls = 0;
  const service = async (): Promise<Reply> => {
    calls++;
    return { ...OK, body: page };
  };
  const server = http2Server(service, {
    maxHeaderBytes: 16_384,
    idleTimeoutMs: 300,
    keepAliveMs: 300,
    onRefused: () => undefined,
    refusalReply: problemReply,
  });
  const sockets: Socket[] = [];
  const listener = createTcpServer((socket) => {
    sockets.push(socket);
    server.accept(socket);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.after(() => {
    server.close();
    listener.close();
  });
  const client = connectTcp((listener.address() as AddressInfo).port, '127.0.0.1').pause();
  client.on('error', () => undefined);
  t.after(() => client.destroy());
  const window = Buffer.alloc(4);
  window.writeUInt32BE(0x7fff_0000 - 65_535);
  client.write(PREFACE, 'latin1');
  client.write(frame(TYPE.settings, 0, 0));
  client.write(frame(TYPE.windowUpdate, 0, 0, window));
  for (let i = 0; i < 1_000; i++) client.write(request(1 + 2 * i));
  await until(() => calls >= 1_000, 'the replies');
  await until(() => sockets[0]?.destroyed, 'it to be cut', 10_000);
  assert.equal(server.active(), 0);
});

test('close cuts what is open, also what has not yet said what it is', async (t) => {
  const { listener, seen } = await setUp(t, () => new Promise(() => undefined));
  const client = rawHttp2(listener.port);
  client.send(request(1));
  const silent = connectTcp(listener.port, '127.0.0.1');
  const half = rawHttp2(listener.port, { begin: false });
  half.send(Buffer.from(PREFACE.slice(0, 10)));
  await Promise.all([once(silent, 'connect'), until(() => seen.length === 1, 'the call')]);
  const closed = once(silent, 'close');
  silent.resume();
  await listener.close();
  await closed;
  await until(() => client.closed && half.closed, 'all of them to be closed');
  assert.equal(seen[0]?.signal.aborted, true);
});

test('a gRPC caller is refused in its own words', async (t) => {
  const { url, seen } = await setUp(t);
  const session = connect(url);
  t.after(() => session.destroy());
  const stream = session.request({
    ':method': 'POST',
    'content-type': 'application/grpc',
    'x-big': 'x'.repeat(20_000),
  });
  const [headers] = await once(stream, 'response');
  stream.resume();
  assert.deepEqual([headers[':status'], headers['grpc-status']], [200, '8']);
  assert.deepEqual(seen, []);
});
