import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { HOST_TOKEN, type HostProcess, hostCommandFor, hostFor } from '../support/host.ts';
import { type HttpReply, http } from '../support/http.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const AGENTS = join(FIXTURES, 'agents.ts');
const NODE = JSON.stringify(process.execPath);
const CHILD = `[${NODE}, ${JSON.stringify(join(FIXTURES, 'child.mjs'))}]`;

const HEADERS = { 'X-API-Key': HOST_TOKEN };

function execute(url: string, agent: string, input: string): Promise<HttpReply> {
  return http(`${url}/v1/agents/${agent}/execute`, { headers: HEADERS, body: { input } });
}

/** The output, as soon as the agent is up. */
async function outputOf(url: string, agent: string, input: string): Promise<string> {
  const reply = await until(async () => {
    const reply = await execute(url, agent, input);
    return reply.status === 503 ? undefined : reply;
  }, `${agent} is up`);
  assert.equal(reply.status, 200, reply.text);
  return reply.json.output;
}

/** Until then a call may still get to the process that is ending, and nobody can tell what became of it. */
function seenToEnd({ logs }: HostProcess, agent: string): Promise<unknown> {
  const line = (entry: Record<string, unknown>): boolean =>
    entry['agent'] === agent && entry['msg'] === 'the agent has ended and is started again';
  return until(() => logs().some(line), `the end of ${agent} is seen`);
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('agents that are commands', () => {
  const host = (t: TestContext, agents: string, env = {}): Promise<HostProcess> =>
    hostCommandFor(t, { config: `agents:\n  ${agents}\n`, env });

  test('node and python look the same from outside, and stream in one piece', async (t) => {
    const python = `[python3, -u, ${JSON.stringify(join(FIXTURES, 'child.py'))}]`;
    const { url } = await host(t, `node: { command: ${CHILD} }\n  python: { command: ${python}, name: Snake }`);
    assert.equal(await outputOf(url, 'node', 'hi'), 'child hi');
    assert.equal(await outputOf(url, 'python', 'hi'), 'python hi');
    const { json } = await http(`${url}/v1/agents`, { headers: HEADERS });
    assert.deepEqual(json.agents, [
      { id: 'node', name: 'node', model: '', description: '' },
      { id: 'python', name: 'Snake', model: '', description: '' },
    ]);
    const stream = await http(`${url}/v1/agents/python/execute/stream`, { headers: HEADERS, body: { input: 'hi' } });
    assert.equal(stream.status, 200);
    assert.match(stream.text, /^event: chunk\ndata: {"text":"python hi"}\n\nevent: done\ndata: {"output":"python hi"/);
  });

  test('it finds its port and id, and none of our secrets', async (t) => {
    const { url } = await hostCommandFor(t, {
      config: `agents:\n  kid: { command: ${CHILD}, env: { OWN: mine, PORT: "1" }, cwd: ${JSON.stringify(FIXTURES)} }\nauth: { keys: [{ name: ci, key_env: CI_KEY }] }\n`,
      env: {
        CI_KEY: 'ci-secret',
        OPENAI_API_KEY: 'for-agents',
        OUTRIDER_LEDGER_TOKEN: 'x',
        OUTRIDER_LOCAL_URL: 'http://127.0.0.1:9090',
      },
    });
    const env = JSON.parse(await outputOf(url, 'kid', 'environment'));
    assert.equal(env.AGENT_ID, 'kid');
    assert.equal(env.OWN, 'mine');
    assert.equal(env.OPENAI_API_KEY, 'for-agents');
    assert.equal(env.OUTRIDER_LOCAL_URL, 'http://127.0.0.1:9090');
    assert.notEqual(env.PORT, '1');
    for (const name of ['AGENT_AUTH_TOKEN', 'CI_KEY', 'OUTRIDER_LEDGER_TOKEN'])
      assert.equal(env[name], undefined, name);
    assert.equal(await outputOf(url, 'kid', 'cwd'), FIXTURES);
  });

  test('what it writes is in the log, under its name', async (t) => {
    const { url, logs } = await host(t, `kid: { command: ${CHILD} }`);
    await outputOf(url, 'kid', 'hi');
    const line = logs().find(({ msg }) => msg === 'child of kid writes to stdout');
    assert.equal(line?.['agent'], 'kid');
    assert.equal(line?.['stream'], 'stdout');
  });

  test('one that shouts fills neither the log nor its pipe', async (t) => {
    const { url, logs } = await host(t, `kid: { command: ${CHILD} }`);
    assert.equal(await outputOf(url, 'kid', 'shout'), 'child shout');
    const left = await until(() => logs().find(({ msg }) => msg === 'lines of output left out'), 'lines are left out');
    assert.deepEqual([left['agent'], left['stream']], ['kid', 'stdout']);
    assert.ok(logs().length < 1_000, String(logs().length));
    assert.equal(await outputOf(url, 'kid', 'hi'), 'child hi');
  });

  test('a crash takes only itself, and the call that it broke off has an answer', async (t) => {
    const running = await host(t, `kid: { command: ${CHILD} }\n  other: { command: ${CHILD}, remote_id: other }`);
    const { url } = running;
    const other = await outputOf(url, 'other', 'pid');
    const first = await outputOf(url, 'kid', 'pid');
    const broken = await execute(url, 'kid', 'exit');
    assert.equal(broken.status, 502);
    assert.equal(broken.json.error.code, 'unreachable');
    await seenToEnd(running, 'kid');
    assert.notEqual(await outputOf(url, 'kid', 'pid'), first);
    assert.equal(await outputOf(url, 'other', 'pid'), other);
  });

  test('one that is killed is started again', async (t) => {
    const running = await host(t, `kid: { command: ${CHILD} }`);
    const { url } = running;
    const first = Number(await outputOf(url, 'kid', 'pid'));
    process.kill(first, 'SIGKILL');
    await seenToEnd(running, 'kid');
    assert.notEqual(Number(await outputOf(url, 'kid', 'pid')), first);
  });

  test('one that cannot stay up is 503 with Retry-After, tried again ever later, and no reason not to start', async (t) => {
    const { url, logs } = await host(
      t,
      `crashing: { command: ${CHILD}, env: { CRASH: at start } }\n  missing: { command: [/no/such/program] }\n  kid: { command: ${CHILD} }`,
    );
    await until(
      () =>
        logs().filter(({ msg, agent }) => msg === 'the agent has ended and is started again' && agent === 'crashing')
          .length >= 3,
      'it has ended three times',
    );
    for (const agent of ['crashing', 'missing']) {
      const reply = await execute(url, agent, 'hi');
      assert.equal(reply.status, 503, agent);
      assert.equal(reply.json.error.code, 'not_ready');
      assert.match(String(reply.headers['retry-after']), /^\d+$/);
    }
    const waits = logs()
      .filter(({ msg, agent }) => msg === 'the agent has ended and is started again' && agent === 'crashing')
      .map(({ wait_ms }) => Number(wait_ms));
    assert.equal(waits[0], 0);
    assert.ok((waits[1] ?? 0) >= 240 && (waits[2] ?? 0) > 450, String(waits));
    assert.ok(
      logs().some(
        ({ msg, agent }) => msg === 'the agent cannot be started, which is tried again' && agent === 'missing',
      ),
    );
    assert.equal(await outputOf(url, 'kid', 'hi'), 'child hi');
  });

  test('one that hangs is broken off at the deadline', async (t) => {
    const { url } = await host(t, `kid: { command: ${CHILD}, timeout: 300ms }`);
    await outputOf(url, 'kid', 'hi');
    const reply = await execute(url, 'kid', 'hang');
    assert.equal(reply.status, 504);
    assert.equal(reply.json.error.code, 'timeout');
    assert.equal(await outputOf(url, 'kid', 'hi'), 'child hi');
  });

  for (const how of ['SIGTERM', 'SIGKILL'] as const) {
    test(`nothing of it is left when the host ends by ${how}`, async (t) => {
      const { url, stop } = await host(t, `kid: { command: ${CHILD} }`);
      const pids = [Number(await outputOf(url, 'kid', 'pid')), Number(await outputOf(url, 'kid', 'grandchild'))];
      assert.deepEqual(pids.map(runs), [true, true]);
      const exit = await stop(how);
      if (how === 'SIGTERM') assert.equal(exit.code, 0);
      await until(() => !pids.some(runs), 'they are gone');
    });
  }
});

describe('agents of modules', () => {
  test('modules are named in the file and on the command line, in TypeScript too', async (t) => {
    const { url } = await hostCommandFor(t, {
      args: [AGENTS],
      config: `agents: { say: { module: ${JSON.stringify(join(FIXTURES, 'single.mjs'))}, remote_id: single } }`,
    });
    assert.equal((await execute(url, 'say', 'hi')).json.output, 'single hi');
    assert.equal((await execute(url, 'echo', 'hi')).json.output, 'echo hi');
  });

  test('an agent that throws tells its callers nothing of what', async (t) => {
    const { url, logs } = await hostFor(t, { modules: [AGENTS] });
    const reply = await execute(url, 'thrower', 'hi');
    assert.equal(reply.status, 502);
    assert.deepEqual(reply.json.error, {
      code: 'agent_failed',
      message: 'the agent failed',
      details: { retryable: false },
    });
    const line = logs().find(({ msg }) => msg === 'an agent failed');
    assert.match(String(line?.['error']), /the secret of the agent/);
    assert.equal(line?.['agent'], 'thrower');
  });

  test('what the file says of an agent of a module holds', async (t) => {
    const { url } = await hostFor(t, {
      modules: [AGENTS],
      config: 'agents: { slow: { name: Sleeper, concurrency: 1, queue: 0, timeout: 200ms } }',
    });
    const { json } = await http(`${url}/v1/agents/slow`, { headers: HEADERS });
    assert.equal(json.name, 'Sleeper');
    const first = execute(url, 'slow', '5000');
    const second = await until(async () => {
      const reply = await execute(url, 'slow', '5000');
      return reply.status === 429 ? reply : undefined;
    }, 'the place is taken');
    assert.equal(second.json.error.code, 'rate_limited');
    assert.equal((await first).status, 504);
  });
});

describe('agents at addresses', () => {
  test('HTTP and gRPC, with the token of the configuration', async (t) => {
    const far = await hostFor(t, { modules: [AGENTS] });
    const { url } = await hostFor(t, {
      config: `agents:
  http: { url: "${far.url}", remote_id: echo, token_env: FAR }
  grpc: { url: "grpc://127.0.0.1:${far.port}", remote_id: echo, token_env: FAR }
  tokenless: { url: "${far.url}", remote_id: echo }
  nobody: { url: "${far.url}", token_env: FAR }
`,
      env: { FAR: far.token },
    });
    assert.equal((await execute(url, 'http', 'hi')).json.output, 'echo hi');
    assert.equal((await execute(url, 'grpc', 'hi')).json.output, 'echo hi');
    assert.equal((await execute(url, 'nobody', 'hi')).json.error.code, 'not_found');
    assert.equal((await execute(url, 'tokenless', 'hi')).json.error.code, 'unauthenticated');
  });

  test('one trace goes through both hosts to the agent', async (t) => {
    const far = await hostFor(t, { modules: [AGENTS] });
    const { url } = await hostFor(t, {
      config: `agents: { context: { url: "grpc://127.0.0.1:${far.port}", token_env: FAR } }`,
      env: { FAR: far.token, OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' },
    });
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const reply = await http(`${url}/v1/agents/context/execute`, {
      headers: { ...HEADERS, traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
      body: { input: 'x' },
    });
    const { trace, principal } = JSON.parse(reply.json.output);
    assert.equal(principal, 'admin');
    assert.match(trace.traceparent, new RegExp(`^00-${traceId}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`));
  });
});

describe('agents that are registered', () => {
  const register = (url: string, body: object): Promise<HttpReply> =>
    http(`${url}/v1/agents`, { headers: HEADERS, body });

  test('they are there at once, again after a restart, and gone when they are removed', async (t) => {
    const far = await hostFor(t, { modules: [AGENTS] });
    const open = await hostFor(t, {
      agents: [{ id: 'far', execute: ({ input }) => `far ${input}` }],
      env: { AGENT_AUTH_TOKEN: undefined, OUTRIDER_ALLOW_NO_AUTH: '1' },
    });
    const dataDir = tempDir(t);
    const first = await hostFor(t, { dataDir });
    const info = { id: 'far', name: 'Far away', model: '', description: '' };
    const reply = await register(first.url, { id: 'far', name: 'Far away', url: open.url });
    assert.deepEqual([reply.status, reply.json], [201, info]);
    assert.equal((await execute(first.url, 'far', 'hi')).json.output, 'far hi');
    assert.equal((await register(first.url, { id: 'far', url: far.url })).status, 409);
    await first.close();

    const second = await hostFor(t, { dataDir });
    assert.deepEqual((await http(`${second.url}/v1/agents/far`, { headers: HEADERS })).json, info);
    assert.equal((await execute(second.url, 'far', 'again')).json.output, 'far again');
    assert.equal((await http(`${second.url}/v1/agents/far`, { method: 'DELETE', headers: HEADERS })).status, 204);
    assert.equal((await execute(second.url, 'far', 'hi')).status, 404);
    await second.close();

    const third = await hostFor(t, { dataDir });
    assert.equal((await execute(third.url, 'far', 'hi')).status, 404);
  });

  test('one of the configuration is neither replaced nor removed', async (t) => {
    const dataDir = tempDir(t);
    const first = await hostFor(t, { modules: [AGENTS], dataDir });
    assert.equal((await register(first.url, { id: 'echo', url: 'http://127.0.0.1:1' })).status, 409);
    const removed = await http(`${first.url}/v1/agents/echo`, { method: 'DELETE', headers: HEADERS });
    assert.equal(removed.status, 409);
    assert.equal((await execute(first.url, 'echo', 'hi')).json.output, 'echo hi');
    assert.equal((await register(first.url, { id: 'later', url: 'http://127.0.0.1:1' })).status, 201);
    await first.close();
    // The configuration has an agent of this id now.
    const later = [{ id: 'later', execute: () => 'configured' }];
    const second = await hostFor(t, { agents: later, dataDir });
    assert.equal((await execute(second.url, 'later', 'hi')).json.output, 'configured');
    assert.ok(second.logs().some(({ msg }) => msg === 'a registered agent is hidden by one of the configuration'));
  });

  test('what cannot be accepted is 422, and nothing is kept of it', async (t) => {
    const { url } = await hostFor(t);
    const bad: object[] = [
      { id: 'a', url: 'ftp://h/' },
      { id: 'a', url: 'not a url' },
      { id: 'a', url: 'http://user:pass@h/' },
      { id: 'a', url: 'http://h/?token=x' },
      { id: 'a', url: `http://h/${'x'.repeat(2_048)}` },
      { id: 'a', url: 'http://h/', name: 'x'.repeat(20_000) },
      { id: 'a', url },
      { id: 'a b', url: 'http://h/' },
      { id: '', url: 'http://h/' },
      { url: 'http://h/' },
      { id: 'a' },
    ];
    for (const body of bad) {
      const reply = await register(url, body);
      assert.equal(reply.status, 422, JSON.stringify(body).slice(0, 100));
      assert.equal(reply.json.error.code, 'unprocessable');
      assert.doesNotMatch(reply.text, /user:pass|token=x/);
    }
    assert.deepEqual((await http(`${url}/v1/agents`, { headers: HEADERS })).json.agents, []);
    // It may be another agent of ours under a new name.
    assert.equal((await register(url, { id: 'a', url, remote_id: 'b' })).status, 201);
  });
});
