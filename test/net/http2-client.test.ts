import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelBody, readBody } from '../../src/body.ts';
import type { Call, InboundCall, Reply, Service } from '../../src/call.ts';
import { OutriderError } from '../../src/errors.ts';
import { type Http2ClientOptions, http2Client } from '../../src/net/http2-client.ts';
import { wasNotSent } from '../../src/net/not-sent.ts';
import { listen } from '../../src/net/server.ts';
import { FLAG, frame, headerBlock, TYPE } from '../support/http2-frames.ts';
import { ROOT } from '../support/process.ts';
import { until } from '../support/until.ts';

function call(init: Partial<Call> = {}): Call {
  return {
    method: 'POST',
    target: '/',
    headers: ['Host', 'agent.test'],
    body: null,
    signal: new AbortController().signal,
    ...init,
  };
}

function clientFor(t: TestContext, url: string, options: Partial<Http2ClientOptions> = {}) {
  const client = http2Client(url, {
    name: 'the agent',
    connectTimeoutMs: 2_000,
    responseTimeoutMs: 5_000,
    idleTimeoutMs: 5_000,
    ...options,
  });
  t.after(() => client.close());
  return client;
}

/** Our own server. */
async function pair(t: TestContext, service: Service<InboundCall>, options: Partial<Http2ClientOptions> = {}) {
  const listener = await listen(
    service,
    { host: '127.0.0.1', port: 0 },
    { name: 'test', maxHeaderBytes: 16_384, headerTimeoutMs: 5_000, idleTimeoutMs: 10_000, http2: true },
  );
  t.after(() => listener.close());
  const url = `http://127.0.0.1:${listener.port}`;
  return { listener, url, client: clientFor(t, url, options) };
}

/** Node's server, which does what it is told. */
async function nodeServer(
  t: TestContext,
  onStream: (stream: ServerHttp2Stream, path: string, index: number) => void,
  settings = {},
): Promise<{ server: Http2Server; url: string; sessions: ServerHttp2Session[] }> {
  const server = createServer({ settings });
  const sessions: ServerHttp2Session[] = [];
  let index = 0;
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => undefined);
  });
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined);
    onStream(stream, String(headers[':path']), index++);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { server, sessions, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    yield Buffer.from(text);
    await sleep(5);
  }
}

async function failure(promise: Promise<unknown>): Promise<OutriderError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof OutriderError, String(error));
    return error;
  }
  return assert.fail('it did not fail');
}

async function textOf(reply: Reply): Promise<string> {
  return Buffer.from(await readBody(reply.body, 1e8)).toString();
}

test('small messages are bytes at hand on both sides', async (t) => {
  const { client, url } = await pair(t, async ({ method, target, headers, body }) => {
    assert.ok(body instanceof Uint8Array);
    return {
      status: 201,
      headers: [
        'X-Seen',
        `${method} ${target} ${String(headers[1])}`,
        'X-Two',
        'a',
        'X-Two',
        'b',
        'Connection',
        'close',
      ],
      body,
      ...(target === '/t' && { trailers: Promise.resolve(['X-Sum', '7']) }),
    };
  });
  const reply = await client.send(call({ target: '/a?b', body: Buffer.from('hello') }));
  assert.ok(reply.body instanceof Uint8Array);
  assert.equal(await textOf(reply), 'hello');
  assert.deepEqual(reply.headers.slice(0, 6), ['x-seen', 'POST /a?b agent.test', 'x-two', 'a', 'x-two', 'b']);
  assert.equal(reply.headers.includes('connection'), false);
  assert.equal(reply.trailers, undefined);
  const trailed = await client.send(call({ target: '/t', body: Buffer.from('hello') }));
  assert.equal(await textOf(trailed), 'hello');
  assert.deepEqual(await trailed.trailers, ['x-sum', '7']);
  const prefixed = clientFor(t, `${url}/base/`);
  const other = await prefixed.send(call({ target: '/x', body: Buffer.alloc(60_000) }));
  assert.deepEqual([other.headers[1], (await textOf(other)).length], ['POST /base/x agent.test', 60_000]);
});

test('a reply without a body or trailers ends with its headers', async (t) => {
  const { client } = await pair(t, async () => ({ status: 200, headers: ['grpc-status', '5'], body: null }));
  const reply = await client.send(call());
  assert.deepEqual([reply.body, reply.trailers, reply.headers.slice(0, 2)], [null, undefined, ['grpc-status', '5']]);
  const head = await client.send(call({ method: 'HEAD' }));
  assert.equal(head.body, null);
});

test('bodies stream both ways at once, with trailers both ways', async (t) => {
  const { client } = await pair(t, async ({ body, trailers = Promise.resolve([]) }) => ({
    status: 200,
    headers: [],
    body,
    trailers: trailers.then((fields) => [...fields, 'x-back', '1']),
  }));
  const turns: string[] = [];
  let next: (() => void) | undefined;
  const reply = await client.send(
    call({
      body: (async function* () {
        for (const text of ['one', 'two', 'three']) {
          yield Buffer.from(text);
          await new Promise<void>((resolve) => {
            next = resolve;
          });
        }
      })(),
      trailers: Promise.resolve(['x-there', '2']),
    }),
  );
  assert.ok(reply.body !== null && !(reply.body instanceof Uint8Array));
  for await (const chunk of reply.body) {
    turns.push(Buffer.from(chunk).toString());
    next?.();
  }
  assert.deepEqual(turns, ['one', 'two', 'three']);
  assert.deepEqual(await reply.trailers, ['x-there', '2', 'x-back', '1']);
});

test('5 MB both ways, and a thousand calls at once', async (t) => {
  const { client } = await pair(t, async ({ body }) => ({ status: 200, headers: [], body }));
  const big = Buffer.alloc(5 * 2 ** 20, 'x');
  const reply = await client.send(call({ body: big }));
  assert.ok(big.equals(await readBody(reply.body, 1e8)));
  const replies = await Promise.all(
    Array.from({ length: 1_000 }, (_, i) => client.send(call({ body: chunks(`a${i}`, 'b') })).then(textOf)),
  );
  assert.deepEqual(
    replies.filter((text, i) => text !== `a${i}b`),
    [],
  );
});

test('as many connections as the limit on streams asks for, and no more', async (t) => {
  const open = new Set<ServerHttp2Stream>();
  const { sessions, url } = await nodeServer(
    t,
    (stream) => {
      open.add(stream);
    },
    { maxConcurrentStreams: 10 },
  );
  const client = clientFor(t, url);
  const replies = Array.from({ length: 25 }, () => client.send(call()));
  await until(() => open.size === 25, 'all requests to arrive');
  assert.equal(sessions.length, 3);
  const answer = (): void => {
    for (const stream of open) stream.respond({}, { endStream: true });
    open.clear();
  };
  answer();
  await Promise.all(replies);
  const many = Array.from({ length: 300 }, () => client.send(call()));
  await until(() => open.size === 160, 'every connection to be full');
  const answering = setInterval(answer, 5);
  await Promise.all(many).finally(() => clearInterval(answering));
  assert.equal(sessions.length, 16);
});

test('a server that says GOAWAY: what it has is finished, what comes next goes elsewhere', async (t) => {
  const waiting: ServerHttp2Stream[] = [];
  const { sessions, url } = await nodeServer(t, (stream, path) => {
    if (path === '/wait') waiting.push(stream);
    else stream.respond({}, { endStream: true });
  });
  const client = clientFor(t, url);
  const first = client.send(call({ target: '/wait' }));
  await until(() => waiting[0], 'the first');
  sessions[0]?.close();
  await until(async () => {
    await client.send(call());
    return sessions.length === 2;
  }, 'a second connection');
  waiting[0]?.respond({});
  waiting[0]?.end('late');
  assert.equal(await textOf(await first), 'late');
});

test('what the server has not looked at may be sent again, and nothing else', async (t) => {
  const { sessions, url } = await nodeServer(t, (stream, path) => {
    const { session } = stream;
    if (path === '/refuse') stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else if (path === '/reset') stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    else if (path === '/cancel') stream.destroy();
    else if (path === '/cut') session?.destroy();
    else if (path === '/goaway') {
      // The last stream it looked at is the one before.
      session?.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, (stream.id ?? 0) - 2);
    } else stream.respond({}, { endStream: true });
  });
  const client = clientFor(t, url);
  const told: Record<string, [string, boolean]> = {};
  for (const target of ['/refuse', '/reset', '/cancel', '/cut', '/goaway']) {
    await client.send(call({ target: '/fine' }));
    // Of a stream nobody knows how much is left of it, so that the client does not send it again by itself.
    const error = await failure(client.send(call({ target, body: chunks('x') })));
    told[target] = [error.code, wasNotSent(error)];
  }
  assert.deepEqual(told, {
    '/refuse': ['unreachable', true],
    '/reset': ['unreachable', false],
    '/cancel': ['unreachable', false],
    '/cut': ['unreachable', false],
    '/goaway': ['unreachable', true],
  });
  // Still of use.
  assert.equal((await client.send(call())).status, 200);
  assert.equal(sessions.length, 3);
});

test('no connection: refused, not HTTP/2, or without a word', async (t) => {
  const sockets = new Set<Socket>();
  const tcp = async (answer?: string): Promise<string> => {
    const server = createTcpServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      if (answer !== undefined) socket.end(answer);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  const urls = [
    'http://127.0.0.1:1',
    await tcp('HTTP/1.1 400 Bad Request\r\n\r\n'),
    await tcp(''),
    await tcp(),
    'https://127.0.0.1:1',
  ];
  for (const url of urls) {
    const client = clientFor(t, url, { connectTimeoutMs: 200 });
    let pulled = 0;
    const error = await failure(
      client.send(
        call({
          body: (async function* () {
            pulled++;
            yield Buffer.from('x');
          })(),
        }),
      ),
    );
    assert.deepEqual([error.code, wasNotSent(error), pulled], ['unreachable', true, 0], url);
    assert.doesNotMatch(error.message, /127/);
  }
});

/** HTTP/2 by hand: acknowledges settings, then does what `onHeaders` says with each stream. */
async function rawServer(t: TestContext, onHeaders: (socket: Socket, stream: number) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.write(Buffer.concat([frame(TYPE.settings, 0, 0), frame(TYPE.settings, FLAG.ack, 0)]));
    let rest = Buffer.alloc(0);
    let begun = false;
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      if (!begun && rest.length < 24) return;
      if (!begun) rest = rest.subarray(24);
      begun = true;
      while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
        if (rest.readUInt8(3) === TYPE.headers) onHeaders(socket, rest.readUInt32BE(5));
        rest = rest.subarray(9 + rest.readUIntBE(0, 3));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const HEAD = (stream: number): Buffer =>
  frame(TYPE.headers, FLAG.endHeaders, stream, headerBlock([[':status', '200']]));

test('a reply that ends without its end is broken off, whatever the server calls it', async (t) => {
  for (const code of [
    constants.NGHTTP2_NO_ERROR,
    constants.NGHTTP2_CANCEL,
    constants.NGHTTP2_INTERNAL_ERROR,
    'close',
  ]) {
    const url = await rawServer(t, (socket, stream) => {
      socket.write(Buffer.concat([HEAD(stream), frame(TYPE.data, 0, stream, Buffer.from('half'))]));
      setTimeout(() => {
        const payload = Buffer.alloc(4);
        if (typeof code === 'string') {
          socket.end();
          return;
        }
        payload.writeUInt32BE(code);
        socket.write(frame(TYPE.rstStream, 0, stream, payload));
      }, 50);
    });
    const client = clientFor(t, url);
    for (const body of [null, Buffer.from('x')]) {
      const reply = await client.send(call({ body }));
      const error = await failure(textOf(reply));
      assert.deepEqual([error.code, wasNotSent(error)], ['unreachable', false], String(code));
      assert.deepEqual(await reply.trailers, []);
    }
  }
});

test('a reply that is whole stays so, though a reset comes right behind it', async (t) => {
  for (const code of [constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_CANCEL, constants.NGHTTP2_INTERNAL_ERROR]) {
    for (const together of [true, false]) {
      const url = await rawServer(t, (socket, stream) => {
        const end = [
          frame(TYPE.data, 0, stream, Buffer.from('whole')),
          frame(TYPE.headers, FLAG.endHeaders | FLAG.endStream, stream, headerBlock([['grpc-status', '9']])),
          frame(TYPE.rstStream, 0, stream, Buffer.from([0, 0, 0, code])),
        ];
        socket.write(together ? Buffer.concat([HEAD(stream), ...end]) : HEAD(stream));
        if (!together) setTimeout(() => socket.write(Buffer.concat(end)), 20);
      });
      const client = clientFor(t, url);
      for (const headers of [
        ['content-type', 'application/grpc'],
        ['content-type', 'text/plain'],
      ]) {
        const endless = (async function* () {
          for (;;) {
            yield Buffer.from('x');
            await sleep(5);
          }
        })();
        for (const body of [null, Buffer.from('x'), endless]) {
          const reply = await client.send(call({ headers, body }));
          await sleep(20);
          assert.equal(await textOf(reply), 'whole');
          assert.deepEqual(await reply.trailers, ['grpc-status', '9']);
        }
      }
    }
  }
});

test('a server that vanishes without a word is found out by a ping, and one that is only slow is not', async (t) => {
  const mute = await rawServer(t, (socket, stream) => void socket.write(HEAD(stream)));
  const dying = clientFor(t, mute, { pingAfterMs: 100 });
  const reply = await dying.send(call());
  const began = performance.now();
  assert.equal((await failure(textOf(reply))).code, 'unreachable');
  assert.ok(performance.now() - began < 3_000);

  const { client } = await pair(
    t,
    async () => {
      await sleep(1_000);
      return { status: 200, headers: [], body: null };
    },
    { pingAfterMs: 50 },
  );
  assert.equal((await client.send(call())).status, 200);
});

test('timeouts: for the answer to begin, and between its pieces; a slow reader is none', async (t) => {
  const { client, listener } = await pair(
    t,
    async ({ target, signal, body }) => {
      if (target === '/never') {
        await readBody(body, 100);
        await once(signal, 'abort');
      }
      return {
        status: 200,
        headers: [],
        body: (async function* () {
          yield Buffer.alloc(500_000);
          if (target === '/stops') await once(signal, 'abort');
          yield Buffer.alloc(500_000);
        })(),
      };
    },
    { responseTimeoutMs: 400, idleTimeoutMs: 400 },
  );
  const began = performance.now();
  // From the end of the request: its body takes longer than the timeout.
  const slowly = (async function* () {
    for (let i = 0; i < 6; i++) {
      yield Buffer.from('x');
      await sleep(100);
    }
  })();
  assert.equal((await failure(client.send(call({ target: '/never', body: slowly })))).code, 'timeout');
  assert.ok(performance.now() - began >= 900);
  assert.equal((await failure(client.send(call({ target: '/stops' })).then(textOf))).code, 'timeout');
  const reply = await client.send(call());
  await sleep(1_000);
  assert.equal((await textOf(reply)).length, 1_000_000);
  await until(() => listener.active() === 0, 'nothing to be left');
});

test('leaving: before, while waiting, in the middle of the reply or of the request', async (t) => {
  const seen: InboundCall[] = [];
  const bodies: string[] = [];
  const { client, listener } = await pair(t, async (inbound) => {
    seen.push(inbound);
    if (inbound.target === '/stream') {
      return {
        status: 200,
        headers: [],
        body: (async function* () {
          for (;;) {
            yield Buffer.from('x');
            await sleep(5);
          }
        })(),
      };
    }
    await readBody(inbound.body, 1e6).then(
      () => bodies.push('whole'),
      () => bodies.push('cut'),
    );
    await once(inbound.signal, 'abort');
    return { status: 200, headers: [], body: null };
  });
  assert.equal((await failure(client.send(call({ signal: AbortSignal.abort() })))).code, 'cancelled');
  assert.equal(seen.length, 0);

  const leaving = async (
    init: Partial<Call>,
    index: number,
    after: (reply: Promise<Reply>) => Promise<unknown>,
  ): Promise<void> => {
    const leave = new AbortController();
    const reply = client.send(call({ ...init, signal: leave.signal }));
    reply.catch(() => undefined);
    const inbound = await until(() => seen[index], 'the call');
    const waiting = after(reply);
    waiting.catch(() => undefined);
    await sleep(20);
    const began = performance.now();
    leave.abort();
    assert.equal((await failure(waiting)).code, 'cancelled');
    await until(() => inbound.signal.aborted, 'the far side to know', 1_000, 1);
    assert.ok(performance.now() - began < 500);
  };
  await leaving({}, 0, (reply) => reply);
  await leaving({ target: '/stream' }, 1, (reply) => reply.then(textOf));
  let returned = false;
  const endless: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        await sleep(5);
        return { done: false, value: Buffer.from('x') };
      },
      return: async () => {
        returned = true;
        return { done: true, value: undefined };
      },
    }),
  };
  await leaving({ body: endless }, 2, (reply) => reply);
  await until(() => returned, 'the body to be given up');
  // What was cut off never passes for the whole.
  assert.deepEqual(bodies, ['whole', 'cut']);

  const given = await client.send(call({ target: '/stream' }));
  await cancelBody(given.body);
  await until(() => seen[3]?.signal.aborted, 'the far side to know that nobody reads');
  await until(() => listener.active() === 0, 'nothing to be left');
});

test('a request body that fails fails the call, and never passes for the whole', async (t) => {
  let outcome = '';
  const { client, listener } = await pair(t, async ({ body }) => {
    await readBody(body, 1e6).then(
      () => (outcome = 'whole'),
      () => (outcome = 'cut'),
    );
    return { status: 200, headers: [], body: null };
  });
  const error = await failure(
    client.send(
      call({
        body: (async function* () {
          yield Buffer.from('half');
          await sleep(50);
          throw new OutriderError('blocked', 'blocked by guardrail x');
        })(),
      }),
    ),
  );
  assert.equal(error.code, 'blocked');
  await until(() => outcome !== '', 'the far side');
  assert.equal(outcome, 'cut');
  await until(() => listener.active() === 0, 'nothing to be left');
});

test('a far side that does not read slows the body', async (t) => {
  const { client } = await pair(t, async ({ signal }) => {
    await once(signal, 'abort');
    return { status: 200, headers: [], body: null };
  });
  let given = 0;
  const leave = new AbortController();
  const reply = client.send(
    call({
      signal: leave.signal,
      body: (async function* () {
        while (given < 64 * 2 ** 20) {
          given += 65_536;
          yield Buffer.alloc(65_536);
        }
      })(),
    }),
  );
  let last = -1;
  await until(() => last === (last = given) && given > 0, 'it to stand still', 5_000, 200);
  assert.ok(given < 2_000_000, `${given} bytes`);
  leave.abort();
  assert.equal((await failure(reply)).code, 'cancelled');
});

test('many calls that are left, broken off or refused leave nothing behind', async (t) => {
  const { client, listener } = await pair(t, async ({ target, signal }) => {
    if (target === '/throw') throw new Error('x');
    if (target === '/wait') await once(signal, 'abort');
    return { status: 200, headers: [], body: chunks('a', 'b', 'c', 'd') };
  });
  for (let round = 0; round < 5; round++) {
    await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const leave = new AbortController();
        const target = ['/', '/wait', '/throw', '/'][i % 4] ?? '/';
        const sending = client.send(call({ target, signal: leave.signal }));
        if (target === '/wait') setTimeout(() => leave.abort(), 5);
        const reply = await sending.catch(() => undefined);
        if (reply !== undefined && i % 8 === 0) await cancelBody(reply.body);
        else if (reply !== undefined) await textOf(reply);
      }),
    );
  }
  await until(() => listener.active() === 0, 'nothing to be left');
  assert.equal(await textOf(await client.send(call())), 'abcd');
});

test('a reply that has come whole is whole, whatever happens to the connection before it is read', async (t) => {
  const { url, sessions } = await nodeServer(t, (stream) => {
    stream.respond({}, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }));
    stream.write('first ');
    setTimeout(() => stream.end(Buffer.alloc(100_000, 'x')), 50);
  });
  const client = clientFor(t, url);
  const reply = await client.send(call());
  assert.deepEqual(await reply.trailers, ['x-sum', '1']);
  for (const session of sessions) session.destroy();
  await sleep(100);
  assert.equal((await textOf(reply)).length, 100_006);
  // One that nobody reads holds nothing up either.
  const unread = await client.send(call());
  await unread.trailers;
  await cancelBody(unread.body);
  assert.equal((await textOf(await client.send(call()))).length, 100_006);
});

test('a program with an idle connection ends by itself', async (t) => {
  const { url } = await pair(t, async ({ target }) => ({
    status: 200,
    headers: [],
    body: target === '/stream' ? chunks('never', 'read') : Buffer.from('hi'),
  }));
  const script = `
    const { http2Client } = await import('./src/net/http2-client.ts');
    const client = http2Client('${url}', { name: 'x', connectTimeoutMs: 1000, responseTimeoutMs: 60000, idleTimeoutMs: 60000 });
    const call = { method: 'GET', target: '/', headers: [], body: null, signal: new AbortController().signal };
    const unread = await client.send({ ...call, target: '/stream' });
    await unread.trailers;
    const { body } = await client.send(call);
    console.log(Buffer.from(body).toString());`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
  const [code] = await once(child, 'close');
  clearTimeout(late);
  assert.deepEqual([code, out], [0, 'hi\n']);
});

test('after close nothing is sent, and what was in flight fails', async (t) => {
  const { client } = await pair(t, async ({ signal }) => {
    await once(signal, 'abort');
    return { status: 200, headers: [], body: null };
  });
  const pending = client.send(call());
  await sleep(100);
  await client.close();
  assert.equal((await failure(pending)).code, 'unreachable');
  const error = await failure(client.send(call()));
  assert.equal(error.code, 'unreachable');
});
