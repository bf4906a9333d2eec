import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { RemoteAgent, RemoteAgentOptions } from '../../src/library/agent.ts';
import { failure, readStream } from '../support/agent-calls.ts';
import { HOST_TOKEN, type HostProcess, hostCommandFor } from '../support/host.ts';
import { http } from '../support/http.ts';
import { PROTOCOLS } from '../support/remote-agents.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';
import { type Ends, tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';

const AGENTS = join(import.meta.dirname, 'fixtures/bad-day-agents.ts');
const HEADERS = { Authorization: `Bearer ${HOST_TOKEN}` };
const HOUR_MS = 3_600_000;

type HostOptions = NonNullable<Parameters<typeof hostCommandFor>[1]>;

const hostWith = (t: Ends, options: HostOptions = {}): Promise<HostProcess> =>
  hostCommandFor(t, { ...options, args: [AGENTS, ...(options.args ?? [])] });

function agentBy(
  t: Ends,
  [, make]: (typeof PROTOCOLS)[number],
  options: Omit<RemoteAgentOptions, 'token'>,
): RemoteAgent {
  const agent = make({ token: HOST_TOKEN, ...options });
  t.after(() => agent.close());
  return agent;
}

async function running({ url }: { url: string }, agent: string): Promise<number> {
  const { text } = await http(`${url}/metrics`);
  return Number(new RegExp(`^outrider_agent_running\\{agent="${agent}"\\} (\\d+)$`, 'm').exec(text)?.[1]);
}

test('a host that is killed: whoever waits is told at once, and nothing is asked twice', async (t) => {
  const host = await hostWith(t);
  const failures = PROTOCOLS.flatMap((protocol) => {
    const waiter = agentBy(t, protocol, { url: host.url, id: 'waiter' });
    return [failure(waiter.execute({ input: 'x' })), failure(readStream(waiter.stream({ input: 'x' })))];
  });
  await until(async () => (await running(host, 'waiter')) === 4, 'all run');
  const killedAt = performance.now();
  host.process.signal('SIGKILL');
  for (const { code, retryable } of await Promise.all(failures)) {
    assert.deepEqual([code, retryable], ['unreachable', true]);
  }
  assert.ok(performance.now() - killedAt < 1_000);
});

test('after a host was killed, an idempotency key still runs nothing twice', async (t) => {
  const directory = tempDir(t);
  const runs = join(directory, 'runs');
  writeFileSync(runs, '');
  const kept = { dataDir: join(directory, 'data'), env: { RUNS: runs } };
  const first = await hostWith(t, kept);
  const port = String(first.port);
  const agents = PROTOCOLS.map((protocol) => agentBy(t, protocol, { url: first.url, id: 'counted', retry: false }));
  const asking = (input: string) => ({ input, idempotency_key: `key of ${input}` });

  const before: string[] = [];
  for (const [index, agent] of agents.entries()) before.push((await agent.execute(asking(`done ${index}`))).output);
  const lost = agents.map((agent, index) => failure(agent.execute(asking(`wait ${index}`))));
  await until(() => readFileSync(runs, 'utf8').match(/wait/g)?.length === agents.length, 'all run');
  first.process.signal('SIGKILL');
  for (const { code } of await Promise.all(lost)) assert.equal(code, 'unreachable');
  await first.process.exited;
  // One that is asked while there is no host, and goes on asking: it has never run.
  const late = PROTOCOLS.map((protocol, index) =>
    agentBy(t, protocol, {
      url: first.url,
      id: 'counted',
      retry: { attempts: 20, firstDelayMs: 300, maxDelayMs: 1_000 },
    }).execute(asking(`late ${index}`)),
  );
  const second = await hostWith(t, { ...kept, args: ['--addr', `127.0.0.1:${port}`] });
  assert.equal(second.port, first.port);
  for (const [index, agent] of agents.entries()) {
    // By the other adapter as well: the key is the caller's, however it calls.
    for (const by of agents) assert.equal((await by.execute(asking(`done ${index}`))).output, before[index]);
    // Nobody knows how far it had got: it is reported, and not run again.
    const { code, retryable } = await failure(agent.execute(asking(`wait ${index}`)));
    assert.deepEqual([code, retryable], ['interrupted', true]);
  }
  for (const [index, reply] of (await Promise.all(late)).entries())
    assert.match(reply.output, new RegExp(`^late ${index} at`));
  const lines = readFileSync(runs, 'utf8').trim().split('\n').sort();
  assert.deepEqual(lines, ['done 0', 'done 1', 'late 0', 'late 1', 'wait 0', 'wait 1']);
});

test('a host that drains finishes what it has, and takes nothing new', async (t) => {
  const host = await hostWith(t);
  // Each has a connection that is in use when it drains.
  const pairs = PROTOCOLS.map((protocol) => {
    const slow = agentBy(t, protocol, { url: host.url, id: 'slow', retry: false });
    return { slow, reply: slow.execute({ input: '1500' }) };
  });
  await until(async () => (await running(host, 'slow')) === 2, 'both run');
  const exit = host.stop('SIGTERM');
  await until(async () => (await http(`${host.url}/ready`)).status === 503, 'it drains');
  for (const { slow } of pairs) {
    const { code, retryable } = await failure(slow.execute({ input: '1' }));
    assert.deepEqual([code, retryable], ['draining', true]);
  }
  for (const { reply } of pairs) assert.equal((await reply).output, 'slept');
  assert.deepEqual(await exit, { code: 0, signal: null });
});

test('an agent whose queue is full: 429 with a time to wait, after which the caller has its turn', async (t) => {
  const host = await hostWith(t, { config: 'agents: { slow: { concurrency: 1, queue: 0 } }' });
  const raw = (): ReturnType<typeof http> =>
    http(`${host.url}/v1/agents/slow/execute`, { headers: HEADERS, body: { input: '600' } });
  for (const protocol of PROTOCOLS) {
    const slow = agentBy(t, protocol, { url: host.url, id: 'slow' });
    const hasty = agentBy(t, protocol, { url: host.url, id: 'slow', retry: false });
    const first = raw();
    await until(async () => (await running(host, 'slow')) === 1, 'the only place is taken');
    const refused = await raw();
    assert.deepEqual([refused.status, refused.json.error.code], [429, 'rate_limited']);
    assert.ok(Number(refused.headers['retry-after']) >= 1);
    const { code, retryAfter = 0 } = await failure(hasty.execute({ input: '1' }));
    assert.ok(code === 'rate_limited' && retryAfter >= 1, `${code} ${retryAfter}`);
    const askedAt = performance.now();
    assert.equal((await slow.execute({ input: '1' })).output, 'slept');
    const waited = performance.now() - askedAt;
    assert.ok(waited >= 999, `it waited for ${waited} ms`);
    assert.equal((await first).status, 200);
    // Not when there is no time for it.
    const second = raw();
    await until(async () => (await running(host, 'slow')) === 1, 'the only place is taken');
    const hurriedAt = performance.now();
    assert.equal((await failure(slow.execute({ input: '1', timeout_seconds: 0.9 }))).code, 'rate_limited');
    assert.ok(performance.now() - hurriedAt < 600);
    await second;
  }
});

test('an address that fails is left alone for a while, and is asked again later', async (t) => {
  const host = await hostWith(t);
  for (const protocol of PROTOCOLS) {
    const proxy = await tcpProxy(t, host.port);
    const echo = agentBy(t, protocol, { url: `http://127.0.0.1:${proxy.port}`, id: 'echo', retry: false });
    proxy.refuse(true);
    for (let i = 0; i < 5; i++) assert.equal((await failure(echo.execute({ input: 'x' }))).code, 'unreachable');
    const taken = proxy.taken();
    const { code, message } = await failure(echo.execute({ input: 'x' }));
    assert.equal(code, 'unreachable');
    assert.match(message, /left alone/);
    assert.match((await failure(readStream(echo.stream({ input: 'x' })))).message, /left alone/);
    assert.equal(proxy.taken(), taken, 'nobody has knocked');
    proxy.refuse(false);
    const output = await until(
      async () => {
        try {
          return (await echo.execute({ input: 'back' })).output;
        } catch {
          return undefined;
        }
      },
      'it is asked again',
      5_000,
      50,
    );
    assert.equal(output, 'back');
    for (let i = 0; i < 10; i++) await echo.execute({ input: 'and stays' });
  }
  // What an agent says itself is no reason to leave it alone.
  const nobody = agentBy(t, PROTOCOLS[0], { url: host.url, id: 'nobody', retry: false });
  for (let i = 0; i < 10; i++) assert.equal((await failure(nobody.execute({ input: 'x' }))).code, 'not_found');
});

describe('clocks that differ by an hour', () => {
  for (const [name, shift] of [
    ['before', HOUR_MS],
    ['behind', -HOUR_MS],
  ] as const) {
    test(`a host that is an hour ${name} us`, async (t) => {
      const host = await hostWith(t, {
        env: {
          CLOCK_SHIFT_MS: String(shift),
          NODE_OPTIONS: `--import=${join(import.meta.dirname, 'fixtures/shifted-clock.ts')}`,
        },
      });
      for (const protocol of PROTOCOLS) {
        const at = (id: string): RemoteAgent => agentBy(t, protocol, { url: host.url, id, retry: false });
        // Deadlines are durations on every wire.
        const left = Number((await at('left').execute({ input: 'x', timeout_seconds: 5 })).output);
        assert.ok(left > 3_000 && left <= 5_000, `${left} ms`);
        const told = Number((await at('left').execute({ input: 'x' }, { deadline: performance.now() + 5_000 })).output);
        assert.ok(told > 3_000 && told <= 5_000, `${told} ms`);
        const askedAt = performance.now();
        assert.equal((await failure(at('waiter').execute({ input: 'x', timeout_seconds: 0.3 }))).code, 'timeout');
        const tookMs = performance.now() - askedAt;
        assert.ok(tookMs >= 299 && tookMs < 2_000, `${tookMs} ms`);
      }
      // Times in replies are those of the host's clock, and all of the same.
      const jobs = `${host.url}/v1/agents/slow/jobs`;
      const { json: started } = await http(jobs, { headers: HEADERS, body: { input: '50', idempotency_key: 'k' } });
      const again = await http(jobs, { headers: HEADERS, body: { input: '50', idempotency_key: 'k' } });
      assert.equal(again.json.job_id, started.job_id);
      const job = await until(async () => {
        const { json } = await http(`${jobs}/${started.job_id}`, { headers: HEADERS });
        return json.status === 'running' ? undefined : json;
      }, 'the job ends');
      assert.equal(job.status, 'completed');
      const created = Date.parse(job.created_at);
      const finished = Date.parse(job.finished_at);
      assert.ok(Math.abs(created - Date.now() - shift) < 60_000, job.created_at);
      assert.ok(finished >= created && finished - created < 10_000, `${job.created_at} to ${job.finished_at}`);
      // No log line says that anything is wrong.
      assert.deepEqual(
        host.logs().filter(({ level }) => level === 'error'),
        [],
      );
    });
  }
});
