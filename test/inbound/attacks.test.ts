import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { serve } from '../support/agent.ts';
import { type Outrider, startOutrider, TOKEN } from '../support/outrider.ts';
import { raw } from '../support/raw.ts';

const AUTH = `Authorization: Bearer ${TOKEN}\r\n`;
const LIMIT = 3;

let server: Server;
let close: () => Promise<void>;
let outrider: Outrider;
/** Everything that the raw agent below was sent. */
let wire = '';

before(async () => {
  server = createServer((request, response) => {
    request.resume();
    if (request.url === '/trailers' && request.method === 'HEAD') {
      request.socket.end(
        'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n',
      );
    } else if (request.url === '/trailers') {
      response.writeHead(200, { Trailer: 'X-Sum' });
      response.write('body');
      response.addTrailers({ 'X-Sum': '1' });
      response.end();
    } else if (request.url === '/odd') {
      request.socket.end('HTTP/1.1 204 No Content\r\nTrailer: X-Sum\r\n\r\n');
    } else response.end('ok');
  });
  const served = await serve(server);
  close = () => served.close();
  outrider = await startOutrider({
    agentUrl: served.url,
    config: `limits: { concurrent_requests: ${LIMIT} }\ntimeouts: { idle: 1500ms }`,
  });
});
after(async () => {
  await close();
  await outrider.stop();
});

/** Listens on a free port; gives the URL. */
async function listening(agent: TcpServer): Promise<string> {
  agent.listen(0, '127.0.0.1');
  await once(agent, 'listening');
  const address = agent.address();
  assert.ok(typeof address === 'object' && address !== null);
  return `http://127.0.0.1:${address.port}`;
}

/** Runs against an agent that keeps every byte it is sent and answers each connection once. */
async function withRawAgent(run: (sidecar: Outrider) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const agent = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      wire += chunk.toString('latin1');
      if (/\r\n\r\n/.test(wire)) setTimeout(() => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'), 100);
    });
  });
  const agentUrl = await listening(agent);
  const sidecar = await startOutrider({ agentUrl });
  try {
    await run(sidecar);
  } finally {
    await sidecar.stop();
    for (const socket of sockets) socket.destroy();
    agent.close();
  }
}

async function stillAdmits(): Promise<void> {
  for (let i = 0; i < LIMIT + 1; i++) {
    const reply = await fetch(`${outrider.inbound}/x`, { headers: { authorization: `Bearer ${TOKEN}` } });
    assert.equal(reply.status, 200, await reply.text());
  }
}

test('a reply that cannot carry its trailers is sent without them, and gives its place back', async () => {
  for (let i = 0; i < LIMIT + 1; i++) {
    const old = await raw(outrider.inbound, `GET /trailers HTTP/1.0\r\nHost: a\r\n${AUTH}\r\n`);
    assert.match(old.text, /^HTTP\/1\.1 200 [\s\S]*\r\n\r\nbody$/);
    assert.doesNotMatch(old.text, /trailer|X-Sum/i);
    const head = await raw(outrider.inbound, `HEAD /trailers HTTP/1.1\r\nHost: a\r\n${AUTH}Connection: close\r\n\r\n`);
    assert.equal(head.status, 200);
    const odd = await raw(outrider.inbound, `GET /odd HTTP/1.1\r\nHost: a\r\n${AUTH}Connection: close\r\n\r\n`);
    assert.equal(odd.status, 204);
  }
  await stillAdmits();
});

test('callers that leave in the middle give their place back, and are nobody here at fault', async () => {
  const port = Number(new URL(outrider.inbound).port);
  for (let i = 0; i < 30; i++) {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(`POST /x HTTP/1.1\r\nHost: a\r\n${AUTH}Content-Type: text/plain\r\nContent-Length: 100\r\n\r\nabc`);
    await delay(5);
    if (i % 2 === 0) socket.destroy();
    else socket.resetAndDestroy();
  }
  await delay(200);
  await stillAdmits();
  assert.deepEqual(
    outrider.logs().filter(({ level }) => level === 'error'),
    [],
  );
});

test('a body with trailers is always framed, so that nothing in it is taken for a request', async () => {
  const inner = 'GET /smuggled HTTP/1.1\r\nHost: a\r\nX-Outrider-Principal: root\r\n\r\n';
  for (const method of ['GET', 'DELETE', 'OPTIONS', 'POST']) {
    for (const connection of ['', 'Connection: Trailer\r\n']) {
      await withRawAgent(async (sidecar) => {
        wire = '';
        await raw(
          sidecar.inbound,
          `${method} /x HTTP/1.1\r\nHost: a\r\n${AUTH}${connection}Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n${inner.length.toString(16)}\r\n${inner}\r\n0\r\nX-A: 1\r\n\r\n`,
          { until: /ok$/ },
        );
        const head = wire.slice(0, wire.indexOf('\r\n\r\n') + 2);
        assert.match(
          head,
          /\r\n(transfer-encoding: chunked|content-length: \d+)\r\n/i,
          `${method} ${connection}${wire}`,
        );
      });
    }
  }
});

test('trailers are held to the header-trust table', async () => {
  await withRawAgent(async (sidecar) => {
    wire = '';
    await raw(
      sidecar.inbound,
      `POST /x HTTP/1.1\r\nHost: a\r\n${AUTH}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\nX-Forwarded-For: 6.6.6.6\r\nAuthorization: Bearer x\r\nX-Outrider-Principal: root\r\nX_Real_IP: 6.6.6.6\r\n\r\n`,
      { until: /ok$/ },
    );
    const trailers = wire.slice(wire.indexOf('\r\n0\r\n'));
    assert.match(trailers, /X-Sum: 1/);
    assert.doesNotMatch(trailers, /6\.6\.6\.6|Bearer|root/i);
  });
});

test('names with underscores, which CGI and WSGI take for the same, are not let past', async () => {
  await withRawAgent(async (sidecar) => {
    wire = '';
    await raw(
      sidecar.inbound,
      `GET /x HTTP/1.1\r\nHost: a\r\n${AUTH}X_Forwarded_For: 6.6.6.6\r\nx_outrider_principal: root\r\nX_REAL_IP: 6.6.6.6\r\nX_Mine: kept\r\n\r\n`,
      { until: /ok$/ },
    );
    assert.doesNotMatch(wire, /6\.6\.6\.6|root/);
    assert.match(wire, /X_Mine: kept/);
  });
});

test('trailers that were not announced reach the caller too', async () => {
  const agent = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () =>
      socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n'),
    );
  });
  const agentUrl = await listening(agent);
  const sidecar = await startOutrider({ agentUrl });
  try {
    const reply = await raw(sidecar.inbound, `GET /x HTTP/1.1\r\nHost: a\r\n${AUTH}Connection: close\r\n\r\n`);
    assert.match(reply.text, /\r\n0\r\nX-Sum: 1\r\n\r\n$/i);
  } finally {
    await sidecar.stop();
    agent.close();
  }
});

const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

test('a refused upgrade whose caller does not close holds up nothing', async () => {
  const sidecar = await startOutrider();
  const socket = connect({ port: Number(new URL(sidecar.inbound).port), host: '127.0.0.1', allowHalfOpen: true });
  try {
    await once(socket, 'connect');
    socket.write(`GET /ws HTTP/1.1\r\nHost: a\r\n${UPGRADE}\r\n`);
    assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 401 /);
    const begun = performance.now();
    sidecar.process.signal('SIGTERM');
    assert.equal((await sidecar.process.exited).code, 0);
    assert.ok(performance.now() - begun < 5_000);
  } finally {
    socket.destroy();
    await sidecar.stop();
  }
});

test('an upgrade whose caller leaves before the answer is cancelled, and a silent one ends after the idle time', async () => {
  const upgraded: Socket[] = [];
  let answers = false;
  const agent = createTcpServer((socket) => {
    upgraded.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => {
      if (answers)
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    });
  });
  const agentUrl = await listening(agent);
  const sidecar = await startOutrider({
    agentUrl,
    config: 'timeouts: { idle: 1s }',
  });
  const open = async (): Promise<Socket> => {
    const socket = connect({ port: Number(new URL(sidecar.inbound).port), host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    socket.on('error', () => undefined);
    socket.write(`GET /ws HTTP/1.1\r\nHost: a\r\n${AUTH}${UPGRADE}\r\n`);
    await once(agent, 'connection');
    return socket;
  };
  try {
    const leaving = await open();
    leaving.end();
    await once(upgraded[0] as Socket, 'close');
    leaving.destroy();

    answers = true;
    const silent = await open();
    silent.resume();
    await once(silent, 'end');
    silent.destroy();
  } finally {
    await sidecar.stop();
    for (const socket of upgraded) socket.destroy();
    agent.close();
  }
});

test('an agent that only sends informational responses is given up', async () => {
  const agent = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    const timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 20);
    socket.on('close', () => clearInterval(timer));
  });
  const agentUrl = await listening(agent);
  const sidecar = await startOutrider({ agentUrl });
  try {
    const reply = await raw(sidecar.inbound, `GET /x HTTP/1.1\r\nHost: a\r\n${AUTH}Connection: close\r\n\r\n`);
    assert.equal(reply.status, 502);
  } finally {
    await sidecar.stop();
    agent.close();
  }
});

test('OPTIONS * reaches the agent as it is', async () => {
  await withRawAgent(async (sidecar) => {
    wire = '';
    const reply = await raw(sidecar.inbound, `OPTIONS * HTTP/1.1\r\nHost: a\r\n${AUTH}\r\n`, { until: /ok$/ });
    assert.equal(reply.status, 200);
    assert.match(wire, /^OPTIONS \* HTTP\/1\.1\r\n/);
  });
});
