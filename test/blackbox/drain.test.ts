import assert from 'node:assert/strict';
import { Agent, createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve, startAgent } from '../support/agent.ts';
import { http } from '../support/http.ts';
import { type Outrider, outriderFor, runOutrider, TOKEN } from '../support/outrider.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';

const AUTH = { Authorization: `Bearer ${TOKEN}` };

async function agentFor(t: TestContext): Promise<string> {
  const agent = await startAgent();
  t.after(() => agent.close());
  return agent.url;
}

const drain = ({ helpers }: Outrider): ReturnType<typeof runOutrider> =>
  runOutrider(['drain', '--addr', helpers.replace('http://', '')]);

test('outrider drain sends callers elsewhere, and who comes is still served', async (t) => {
  const outrider = await outriderFor(t, { agentUrl: await agentFor(t) });
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => kept.destroy());
  const ask = (): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      request(`${outrider.inbound}/`, { agent: kept, headers: AUTH }, (reply) => resolve(reply.resume()))
        .on('error', reject)
        .end();
    });
  assert.notEqual((await ask()).headers.connection, 'close');
  const { code, stderr } = await drain(outrider);
  assert.equal(code, 0, stderr);
  const ready = await http(`${outrider.inbound}/ready`);
  assert.deepEqual([ready.status, ready.json.code], [503, 'draining']);
  for (let count = 0; count < 3; count++) {
    const reply = await ask();
    assert.deepEqual([reply.statusCode, reply.headers.connection], [200, 'close']);
  }
  // It lives, and is told to stop later.
  assert.equal((await http(`${outrider.inbound}/health`)).status, 200);
  assert.equal((await drain(outrider)).code, 0);
  assert.equal((await outrider.process.stop('SIGTERM')).code, 0);
});

test('outrider drain finds the helpers where the configuration has them', async (t) => {
  const a2a = `127.0.0.1:${await freePort()}`;
  const outrider = await outriderFor(t, { agentUrl: await agentFor(t), env: { OUTRIDER_LOCAL_ADDR: a2a } });
  const { code, stderr } = await runOutrider(['drain'], {
    env: { OUTRIDER_CONFIG_YAML: `a2a_addr: "${a2a}"` },
  });
  assert.equal(code, 0, stderr);
  assert.equal((await http(`${outrider.inbound}/ready`)).json.code, 'draining');
});

test('outrider drain says why it did nothing', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // Listening on TCP, so that the address is an object.
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const { code, stderr } = await runOutrider(['drain', '--addr', `127.0.0.1:${port}`]);
  assert.equal(code, 1);
  assert.match(stderr, /ECONNREFUSED/);
});

test('only programs on this machine may drain, and only by POST', async (t) => {
  const outrider = await outriderFor(t, { agentUrl: await agentFor(t) });
  const post = (headers: Record<string, string>) => http(`${outrider.helpers}/drain`, { method: 'POST', headers });
  assert.equal((await post({ Host: 'attacker.example' })).status, 403);
  assert.equal((await post({ Origin: 'http://localhost' })).status, 403);
  assert.equal((await http(`${outrider.helpers}/drain`)).status, 405);
  assert.equal((await http(`${outrider.inbound}/drain`, { method: 'POST' })).status, 401);
  assert.equal((await http(`${outrider.inbound}/ready`)).status, 200);
});

test('with a drain delay, what comes after SIGTERM is still taken, and /ready says no at once', async (t) => {
  const env = { OUTRIDER_DRAIN_DELAY: '2s', OUTRIDER_DRAIN_TIMEOUT: '10s' };
  const outrider = await outriderFor(t, { agentUrl: await agentFor(t), env });
  outrider.process.signal('SIGTERM');
  await until(async () => (await http(`${outrider.inbound}/ready`)).status === 503, 'not ready');
  const reply = await http(`${outrider.inbound}/`, { headers: AUTH });
  assert.deepEqual([reply.status, reply.headers.connection], [200, 'close']);
  assert.equal((await outrider.process.exited).code, 0);
});

test('a second signal does not wait for the drain delay', async (t) => {
  const outrider = await outriderFor(t, { agentUrl: await agentFor(t), env: { OUTRIDER_DRAIN_DELAY: '20s' } });
  const begun = performance.now();
  outrider.process.signal('SIGTERM');
  await sleep(500);
  outrider.process.signal('SIGTERM');
  assert.equal((await outrider.process.exited).code, 0);
  assert.ok(performance.now() - begun < 15_000);
});

test('calls that come before the agent wait for it, once each', async (t) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  await new Promise((resolve) => taken.close(resolve));
  const outrider = await outriderFor(t, {
    agentUrl: `http://127.0.0.1:${port}`,
    env: { OUTRIDER_AGENT_START_TIMEOUT: '20s' },
  });
  const calls = [1, 2, 3].map((n) => http(`${outrider.inbound}/${n}`, { headers: AUTH, timeoutMs: 20_000 }));
  await sleep(700);
  const seen: string[] = [];
  const server = createServer((incoming, response) => {
    seen.push(incoming.url ?? '');
    response.end('ok');
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.after(() => server.close());
  assert.deepEqual(
    (await Promise.all(calls)).map(({ status }) => status),
    [200, 200, 200],
  );
  assert.deepEqual(seen.toSorted(), ['/1', '/2', '/3']);
  // From now on one that is away is away.
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const begun = performance.now();
  assert.equal((await http(`${outrider.inbound}/4`, { headers: AUTH })).status, 502);
  assert.ok(performance.now() - begun < 10_000);
});

test('without that, a call that comes before the agent is 502 at once', async (t) => {
  const agent = await serve(createServer());
  await agent.close();
  const outrider = await outriderFor(t, { agentUrl: agent.url });
  assert.equal((await http(`${outrider.inbound}/`, { headers: AUTH })).status, 502);
});
