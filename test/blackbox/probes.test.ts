import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from '../support/agent.ts';
import { http } from '../support/http.ts';
import { outriderFor, TOKEN } from '../support/outrider.ts';
import { type Ends } from '../support/temp.ts';
import { until } from '../support/until.ts';

const PATHS = { OUTRIDER_AGENT_READY_PATH: '/readyz?full=1', OUTRIDER_AGENT_HEALTH_PATH: '/livez' };

/** An agent whose probes answer as `answer` says. */
async function probed(t: Ends, answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const asked: string[] = [];
  const agent = await serve(
    createServer((request, response) => {
      asked.push(request.url ?? '');
      answer(request, response);
    }),
  );
  t.after(() => agent.close());
  return { url: agent.url, asked, close: () => agent.close() };
}

test('the paths of the agent decide, each for its own endpoint, and nothing of its replies is handed on', async (t) => {
  const status = { '/readyz?full=1': 503, '/livez': 200 } as Record<string, number>;
  const agent = await probed(t, (request, response) => {
    response.writeHead(status[request.url ?? ''] ?? 404, { 'Set-Cookie': 'secret=1', Location: '/elsewhere' });
    response.end('inner words');
  });
  const { inbound } = await outriderFor(t, { agentUrl: agent.url, env: PATHS });
  const ready = await http(`${inbound}/ready`);
  assert.deepEqual([ready.status, ready.json.code, ready.headers['retry-after']], [503, 'not_ready', '1']);
  const well = await http(`${inbound}/health/agent`);
  assert.deepEqual([well.status, well.json], [200, { status: 'ok' }]);
  for (const reply of [ready, well]) {
    assert.doesNotMatch(`${reply.text}${JSON.stringify(reply.headers)}`, /inner|secret|elsewhere/);
  }

  status['/readyz?full=1'] = 307;
  status['/livez'] = 500;
  await until(async () => (await http(`${inbound}/ready`)).status === 200, 'ready');
  await until(async () => (await http(`${inbound}/health/agent`)).status === 503, 'unwell');
  assert.equal(agent.asked.includes('/elsewhere'), false);
  // The sidecar lives, whatever the agent does.
  assert.equal((await http(`${inbound}/health`)).status, 200);
});

test('without paths both ask whether the agent accepts connections, and the agent sees no request', async (t) => {
  const agent = await probed(t, (_request, response) => void response.writeHead(500).end());
  const { inbound } = await outriderFor(t, { agentUrl: agent.url });
  assert.equal((await http(`${inbound}/ready`)).status, 200);
  assert.equal((await http(`${inbound}/health/agent`)).status, 200);
  assert.deepEqual(agent.asked, []);
  await agent.close();
  await until(async () => (await http(`${inbound}/ready`)).status === 503, 'not ready');
  assert.equal((await http(`${inbound}/health/agent`)).status, 503);
});

test('an agent that accepts and never answers is 503 within two seconds, asked once by all who ask', async (t) => {
  const agent = await probed(t, () => undefined);
  const { inbound } = await outriderFor(t, { agentUrl: agent.url, env: PATHS });
  const begun = performance.now();
  const replies = await Promise.all(
    Array.from({ length: 40 }, (_, n) => http(`${inbound}${n % 2 === 0 ? '/ready' : '/health/agent'}`)),
  );
  const took = performance.now() - begun;
  assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([503]));
  assert.ok(took < 3_500, `${took} ms`);
  assert.deepEqual(agent.asked.sort(), ['/livez', '/readyz?full=1']);
});

test('open endpoints cannot be used to hammer the agent, and no rule and no token concerns them', async (t) => {
  const agent = await probed(t, (_request, response) => void response.end('mail@example.com'));
  const { inbound } = await outriderFor(t, { agentUrl: agent.url, env: PATHS });
  const begun = performance.now();
  for (let n = 0; n < 60; n++) assert.equal((await http(`${inbound}/ready`)).status, 200);
  // One at once, and another one for each quarter of a second.
  const most = 1 + (performance.now() - begun) / 250;
  assert.ok(agent.asked.length <= most, `${agent.asked.length} at the agent, not ${most}`);
  const refused = await http(`${inbound}/readyz`);
  assert.equal(refused.status, 401);
  const headers = { Authorization: `Bearer ${TOKEN}` };
  // What is longer than the open path is the agent's.
  assert.equal((await http(`${inbound}/health/agents`, { headers })).status, 200);
  assert.ok(agent.asked.includes('/health/agents'));
});

test('draining: not ready, while the agent is still said to live', async (t) => {
  const open: ServerResponse[] = [];
  const agent = await probed(t, (request, response) => {
    if (request.url === '/stream') open.push(response.writeHead(200).on('error', () => undefined));
    else response.end();
    if (request.url === '/stream') response.write('first');
  });
  const sidecar = await outriderFor(t, { agentUrl: agent.url, env: PATHS });
  const stream = http(`${sidecar.inbound}/stream`, { headers: { Authorization: `Bearer ${TOKEN}` } });
  await until(() => open[0], 'the stream');
  sidecar.process.signal('SIGTERM');
  await until(async () => (await http(`${sidecar.inbound}/ready`)).json.code === 'draining', 'draining');
  await sleep(300);
  assert.equal((await http(`${sidecar.inbound}/health/agent`)).status, 200);
  open[0]?.end('last');
  assert.equal((await stream).text, 'firstlast');
});
