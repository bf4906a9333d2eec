import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentError } from '../contract/agent-error.ts';
import type { ExecuteEvent, ExecuteReply } from '../contract/messages.ts';
import { eventSource } from './event-source.ts';

const DONE: ExecuteReply = {
  output: 'x',
  token_count: 0,
  execution_time_ms: 0,
  loop_count: 0,
  stop_reason: 'completed',
};

async function textOf(events: AsyncGenerator<ExecuteEvent>): Promise<string> {
  let text = '';
  const options = { keepAliveMs: 60_000, onLeave: () => assert.fail('it was read to its end') };
  for await (const bytes of eventSource(events, options)) text += Buffer.from(bytes).toString();
  return text;
}

/** As a peer of a newer minor version may send them. */
async function* made(...events: object[]): AsyncGenerator<ExecuteEvent> {
  yield* events as ExecuteEvent[];
}

test('what came later goes on under its name, as long as that is one', async () => {
  const text = await textOf(
    made(
      { progress: { percent: 5 } },
      { chunk: { text: 'a\r\nb', tone: 'dry' } },
      { 'x\ndata: {}\n\nevent: done': 1 },
      { error: { code: 'none' } },
      {},
      { done: { ...DONE, later: true } },
    ),
  );
  assert.equal(
    text,
    'event: progress\ndata: {"percent":5}\n\n' +
      'event: chunk\ndata: {"text":"a\\r\\nb","tone":"dry"}\n\n' +
      `event: done\ndata: ${JSON.stringify({ ...DONE, later: true })}\n\n`,
  );
});

test('nothing comes after the end, and no stream ends without one', async () => {
  assert.equal(
    await textOf(made({ done: DONE }, { chunk: { text: 'x' } })),
    `event: done\ndata: ${JSON.stringify(DONE)}\n\n`,
  );
  assert.match(
    await textOf(made({ chunk: { text: 'half' } })),
    /event: error\ndata: \{"error":\{"code":"agent_failed"/,
  );
  async function* failing(): AsyncGenerator<ExecuteEvent> {
    yield { chunk: { text: 'half' } };
    throw new AgentError('overloaded', 'no more\nevent: done\ndata: {}\n\n');
  }
  const events = (await textOf(failing())).split('\n\n');
  assert.equal(events.length, 3);
  assert.match(events[1] ?? '', /^event: error\ndata: \{"error":\{"code":"overloaded","message":"no more\\nevent/);
});

test('a reader that leaves while the agent is silent does not wait for it', async () => {
  let left = 0;
  const silent: AsyncIterator<ExecuteEvent> = {
    next: () => new Promise(() => undefined),
    return: () => new Promise(() => undefined),
  };
  const iterator = eventSource(silent, { keepAliveMs: 5, onLeave: () => left++ })[Symbol.asyncIterator]();
  const { value } = await iterator.next();
  assert.equal(Buffer.from(value).toString(), ': keep-alive\n\n');
  await iterator.return?.();
  await iterator.return?.();
  assert.equal(left, 1);
  assert.deepEqual(await iterator.next(), { done: true, value: undefined });
});

test('events are pulled one by one, also across comments', async () => {
  let pulls = 0;
  let give: (event: ExecuteEvent) => void = () => undefined;
  const slow: AsyncIterator<ExecuteEvent> = {
    next() {
      pulls++;
      return new Promise((resolve) => {
        give = (value) => resolve({ done: false, value });
      });
    },
  };
  const iterator = eventSource(slow, { keepAliveMs: 2, onLeave: () => undefined })[Symbol.asyncIterator]();
  await iterator.next();
  await iterator.next();
  assert.equal(pulls, 1);
  give({ chunk: { text: 'a' } });
  const { value } = await iterator.next();
  assert.equal(Buffer.from(value).toString(), 'event: chunk\ndata: {"text":"a"}\n\n');
  assert.equal(pulls, 1);
});
