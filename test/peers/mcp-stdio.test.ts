// oxlint-disable typescript/no-explicit-any -- JSON that the assertions take apart
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type McpServers, mcpServers } from '../../src/peers/mcp.ts';
import { EVERYTHING, isAlive, post, recordedLog, until } from './support.ts';

const CHILD = fileURLToPath(new URL('./fixtures/mcp-child.ts', import.meta.url));
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

interface Setup {
  mcp: McpServers;
  log: ReturnType<typeof recordedLog>;
  pids: () => number[];
  call: (name: string, args?: object) => ReturnType<typeof post>;
}

function setUp(t: TestContext, mode: string, options: { timeoutMs?: number; bodyLimit?: number } = {}): Setup {
  const directory = mkdtempSync(join(tmpdir(), 'outrider-mcp-'));
  const pidFile = join(directory, 'pids');
  const log = recordedLog();
  const mcp = mcpServers({
    servers: {
      child: {
        transport: 'stdio',
        command: process.execPath,
        args: [CHILD],
        env: { MODE: mode, PIDS: pidFile, CONFIGURED: 'yes' },
      },
    },
    version: '1.2.3',
    timeoutMs: options.timeoutMs ?? 10_000,
    bodyLimit: options.bodyLimit ?? 1_000_000,
    spawnEnv: { ...process.env, AGENT_AUTH_TOKEN: 'sidecar-secret', LC_ALL: 'C.UTF-8' },
    log,
  });
  t.after(async () => {
    await mcp.close();
    for (const pid of pids()) assert.equal(isAlive(pid), false, `process ${pid} was left behind`);
    rmSync(directory, { recursive: true });
  });
  const pids = (): number[] => {
    try {
      return readFileSync(pidFile, 'utf8').trim().split('\n').map(Number);
    } catch {
      return [];
    }
  };
  const call: Setup['call'] = (name, args) =>
    post(mcp.service, '/mcp/child', { id: 1, method: 'tools/call', params: { name, arguments: args ?? {} } });
  return { mcp, log, pids, call };
}

test('the reference server over stdio: the short form is enough, and there is one process', async (t) => {
  const mcp = mcpServers({
    servers: { everything: { transport: 'stdio', command: process.execPath, args: [EVERYTHING, 'stdio'], env: {} } },
    version: '0',
    timeoutMs: 10_000,
    bodyLimit: 1_000_000,
    spawnEnv: process.env,
    log: recordedLog(),
  });
  t.after(() => mcp.close());
  const list = await post(mcp.service, '/mcp/everything', { method: 'tools/list', params: {} });
  assert.equal(list.status, 200);
  assert.equal(list.json.jsonrpc, '2.0');
  assert.equal(typeof list.json.id, 'string');
  assert.ok(list.json.result.tools.some((tool: { name: string }) => tool.name === 'echo'));
  const sum = await post(mcp.service, '/mcp/everything', {
    id: 'abc',
    method: 'tools/call',
    params: { name: 'get-sum', arguments: { a: 2, b: 40 } },
  });
  assert.equal(sum.json.id, 'abc');
  assert.match(sum.json.result.content[0].text, /42/);
  assert.equal(mcp.status()['everything']?.sessions, 1);
});

test('concurrent first requests share one child and one initialisation', async (t) => {
  const { mcp, pids } = setUp(t, '');
  const replies = await Promise.all(
    Array.from({ length: 20 }, (_, id) => post(mcp.service, '/mcp/child', { id, method: 'tools/list' })),
  );
  assert.deepEqual(
    replies.map((reply) => reply.json.id),
    Array.from({ length: 20 }, (_, id) => id),
  );
  assert.equal(pids().length, 1);
});

test('results and errors come through untouched, also where the SDK would change them', async (t) => {
  const { call } = setUp(t, '');
  assert.deepEqual((await call('strange')).json.result, {
    content: [{ type: 'hologram', depth: 3 }],
    structuredContent: [1, 2],
    resultType: 'x',
    unknown: { a: null },
    _meta: { 'x/y': 1 },
  });
  const failed = await call('fail');
  assert.equal(failed.status, 200);
  assert.deepEqual(failed.json, {
    jsonrpc: '2.0',
    id: 1,
    error: { code: -32_002, message: 'no such thing', data: { uri: 'a:b', more: true } },
  });
});

test('a child knows its configuration and the harmless part of our environment, none of our secrets', async (t) => {
  const { call } = setUp(t, '');
  const { env } = (await call('environment')).json.result;
  assert.equal(env.CONFIGURED, 'yes');
  assert.equal(env.PATH, process.env['PATH']);
  assert.equal(env.LC_ALL, 'C.UTF-8');
  assert.equal(env.AGENT_AUTH_TOKEN, undefined);
  assert.ok(Object.keys(env).length < 16, `too much was inherited: ${Object.keys(env).join(' ')}`);
});

test('trace context goes into _meta unless the caller has put it there', async (t) => {
  const { mcp } = setUp(t, '');
  const echo = async (params: object, headers: string[]): Promise<any> => {
    const body = { method: 'tools/call', params: { name: 'echo', ...params } };
    const { json } = await post(mcp.service, '/mcp/child', body, { headers });
    return JSON.parse(json.result.content[0].text)._meta;
  };
  const headers = ['traceparent', TRACEPARENT, 'TraceState', 'a=1'];
  const filled = await echo({ _meta: { mine: 1 } }, headers);
  assert.equal(filled.traceparent, TRACEPARENT);
  assert.equal(filled.tracestate, 'a=1');
  assert.equal(filled.mine, 1);
  const own = await echo({ _meta: { traceparent: 'own' } }, headers);
  assert.equal(own.traceparent, 'own');
  assert.equal(own.tracestate, undefined);
  assert.equal((await echo({}, [])).traceparent, undefined);
});

test('a child that died between two calls is started again, and the second call does not notice', async (t) => {
  const { mcp, pids } = setUp(t, '');
  const first = await post(mcp.service, '/mcp/child', { method: 'tools/list' });
  const { pid } = first.json.result;
  process.kill(pid, 'SIGKILL');
  await until(() => mcp.status()['child']?.state === 'idle');
  const second = await post(mcp.service, '/mcp/child', { method: 'tools/list' });
  assert.equal(second.status, 200);
  assert.notEqual(second.json.result.pid, pid);
  assert.equal(pids().length, 2);
});

test('a tools/call that may have run is never run again', async (t) => {
  const { call, pids } = setUp(t, '');
  const reply = await call('crash');
  assert.equal(reply.status, 502);
  assert.equal(reply.json.error.code, -32_011);
  assert.match(reply.json.error.message, /may have run/);
  assert.equal(pids().length, 1);
});

test('a child in a crash loop is left alone, and callers are told for how long at once', async (t) => {
  const { mcp, pids } = setUp(t, 'crash-at-start');
  const replies = [];
  for (let i = 0; i < 20; i++) replies.push(await post(mcp.service, '/mcp/child', { id: i, method: 'tools/list' }));
  assert.ok(replies.every((reply) => reply.status === 502 && reply.json.error.code === -32_011));
  const last = replies.at(-1);
  assert.ok(last !== undefined && last.json.error.data.retry_after_ms > 0);
  assert.ok(last.headers.includes('Retry-After'));
  assert.equal(mcp.status()['child']?.state, 'backing_off');
  assert.ok(pids().length <= 3, `${pids().length} starts for 20 requests`);
});

test('a child that dies of a repeatable request is tried once more, not for ever', async (t) => {
  const { mcp, pids } = setUp(t, 'crash-on-list');
  const reply = await post(mcp.service, '/mcp/child', { method: 'tools/list' });
  assert.equal(reply.status, 502);
  assert.equal(pids().length, 2);
});

test('a command that does not exist is unreachable, without its path in the reply', async (t) => {
  const mcp = mcpServers({
    servers: { gone: { transport: 'stdio', command: '/nonexistent/secret-path', args: [], env: {} } },
    version: '0',
    timeoutMs: 1_000,
    bodyLimit: 1_000,
    spawnEnv: {},
    log: recordedLog(),
  });
  t.after(() => mcp.close());
  const reply = await post(mcp.service, '/mcp/gone', { method: 'ping' });
  assert.equal(reply.json.error.code, -32_011);
  assert.doesNotMatch(reply.text, /secret-path/);
});

test('a child that never initialises times out, and is ended', async (t) => {
  const { mcp, pids } = setUp(t, 'mute', { timeoutMs: 300 });
  const reply = await post(mcp.service, '/mcp/child', { id: 5, method: 'tools/list' });
  assert.equal(reply.status, 504);
  assert.equal(reply.json.error.code, -32_012);
  assert.equal(reply.json.id, 5);
  await until(() => pids().every((pid) => !isAlive(pid)));
});

test('a call that hangs times out and is cancelled; the server, which still answers pings, stays', async (t) => {
  const { call, pids } = setUp(t, '', { timeoutMs: 1_500 });
  const reply = await call('hang');
  assert.equal(reply.json.error.code, -32_012);
  const { cancelled } = (await call('cancelled')).json.result;
  assert.equal(cancelled.length, 1);
  assert.equal(pids().length, 1);
});

test('a child that is stuck, so that it does not even answer pings, is replaced', async (t) => {
  const { mcp, call, pids } = setUp(t, '', { timeoutMs: 1_500 });
  assert.equal((await call('freeze')).json.error.code, -32_012);
  await until(() => mcp.status()['child']?.state === 'idle');
  assert.equal((await call('echo')).status, 200);
  assert.equal(pids().length, 2);
});

test('progress keeps a long call alive beyond the timeout', async (t) => {
  const { call } = setUp(t, '', { timeoutMs: 1_500 });
  assert.equal((await call('progress')).json.result.step, 6);
});

test('a caller that leaves cancels its request at the server', async (t) => {
  const { mcp, call } = setUp(t, '');
  await call('echo');
  const caller = new AbortController();
  const body = { method: 'tools/call', params: { name: 'hang' } };
  const left = post(mcp.service, '/mcp/child', body, { signal: caller.signal });
  setTimeout(() => caller.abort(), 100);
  assert.equal((await left).status, 499);
  assert.equal((await call('cancelled')).json.result.cancelled.length, 1);
});

test('a caller that leaves while the session is opened does not end the opening for others', async (t) => {
  const { mcp, pids } = setUp(t, '');
  const caller = new AbortController();
  const first = post(mcp.service, '/mcp/child', { method: 'tools/list' }, { signal: caller.signal });
  const second = post(mcp.service, '/mcp/child', { method: 'tools/list' });
  caller.abort();
  assert.equal((await first).status, 499);
  assert.equal((await second).status, 200);
  assert.equal(pids().length, 1);
});

test('a message beyond the limit is 413 and ends the session; the next call has a new one', async (t) => {
  const { call } = setUp(t, '', { bodyLimit: 100_000 });
  const reply = await call('huge');
  assert.equal(reply.status, 413);
  assert.equal(reply.json.error.code, -32_014);
  assert.equal((await call('echo')).status, 200);
});

test('a result that nests without end does no harm', async (t) => {
  const { call } = setUp(t, '');
  const reply = await call('deep');
  assert.ok(reply.status === 200 || reply.json.error.code === -32_011, reply.text.slice(0, 200));
  assert.equal((await call('echo')).status, 200);
});

test('what the server asks of a client is answered "method not found"', async (t) => {
  const { call } = setUp(t, '');
  assert.equal((await call('ask-client')).json.result.asked.code, -32_601);
});

test('notifications go on to the server, but never ids that mean nothing there', async (t) => {
  const { mcp, call } = setUp(t, '');
  const notify = (method: string, params: object): ReturnType<typeof post> =>
    post(mcp.service, '/mcp/child', { jsonrpc: '2.0', method, params });
  const custom = await notify('notifications/custom', { a: 1 });
  assert.deepEqual([custom.status, custom.text], [202, '']);
  assert.equal((await notify('notifications/cancelled', { requestId: 1 })).status, 202);
  assert.equal((await notify('notifications/initialized', {})).status, 202);
  assert.deepEqual((await call('cancelled')).json.result.cancelled, [{ a: 1 }]);
  const roots = await notify('notifications/roots/list_changed', {});
  assert.deepEqual([roots.status, roots.json.error.code], [400, -32_600]);
});

test("a client's own cancellation finds its request, and only its own", async (t) => {
  const { mcp, call } = setUp(t, '');
  const hang = { jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'hang' } };
  const asClient = (name: string, body: object): ReturnType<typeof post> =>
    post(mcp.service, '/mcp/child', body, { headers: ['Mcp-Session-Id', name] });
  await call('echo');
  const mine = asClient('one', hang);
  let settled = false;
  void mine.then(() => {
    settled = true;
  });
  const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 3 } };
  await asClient('two', cancel);
  await call('echo');
  assert.equal(settled, false);
  await asClient('one', cancel);
  assert.equal((await mine).status, 499);
});

test("a child's stderr is in the log, bounded; what it prints to stdout by mistake does no harm", async (t) => {
  const { mcp, log } = setUp(t, 'noisy');
  assert.equal((await post(mcp.service, '/mcp/child', { method: 'tools/list' })).status, 200);
  const isStderr = (line: { fields: object }): boolean => 'stream' in line.fields;
  await until(() => log.lines.some((line) => line.message === 'spam'));
  const lines = log.lines.filter(isStderr);
  assert.equal(lines[0]?.message, 'red line');
  assert.equal(lines[1]?.message.length, 4096);
  assert.ok(lines.length <= 202, `${lines.length} lines were logged`);
  assert.ok(lines.every((line) => 'mcp_server' in line.fields && line.fields.mcp_server === 'child'));
  assert.ok(!JSON.stringify(log.lines).includes('I print to stdout'));
});

/** How long the event loop was held at most while `work` went on, in milliseconds, and the part of the time we used the CPU. */
async function measured(work: () => Promise<unknown>): Promise<{ heldMs: number; cpu: number }> {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  const [start, used] = [performance.now(), process.cpuUsage()];
  delay.enable();
  await work();
  delay.disable();
  const { user, system } = process.cpuUsage(used);
  return { heldMs: delay.max / 1e6, cpu: (user + system) / 1e3 / (performance.now() - start) };
}

for (const mode of ['flood-junk', 'flood-empty', 'flood-objects', 'flood-long']) {
  test(`a child that floods its stdout is ended, left alone and reported: ${mode}`, async (t) => {
    const { mcp, log, pids } = setUp(t, mode);
    // The SDK is loaded before, as that holds the loop too.
    await import('@modelcontextprotocol/client');
    const { heldMs } = await measured(async () => {
      const list = async (): Promise<number> =>
        (await post(mcp.service, '/mcp/child', { method: 'tools/list' })).json.error?.code;
      // It may answer before the flood has lasted long enough, but not for ever.
      await until(async () => (await list()) === -32_011);
      await until(() => mcp.status()['child']?.state !== 'ready');
      await until(async () => (await list()) === -32_011 && mcp.status()['child']?.state === 'backing_off');
      await until(() => pids().every((pid) => !isAlive(pid)));
    });
    assert.ok(heldMs < 150, `the event loop was held for ${heldMs} ms`);
    assert.equal(mcp.status()['child']?.state, 'backing_off');
    assert.ok(pids().length <= 3, `${pids().length} starts`);
    const said = log.lines.filter(({ level, message }) => level === 'warn' && message === 'MCP transport gave up');
    assert.equal(said.length, pids().length);
    assert.ok(!JSON.stringify(log.lines).includes('not json'));
    const { cpu } = await measured(() => sleep(500));
    assert.ok(cpu < 0.2, `${cpu} of a CPU afterwards`);
  });
}

for (const mode of ['flood-notifications', 'flood-answers', 'flood-requests', 'flood-stderr']) {
  test(`a flood that is no fault holds neither the event loop nor a CPU: ${mode}`, async (t) => {
    const { mcp } = setUp(t, mode);
    await import('@modelcontextprotocol/client');
    const calling = post(mcp.service, '/mcp/child', { method: 'tools/list' });
    const first = await measured(() => sleep(1_000));
    assert.ok(first.heldMs < 150, `the event loop was held for ${first.heldMs} ms`);
    const { heldMs, cpu } = await measured(() => sleep(2_000));
    assert.ok(heldMs < 100 && cpu < 0.4, `held for ${heldMs} ms, ${cpu} of a CPU`);
    await Promise.race([calling, sleep(8_000)]);
    assert.equal((await calling).status, 200, 'it is slow, and still served');
  });
}

test('a burst on stdout that ends does no harm', async (t) => {
  const { mcp, pids } = setUp(t, 'chatter');
  assert.equal((await post(mcp.service, '/mcp/child', { method: 'tools/list' })).status, 200);
  assert.equal(pids().length, 1);
});

test('what a child says before it exits arrives, behind much that nobody asked for', async (t) => {
  const { call } = setUp(t, '');
  const reply = await call('last-words');
  assert.deepEqual(reply.json.result, { last: true }, reply.text);
});

test('closing ends the whole process group, also what ignores SIGTERM', async (t) => {
  const { mcp, pids } = setUp(t, 'stubborn grandchild');
  await post(mcp.service, '/mcp/child', { method: 'tools/list' });
  assert.equal(pids().length, 2);
  assert.ok(pids().every(isAlive));
  await mcp.close();
  assert.ok(pids().every((pid) => !isAlive(pid)));
  const late = await post(mcp.service, '/mcp/child', { method: 'tools/list' });
  assert.equal(late.status, 503);
  assert.equal(pids().length, 2);
});

test('closing does not wait for a child that never initialises', async (t) => {
  const { mcp, pids } = setUp(t, 'mute', { timeoutMs: 60_000 });
  const pending = post(mcp.service, '/mcp/child', { method: 'tools/list' });
  await until(() => pids().length === 1);
  const started = performance.now();
  await mcp.close();
  assert.ok(performance.now() - started < 3_000);
  assert.notEqual((await pending).status, 200);
  assert.ok(pids().every((pid) => !isAlive(pid)));
});

test('closing waits for what a lost session left behind', async (t) => {
  const { mcp, pids, call } = setUp(t, 'grandchild');
  await call('crash');
  await mcp.close();
  assert.equal(pids().length, 2);
  assert.ok(pids().every((pid) => !isAlive(pid)));
});

test('what a crashed child leaves behind is ended too', async (t) => {
  const { mcp, pids, call } = setUp(t, 'grandchild');
  await post(mcp.service, '/mcp/child', { method: 'tools/list' });
  const [, grandchild] = pids();
  assert.ok(grandchild !== undefined && isAlive(grandchild));
  await call('crash');
  await until(() => !isAlive(grandchild), 8_000);
});

for (const [how, end] of [
  ['SIGTERM without a handler of its own', (pid: number) => process.kill(pid, 'SIGTERM')],
  ['SIGINT without a handler of its own', (pid: number) => process.kill(pid, 'SIGINT')],
  ['process.exit, here on SIGUSR2', (pid: number) => process.kill(pid, 'SIGUSR2')],
] as const) {
  test(`no process is left when ours ends by ${how}`, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'outrider-mcp-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const pidFile = join(directory, 'pids');
    const ours = spawn(process.execPath, [fileURLToPath(new URL('./fixtures/mcp-owner.ts', import.meta.url))], {
      env: { PATH: process.env['PATH'], PIDS: pidFile, CHILD },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => ours.kill('SIGKILL'));
    await once(ours.stdout, 'data');
    const pids = readFileSync(pidFile, 'utf8').trim().split('\n').map(Number);
    assert.equal(pids.length, 2);
    assert.ok(pids.every(isAlive));
    assert.ok(ours.pid !== undefined);
    end(ours.pid);
    await once(ours, 'exit');
    await until(() => pids.every((pid) => !isAlive(pid)), 3_000);
  });
}
