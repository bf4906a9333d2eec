import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { AgentError } from '../contract/agent-error.ts';
import type { AgentContext, EventInit } from './agent.ts';
import { localAgent } from './local.ts';

const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));
after(async () => {
  await new Promise((resolve) => {
    setTimeout(resolve, 60);
  });
  assert.deepEqual(unhandled, []);
});

const later = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

test('what comes after the deadline goes nowhere', async () => {
  const agent = localAgent(async () => {
    await later(30);
    throw new Error('too late');
  });
  await assert.rejects(agent.execute({ input: 'x', timeout_seconds: 0.005 }), { code: 'timeout' });
});

test('a thing like a promise is waited for no longer than the deadline', async () => {
  // oxlint-disable-next-line unicorn/no-thenable -- what some libraries return
  const never = { then: () => undefined } as unknown as Promise<string>;
  await assert.rejects(localAgent(() => never).execute({ input: 'x', timeout_seconds: 0.005 }), { code: 'timeout' });
});

test('a deadline that is years away does not end the run at once', async () => {
  const agent = localAgent(async () => {
    await later(20);
    return 'done';
  });
  assert.equal((await agent.execute({ input: 'x', timeout_seconds: 1e9 })).output, 'done');
});

test('the error of the agent is there as the cause, and its text is not in the message', async () => {
  const failure = new Error('password: hunter2');
  const agent = localAgent(() => {
    throw failure;
  });
  await assert.rejects(agent.execute({ input: 'x' }), (error) => {
    assert.ok(error instanceof AgentError);
    assert.equal(error.cause, failure);
    assert.ok(!error.message.includes('hunter2'));
    return true;
  });
});

test('a context can be spread, handed on and taken apart', async () => {
  const contexts: AgentContext[] = [];
  const agent = localAgent((_request, context) => {
    contexts.push({ ...context });
    return 'x';
  });
  const trace = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
  const deadline = performance.now() + 10_000;
  await agent.execute({ input: 'x' }, { trace, deadline });
  assert.ok(contexts[0]?.signal instanceof AbortSignal);
  assert.equal(contexts[0].deadline, deadline);
  assert.equal(contexts[0].trace, trace);
});

test('an agent that is asked for its signal after it was cancelled gets one that has aborted', async () => {
  const controller = new AbortController();
  let seen: AbortSignal | undefined;
  const agent = localAgent(async (_request, context) => {
    controller.abort();
    seen = context.signal;
    return 'x';
  });
  await assert.rejects(agent.execute({ input: 'x' }, { signal: controller.signal }), { code: 'cancelled' });
  assert.equal(seen?.aborted, true);
  assert.ok(seen.reason instanceof AgentError);
});

test('a reader that leaves lets the generator clean up, once', async () => {
  const steps: string[] = [];
  const agent = localAgent({
    async *stream() {
      try {
        yield 'a';
        yield 'b';
      } finally {
        steps.push('cleaned up');
      }
    },
  });
  for await (const event of agent.stream({ input: 'x' })) {
    assert.deepEqual(event, { chunk: { text: 'a' } });
    break;
  }
  await later(1);
  assert.deepEqual(steps, ['cleaned up']);
});

test('a deadline lets a generator that nobody pulls clean up', async () => {
  const steps: string[] = [];
  const agent = localAgent({
    async *stream() {
      try {
        yield 'a';
      } finally {
        steps.push('cleaned up');
      }
    },
  });
  const events = agent.stream({ input: 'x', timeout_seconds: 0.01 })[Symbol.asyncIterator]();
  await events.next();
  await later(40);
  assert.deepEqual(steps, ['cleaned up']);
  await assert.rejects(events.next(), { code: 'timeout' });
});

test('an iterator that is made by hand is told once that nobody reads on, and may fail at that', async () => {
  let returned = 0;
  const iterator: AsyncIterator<EventInit> = {
    next: async () => ({ done: false, value: 'x' }),
    return() {
      returned++;
      throw new Error('cannot even end');
    },
  };
  const agent = localAgent({ stream: () => ({ [Symbol.asyncIterator]: () => iterator }) });
  for await (const _event of agent.stream({ input: 'x' })) break;
  assert.equal(returned, 1);
});

test('nothing runs before a stream is read, and leaving it then is nothing', async () => {
  let started = false;
  const agent = localAgent({
    async *stream() {
      started = true;
      yield 'x';
    },
  });
  const events = agent.stream({ input: 'x' })[Symbol.asyncIterator]();
  assert.deepEqual(await events.return?.(), { done: true, value: undefined });
  assert.deepEqual(await events.next(), { done: true, value: undefined });
  assert.equal(started, false);
});

test('the signal of a run that is over does not abort when its reader goes', async () => {
  let signal: AbortSignal | undefined;
  const agent = localAgent({
    async *stream(_request, context) {
      signal = context.signal;
      yield 'x';
    },
  });
  for await (const event of agent.stream({ input: 'x' })) if (event.done !== undefined) break;
  assert.equal(signal?.aborted, false);
});

test('what is no event, no stream and no reply is the failure of the agent', async () => {
  const wrong: readonly unknown[] = [7, null, undefined, {}, { chunk: 'x' }, { chunk: { text: 1 } }, { done: 1 }];
  for (const value of wrong) {
    const agent = localAgent({
      async *stream() {
        yield value as EventInit;
      },
    });
    await assert.rejects(agent.execute({ input: 'x' }), { code: 'agent_failed' }, JSON.stringify(value));
  }
  const none = localAgent({ stream: () => 'text' as unknown as AsyncIterable<EventInit> });
  await assert.rejects(none.execute({ input: 'x' }), { code: 'agent_failed' });
});

test('an agent needs a method', () => {
  assert.throws(() => localAgent({}), TypeError);
});
