import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Agent, AgentContext } from '../agent/agent.ts';
import { AgentError } from '../contract/agent-error.ts';
import type { ExecuteEvent, ExecuteReply } from '../contract/messages.ts';
import { executor, type RunEnd } from './executor.ts';
import type { HostedAgent } from './ports.ts';

const REQUEST = { input: 'go' };
const REPLY: ExecuteReply = {
  output: 'done',
  token_count: 0,
  execution_time_ms: 0,
  loop_count: 0,
  stop_reason: 'completed',
};

interface Held {
  readonly context: AgentContext;
  finish(): void;
  fail(error: unknown): void;
}

/** An agent whose runs end when the test says so, and do not look at their signal. */
function heldAgent(more: Partial<HostedAgent> = {}) {
  const held: Held[] = [];
  const agent: Agent = {
    execute: (_request, context) =>
      new Promise((resolve, reject) => {
        // The executor gives more than the port asks for.
        held.push({ context: context as AgentContext, finish: () => resolve(REPLY), fail: reject });
      }),
    async *stream(_request, context) {
      yield { chunk: { text: 'one' } };
      yield { done: await agent.execute(REQUEST, context) };
    },
  };
  const hosted: HostedAgent = {
    info: { id: 'held', name: '', model: '', description: '' },
    agent,
    source: 'module',
    concurrency: 1,
    queue: 2,
    timeoutMs: 60_000,
    ready: () => true,
    close: async () => undefined,
    ...more,
  };
  return { hosted, held };
}

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error) => (assert.ok(error instanceof AgentError), error.code),
  );

test('what is over the limit waits in its order, and over the queue is turned away', async () => {
  const { hosted, held } = heldAgent();
  const here = executor();
  const order: string[] = [];
  const run = (name: string): Promise<unknown> =>
    here
      .enter(hosted)
      .execute(REQUEST, {}, () => void order.push(name))
      .then(() => order.push(`${name} ended`));
  const runs = [run('a'), run('b'), run('c')];
  await soon();
  assert.deepEqual(here.load(hosted), { running: 1, waiting: 2 });
  assert.throws(
    () => here.enter(hosted),
    (error: AgentError) => error.code === 'rate_limited' && error.retryAfter === 1 && error.retryable,
  );
  for (let i = 0; i < 3; i++) {
    held[i]?.finish();
    await soon();
  }
  await Promise.all(runs);
  assert.deepEqual(order, ['a', 'a ended', 'b', 'b ended', 'c', 'c ended']);
  assert.deepEqual(here.load(hosted), { running: 0, waiting: 0 });
});

test('what has been let in before is let in again, also over the queue', async () => {
  const { hosted, held } = heldAgent({ queue: 0 });
  const here = executor();
  const first = here.enter(hosted).execute(REQUEST, {});
  const forced = here.enter(hosted, true).execute(REQUEST, {});
  await soon();
  held[0]?.finish();
  await soon();
  held[1]?.finish();
  assert.deepEqual(await Promise.all([first, forced]), [REPLY, REPLY]);
});

test('nobody overtakes who waits, in the very step in which a place gets free', async () => {
  const { hosted, held } = heldAgent();
  const here = executor();
  const order: string[] = [];
  const first = here.enter(hosted).execute(REQUEST, {});
  const second = here.enter(hosted).execute(REQUEST, {}, () => void order.push('second'));
  await soon();
  held[0]?.finish();
  await first;
  const third = here.enter(hosted).execute(REQUEST, {}, () => void order.push('third'));
  await soon();
  held[1]?.finish();
  await soon();
  held[2]?.finish();
  await Promise.all([second, third]);
  assert.deepEqual(order, ['second', 'third']);
});

test('who leaves while waiting frees the place at once, and thousands of them leave nothing', async () => {
  const { hosted, held } = heldAgent({ queue: 5_000 });
  const here = executor();
  const leave = new AbortController();
  const first = here.enter(hosted).execute(REQUEST, {});
  const waiting = Array.from({ length: 5_000 }, () =>
    codeOf(here.enter(hosted).execute(REQUEST, { signal: leave.signal })),
  );
  await soon();
  assert.deepEqual(here.load(hosted), { running: 1, waiting: 5_000 });
  assert.throws(() => here.enter(hosted), AgentError);
  leave.abort();
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['cancelled']));
  assert.deepEqual(here.load(hosted), { running: 1, waiting: 0 });
  assert.equal(held.length, 1);
  held[0]?.finish();
  await first;
  assert.deepEqual(here.load(hosted), { running: 0, waiting: 0 });
});

test('who leaves as its turn comes gives the turn on', async () => {
  const { hosted, held } = heldAgent();
  const here = executor();
  const leave = new AbortController();
  const first = here.enter(hosted).execute(REQUEST, {});
  const second = codeOf(here.enter(hosted).execute(REQUEST, { signal: leave.signal }));
  const third = here.enter(hosted).execute(REQUEST, {});
  await soon();
  held[0]?.finish();
  await first;
  leave.abort();
  assert.equal(await second, 'cancelled');
  await soon();
  held.at(-1)?.finish();
  assert.deepEqual(await third, REPLY);
  assert.deepEqual(here.load(hosted), { running: 0, waiting: 0 });
});

test('a deadline counts while waiting, and holds for an agent that does not look at its signal', async () => {
  const { hosted, held } = heldAgent();
  const here = executor();
  const deadline = performance.now() + 30;
  const running = codeOf(here.enter(hosted).execute(REQUEST, { deadline }));
  const waiting = codeOf(here.enter(hosted).execute(REQUEST, { deadline }));
  assert.deepEqual(await Promise.all([running, waiting]), ['timeout', 'timeout']);
  assert.equal(held.length, 1);
  assert.equal(held[0]?.context.deadline, deadline);
  assert.equal(await codeOf(Promise.reject(held[0]?.context.signal.reason)), 'timeout');
  assert.deepEqual(here.load(hosted), { running: 0, waiting: 0 });
});

test('an agent\u2019s own limit counts from its turn, also when the caller would wait longer', async () => {
  const { hosted } = heldAgent({ timeoutMs: 40 });
  const here = executor();
  const began = performance.now();
  const runs = [1, 2].map(() => codeOf(here.enter(hosted).execute(REQUEST, { deadline: began + 60_000 })));
  assert.deepEqual(await Promise.all(runs), ['timeout', 'timeout']);
  assert.ok(performance.now() - began >= 79);
});

test('a run that fails frees its place; raw errors stay with the host', async () => {
  const { hosted, held } = heldAgent();
  const ends: RunEnd[] = [];
  const here = executor((run) => ends.push(run));
  const secret = new TypeError('the password is swordfish');
  const failing = here.enter(hosted).execute(REQUEST, { requestId: 'r1', principal: 'alice' });
  const after = here.enter(hosted).execute(REQUEST, {});
  await soon();
  held[0]?.fail(secret);
  await assert.rejects(failing, (error: AgentError) => {
    assert.equal(error.code, 'agent_failed');
    assert.equal(error.message, 'the agent failed');
    return error.cause === secret;
  });
  await soon();
  held[1]?.finish();
  await after;
  const [end] = ends;
  assert.equal(end?.agentFailed, true);
  assert.equal(end?.error?.cause, secret);
  assert.deepEqual([end?.agentId, end?.requestId, end?.principal], ['held', 'r1', 'alice']);
  assert.deepEqual(here.load(hosted), { running: 0, waiting: 0 });
});

test('the agent is not called when what stands before it fails', async () => {
  const { hosted, held } = heldAgent();
  const ends: RunEnd[] = [];
  const here = executor((run) => ends.push(run));
  const refused = here.enter(hosted).execute(REQUEST, {}, async () => {
    throw new AgentError('storage_full', 'no room');
  });
  assert.equal(await codeOf(refused), 'storage_full');
  assert.equal(held.length, 0);
  assert.equal(ends[0]?.agentFailed, false);
  assert.deepEqual(here.load(hosted), { running: 0, waiting: 0 });
});

test('a stream holds its place until it is over', async () => {
  const { hosted, held } = heldAgent();
  const here = executor();
  const events: ExecuteEvent[] = [];
  for await (const event of here.enter(hosted).stream(REQUEST, {})) {
    events.push(event);
    if (event.done === undefined) {
      assert.deepEqual(here.load(hosted), { running: 1, waiting: 0 });
      setImmediate(() => held[0]?.finish());
    }
  }
  assert.deepEqual(events, [{ chunk: { text: 'one' } }, { done: REPLY }]);
  assert.deepEqual(here.load(hosted), { running: 0, waiting: 0 });
  assert.equal(held[0]?.context.signal.aborted, false);
});

test('a stream that is given up frees its place: before it began, while it waits, between events, in mid-pull', async () => {
  for (const when of ['never read', 'waiting', 'between', 'pulling'] as const) {
    const { hosted, held } = heldAgent({ queue: 1 });
    const here = executor();
    const blocking = when === 'waiting' ? here.enter(hosted).execute(REQUEST, {}) : undefined;
    const iterator = here.enter(hosted).stream(REQUEST, {})[Symbol.asyncIterator]();
    if (when === 'waiting') void iterator.next();
    if (when === 'between' || when === 'pulling') await iterator.next();
    if (when === 'pulling') void iterator.next().catch(() => undefined);
    await soon();
    await iterator.return?.();
    assert.deepEqual(here.load(hosted), { running: blocking === undefined ? 0 : 1, waiting: 0 }, when);
    await soon();
    if (when === 'pulling') assert.equal(held[0]?.context.signal.aborted, true);
    held[0]?.finish();
    await blocking;
    assert.deepEqual(here.load(hosted), { running: 0, waiting: 0 }, when);
  }
});

test('a reader that does not read holds no place beyond the deadline', async () => {
  const { hosted } = heldAgent();
  const here = executor();
  const events = here.enter(hosted).stream(REQUEST, { deadline: performance.now() + 20 });
  const iterator = events[Symbol.asyncIterator]();
  await iterator.next();
  await here.idle(hosted);
  assert.deepEqual(here.load(hosted), { running: 0, waiting: 0 });
  assert.equal(await codeOf(iterator.next()), 'timeout');
});

test('a stream without an end is a failure of its agent', async () => {
  const { hosted } = heldAgent();
  const cut: Agent = {
    ...hosted.agent,
    async *stream() {
      yield { chunk: { text: 'half' } };
    },
  };
  const here = executor();
  const events = here.enter({ ...hosted, agent: cut }).stream(REQUEST, {});
  const iterator = events[Symbol.asyncIterator]();
  await iterator.next();
  assert.equal(await codeOf(iterator.next()), 'agent_failed');
});

test('an agent is idle once its last run has left', async () => {
  const { hosted, held } = heldAgent();
  const here = executor();
  await here.idle(hosted);
  const run = here.enter(hosted).execute(REQUEST, {});
  const waiting = here.enter(hosted);
  let idle = false;
  const becomesIdle = here.idle(hosted).then(() => (idle = true));
  await soon();
  held[0]?.finish();
  await run;
  await soon();
  assert.equal(idle, false);
  waiting.leave();
  await becomesIdle;
  assert.throws(() => waiting.leave(), /used once/);
});

test('a call whose caller has left already takes nothing', async () => {
  const { hosted, held } = heldAgent();
  const here = executor();
  const signal = AbortSignal.abort();
  assert.equal(await codeOf(here.enter(hosted).execute(REQUEST, { signal })), 'cancelled');
  assert.equal(
    await codeOf(here.enter(hosted).stream(REQUEST, { signal })[Symbol.asyncIterator]().next()),
    'cancelled',
  );
  assert.equal(held.length, 0);
  assert.deepEqual(here.load(hosted), { running: 0, waiting: 0 });
});
