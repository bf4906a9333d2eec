import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { serve, startAgent } from '../support/agent.ts';
import { type Outrider, startOutrider, TOKEN } from '../support/outrider.ts';
import { raw } from '../support/raw.ts';

const AUTH = { authorization: `Bearer ${TOKEN}` };

let server: Server;
let close: () => Promise<void>;
let outrider: Outrider;
/** Set by requests to the paths below, so that tests can look at the agent's side. */
const agentSide = { cancelled: 0, uploaded: 0, hash: '', trailers: [] as string[], targets: [] as string[] };

before(async () => {
  server = createServer((req, res) => {
    agentSide.targets.push(req.url ?? '');
    res.on('close', () => {
      if (!res.writableFinished) agentSide.cancelled++;
    });
    const path = new URL(req.url ?? '', 'http://x').pathname;
    if (path === '/sse') {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      res.write('data: 1\n\n');
      server.once('next', () => {
        res.write('data: 2\n\n');
        server.once('next', () => res.end('data: 3\n\n'));
      });
    } else if (path === '/forever') {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      res.write('data: first\n\n');
    } else if (path === '/silent') {
      req.resume();
    } else if (path === '/upload') {
      const hash = createHash('sha256');
      agentSide.uploaded = 0;
      req.on('data', (chunk: Buffer) => {
        agentSide.uploaded += chunk.length;
        hash.update(chunk);
      });
      req.on('end', () => {
        agentSide.trailers = req.rawTrailers;
        agentSide.hash = hash.digest('hex');
        res.end(agentSide.hash);
      });
    } else if (path === '/trailers') {
      res.writeHead(200, { Trailer: 'X-Checksum' });
      res.write('body');
      res.addTrailers({ 'X-Checksum': 'abc' });
      res.end();
    } else if (path === '/flood') {
      res.writeHead(200, { 'Content-Type': 'application/octet-stream' });
      let sent = 0;
      const chunk = Buffer.alloc(64 * 1024);
      const more = (): void => {
        while (sent < 64 * 2 ** 20) {
          sent += chunk.length;
          agentSide.uploaded = sent;
          if (!res.write(chunk)) {
            res.once('drain', more);
            return;
          }
        }
        res.end();
      };
      more();
    } else if (path === '/cut') {
      res.writeHead(200, { 'Content-Length': '100' });
      res.write('part');
      setTimeout(() => res.destroy(), 50);
    } else if (path === '/status') {
      const status = Number(new URL(req.url ?? '', 'http://x').searchParams.get('code'));
      res.writeHead(status, status === 304 ? { ETag: '"x"' } : {});
      res.end();
    } else {
      req.pipe(res);
    }
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (req, socket, head) => {
    if (req.url === '/refused') {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
      return;
    }
    sockets.handleUpgrade(req, socket, head, (ws) => {
      ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
      ws.on('close', () => agentSide.targets.push('ws closed'));
    });
  });
  const served = await serve(server);
  close = () => served.close();
  outrider = await startOutrider({
    agentUrl: served.url,
    config: 'timeouts: { agent_response: 1s, idle: 1500ms, agent_connect: 1s }',
  });
});
after(async () => {
  await close();
  await outrider.stop();
});

test('paths and queries reach the agent byte for byte', async () => {
  for (const target of ['/a%2Fb//c/../d?x=%20&y=+#', '/%zz', '/ü?ü'.normalize(), '/?', '/a?b?c', '/;v=1/x,y']) {
    const ascii = Buffer.from(target.replace('#', ''))
      .toString('latin1')
      .replaceAll(/[^\x21-\x7e]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
    const reply = await raw(
      outrider.inbound,
      `GET ${ascii} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: close\r\n\r\n`,
    );
    assert.equal(reply.status, 200, ascii);
    assert.equal(agentSide.targets.at(-1), ascii);
  }
});

test('the absolute form of the same host is taken as its path', async () => {
  const reply = await raw(
    outrider.inbound,
    `GET http://a.b/p?q HTTP/1.1\r\nHost: a.b\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: close\r\n\r\n`,
  );
  assert.equal(reply.status, 200);
  assert.equal(agentSide.targets.at(-1), '/p?q');
});

test('every method is forwarded, with and without a body', async () => {
  for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'POST']) {
    const body = method === 'GET' ? undefined : 'text';
    const reply = await fetch(`${outrider.inbound}/echo`, { method, headers: AUTH, ...(body && { body }) });
    assert.equal(reply.status, 200, method);
    assert.equal(await reply.text(), body ?? '');
  }
  const head = await fetch(`${outrider.inbound}/echo`, { method: 'HEAD', headers: AUTH });
  assert.equal(head.status, 200);
});

test('statuses without a body stay so', async () => {
  for (const code of [204, 304, 201, 404, 500]) {
    const reply = await fetch(`${outrider.inbound}/status?code=${code}`, { headers: AUTH });
    assert.equal(reply.status, code);
    assert.equal(await reply.text(), '');
  }
});

test('server-sent events arrive one by one, as the agent sends them', async () => {
  const reply = await fetch(`${outrider.inbound}/sse`, { headers: AUTH });
  const reader = reply.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.ok(reader);
  for (const n of [1, 2, 3]) {
    // The next event is only sent once this one has been seen: a proxy that buffers would hang here.
    assert.deepEqual(await reader.read(), { done: false, value: `data: ${n}\n\n` });
    server.emit('next');
  }
  assert.equal((await reader.read()).done, true);
});

test("the caller's leaving cancels the agent's request", async () => {
  for (const path of ['/forever', '/silent']) {
    const before = agentSide.cancelled;
    const giveUp = new AbortController();
    const call = fetch(outrider.inbound + path, { headers: AUTH, signal: giveUp.signal });
    if (path === '/forever') await call;
    else {
      call.catch(() => undefined);
      await delay(100);
    }
    giveUp.abort();
    for (let i = 0; i < 40 && agentSide.cancelled === before; i++) await delay(25);
    assert.equal(agentSide.cancelled, before + 1, path);
  }
});

test('a large upload streams through, unbuffered and unchanged', async () => {
  const size = 48 * 2 ** 20;
  const hash = createHash('sha256');
  const upload = request(`${outrider.inbound}/upload`, {
    method: 'POST',
    headers: { ...AUTH, 'Content-Type': 'application/octet-stream', 'Content-Length': size },
  });
  const chunk = randomBytes(2 ** 20);
  for (let sent = 0; sent < size; sent += chunk.length) {
    hash.update(chunk);
    if (!upload.write(chunk)) await once(upload, 'drain');
    // More than fits into any buffer on the way has been sent: the agent must have begun to read.
    if (sent === 32 * 2 ** 20) {
      await delay(50);
      assert.ok(agentSide.uploaded > 8 * 2 ** 20, `the agent has only seen ${agentSide.uploaded} bytes`);
    }
  }
  upload.end();
  const [reply] = (await once(upload, 'response')) as [IncomingMessage];
  reply.resume();
  await once(reply, 'end');
  assert.equal(reply.statusCode, 200);
  assert.equal(agentSide.hash, hash.digest('hex'));
});

test('a slow reader slows the agent down instead of filling memory', async () => {
  agentSide.uploaded = 0;
  const call = request(`${outrider.inbound}/flood`, { headers: AUTH });
  call.end();
  const [reply] = (await once(call, 'response')) as [IncomingMessage];
  await delay(700);
  assert.ok(agentSide.uploaded < 32 * 2 ** 20, `the agent could send ${agentSide.uploaded} bytes to nobody`);
  let size = 0;
  reply.on('data', (chunk: Buffer) => {
    size += chunk.length;
  });
  await once(reply, 'end');
  assert.equal(size, 64 * 2 ** 20);
});

test('a reader that has stopped is let go after the idle time', async () => {
  const before = agentSide.cancelled;
  const socket = connect(Number(new URL(outrider.inbound).port), '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(`GET /flood HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
  socket.pause();
  for (let i = 0; i < 200 && agentSide.cancelled === before; i++) await delay(25);
  assert.equal(agentSide.cancelled, before + 1);
  socket.destroy();
});

test('an upload that stops is answered or ended after the idle time', async () => {
  const reply = await raw(
    outrider.inbound,
    `POST /upload HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/octet-stream\r\nContent-Length: 100\r\n\r\nabc`,
    { timeoutMs: 6_000 },
  );
  assert.ok(reply.closed);
});

test('trailers pass in both directions', async () => {
  const reply = await raw(
    outrider.inbound,
    `GET /trailers HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: close\r\n\r\n`,
  );
  assert.match(reply.text, /Trailer: X-Checksum/i);
  assert.match(reply.text, /\r\n0\r\nX-Checksum: abc\r\n\r\n/i);
  const upload = await raw(
    outrider.inbound,
    `POST /upload HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${TOKEN}\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 42\r\n\r\n`,
  );
  assert.equal(upload.status, 200);
  assert.deepEqual(agentSide.trailers, ['X-Sum', '42']);
});

test('Expect: 100-continue is answered when somebody begins to read, and a refused body is never asked for', async () => {
  const head = (token: string): string =>
    `POST /upload HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nExpect: 100-continue\r\nContent-Length: 3\r\nContent-Type: application/octet-stream\r\n\r\n`;
  const welcome = await raw(outrider.inbound, head(TOKEN), { until: /100 Continue\r\n\r\n/ });
  assert.match(welcome.text, /^HTTP\/1\.1 100 Continue/);
  const refused = await raw(outrider.inbound, head('wrong'));
  assert.equal(refused.status, 401);
  assert.doesNotMatch(refused.text, /100 Continue/);
});

test('a reply that breaks off in the middle breaks off for the caller too', async () => {
  const reply = await fetch(`${outrider.inbound}/cut`, { headers: AUTH });
  assert.equal(reply.status, 200);
  await assert.rejects(reply.text());
});

test('WebSocket messages pass both ways after authentication, text and binary', async () => {
  const url = `${outrider.inbound.replace('http', 'ws')}/ws`;
  const socket = new WebSocket(url, { headers: AUTH });
  await once(socket, 'open');
  socket.send('hello');
  assert.equal(String((await once(socket, 'message'))[0]), 'hello');
  const large = randomBytes(300_000);
  socket.send(large);
  assert.deepEqual((await once(socket, 'message'))[0], large);
  socket.close();
  await once(socket, 'close');
  for (let i = 0; i < 40 && agentSide.targets.at(-1) !== 'ws closed'; i++) await delay(25);
  assert.equal(agentSide.targets.at(-1), 'ws closed');
});

test("a WebSocket without a token is 401, and the agent's refusal reaches the caller", async () => {
  const statusOf = async (path: string, headers: Record<string, string>): Promise<number> => {
    const socket = new WebSocket(outrider.inbound.replace('http', 'ws') + path, { headers });
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    socket.on('error', () => undefined);
    socket.terminate();
    return response.statusCode ?? 0;
  };
  assert.equal(await statusOf('/ws', {}), 401);
  assert.equal(await statusOf('/refused', AUTH), 403);
});

test('an agent that is silent is 504, one that is gone 502, and neither reply names an address', async () => {
  const silent = await fetch(`${outrider.inbound}/silent`, { headers: AUTH });
  assert.equal(silent.status, 504);
  const gone = await startAgent();
  await gone.close();
  const sidecar = await startOutrider({ agentUrl: gone.url });
  try {
    const reply = await fetch(`${sidecar.inbound}/x`, { headers: AUTH });
    assert.equal(reply.status, 502);
    for (const text of [await silent.text(), await reply.text()]) {
      assert.doesNotMatch(text, /127\.0\.0\.1|localhost|:\d{4}|ECONN/);
      assert.ok(['timeout', 'unreachable'].includes(JSON.parse(text).code));
    }
    const ready = await fetch(`${sidecar.inbound}/ready`);
    assert.equal(ready.status, 503);
    assert.equal(JSON.parse(await ready.text()).code, 'not_ready');
  } finally {
    await sidecar.stop();
  }
});
