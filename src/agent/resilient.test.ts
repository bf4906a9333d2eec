import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentError } from '../contract/agent-error.ts';
import type { ExecuteEvent, ExecuteReply } from '../contract/messages.ts';
import type { Agent, CallOptions } from './agent.ts';
import { breaker } from './breaker.ts';
import { type ErrorFacts, noteFacts } from './error-facts.ts';
import { resilientAgent } from './resilient.ts';
import { retryDelay } from './retry.ts';
import { RetryBudget } from './retry-budget.ts';

const REPLY: ExecuteReply = {
  output: 'x',
  token_count: 0,
  execution_time_ms: 0,
  loop_count: 0,
  stop_reason: 'completed',
};
const FAST = { firstDelayMs: 1, maxDelayMs: 2 };

const error = (code: string, facts: ErrorFacts = {}, options = {}): AgentError =>
  noteFacts(new AgentError(code, code, options), facts);
const unsent = (): AgentError => error('unreachable', { transport: true, nothingRan: true });

/** An agent whose calls go as the script says; a reply when it has ended. */
function scripted(script: readonly (AgentError | 'reply')[]) {
  const calls: CallOptions[] = [];
  const next = (options: CallOptions = {}): ExecuteReply => {
    calls.push(options);
    const step = script[calls.length - 1] ?? 'reply';
    if (step !== 'reply') throw step;
    return REPLY;
  };
  const agent: Agent = {
    execute: async (_request, options) => next(options),
    async *stream(_request, options) {
      next(options);
      yield { chunk: { text: 'x' } };
      yield { done: REPLY };
    },
  };
  return { agent, calls };
}

function shared(firstPauseMs?: number) {
  return { breaker: breaker(firstPauseMs), budget: new RetryBudget() };
}

async function texts(events: AsyncIterable<ExecuteEvent>): Promise<(string | undefined)[]> {
  const all: (string | undefined)[] = [];
  for await (const event of events) all.push(event.chunk?.text);
  return all;
}

test('what certainly did not run is called again, at once and as a stream', async () => {
  const one = scripted([unsent(), error('draining', { nothingRan: true })]);
  assert.equal((await resilientAgent(one.agent, shared(), FAST).execute({ input: 'x' })).output, 'x');
  assert.equal(one.calls.length, 3);
  const two = scripted([unsent()]);
  assert.deepEqual(await texts(resilientAgent(two.agent, shared(), FAST).stream({ input: 'x' })), ['x', undefined]);
  assert.equal(two.calls.length, 2);
});

test('what may have run is called again only with a key', async () => {
  const lost = (): AgentError => error('unreachable', { transport: true });
  const without = scripted([lost()]);
  await assert.rejects(resilientAgent(without.agent, shared(), FAST).execute({ input: 'x' }), { code: 'unreachable' });
  assert.equal(without.calls.length, 1);
  const keyed = scripted([lost(), error('rate_limited')]);
  await resilientAgent(keyed.agent, shared(), FAST).execute({ input: 'x', idempotency_key: 'k' });
  assert.equal(keyed.calls.length, 3);
  const final = scripted([error('conflict')]);
  await assert.rejects(resilientAgent(final.agent, shared(), FAST).execute({ input: 'x', idempotency_key: 'k' }), {
    code: 'conflict',
  });
  assert.equal(final.calls.length, 1);
});

test('there are so many attempts, and none but the first when told so', async () => {
  const many = (): AgentError[] => Array.from({ length: 9 }, () => error('draining', { nothingRan: true }));
  const three = scripted(many());
  await assert.rejects(resilientAgent(three.agent, shared(), FAST).execute({ input: 'x' }), { code: 'draining' });
  assert.equal(three.calls.length, 3);
  const one = scripted(many());
  await assert.rejects(resilientAgent(one.agent, shared(), false).execute({ input: 'x' }), { code: 'draining' });
  assert.equal(one.calls.length, 1);
});

test('a stream is not begun again after its first event', async () => {
  let calls = 0;
  const agent: Agent = {
    execute: async () => REPLY,
    async *stream() {
      calls++;
      yield { chunk: { text: 'x' } };
      throw unsent();
    },
  };
  await assert.rejects(texts(resilientAgent(agent, shared(), FAST).stream({ input: 'x' })), { code: 'unreachable' });
  assert.equal(calls, 1);
});

test('no retry goes past the deadline, and each knows what is left', async () => {
  const late = scripted([error('draining', { nothingRan: true }, { retryAfter: 2 })]);
  const startedAt = performance.now();
  await assert.rejects(resilientAgent(late.agent, shared()).execute({ input: 'x', timeout_seconds: 1 }), {
    code: 'draining',
  });
  assert.ok(performance.now() - startedAt < 900);
  const early = scripted([unsent()]);
  await resilientAgent(early.agent, shared(), FAST).execute({ input: 'x', timeout_seconds: 5 });
  const [first, second] = early.calls;
  assert.equal(first?.deadline, undefined);
  assert.ok((second?.deadline ?? 0) <= startedAt + 7_000);
});

test('the wait doubles, is shortened at random, and honours what the far side asks for', () => {
  const draining = error('draining', { nothingRan: true });
  const delays = [1, 2, 3].map((attempt) => retryDelay(draining, { input: 'x' }, attempt, { attempts: 9 }, 0));
  assert.deepEqual(delays, [100, 200, 400]);
  assert.equal(retryDelay(draining, { input: 'x' }, 1, {}, 1), 50);
  assert.equal(retryDelay(draining, { input: 'x' }, 8, { attempts: 9 }, 0), 2_000);
  const later = error('overloaded', { nothingRan: true }, { retryAfter: 3 });
  assert.equal(retryDelay(later, { input: 'x' }, 1, {}, 0), 3_000);
  const muchLater = error('overloaded', { nothingRan: true }, { retryAfter: 3_600 });
  assert.equal(retryDelay(muchLater, { input: 'x' }, 1, {}, 0), undefined);
});

test('a budget bounds the retries to one address', async () => {
  const together = shared();
  let calls = 0;
  const agent: Agent = {
    async execute() {
      calls++;
      throw error('draining', { nothingRan: true });
    },
    async *stream() {
      yield { done: REPLY };
    },
  };
  const resilient = resilientAgent(agent, together, { ...FAST, attempts: 2 });
  for (let i = 0; i < 100; i++) await resilient.execute({ input: 'x' }).catch(() => undefined);
  assert.ok(calls >= 110 && calls <= 121, `${calls} calls`);
});

test('an address that cannot be reached is left alone, and tried again after a while', async () => {
  let up = false;
  let calls = 0;
  const agent: Agent = {
    async execute() {
      calls++;
      if (up) return REPLY;
      throw error('unreachable', { transport: true });
    },
    async *stream() {
      yield { done: REPLY };
    },
  };
  const resilient = resilientAgent(agent, shared(40), false);
  for (let i = 0; i < 20; i++) await assert.rejects(resilient.execute({ input: 'x' }), { code: 'unreachable' });
  assert.equal(calls, 5);
  up = true;
  await new Promise((resolve) => {
    setTimeout(resolve, 80);
  });
  assert.equal((await resilient.execute({ input: 'x' })).output, 'x');
  assert.equal((await resilient.execute({ input: 'x' })).output, 'x');
});

test('while one call looks whether the address is there again, others do not wait for it', async () => {
  let release: (() => void) | undefined;
  let down = true;
  const agent: Agent = {
    async execute() {
      if (down) throw error('unreachable', { transport: true });
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return REPLY;
    },
    async *stream() {
      yield { done: REPLY };
    },
  };
  const resilient = resilientAgent(agent, shared(20), false);
  for (let i = 0; i < 5; i++) await resilient.execute({ input: 'x' }).catch(() => undefined);
  down = false;
  await new Promise((resolve) => {
    setTimeout(resolve, 50);
  });
  const probe = resilient.execute({ input: 'x' });
  await assert.rejects(resilient.execute({ input: 'x' }), { code: 'unreachable' });
  release?.();
  assert.equal((await probe).output, 'x');
});

test('agents that fail, or take too long, do not make an address unreachable', async () => {
  const codes = ['agent_failed', 'timeout', 'unreachable', 'cancelled', 'overloaded', 'internal'];
  const script = Array.from({ length: 30 }, (_, i) => error(codes[i % codes.length] ?? ''));
  const { agent, calls } = scripted(script);
  const resilient = resilientAgent(agent, shared(), false);
  for (let i = 0; i < 30; i++) await resilient.execute({ input: 'x' }).catch(() => undefined);
  assert.equal(calls.length, 30);
});

test('cancelling ends the wait for a retry', async () => {
  const { agent } = scripted([error('draining', { nothingRan: true }, { retryAfter: 20 })]);
  const controller = new AbortController();
  const work = resilientAgent(agent, shared()).execute({ input: 'x' }, { signal: controller.signal });
  setTimeout(() => controller.abort(), 10);
  await assert.rejects(work, { code: 'cancelled' });
});

test('leaving a stream ends the wait for a retry', async () => {
  const { agent, calls } = scripted([error('draining', { nothingRan: true }, { retryAfter: 20 })]);
  const events = resilientAgent(agent, shared()).stream({ input: 'x' })[Symbol.asyncIterator]();
  const first = events.next();
  await new Promise((resolve) => {
    setTimeout(resolve, 10);
  });
  await events.return?.();
  assert.deepEqual(await first, { done: true, value: undefined });
  assert.deepEqual(await events.next(), { done: true, value: undefined });
  assert.equal(calls.length, 1);
});
