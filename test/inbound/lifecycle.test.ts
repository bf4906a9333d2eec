import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { serve, startAgent } from '../support/agent.ts';
import { command, startOutrider, TOKEN } from '../support/outrider.ts';
import { freePort } from '../support/ports.ts';
import { Process } from '../support/process.ts';
import { raw } from '../support/raw.ts';

const AUTH = { authorization: `Bearer ${TOKEN}` };

test('SIGTERM: not ready, no new requests, those in flight finish, exit 0', async () => {
  const open: ServerResponse[] = [];
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('data: first\n\n');
    open.push(response);
  });
  const agent = await serve(server);
  const sidecar = await startOutrider({ agentUrl: agent.url });
  try {
    const stream = await fetch(`${sidecar.inbound}/sse`, { headers: AUTH });
    sidecar.process.signal('SIGTERM');
    const notReady = async (): Promise<Response> => {
      for (;;) {
        const reply = await fetch(`${sidecar.inbound}/ready`);
        if (reply.status === 503) return reply;
        await reply.text();
        await delay(10);
      }
    };
    assert.equal(JSON.parse(await (await notReady()).text()).code, 'draining');
    assert.equal((await fetch(`${sidecar.inbound}/health`)).status, 200);
    const late = await fetch(`${sidecar.inbound}/x`, { headers: AUTH });
    assert.equal(late.status, 503);
    assert.equal(late.headers.get('connection'), 'close');
    assert.equal(late.headers.get('retry-after'), '1');
    assert.equal(JSON.parse(await late.text()).code, 'draining');
    // The agent still needs its helpers to finish what it is doing.
    assert.equal((await fetch(`${sidecar.helpers}/health`)).status, 200);
    await delay(100);
    open[0]?.end('data: last\n\n');
    assert.equal(await stream.text(), 'data: first\n\ndata: last\n\n');
    assert.deepEqual(await sidecar.process.exited, { code: 0, signal: null });
  } finally {
    await sidecar.stop();
    await agent.close();
  }
});

test('a connection that was just opened when draining began is answered, not reset', async () => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('data: first\n\n');
  });
  const agent = await serve(server);
  const sidecar = await startOutrider({ agentUrl: agent.url, config: 'drain_timeout: 5s' });
  try {
    const stream = await fetch(`${sidecar.inbound}/sse`, { headers: AUTH });
    const fresh = connect(Number(new URL(sidecar.inbound).port), '127.0.0.1');
    await once(fresh, 'connect');
    sidecar.process.signal('SIGTERM');
    for (let status = 200; status !== 503; status = (await fetch(`${sidecar.inbound}/ready`)).status) await delay(10);
    fresh.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
    const [answer] = await once(fresh, 'data');
    assert.match(String(answer), /^HTTP\/1\.1 503 /);
    fresh.destroy();
    await stream.body?.cancel();
    assert.equal((await sidecar.process.exited).code, 0);
  } finally {
    await sidecar.stop();
    await agent.close();
  }
});

test('a stream that does not end is cut when the drain timeout is over', async () => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('data: first\n\n');
  });
  const agent = await serve(server);
  const sidecar = await startOutrider({ agentUrl: agent.url, config: 'drain_timeout: 500ms' });
  try {
    const stream = await fetch(`${sidecar.inbound}/sse`, { headers: AUTH });
    const begun = performance.now();
    sidecar.process.signal('SIGTERM');
    await assert.rejects(stream.text());
    assert.equal((await sidecar.process.exited).code, 0);
    const took = performance.now() - begun;
    assert.ok(took >= 400 && took < 8_000, `${took} ms`);
  } finally {
    await sidecar.stop();
    await agent.close();
  }
});

test('an open WebSocket and idle keep-alive connections do not hang a rollout', async () => {
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(sockets, 'listening');
  const address = sockets.address();
  assert.ok(typeof address === 'object' && address !== null);
  const sidecar = await startOutrider({ agentUrl: `http://127.0.0.1:${address.port}`, config: 'drain_timeout: 500ms' });
  try {
    const socket = new WebSocket(sidecar.inbound.replace('http', 'ws'), { headers: AUTH });
    await once(socket, 'open');
    const idle = raw(sidecar.inbound, `GET /health HTTP/1.1\r\nHost: a\r\n\r\n`, { timeoutMs: 8_000 });
    await delay(50);
    const closed = once(socket, 'close');
    sidecar.process.signal('SIGTERM');
    await closed;
    assert.equal((await idle).closed, true);
    assert.equal((await sidecar.process.exited).code, 0);
  } finally {
    await sidecar.stop();
    sockets.close();
  }
});

test('it starts before its agent, and is ready once the agent accepts', async () => {
  const reserved = await startAgent();
  const { url } = reserved;
  await reserved.close();
  const sidecar = await startOutrider({ agentUrl: url });
  try {
    assert.equal((await fetch(`${sidecar.inbound}/ready`)).status, 503);
    const server = createServer((_request, response) => response.end('up'));
    server.listen(Number(new URL(url).port), '127.0.0.1');
    await once(server, 'listening');
    for (let i = 0; i < 100 && (await fetch(`${sidecar.inbound}/ready`)).status !== 200; i++) await delay(50);
    assert.equal((await fetch(`${sidecar.inbound}/ready`)).status, 200);
    assert.equal(await (await fetch(`${sidecar.inbound}/x`, { headers: AUTH })).text(), 'up');
    server.close();
    server.closeAllConnections();
  } finally {
    await sidecar.stop();
  }
});

test('a taken port is reported by name and number', async () => {
  const taken = await startAgent();
  const port = new URL(taken.url).port;
  try {
    for (const [variable, name] of [
      ['OUTRIDER_INBOUND_ADDR', 'inbound'],
      ['OUTRIDER_LOCAL_ADDR', 'helpers'],
      ['OUTRIDER_MCP_ADDR', 'mcp'],
      ['OUTRIDER_COST_ADDR', 'cost'],
    ] as const) {
      const sidecar = await startOutrider({ wait: false, env: { [variable]: `127.0.0.1:${port}` } });
      assert.notEqual((await sidecar.process.exited).code, 0);
      assert.match(sidecar.process.stderr, new RegExp(`port ${port} \\(${name}, ${variable}\\) is already taken`));
      await sidecar.stop();
    }
  } finally {
    await taken.close();
  }
});

test('switched off: sidecar says so and ends with 0, run starts the agent alone', async () => {
  for (const [name, value] of [
    ['OUTRIDER', 'disabled'],
    ['OUTRIDER', 'OFF'],
    ['AGENTBREEDER_SIDECAR', 'false'],
    ['AGENTBREEDER_SIDECAR', '0'],
    ['OUTRIDER', 'no'],
  ] as const) {
    const sidecar = await startOutrider({ wait: false, env: { [name]: value, AGENT_AUTH_TOKEN: undefined } });
    assert.deepEqual(await sidecar.process.exited, { code: 0, signal: null });
    assert.match(sidecar.process.stderr, /switched off/);
    await sidecar.stop();
  }
  const env = { PATH: process.env['PATH'], AGENTBREEDER_SIDECAR: 'disabled', AGENT_AUTH_TOKEN: 'kept' };
  const alone = new Process(
    ...command(
      'run',
      '--',
      process.execPath,
      '-e',
      'console.log(process.env.PORT, process.env.AGENT_AUTH_TOKEN); process.exit(3)',
    ),
    env,
  );
  assert.equal((await alone.exited).code, 3);
  assert.equal(alone.stdout, '8081 kept\n');
});

test('run: the agent finds its port and helpers, none of our secrets, and its exit code is ours', async () => {
  const script = `
    const { PORT, OUTRIDER_LOCAL_URL, AGENT_AUTH_TOKEN, OUTRIDER_LEDGER_TOKEN } = process.env;
    fetch(OUTRIDER_LOCAL_URL + '/health').then(async (reply) => {
      console.log(JSON.stringify({ PORT, health: reply.status, AGENT_AUTH_TOKEN, OUTRIDER_LEDGER_TOKEN }));
      process.exit(7);
    });`;
  const port = await freePort();
  const runner = await startOutrider({
    args: ['run', '--', process.execPath, '-e', script],
    agentUrl: `http://127.0.0.1:${port}`,
    env: { OUTRIDER_LEDGER_TOKEN: 'ledger-secret' },
    wait: false,
  });
  try {
    assert.equal((await runner.process.exited).code, 7);
    assert.match(runner.process.stdout, new RegExp(`"PORT":"${port}","health":200}`));
  } finally {
    await runner.stop();
  }
});

test('run: SIGTERM in mid-stream finishes the stream, then ends the agent, and leaves no orphan', async () => {
  const script = `
    require('node:http').createServer((request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write('data: first\\n\\n');
      setTimeout(() => response.end('data: last\\n\\n'), 700);
    }).listen(process.env.PORT, '127.0.0.1', () => console.log('agent pid ' + process.pid));
    process.on('SIGTERM', () => { console.log('agent told'); process.exit(0); });`;
  const port = await freePort();
  const runner = await startOutrider({
    args: ['run', '--', process.execPath, '-e', script],
    agentUrl: `http://127.0.0.1:${port}`,
  });
  try {
    const pid = Number(await runner.process.waitFor((output) => /agent pid (\d+)/.exec(output)?.[1], 'the agent'));
    const stream = await fetch(`${runner.inbound}/x`, { headers: AUTH });
    runner.process.signal('SIGTERM');
    assert.equal(await stream.text(), 'data: first\n\ndata: last\n\n');
    assert.deepEqual(await runner.process.exited, { code: 0, signal: null });
    assert.match(runner.process.stdout, /agent told/);
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  } finally {
    await runner.stop();
  }
});

test('run: a stranger on the port of the agent is not taken for it', async () => {
  const stranger = await startAgent();
  try {
    const runner = await startOutrider({ args: ['run', '--', 'true'], agentUrl: stranger.url, wait: false });
    assert.notEqual((await runner.process.exited).code, 0);
    assert.match(
      runner.process.stderr,
      new RegExp(`port ${new URL(stranger.url).port} \\(agent, OUTRIDER_AGENT_URL\\) is already taken`),
    );
    await runner.stop();
  } finally {
    await stranger.close();
  }
});
