import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Agent, CallOptions } from '../../agent/agent.ts';
import { AgentError } from '../../contract/agent-error.ts';
import type { ExecuteReply } from '../../contract/messages.ts';
import { type CallSpan, NO_SPAN, type SpanSource } from '../../span.ts';
import { tracedAgent } from './traced-agent.ts';

const REPLY: ExecuteReply = {
  output: 'x',
  token_count: 0,
  execution_time_ms: 0,
  loop_count: 2,
  stop_reason: 'completed',
};
const info = { id: 'a', name: 'A', model: '', description: '' };
const PARENT = { traceparent: '00-p', tracestate: 's=1' };

/** A source that tells what its spans were told. */
function recorder(): { tracing: SpanSource; told: string[] } {
  const told: string[] = [];
  const span: CallSpan = {
    ...NO_SPAN,
    fail: (code) => void told.push(`fail ${code}`),
    set: (attributes) =>
      void ('outrider.reply.end' in attributes && told.push(String(attributes['outrider.reply.end']))),
    end: () => void told.push('end'),
    inject: () => ['traceparent', '00-own'],
  };
  const tracing: SpanSource = {
    start(name, kind, fields) {
      told.push(`start ${kind} ${name} ${fields.join(' ')}`);
      return span;
    },
  };
  return { tracing, told };
}

const START = 'start internal invoke_agent a traceparent 00-p tracestate s=1';

function agentOf(stream: Agent['stream'], execute: Agent['execute'] = async () => REPLY): Agent {
  return { execute, stream };
}

test('a run has a span, whose context the agent gets beside all else', async () => {
  const { tracing, told } = recorder();
  let seen: CallOptions | undefined;
  const inner = agentOf(
    async function* () {},
    async (_request, options) => {
      seen = options;
      return REPLY;
    },
  );
  const agent = tracedAgent(inner, { tracing, info, kind: 'internal' });
  const options = { trace: PARENT, deadline: 7, requestId: 'r' };
  assert.equal(await agent.execute({ input: '' }, options), REPLY);
  assert.deepEqual(seen, { trace: { traceparent: '00-own' }, deadline: 7, requestId: 'r' });
  assert.deepEqual(told, [START, 'end']);
});

test('a run that fails says by which code, and one that was given up only that', async () => {
  for (const [error, ...expected] of [
    [new AgentError('timeout', 'late'), 'fail timeout'],
    [new Error('anything'), 'fail agent_failed'],
    [new AgentError('cancelled', 'left'), 'cancelled'],
  ] as const) {
    const { tracing, told } = recorder();
    const inner = agentOf(
      async function* () {
        if (expected.length > 0) throw error;
        yield { done: REPLY };
      },
      async () => {
        throw error;
      },
    );
    const agent = tracedAgent(inner, { tracing, info, kind: 'internal' });
    await assert.rejects(agent.execute({ input: '' }, { trace: PARENT }));
    await assert.rejects(agent.stream({ input: '' }, { trace: PARENT })[Symbol.asyncIterator]().next());
    assert.deepEqual(told, [START, ...expected, 'end', START, ...expected, 'end']);
  }
});

test('a stream has its span from its first read to its end, however it ends', async () => {
  const { tracing, told } = recorder();
  const inner = agentOf(async function* () {
    yield { chunk: { text: 'x' } };
    yield { done: REPLY };
  });
  const agent = tracedAgent(inner, { tracing, info, kind: 'internal' });
  const events = agent.stream({ input: '' }, { trace: PARENT })[Symbol.asyncIterator]();
  assert.deepEqual(told, []);
  await events.next();
  assert.deepEqual(told, [START]);
  await events.next();
  assert.deepEqual(told, [START, 'end']);

  told.length = 0;
  const given = agent.stream({ input: '' }, { trace: PARENT })[Symbol.asyncIterator]();
  await given.next();
  await given.return?.();
  assert.deepEqual(told, [START, 'cancelled', 'end']);

  told.length = 0;
  await agent.stream({ input: '' })[Symbol.asyncIterator]().return?.();
  assert.deepEqual(told, []);
});

test('where nothing is traced the agent is the same', () => {
  const inner = agentOf(async function* () {});
  assert.equal(tracedAgent(inner, { tracing: undefined, info, kind: 'internal' }), inner);
});
