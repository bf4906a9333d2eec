import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentError } from '../../src/contract/agent-error.ts';
import type { HostedAgent } from '../../src/host/ports.ts';
import type { HostRoutesOptions } from '../../src/host/routes.ts';
import { http } from '../support/http.ts';
import { raw } from '../support/raw.ts';
import { until, untilStill } from '../support/until.ts';
import { echo, endless, hosted, type ServedHost, servedHost } from './support.ts';

const ALICE = { Authorization: 'Bearer alice' };
const ADMIN = { Authorization: 'Bearer admin' };

async function started(t: TestContext, agents: HostedAgent[], options: HostRoutesOptions = {}): Promise<ServedHost> {
  const host = await servedHost(agents, options);
  t.after(() => host.close());
  return host;
}

/** Events as they stand in the stream, comments left out. */
function eventsOf(text: string): [string, unknown][] {
  return text
    .split('\n\n')
    .filter((block) => block !== '' && !block.startsWith(':'))
    .map((block) => {
      const [, name = '', data = ''] = /^event: ([^\n]*)\ndata: ([^\n]*)$/.exec(block) ?? [];
      return [name, JSON.parse(data)];
    });
}

test('execute answers on both paths with all that a reply has', async (t) => {
  const host = await started(t, [hosted('echo', echo)]);
  for (const path of ['/agents/echo/execute', '/v1/agents/echo/execute', '/v1/agents/ech%6f/execute?x=1']) {
    const reply = await http(host.url + path, { headers: ALICE, body: { input: 'hi', timeout_seconds: 30 } });
    assert.equal(reply.status, 200, path);
    assert.equal(reply.headers['content-type'], 'application/json');
    assert.deepEqual(
      { ...reply.json, execution_time_ms: 0 },
      { output: 'hi', token_count: 3, execution_time_ms: 0, loop_count: 0, stop_reason: 'completed' },
    );
    assert.equal(typeof reply.json.execution_time_ms, 'number');
  }
});

test('every reply says its request id and the version of the contract', async (t) => {
  const host = await started(t, [hosted('echo', echo)]);
  const ask = (path: string, headers: Record<string, string>) =>
    http(host.url + path, { headers: { ...ALICE, ...headers }, body: { input: 'hi' } });
  const own = await ask('/agents/echo/execute', { 'X-Request-Id': 'my-id:1.2_3' });
  assert.equal(own.headers['x-request-id'], 'my-id:1.2_3');
  for (const theirs of ['', 'has space', 'x'.repeat(129), 'a;b', '"q"']) {
    const reply = await ask('/nowhere', { 'X-Request-Id': theirs });
    assert.equal(reply.status, 404);
    assert.match(String(reply.headers['x-request-id']), /^[0-9a-f-]{36}$/, theirs);
    assert.equal(reply.headers['outrider-contract'], '1.0');
  }
  const refused = await http(`${host.url}/agents/echo/execute`, { body: { input: 'x' } });
  assert.equal(refused.status, 401);
  assert.equal(refused.json.error.code, 'unauthenticated');
  assert.equal(refused.headers['www-authenticate'], 'Bearer');
  assert.ok(refused.headers['x-request-id']);
});

test('a caller of another minor version is served, one of another major is not', async (t) => {
  const host = await started(t, [hosted('echo', echo)]);
  const ask = (version: string) =>
    http(`${host.url}/agents/echo/execute`, {
      headers: { ...ALICE, 'Outrider-Contract': version },
      body: { input: 'x' },
    });
  assert.equal((await ask('1.7')).status, 200);
  const other = await ask('2.0');
  assert.equal(other.status, 400);
  assert.match(other.json.error.message, /2\.0.*1\.0/);
});

test('what does not fit is refused with what is wrong', async (t) => {
  const host = await started(t, [hosted('echo', echo)]);
  const cases: [unknown, number, RegExp][] = [
    [{}, 400, /input/],
    [{ input: 5 }, 400, /input: expected a string/],
    [{ input: 'x', timeout_seconds: 0 }, 400, /timeout_seconds/],
    [{ input: 'x', timeout_seconds: -1 }, 400, /timeout_seconds/],
    [{ input: 'x', timeout_seconds: '30' }, 400, /timeout_seconds/],
    ['{"input":"x","timeout_seconds":1e999}', 400, /timeout_seconds/],
    [{ input: 'x', metadata: { a: 1 } }, 400, /metadata/],
    [{ input: 'x', agent_id: 'other' }, 400, /agent_id/],
    [{ input: 'x', idempotency_key: 'k'.repeat(129) }, 400, /idempotency_key/],
    ['[]', 400, /object/],
    ['null', 400, /object/],
    ['"input"', 400, /object/],
    ['', 400, /needs a body/],
    ['{"input":"x"} trailing', 400, /JSON/],
    ['{"input":', 400, /JSON/],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 400, /UTF-8/],
    ['{"input":"x","context":'.concat('{"a":'.repeat(5_000), '1', '}'.repeat(5_001)), 400, /deep/],
    ['{"input":"x","later":'.concat('['.repeat(100_000), ']'.repeat(100_000), '}'), 400, /deep/],
    ['{"input":"\\ud800"}', 400, /Unicode/],
  ];
  for (const path of ['/agents/echo/execute', '/v1/agents/echo/execute/stream', '/v1/agents/echo/jobs']) {
    for (const [body, status, message] of cases) {
      const reply = await http(host.url + path, { headers: ALICE, body });
      assert.equal(reply.status, status, `${path} ${String(body).slice(0, 60)} ${reply.text}`);
      assert.equal(reply.json.error.code, 'bad_request');
      assert.match(reply.json.error.message, message);
      assert.ok(reply.headers['x-request-id']);
    }
  }
  assert.equal(host.runs.length, 0);
  const duplicate = await http(`${host.url}/agents/echo/execute`, {
    headers: ALICE,
    body: '\ufeff{"input":"a","input":"b","later":{"x":1},"__proto__":{"agent_id":"z"}}',
  });
  assert.equal(duplicate.json.output, 'b');
});

test('what was sent does not come back in an error', async (t) => {
  const host = await started(t, [hosted('echo', echo)]);
  for (const body of ['{"input": swordfish', '{"swordfish": {"a": "swordfish"}, "input": 1}']) {
    const reply = await http(`${host.url}/agents/echo/execute`, { headers: ALICE, body });
    assert.equal(reply.status, 400);
    assert.doesNotMatch(reply.text, /swordfish/);
  }
});

test('only JSON in UTF-8 without a coding is read', async (t) => {
  const host = await started(t, [hosted('echo', echo)]);
  const ask = (headers: Record<string, string>) =>
    http(`${host.url}/agents/echo/execute`, { headers: { ...ALICE, ...headers }, body: '{"input":"x"}' });
  for (const type of ['application/json; charset=UTF-8', 'application/json;charset="utf-8"', 'application/x+json']) {
    assert.equal((await ask({ 'Content-Type': type })).status, 200, type);
  }
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=latin1',
    'json',
    '',
  ]) {
    const reply = await ask({ 'Content-Type': type });
    assert.equal(reply.status, 415, type);
    assert.match(reply.json.error.message, /application\/json/);
  }
  assert.equal((await ask({ 'Content-Encoding': 'gzip' })).status, 415);
  const bare = `POST /agents/echo/execute HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nContent-Length: 13\r\nConnection: close\r\n`;
  assert.equal((await raw(host.url, `${bare}\r\n{"input":"x"}`)).status, 200);
  // Any page in a browser can send that without being asked.
  assert.equal((await raw(host.url, `${bare}Origin: https://evil.example\r\n\r\n{"input":"x"}`)).status, 415);
});

test('a body that is too large is refused before it has come', async (t) => {
  const host = await started(t, [hosted('echo', echo)], { maxBodyBytes: 1_000_000 });
  const head = (more: string): string =>
    `POST /agents/echo/execute HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nContent-Type: application/json\r\n${more}\r\n\r\n`;
  const announced = await raw(host.url, head('Content-Length: 52428800'), { until: /\}$/ });
  assert.equal(announced.status, 413);
  assert.match(announced.text, /"body_too_large"/);
  const piece = 'x'.repeat(500_000);
  const chunk = `${piece.length.toString(16)}\r\n${piece}\r\n`;
  const streamed = await raw(host.url, head('Transfer-Encoding: chunked') + chunk.repeat(3), { until: /\}$/ });
  assert.equal(streamed.status, 413);
  const large = await http(`${host.url}/agents/echo/execute`, { headers: ALICE, body: { input: 'x'.repeat(900_000) } });
  assert.equal(large.json.output.length, 900_000);
});

test('only what is served is served, and a path is decoded once', async (t) => {
  const host = await started(t, [hosted('echo', echo), hosted('a.b', echo)]);
  const cases: [string, string, number][] = [
    ['GET', '/v1/agents/echo', 200],
    ['HEAD', '/v1/agents/echo', 200],
    ['GET', '/v1/agents/a%2Eb', 200],
    ['GET', '/v1/agents', 200],
    ['GET', '/v1/agents/', 404],
    ['GET', '/v1/agents/nobody', 404],
    ['GET', '/v1/agents/%2e%2e%2fecho', 404],
    ['GET', '/v1/agents/%2565cho', 404],
    ['GET', '/v1/agents/ech%', 400],
    ['GET', '/v1/agents/%ff', 400],
    ['GET', `/v1/agents/${'a'.repeat(10_000)}`, 404],
    ['GET', '/v1/agents/__proto__', 404],
    ['POST', '/v1/agents//execute', 404],
    ['POST', '/agents/echo', 404],
    ['POST', '/agents/echo/execute/stream', 404],
    ['POST', '/V1/agents/echo/execute', 404],
    ['GET', '/', 404],
  ];
  for (const [method, path, status] of cases) {
    const reply = await http(host.url + path, {
      method,
      headers: ALICE,
      ...(method === 'POST' && { body: { input: 'x' } }),
    });
    assert.equal(reply.status, status, `${method} ${path}: ${reply.text}`);
    if (method === 'HEAD') assert.equal(reply.text, '');
  }
  // Clients tidy up such paths before they send them.
  for (const path of ['/v1/agents/../agents/echo', '/v1/agents/%2e%2e', '/v1/agents/..', '//v1/agents/echo']) {
    const reply = await raw(host.url, `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\n\r\n`, {
      until: /\}$/,
    });
    assert.equal(reply.status, 404, path);
  }
});

test('a method that is not served is refused with those that are', async (t) => {
  const host = await started(t, [hosted('echo', echo)]);
  const cases: [string, string, string][] = [
    ['PUT', '/v1/agents', 'GET, POST'],
    ['POST', '/v1/agents/echo', 'GET, DELETE'],
    ['GET', '/v1/agents/echo/execute', 'POST'],
    ['HEAD', '/agents/echo/execute', 'POST'],
    ['OPTIONS', '/v1/agents/echo/jobs', 'POST'],
    ['PATCH', '/v1/agents/echo/jobs/1', 'GET, DELETE'],
  ];
  for (const [method, path, allow] of cases) {
    const reply = await http(host.url + path, { method, headers: ALICE });
    assert.equal(reply.status, 405, `${method} ${path}`);
    assert.equal(reply.headers.allow, allow);
  }
});

test('agents are listed, described, registered and removed', async (t) => {
  const host = await started(t, [hosted('echo', echo), hosted('secret', echo, { allowedRoles: ['boss'] })]);
  const list = await http(`${host.url}/v1/agents`, { headers: ALICE });
  assert.deepEqual(list.json, { agents: [{ id: 'echo', name: 'The echo', model: 'none', description: '' }] });
  assert.equal((await http(`${host.url}/v1/agents/secret`, { headers: ALICE })).status, 403);

  const body = { id: 'far', url: 'http://127.0.0.1:1', name: 'Far' };
  const post = (value: unknown, headers = ADMIN) => http(`${host.url}/v1/agents`, { headers, body: value });
  assert.equal((await post(body, ALICE)).status, 403);
  const created = await post(body);
  assert.equal(created.status, 201);
  assert.equal(created.headers.location, '/v1/agents/far');
  assert.deepEqual(created.json, { id: 'far', name: 'Far', model: '', description: '' });
  assert.equal((await post(body)).status, 409);
  assert.equal((await post({ ...body, id: '../x' })).status, 422);
  assert.equal((await post({ ...body, id: 'b', url: 'file:///etc/passwd' })).status, 422);
  assert.equal((await post({ ...body, id: 'b', url: 'http://unacceptable' })).status, 422);
  assert.equal((await post({ ...body, id: 5 })).status, 400);
  const remove = (id: string, headers = ADMIN) => http(`${host.url}/v1/agents/${id}`, { method: 'DELETE', headers });
  assert.equal((await remove('far', ALICE)).status, 403);
  const removed = await remove('far');
  assert.deepEqual([removed.status, removed.text], [204, '']);
  assert.equal((await remove('far')).status, 404);
  assert.equal((await remove('echo')).status, 409);
});

test('a job is started, asked for and cancelled by its owner', async (t) => {
  const agent = endless();
  const host = await started(t, [hosted('endless', agent), hosted('echo', echo)]);
  const jobs = `${host.url}/v1/agents/endless/jobs`;
  const job = await http(jobs, { headers: ALICE, body: { input: 'x' } });
  assert.equal(job.status, 202);
  assert.deepEqual(Object.keys(job.json), ['job_id']);
  const at = host.url + job.headers.location;
  assert.equal((await http(at, { headers: ALICE })).json.status, 'running');
  assert.equal((await http(at, { headers: { Authorization: 'Bearer bob' } })).status, 404);
  const elsewhere = `${host.url}/v1/agents/echo/jobs/${job.json.job_id}`;
  assert.equal((await http(elsewhere, { headers: ALICE })).status, 404);
  assert.equal((await http(`${jobs}/..%2f..`, { headers: ADMIN })).status, 404);
  const cancelled = await http(at, { method: 'DELETE', headers: ALICE });
  assert.deepEqual([cancelled.status, cancelled.json.status], [200, 'cancelled']);
  assert.equal(agent.aborted.length, 1);
});

test('a run goes on with the trace of its call, when that is one', async (t) => {
  const host = await started(t, [hosted('trace', (_request, { trace }) => JSON.stringify(trace ?? null))]);
  const ask = async (headers: Record<string, string>): Promise<unknown> => {
    const reply = await http(`${host.url}/agents/trace/execute`, {
      headers: { ...ALICE, ...headers },
      body: { input: 'x' },
    });
    return JSON.parse(reply.json.output);
  };
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  assert.deepEqual(await ask({ traceparent, tracestate: 'a=b' }), { traceparent, tracestate: 'a=b' });
  assert.deepEqual(await ask({ traceparent, tracestate: 'x'.repeat(513) }), { traceparent });
  assert.equal(await ask({ traceparent: 'nonsense', tracestate: 'a=b' }), null);
  assert.equal(await ask({ tracestate: 'a=b' }), null);
});

test('a body where none is read does no harm', async (t) => {
  const host = await started(t, [hosted('echo', echo)]);
  const large = 'x'.repeat(5_000_000);
  for (const method of ['GET', 'DELETE']) {
    const reply = await http(`${host.url}/v1/agents/echo`, { method, headers: ALICE, body: large }).catch(
      () => undefined,
    );
    if (reply !== undefined) assert.equal(reply.status, method === 'GET' ? 200 : 403);
  }
  assert.equal((await http(`${host.url}/v1/agents/echo`, { headers: ALICE })).status, 200);
});

test('errors of agents keep what they say of themselves, and nothing of them becomes a header', async (t) => {
  const host = await started(t, [
    hosted('raw', () => {
      throw new Error('swordfish');
    }),
    hosted('kind', () => {
      throw new AgentError('quota_used_up', 'come back tomorrow', {
        status: 429,
        retryAfter: 86_400,
        details: { left: 0 },
        cause: new AgentError('rate_limited', 'the model says no', { cause: new Error('swordfish') }),
      });
    }),
    hosted('evil', () => {
      throw new AgentError('method_not_allowed', 'x\r\nSet-Cookie: a=b', {
        status: 200,
        details: { allow: ['GET\r\nSet-Cookie: a=b'] },
        retryAfter: Number.NaN,
      });
    }),
    hosted('odd', () => {
      throw new AgentError('odd', 'an odd status', { status: 101 });
    }),
    hosted('wrong', () => ({ output: 5 }) as never),
  ]);
  const ask = (id: string) => http(`${host.url}/agents/${id}/execute`, { headers: ALICE, body: { input: 'x' } });
  const failed = await ask('raw');
  assert.equal(failed.status, 502);
  assert.deepEqual(failed.json, {
    error: { code: 'agent_failed', message: 'the agent failed', details: { retryable: false } },
  });
  const [end] = host.runs;
  assert.match(String(end?.error?.cause), /swordfish/, 'it is there for the log');
  const kind = await ask('kind');
  assert.equal(kind.status, 429);
  assert.equal(kind.headers['retry-after'], '86400');
  assert.deepEqual(kind.json.error, {
    code: 'quota_used_up',
    message: 'come back tomorrow',
    details: {
      left: 0,
      retryable: false,
      retry_after_seconds: 86_400,
      cause: { code: 'rate_limited', message: 'the model says no' },
    },
  });
  const evil = await ask('evil');
  assert.equal(evil.status, 405);
  assert.equal(evil.headers['set-cookie'], undefined);
  assert.equal(evil.headers.allow, undefined);
  assert.equal(evil.headers['retry-after'], undefined);
  assert.equal((await ask('odd')).status, 502);
  assert.equal((await ask('wrong')).status, 502);
});

test('a call that takes too long is answered at its deadline, also by an agent that does not listen', async (t) => {
  const host = await started(t, [hosted('deaf', () => sleep(60_000, 'late', { ref: false }))]);
  const began = performance.now();
  const reply = await http(`${host.url}/agents/deaf/execute`, {
    headers: ALICE,
    body: { input: 'x', timeout_seconds: 0.05 },
  });
  assert.equal(reply.status, 504);
  assert.equal(reply.json.error.code, 'timeout');
  assert.ok(performance.now() - began < 2_000);
  await until(() => host.runs.length === 1, 'the run is over');
});

test('a full queue is said with when to come back', async (t) => {
  const agent = endless();
  const host = await started(t, [hosted('busy', agent, { concurrency: 1, queue: 0 })]);
  const leave = new AbortController();
  const first = fetch(`${host.url}/agents/busy/execute`, {
    method: 'POST',
    headers: { ...ALICE, 'content-type': 'application/json' },
    body: '{"input":"x"}',
    signal: leave.signal,
  }).catch(() => 'left');
  await until(() => agent.started === 1, 'running');
  for (const path of ['/agents/busy/execute', '/v1/agents/busy/execute/stream', '/v1/agents/busy/jobs']) {
    const reply = await http(host.url + path, { headers: ALICE, body: { input: 'x' } });
    assert.equal(reply.status, 429, path);
    assert.equal(reply.headers['retry-after'], '1');
    assert.deepEqual(reply.json.error.details, { retryable: true, retry_after_seconds: 1 });
  }
  leave.abort();
  assert.equal(await first, 'left');
  await until(() => agent.aborted.length === 1, 'the agent is told');
});

test('a stream says each piece, and ends with the whole reply', async (t) => {
  const host = await started(t, [hosted('echo', echo)]);
  const reply = await http(`${host.url}/v1/agents/echo/execute/stream`, {
    headers: ALICE,
    body: { input: 'a\nb "c" \u2028d' },
  });
  assert.equal(reply.status, 200);
  assert.equal(reply.headers['content-type'], 'text/event-stream');
  assert.equal(reply.headers['cache-control'], 'no-cache');
  assert.equal(reply.headers['x-accel-buffering'], 'no');
  const events = eventsOf(reply.text);
  assert.deepEqual(events.slice(0, -1), [
    ['chunk', { text: 'a\nb' }],
    ['chunk', { text: '"c"' }],
    ['chunk', { text: '\u2028d' }],
  ]);
  const [name, done] = events.at(-1) ?? [];
  assert.equal(name, 'done');
  assert.equal((done as { output: string }).output, 'a\nb"c"\u2028d');
});

test('a stream that fails says so: as its status while nothing was sent, as its last event after that', async (t) => {
  const failing = (pieces: number, waitMs = 0) =>
    hosted(`failing-${pieces}`, {
      async *stream() {
        for (let i = 0; i < pieces; i++) yield 'piece';
        await sleep(waitMs);
        throw new AgentError('overloaded', 'no more today', { retryAfter: 7 });
      },
    });
  const host = await started(t, [failing(0), failing(2)], { firstEventMs: 5_000 });
  const ask = (id: string) =>
    http(`${host.url}/v1/agents/${id}/execute/stream`, { headers: ALICE, body: { input: 'x' } });
  const early = await ask('failing-0');
  assert.deepEqual([early.status, early.headers['retry-after']], [503, '7']);
  const late = await ask('failing-2');
  assert.equal(late.status, 200);
  assert.deepEqual(eventsOf(late.text).at(-1), [
    'error',
    {
      error: {
        code: 'overloaded',
        message: 'no more today',
        // Said of itself by an agent that had begun: not taken for a host that turned the call away.
        details: { ran: true, retryable: true, retry_after_seconds: 7 },
      },
    },
  ]);
});

test('a silent stream begins nonetheless, and is kept alive', async (t) => {
  const slow = hosted('slow', {
    async *stream() {
      await sleep(200);
      yield 'late';
      throw new Error('swordfish');
    },
  });
  const host = await started(t, [slow], { firstEventMs: 20, keepAliveMs: 30 });
  const reply = await http(`${host.url}/v1/agents/slow/execute/stream`, { headers: ALICE, body: { input: 'x' } });
  assert.match(reply.text, /^(: keep-alive\n\n){2,}event: chunk\n/);
  assert.deepEqual(
    eventsOf(reply.text).map(([name]) => name),
    ['chunk', 'error'],
  );
  assert.doesNotMatch(reply.text, /swordfish/);
});

test('a deadline ends a stream with an error', async (t) => {
  const host = await started(t, [hosted('endless', endless())]);
  const reply = await http(`${host.url}/v1/agents/endless/execute/stream`, {
    headers: ALICE,
    body: { input: 'x', timeout_seconds: 0.05 },
  });
  const events = eventsOf(reply.text);
  assert.deepEqual(
    events.map(([name]) => name),
    ['chunk', 'error'],
  );
  assert.match(JSON.stringify(events[1]), /"code":"timeout"/);
});

test('leaving is told to the agent within 100 ms: in a call, before a stream\u2019s first byte and after it', async (t) => {
  const agent = endless();
  const silent = endless();
  const host = await started(t, [
    hosted('endless', agent),
    hosted('silent', {
      // oxlint-disable-next-line eslint/require-yield -- what has nothing to say yet
      async *stream(request, context) {
        await silent.execute(request, context);
      },
    }),
  ]);
  const cases: [string, typeof agent, boolean][] = [
    ['/agents/endless/execute', agent, false],
    ['/v1/agents/endless/execute/stream', agent, true],
    ['/v1/agents/silent/execute/stream', silent, false],
  ];
  for (const [path, seen, hasBegun] of cases) {
    const leave = new AbortController();
    const before = seen.aborted.length;
    const runs = seen.started;
    const reply = fetch(host.url + path, {
      method: 'POST',
      headers: { ...ALICE, 'content-type': 'application/json' },
      body: '{"input":"x"}',
      signal: leave.signal,
    });
    if (hasBegun) await (await reply).body?.getReader().read();
    await until(() => seen.started === runs + 1, 'running');
    const left = performance.now();
    leave.abort();
    await reply.catch(() => undefined);
    await until(() => seen.aborted.length === before + 1, `${path}: the agent is told`, 2_000, 1);
    assert.ok(performance.now() - left < 100, `${path}: ${performance.now() - left} ms`);
    await until(() => host.executor.load(host.registry.list()[0] as HostedAgent).running === 0, 'its place is free');
  }
});

test('a slow reader slows the agent', async (t) => {
  let given = 0;
  const fast = hosted('fast', {
    async *stream() {
      for (; given < 10_000; given++) yield 'x'.repeat(10_000);
    },
  });
  const host = await started(t, [fast]);
  const leave = new AbortController();
  const reply = await fetch(`${host.url}/v1/agents/fast/execute/stream`, {
    method: 'POST',
    headers: { ...ALICE, 'content-type': 'application/json' },
    body: '{"input":"x"}',
    signal: leave.signal,
  });
  await reply.body?.getReader().read();
  await untilStill(() => given, 'the agent waits for its reader');
  assert.ok(given < 2_000, `${given} pieces of 10 kB are under way`);
  leave.abort();
  await until(() => host.runs.length === 1, 'the run is over');
});

test('HTTP/1.0 and a caller that asks for something else are answered all the same', async (t) => {
  const host = await started(t, [hosted('echo', echo)]);
  const body = '{"input":"hi"}';
  const head = `HTTP/1.0\r\nAuthorization: Bearer a\r\nAccept: text/html\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  const old = await raw(host.url, `POST /agents/echo/execute ${head}${body}`);
  assert.equal(old.status, 200);
  assert.match(old.text, /"output":"hi"/);
  const stream = await raw(host.url, `POST /v1/agents/echo/execute/stream ${head}${body}`);
  assert.match(stream.text, /\r\n\r\nevent: chunk\ndata: \{"text":"hi"\}\n\nevent: done\n/);
  assert.equal(stream.closed, true);
});

test('thousands of calls that wait and leave at once leave nothing', async (t) => {
  const agent = endless();
  const busy = hosted('busy', agent, { concurrency: 1, queue: 5_000 });
  const host = await started(t, [busy]);
  const leave = new AbortController();
  const calls = Array.from({ length: 1_000 }, (_, i) =>
    fetch(`${host.url}${i % 2 === 0 ? '/agents/busy/execute' : '/v1/agents/busy/execute/stream'}`, {
      method: 'POST',
      headers: { ...ALICE, 'content-type': 'application/json' },
      body: JSON.stringify({ input: 'x', ...(i % 3 === 0 && { idempotency_key: `k${i}` }) }),
      signal: leave.signal,
    }).catch(() => undefined),
  );
  await until(() => host.executor.load(busy).waiting === 999, 'all wait', 20_000);
  leave.abort();
  await Promise.all(calls);
  await until(() => host.executor.load(busy).running + host.executor.load(busy).waiting === 0, 'nothing is left');
  assert.equal(agent.started, agent.aborted.length);
  await until(() => host.listener.active() === 0, 'no request is left');
});
