import assert from 'node:assert/strict';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { httpProbe } from './http-probe.ts';
import { statusOf } from './status-of.ts';

async function portOf(t: TestContext, server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  // Listening on TCP, so that the address is an object.
  return (server.address() as AddressInfo).port;
}

/** A server that says these bytes to whoever connects, and nothing after them. */
async function saying(t: TestContext, say: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.resume();
    say(socket);
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${await portOf(t, server)}/`;
}

test('2xx and 3xx are yes, all else is no, and no redirect is followed', async (t) => {
  const asked: string[] = [];
  const server = createServer((request, response: ServerResponse) => {
    asked.push(request.url ?? '');
    const status = Number(/\d+/.exec(request.url ?? '')?.[0]);
    response.writeHead(status, status < 400 && status >= 300 ? { Location: '/500' } : {}).end();
  });
  const url = `http://127.0.0.1:${await portOf(t, server)}`;
  for (const [status, answer] of [
    [200, true],
    [204, true],
    [302, true],
    [399, true],
    [400, false],
    [401, false],
    [503, false],
  ] as const) {
    assert.equal(await httpProbe(`${url}/${status}?x=1`)(), answer, String(status));
  }
  assert.equal(asked.includes('/500'), false);
  assert.equal(asked[0], '/200?x=1');
});

test('the agent is asked by its own name, on a connection that ends with the answer', async (t) => {
  let headers: string[] = [];
  const server = createServer((request, response) => {
    headers = request.rawHeaders;
    response.end('ok');
  });
  const port = await portOf(t, server);
  assert.equal(await statusOf(`http://127.0.0.1:${port}/`, 1_000), 200);
  const asked = ['Accept', '*/*', 'User-Agent', 'outrider-probe', 'Connection', 'close', 'Host', `127.0.0.1:${port}`];
  assert.deepEqual(headers, asked);
  await sleep(20);
  const left = await new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
  assert.equal(left, 0);
});

test('whoever does not answer, answers bit by bit, without end or not in HTTP, is given up in time', async (t) => {
  const silent = await saying(t, () => undefined);
  const slow = await saying(t, (socket) => {
    const timer = setInterval(() => socket.write('H'), 50);
    socket.on('close', () => clearInterval(timer));
  });
  const loud = await saying(t, (socket) => {
    const more = (): void => {
      while (socket.writable && socket.write('HTTP/1.1 200 OK\r\nX: '.padEnd(64_000, 'x')));
    };
    socket.on('drain', more);
    more();
  });
  const rude = await saying(t, (socket) => socket.end('220 mail.example ESMTP\r\n'));
  const switched = await saying(t, (socket) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
  );
  const continued = await saying(t, (socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\n'));
  const gone = await saying(t, (socket) => socket.resetAndDestroy());
  for (const url of [silent, slow, loud, rude, switched, continued, gone, 'http://127.0.0.1:1/']) {
    const begun = performance.now();
    assert.equal(await httpProbe(url, { timeoutMs: 300 })(), false, url);
    assert.ok(performance.now() - begun < 1_000, url);
  }
  await assert.rejects(statusOf(silent, 100), /no answer within 100 ms/);
});

test('of a body without end little is read, and the connection does not stay', async (t) => {
  let sent = 0;
  const closed = Promise.withResolvers<void>();
  const url = await saying(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
    const more = (): void => {
      do sent += chunk.length;
      while (socket.writable && socket.write(chunk));
    };
    socket.on('drain', more);
    socket.on('close', () => closed.resolve());
    more();
  });
  assert.equal(await httpProbe(url)(), true);
  await closed.promise;
  // What the buffers of the system hold, besides the bound.
  assert.ok(sent < 16 * 2 ** 20, `${sent} bytes`);

  const quiet = Promise.withResolvers<void>();
  const stuck = await saying(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n');
    socket.on('close', () => quiet.resolve());
  });
  assert.equal(await httpProbe(stuck, { timeoutMs: 200 })(), true);
  await quiet.promise;
});

test('who asks at once shares an answer, which is kept for a while', async (t) => {
  let count = 0;
  const server = createServer((_request, response) => {
    count++;
    setTimeout(() => response.end(), 30);
  });
  const url = `http://127.0.0.1:${await portOf(t, server)}/`;
  const ask = httpProbe(url, { keepMs: 100 });
  assert.deepEqual(await Promise.all([ask(), ask(), ask()]), [true, true, true]);
  assert.equal(await ask(), true);
  assert.equal(count, 1);
  await sleep(150);
  assert.equal(await ask(), true);
  assert.equal(count, 2);
});
