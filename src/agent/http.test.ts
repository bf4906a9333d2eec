import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventsOf, failure } from '../../test/support/agent-calls.ts';
import type { Body } from '../body.ts';
import type { Call, Reply, Service } from '../call.ts';
import type { AgentError } from '../contract/agent-error.ts';
import { OutriderError } from '../errors.ts';
import { getField } from '../fields.ts';
import { factsOf } from './error-facts.ts';
import { type HttpAgentOptions, httpAgentOver } from './http.ts';

const REPLY = { output: 'hello', token_count: 1, execution_time_ms: 2, loop_count: 3, stop_reason: 'completed' };
const JSON_TYPE = ['content-type', 'application/json'];
const SSE_TYPE = ['content-type', 'text/event-stream; charset=utf-8'];

function agentOver(answer: Service | Reply, options: Partial<HttpAgentOptions> = {}) {
  const calls: Call[] = [];
  const send: Service = async (call) => {
    calls.push(call);
    return typeof answer === 'function' ? answer(call) : answer;
  };
  return { agent: httpAgentOver(send, { id: 'a', ...options }), calls };
}

function json(status: number, value: unknown, headers: readonly string[] = []): Reply {
  return { status, headers: [...JSON_TYPE, ...headers], body: Buffer.from(JSON.stringify(value)) };
}

/** A body that tells whether it was given up or read to its end. */
function watched(pieces: readonly (string | Uint8Array)[], failure?: Error): { body: Body; end: () => string } {
  let end = 'open';
  const left = [...pieces];
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      const value = left.shift();
      if (value !== undefined) return { done: false, value: Buffer.from(value) };
      if (failure !== undefined) throw failure;
      end = 'read';
      return { done: true, value: undefined };
    },
    async return() {
      end = 'given up';
      return { done: true, value: undefined };
    },
  };
  return { body: { [Symbol.asyncIterator]: () => iterator }, end: () => end };
}

// oxlint-disable-next-line typescript/no-explicit-any -- JSON that assertions take apart
function bodyOf(call: Call | undefined): any {
  assert.ok(call?.body instanceof Uint8Array);
  return JSON.parse(Buffer.from(call.body).toString());
}

test('a call is a POST of the request, with what both sides should know', async () => {
  const { agent, calls } = agentOver(json(200, REPLY), { token: () => 'secret', path: '/blue' });
  const trace = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'v=1' };
  const request = { input: 'x', agent_id: 'another', idempotency_key: 'k' };
  const options = { trace, requestId: 'r-1' };
  assert.deepEqual(await agent.execute(request, options), REPLY);
  const [call] = calls;
  assert.equal(`${call?.method} ${call?.target}`, 'POST /blue/v1/agents/a/execute');
  const headers = call?.headers ?? [];
  assert.equal(getField(headers, 'authorization'), 'Bearer secret');
  assert.equal(getField(headers, 'content-type'), 'application/json');
  assert.equal(getField(headers, 'outrider-contract'), '1.0');
  assert.equal(getField(headers, 'traceparent'), trace.traceparent);
  assert.equal(getField(headers, 'tracestate'), 'v=1');
  assert.equal(getField(headers, 'x-request-id'), 'r-1');
  // The agent is in the path; servers that are strict know no such member.
  assert.deepEqual(bodyOf(call), { input: 'x', idempotency_key: 'k' });
});

test('an agent that says its output alone took as long as it was waited for', async () => {
  const { agent } = agentOver(async () => {
    await new Promise((resolve) => {
      setTimeout(resolve, 30);
    });
    return json(200, { output: 'hello' });
  });
  const { execution_time_ms: took, ...reply } = await agent.execute({ input: 'x' });
  assert.ok(took >= 29 && took < 10_000, String(took));
  assert.deepEqual(reply, { output: 'hello', token_count: 0, loop_count: 0, stop_reason: 'completed' });
});

test('trace context that is none does not get into a header', async () => {
  const { agent, calls } = agentOver(json(200, REPLY));
  await agent.execute({ input: 'x' }, { trace: { traceparent: 'x\r\nevil: 1' } });
  await agent.execute(
    { input: 'x' },
    { trace: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a\r\nb' } },
  );
  assert.equal(getField(calls[0]?.headers ?? [], 'traceparent'), undefined);
  assert.equal(getField(calls[1]?.headers ?? [], 'tracestate'), undefined);
});

test('without a trace of its own a call has that of the program, as its OpenTelemetry writes it', async () => {
  const key = Symbol.for('opentelemetry.js.api.1');
  const globals = globalThis as { [key: symbol]: unknown };
  const before = globals[key];
  globals[key] = {
    context: { active: () => 'the active context' },
    propagation: {
      inject(context: unknown, carrier: unknown, setter: { set(to: unknown, name: string, value: string): void }) {
        setter.set(carrier, 'b3', String(context).length.toString());
        setter.set(carrier, 'baggage', 'a=1\r\nevil: 1');
      },
    },
  };
  try {
    const { agent, calls } = agentOver(json(200, REPLY));
    await agent.execute({ input: 'x' });
    assert.equal(getField(calls[0]?.headers ?? [], 'b3'), '18');
    assert.equal(getField(calls[0]?.headers ?? [], 'baggage'), undefined);
  } finally {
    globals[key] = before;
  }
});

test('the time goes on as the caller said it, and what is left of a deadline in whole milliseconds', async () => {
  const { agent, calls } = agentOver(json(200, REPLY));
  await agent.execute({ input: 'x', timeout_seconds: 1.23456 });
  await agent.execute({ input: 'x', timeout_seconds: 100 }, { deadline: performance.now() + 5_000 });
  await agent.execute({ input: 'x', timeout_seconds: 1 }, { deadline: performance.now() + 5_000 });
  await agent.execute({ input: 'x' });
  const sent = calls.map((call) => bodyOf(call).timeout_seconds);
  assert.equal(sent[0], 1.23456);
  assert.ok(sent[1] <= 5 && sent[1] > 4 && Number.isInteger(Math.round(sent[1] * 1e6) / 1_000), `${sent[1]}`);
  assert.equal(sent[2], 1);
  assert.equal(sent[3], undefined);
});

const page = (status: number, text = '<h1>secret page</h1>'): Reply => ({
  status,
  headers: ['content-type', 'text/html', 'x-request-id', 'p-1'],
  body: Buffer.from(text),
});

const refusals: readonly (readonly [what: string, reply: Reply, code: string, more?: Partial<AgentError>])[] = [
  [
    'an envelope',
    json(409, {
      error: { code: 'conflict', message: 'so it is', details: { a: 1, retryable: true, retry_after_seconds: 3 } },
    }),
    'conflict',
    { message: 'so it is', retryable: true, retryAfter: 3 },
  ],
  [
    'the envelope of a code that came later',
    json(418, { error: { code: 'teapot', message: 'no coffee' } }),
    'teapot',
    { status: 418, retryable: false },
  ],
  [
    'the problem document of a sidecar',
    {
      ...json(403, { code: 'blocked', detail: 'a guardrail said no', error: 'x' }),
      headers: ['content-type', 'application/problem+json'],
    },
    'blocked',
    { message: 'a guardrail said no' },
  ],
  [
    'Retry-After',
    json(503, { error: { code: 'overloaded', message: 'x' } }, ['retry-after', '9']),
    'overloaded',
    { retryAfter: 9 },
  ],
  ['a page with 401', page(401), 'unauthenticated'],
  ['a page with 404', page(404), 'not_found', { retryable: false }],
  ['a page with 413', page(413), 'body_too_large'],
  ['a page with 429', page(429), 'rate_limited', { retryable: true }],
  ['a page with 500', page(500), 'agent_failed'],
  ['a page with 502', page(502), 'unreachable', { retryable: true }],
  ['a page with 503', page(503), 'overloaded', { retryable: true }],
  ['a page with 504', page(504), 'timeout', { retryable: true }],
  ['a page with 418', page(418), 'bad_request'],
  ['a page with 599', page(599), 'agent_failed'],
  ['a redirect', { ...page(302), headers: ['location', 'http://evil.example/'] }, 'unreadable'],
  ['a redirect that keeps the method', { ...page(307), headers: ['location', 'http://evil.example/'] }, 'unreadable'],
  ['another success', json(201, REPLY), 'unreadable'],
  ['a page with 200', page(200), 'unreadable'],
  ['a list', json(200, [REPLY]), 'unreadable'],
  ['no output', json(200, { answer: 'x' }), 'unreadable'],
  ['an output that is a number', json(200, { output: 1 }), 'unreadable'],
  ['half of a document', { status: 200, headers: JSON_TYPE, body: Buffer.from('{"output": "x') }, 'unreadable'],
  [
    'bytes that are not UTF-8',
    { status: 200, headers: JSON_TYPE, body: Buffer.from([0x22, 0xff, 0x22]) },
    'unreadable',
  ],
  ['nothing', { status: 200, headers: JSON_TYPE, body: null }, 'unreadable'],
  ['more than is allowed', json(200, { output: 'x'.repeat(5_000) }), 'unreadable'],
  ['another major version', json(200, REPLY, ['outrider-contract', '2.0']), 'unreadable'],
  ['an error that is an envelope of nonsense', json(500, { error: { code: 7, message: {} } }), 'agent_failed'],
];

for (const [what, reply, code, more = {}] of refusals) {
  test(`execute and stream, answered with ${what}: ${code}`, async () => {
    const { agent } = agentOver(reply, { maxReplyBytes: 2_000 });
    const error = await failure(agent.execute({ input: 'x' }));
    assert.equal(error.code, code);
    assert.ok(!error.message.includes('secret page'));
    for (const [name, value] of Object.entries(more)) assert.deepEqual(error[name as keyof AgentError], value, name);
    assert.equal((await failure(eventsOf(agent.stream({ input: 'x' })))).code, code);
  });
}

test('a newer minor version, and laxer agents, are understood', async () => {
  const { agent } = agentOver(json(200, { output: 'x', token_count: null, later: 1 }, ['outrider-contract', '1.9']));
  const reply = await agent.execute({ input: 'x' });
  assert.equal(reply.output, 'x');
  assert.equal(reply.token_count, 0);
  assert.equal(reply.stop_reason, 'completed');
});

test('of an error it is known by which id the far side logged it, and whether anything ran', async () => {
  const envelope = { error: { code: 'draining', message: 'x' } };
  const contract = ['outrider-contract', '1.0', 'x-request-id', 'r-7'];
  const ours = await failure(agentOver(json(503, envelope, contract)).agent.execute({ input: 'x' }));
  assert.equal(factsOf(ours).requestId, 'r-7');
  assert.equal(factsOf(ours).nothingRan, true);
  const strangers = await failure(agentOver(json(503, envelope)).agent.execute({ input: 'x' }));
  assert.equal(factsOf(strangers).nothingRan, false);
});

test('what the way to the agent fails with is not the agent', async () => {
  const cause = new OutriderError('unreachable', 'the agent could not be reached');
  const { agent } = agentOver(
    async () => {
      throw cause;
    },
    { wasNotSent: (error) => error === cause },
  );
  const error = await failure(agent.execute({ input: 'x' }));
  assert.equal(error.code, 'unreachable');
  assert.equal(error.cause, cause);
  assert.deepEqual(factsOf(error), { transport: true, nothingRan: true });
});

test('a reply that breaks off is the transport, and may have run', async () => {
  const { body } = watched(['{"output":'], new Error('reset'));
  const { agent } = agentOver({ status: 200, headers: JSON_TYPE, body }, { wasNotSent: () => true });
  const error = await failure(agent.execute({ input: 'x' }));
  assert.equal(error.code, 'unreachable');
  assert.equal(factsOf(error).nothingRan, undefined);
});

test('a body that nobody wants is given up', async () => {
  for (const [status, type] of [
    [302, 'text/html'],
    [500, 'text/html'],
    [200, 'text/html'],
  ] as const) {
    const { body, end } = watched(['x']);
    const { agent } = agentOver({ status, headers: ['content-type', type], body });
    await failure(agent.execute({ input: 'x' }));
    assert.equal(end(), 'given up', `${status}`);
  }
});

test('a service that does not look at its signal keeps nobody, and its late reply is given up', async () => {
  const { body, end } = watched(['x']);
  let answer: ((reply: Reply) => void) | undefined;
  const { agent } = agentOver(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  const error = await failure(agent.execute({ input: 'x', timeout_seconds: 0.01 }));
  assert.equal(error.code, 'timeout');
  answer?.({ status: 200, headers: JSON_TYPE, body });
  await new Promise(setImmediate);
  assert.equal(end(), 'given up');
});

test('a stream is read to its end, so that its connection is free again', async () => {
  const { body, end } = watched([
    ': hello\n\nevent: chunk\ndata: {"text":"a"}\n\nevent: later\ndata: ?\n\n',
    `event: chunk\ndata: {"text":"b"}\n\nevent: done\ndata: ${JSON.stringify(REPLY)}\n\n`,
    'event: chunk\ndata: {"text":"after the end"}\n\n',
  ]);
  const { agent, calls } = agentOver({ status: 200, headers: SSE_TYPE, body });
  const events = await eventsOf(agent.stream({ input: 'x' }));
  assert.deepEqual(events, [{ chunk: { text: 'a' } }, { chunk: { text: 'b' } }, { done: REPLY }]);
  assert.equal(calls[0]?.target, '/v1/agents/a/execute/stream');
  assert.equal(getField(calls[0].headers, 'accept'), 'text/event-stream');
  await new Promise(setImmediate);
  assert.equal(end(), 'read');
});

const broken: readonly (readonly [what: string, pieces: readonly (string | Uint8Array)[], code: string])[] = [
  ['without an end', ['event: chunk\ndata: {"text":"a"}\n\n'], 'unreachable'],
  ['in the middle of its last event', ['event: done\ndata: {"output":"x"}\n'], 'unreachable'],
  ['with an error', ['event: error\ndata: {"error":{"code":"timeout","message":"x"}}\n\n'], 'timeout'],
  [
    'with the problem document of a sidecar',
    [
      'event: error\ndata: {"status":403,"detail":"blocked by guardrail names","code":"blocked","error":"blocked by …"}\n\n',
    ],
    'blocked',
  ],
  ['with an error of a later code', ['event: error\ndata: {"error":{"code":"later","message":"x"}}\n\n'], 'later'],
  ['with a chunk of nothing', ['event: chunk\ndata: null\n\n'], 'unreadable'],
  ['with a chunk that is no text', ['event: chunk\ndata: {"text":1}\n\n'], 'unreadable'],
  ['with something that is not JSON', ['event: chunk\ndata: secret\n\n'], 'unreadable'],
  ['with an event that is too large', [`event: chunk\ndata: {"text":"${'x'.repeat(3_000)}"}\n\n`], 'unreadable'],
  ['with bytes that are not UTF-8', [Buffer.from([0xff])], 'unreadable'],
];

for (const [what, pieces, code] of broken) {
  test(`a stream that ends ${what}: ${code}`, async () => {
    const { body, end } = watched(pieces);
    const { agent } = agentOver({ status: 200, headers: SSE_TYPE, body }, { maxReplyBytes: 2_000 });
    const error = await failure(eventsOf(agent.stream({ input: 'x' })));
    assert.equal(error.code, code);
    assert.ok(!error.message.includes('secret'));
    assert.notEqual(end(), 'open');
  });
}

for (const [what, reply] of [
  ['404 of something else', page(404)],
  ['405', page(405)],
  ['501', page(501)],
] as const) {
  test(`a server without streams (${what}) is asked for the whole, and for a while for nothing else`, async () => {
    const { agent, calls } = agentOver(async (call) => (call.target.endsWith('/stream') ? reply : json(200, REPLY)));
    const expected = [{ chunk: { text: 'hello' } }, { done: REPLY }];
    assert.deepEqual(await eventsOf(agent.stream({ input: 'x' })), expected);
    assert.deepEqual(await eventsOf(agent.stream({ input: 'x' })), expected);
    assert.deepEqual(
      calls.map(({ target }) => target.replace('/v1/agents/a/', '')),
      ['execute/stream', 'execute', 'execute'],
    );
  });
}

test('a host that says there is no such agent is not asked again', async () => {
  const { agent, calls } = agentOver(json(404, { error: { code: 'not_found', message: 'no such agent' } }));
  assert.equal((await failure(eventsOf(agent.stream({ input: 'x' })))).message, 'no such agent');
  assert.equal(calls.length, 1);
});

test('a child process serves execute without a version', async () => {
  const { agent, calls } = agentOver(json(200, REPLY), { prefix: '' });
  await agent.execute({ input: 'x' });
  assert.equal(calls[0]?.target, '/agents/a/execute');
});

test('an id that can be none never gets into a path', () => {
  for (const id of ['', '..', 'a/b', 'a b', '?', 'ä', 'x'.repeat(129)]) {
    assert.throws(() => agentOver(json(200, REPLY), { id }), { code: 'bad_request' });
  }
});
