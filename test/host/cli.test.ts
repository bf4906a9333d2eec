import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { AgentError } from '../../src/library/agent.ts';
import { grpcAgent } from '../../src/library/remote-agents.ts';
import { HOST_TOKEN, hostCommandFor, hostFor } from '../support/host.ts';
import { type HttpReply, http } from '../support/http.ts';
import { runOutrider } from '../support/outrider.ts';
import { raw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';

const AGENTS = join(import.meta.dirname, 'fixtures/agents.ts');
const HEADERS = { 'X-API-Key': HOST_TOKEN };

function execute(url: string, agent: string, input: string): Promise<HttpReply> {
  return http(`${url}/v1/agents/${agent}/execute`, { headers: HEADERS, body: { input } });
}

test('--help says what there is to say', async () => {
  const { code, stdout } = await runOutrider(['host', '--help']);
  assert.equal(code, 0);
  for (const word of [
    '--config',
    '--addr',
    '127.0.0.1:8085',
    'modules',
    'AGENT_AUTH_TOKEN',
    'OUTRIDER_ALLOW_NO_AUTH',
  ]) {
    assert.ok(stdout.includes(word), word);
  }
  assert.match((await runOutrider(['--help'])).stdout, /\n {2}host /);
});

describe('a host that cannot start ends with 1 and says why', () => {
  const env = { AGENT_AUTH_TOKEN: 'x' };

  test('faults of the configuration, all at once', async (t) => {
    const file = join(tempDir(t), 'host.yaml');
    writeFileSync(file, 'adr: 127.0.0.1:1\nagents:\n  a: { comand: [x] }\n');
    const { code, stderr } = await runOutrider(['host', '--config', file, '--addr', 'nowhere'], { env });
    assert.equal(code, 1);
    assert.match(stderr, /--addr: addr: expected HOST:PORT/);
    assert.ok(stderr.includes(`${file}:1:1: adr: unknown key (did you mean addr?)`), stderr);
    assert.ok(stderr.includes(`${file}:3:8: agents.a.comand: unknown key (did you mean command?)`), stderr);
  });

  test('faults of modules, all at once', async (t) => {
    const directory = tempDir(t);
    const first = join(directory, 'first.mjs');
    const second = join(directory, 'second.mjs');
    writeFileSync(first, 'export const agents = [{ id: "a", execute() {} }, { id: "b" }];');
    writeFileSync(second, 'throw new Error("not today");');
    const { code, stderr } = await runOutrider(['host', first, second, 'absent.mjs'], {
      env: { ...env, OUTRIDER_DATA_DIR: directory },
      cwd: directory,
    });
    assert.equal(code, 1);
    assert.ok(stderr.includes(`${first}: agents[1]: needs execute or stream`), stderr);
    assert.match(stderr, /second\.mjs: cannot be loaded: Error: not today\n.*second\.mjs:1/);
    assert.ok(stderr.includes(`${join(directory, 'absent.mjs')}: there is no such file`), stderr);
  });

  test('an id that two sources have, and one that none has', async (t) => {
    const directory = tempDir(t);
    const twin = join(directory, 'twin.mjs');
    const file = join(directory, 'host.yaml');
    writeFileSync(twin, 'export const agents = [{ id: "echo", execute: () => "twin" }];');
    writeFileSync(file, 'agents: { slow: { url: "http://127.0.0.1:1" }, ghost: { concurrency: 2 }, a: ./twin.mjs }');
    const { code, stderr } = await runOutrider(['host', '--config', file, AGENTS, twin], {
      env: { ...env, OUTRIDER_DATA_DIR: directory },
    });
    assert.equal(code, 1);
    assert.ok(stderr.includes(`${twin}: echo: ${AGENTS} has an agent of this id too`), stderr);
    assert.ok(stderr.includes(`${file}:1:17: agents.slow: ${AGENTS} exports an agent of this id too`), stderr);
    assert.ok(stderr.includes(`${file}:1:55: agents.ghost: no module exports this agent`), stderr);
    assert.ok(stderr.includes(`${file}:1:78: agents.a: ${twin} exports no agent a`), stderr);
  });

  test('a port that is taken', async (t) => {
    const other = createServer().listen(0, '127.0.0.1');
    t.after(() => other.close());
    await until(() => other.listening, 'it listens');
    const address = other.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const { code, stderr } = await runOutrider(['host', '--addr', `127.0.0.1:${port}`, AGENTS], {
      env: { ...env, OUTRIDER_DATA_DIR: tempDir(t) },
    });
    assert.equal(code, 1);
    assert.ok(stderr.includes(`port ${port} (host, --addr or OUTRIDER_HOST_ADDR) is already taken`), stderr);
  });

  test('a directory that another host has', async (t) => {
    const first = await hostFor(t);
    const { code, stderr } = await runOutrider(['host', '--addr', '127.0.0.1:0'], {
      env: { ...env, OUTRIDER_DATA_DIR: first.dataDir },
    });
    assert.equal(code, 1);
    assert.match(stderr, /^outrider: .*another process/m);
  });
});

describe('told to stop', () => {
  test('it takes nothing new, finishes what it has, and ends with 0', async (t) => {
    const { url, process, stop } = await hostCommandFor(t, { args: [AGENTS] });
    const running = execute(url, 'slow', '1500');
    const stream = http(`${url}/v1/agents/slow/execute/stream`, {
      headers: HEADERS,
      body: { input: Array(60).fill('w').join(' ') },
    });
    const metrics = async (): Promise<boolean> =>
      (await http(`${url}/metrics`)).text.includes('outrider_agent_running{agent="slow"} 2');
    await until(metrics, 'both run');
    const exit = stop();
    await until(async () => (await http(`${url}/ready`)).status === 503, 'it is not ready any more');
    const refused = await execute(url, 'echo', 'x');
    assert.deepEqual([refused.status, refused.json.error.code], [503, 'draining']);
    assert.ok(refused.headers['retry-after']);
    assert.equal((await running).json.output, 'slept');
    assert.match((await stream).text, /event: done/);
    assert.equal((await exit).code, 0);
    assert.doesNotMatch(process.stderr, /"level":"error"/);
  });

  test('gRPC callers are told to go elsewhere, and calls in flight end well', async (t) => {
    const host = await hostFor(t, { modules: [AGENTS] });
    const agent = grpcAgent({ url: host.url, id: 'slow', token: HOST_TOKEN, retry: false });
    t.after(() => agent.close());
    const watched: ClientHttp2Session = connect(host.url);
    t.after(() => watched.destroy());
    await new Promise((resolve) => {
      watched.once('remoteSettings', resolve);
    });
    const goAway = new Promise((resolve) => {
      watched.once('goaway', resolve);
    });
    const running = agent.execute({ input: '500' });
    await until(
      async () => (await http(`${host.url}/metrics`)).text.includes('outrider_agent_running{agent="slow"} 1'),
      'it runs',
    );
    const drained = host.drain();
    await goAway;
    assert.equal((await running).output, 'slept');
    await drained;
    const late = grpcAgent({ url: host.url, id: 'echo', token: HOST_TOKEN, retry: false });
    t.after(() => late.close());
    await assert.rejects(late.execute({ input: 'x' }), { code: 'draining' });
  });

  test('what does not finish in time is broken off, and its caller told', async (t) => {
    const { url, stop } = await hostCommandFor(t, { args: [AGENTS], config: 'drain_timeout: 300ms' });
    const body = { input: Array(2_000).fill('w').join(' ') };
    const stream = http(`${url}/v1/agents/slow/execute/stream`, { headers: HEADERS, body });
    const unary = execute(url, 'slow', '60000');
    const agent = grpcAgent({ url, id: 'slow', token: HOST_TOKEN, retry: false });
    t.after(() => agent.close());
    const rpc = agent.execute({ input: '60000' }).catch((error: unknown) => error);
    await until(
      async () => (await http(`${url}/metrics`)).text.includes('outrider_agent_running{agent="slow"} 3'),
      'all run',
    );
    const began = performance.now();
    assert.equal((await stop()).code, 0);
    assert.ok(performance.now() - began < 5_000);
    assert.match((await stream).text, /\n\nevent: error\ndata: {"error":{"code":"interrupted"/);
    const { status, json } = await unary;
    assert.deepEqual([status, json.error.code], [502, 'interrupted']);
    const error = await rpc;
    assert.ok(error instanceof AgentError);
    assert.equal(error.code, 'interrupted');
  });

  test('a second time, it ends at once', async (t) => {
    const { url, process } = await hostCommandFor(t, { args: [AGENTS] });
    const running = execute(url, 'slow', '60000').catch(() => undefined);
    await until(
      async () => (await http(`${url}/metrics`)).text.includes('outrider_agent_running{agent="slow"} 1'),
      'it runs',
    );
    process.signal('SIGTERM');
    await until(async () => (await http(`${url}/ready`)).status === 503, 'it drains');
    const began = performance.now();
    process.signal('SIGINT');
    assert.equal((await process.exited).code, 0);
    assert.ok(performance.now() - began < 5_000);
    await running;
  });
});

describe('what it was told to keep', () => {
  test('registered agents and jobs are there after a restart, also after a crash', async (t) => {
    const dataDir = tempDir(t);
    const first = await hostCommandFor(t, { args: [AGENTS], dataDir, env: { TELL: '1' } });
    const far = { id: 'far', url: 'http://127.0.0.1:1', name: 'Far' };
    assert.equal((await http(`${first.url}/v1/agents`, { headers: HEADERS, body: far })).status, 201);
    const start = async (input: string): Promise<string> =>
      (await http(`${first.url}/v1/agents/slow/jobs`, { headers: HEADERS, body: { input } })).json.job_id;
    const job = (url: string, id: string): Promise<HttpReply> =>
      http(`${url}/v1/agents/slow/jobs/${id}`, { headers: HEADERS });
    const [done, broken] = [await start('1'), await start('60000')];
    await until(async () => (await job(first.url, done)).json.status === 'completed', 'one is done');
    await until(() => first.process.stdout.split('slow has begun').length === 3, 'the other one runs');
    await first.stop('SIGKILL');

    const second = await hostCommandFor(t, { args: [AGENTS], dataDir });
    assert.equal((await http(`${second.url}/v1/agents/far`, { headers: HEADERS })).json.name, 'Far');
    assert.equal((await job(second.url, done)).json.result.output, 'slept');
    const after = (await job(second.url, broken)).json;
    assert.deepEqual([after.status, after.error.code], ['failed', 'interrupted']);
    await second.stop();
  });

  test('a job that runs when it is told to stop is waited for, and finished', async (t) => {
    const dataDir = tempDir(t);
    const first = await hostCommandFor(t, { args: [AGENTS], dataDir, env: { TELL: '1' } });
    const { json } = await http(`${first.url}/v1/agents/slow/jobs`, { headers: HEADERS, body: { input: '1000' } });
    await until(() => first.process.stdout.includes('slow has begun'), 'it runs');
    assert.equal((await first.stop()).code, 0);
    const second = await hostCommandFor(t, { args: [AGENTS], dataDir });
    const job = await http(`${second.url}/v1/agents/slow/jobs/${json.job_id}`, { headers: HEADERS });
    assert.equal(job.json.status, 'completed');
  });
});

describe('errors of a module that nobody catches', () => {
  const MODULE = `export const agents = [
    { id: 'rejects', execute() { Promise.reject(new Error('left alone')); return 'ok'; } },
    { id: 'throws', execute() { setTimeout(() => { throw new Error('out of nowhere'); }); return 'ok'; } },
    { id: 'odd', async execute() { throw new Proxy({}, { get() { throw new Error('no'); } }); } },
    { id: 'slow', execute: ({ input }) => new Promise((resolve) => setTimeout(resolve, Number(input), 'slept')) },
  ];`;
  const error = (line: Record<string, unknown>): boolean => line['level'] === 'error';

  test('a rejected promise is logged, and the host goes on; so it does whatever an agent throws', async (t) => {
    const file = join(tempDir(t), 'agents.mjs');
    writeFileSync(file, MODULE);
    const host = await hostCommandFor(t, { args: [file] });
    assert.equal((await execute(host.url, 'rejects', 'x')).json.output, 'ok');
    await until(() => host.logs().some(error), 'the line of log');
    assert.match(JSON.stringify(host.logs().find(error)), /nobody waited.*left alone/);
    assert.equal((await execute(host.url, 'odd', 'x')).json.error.code, 'agent_failed');
    assert.equal((await execute(host.url, 'slow', '1')).json.output, 'slept');
  });

  test('after an exception the host ends in order, and not with 0', async (t) => {
    const file = join(tempDir(t), 'agents.mjs');
    writeFileSync(file, MODULE);
    const host = await hostCommandFor(t, { args: [file] });
    const slow = execute(host.url, 'slow', '500');
    const loads = `${host.url}/metrics`;
    await until(
      async () => /^outrider_agent_running\{agent="slow"\} 1$/m.test((await http(loads, { method: 'GET' })).text),
      'the run to have begun',
    );
    assert.equal((await execute(host.url, 'throws', 'x')).json.output, 'ok');
    assert.equal((await slow).json.output, 'slept');
    assert.equal((await host.process.exited).code, 1);
    assert.match(JSON.stringify(host.logs().find(error)), /was not caught.*out of nowhere/);
  });
});

test('the page to try agents from is there, and may load nothing else', async (t) => {
  const { url } = await hostFor(t);
  const page = await http(`${url}/docs`);
  assert.equal(page.status, 200);
  assert.match(String(page.headers['content-type']), /^text\/html/);
  assert.match(String(page.headers['content-security-policy']), /default-src 'none'; script-src 'self'/);
  for (const [, path = ''] of page.text.matchAll(/(?:href|src)="(docs\/[^"]+)"/g)) {
    assert.equal((await http(`${url}/${path}`)).status, 200, path);
  }
});

test('what is no good HTTP is refused in the words of the contract', async (t) => {
  const { url } = await hostFor(t, { config: 'limits: { header_bytes: 8KiB }' });
  const large = await http(`${url}/v1/agents`, { headers: { ...HEADERS, 'X-Large': 'x'.repeat(9_000) } });
  assert.deepEqual([large.status, large.json.error.code], [431, 'headers_too_large']);
  assert.ok(large.headers['x-request-id']);
  const { text } = await raw(url, 'GET /v1/agents HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n');
  assert.match(text, /^HTTP\/1\.1 400 [^]*x-request-id: [^]*\r\n\r\n{"error":{"code":"bad_request"/);
});
