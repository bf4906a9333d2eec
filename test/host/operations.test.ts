import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentError } from '../../src/contract/agent-error.ts';
import type { HostCall } from '../../src/host/ports.ts';
import { eventsOf, failure } from '../support/agent-calls.ts';
import { until } from '../support/until.ts';
import { echo, endless, hosted, testHost } from './support.ts';

function caller(...roles: string[]): HostCall {
  const principal = roles[0] ?? 'nobody';
  return { caller: { principal, roles }, signal: new AbortController().signal, requestId: 'r1' };
}

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('an agent is seen and called by its roles and by administrators', async () => {
  const { operations } = testHost([hosted('open', echo), hosted('shut', echo, { allowedRoles: ['finance', 'legal'] })]);
  const ids = (...roles: string[]): string[] => operations.listAgents(caller(...roles)).agents.map(({ id }) => id);
  assert.deepEqual(ids('intern'), ['open']);
  assert.deepEqual(ids(), ['open']);
  assert.deepEqual(ids('intern', 'legal'), ['open', 'shut']);
  assert.deepEqual(ids('admin'), ['open', 'shut']);

  const request = { agent_id: 'shut', input: 'hi' };
  for (const work of [
    () => operations.execute(request, caller('intern')),
    () => operations.executeStream(request, caller('intern')),
    () => operations.startJob(request, caller('intern')),
    () => operations.getAgent(request, caller('intern')),
    () => operations.getJob({ agent_id: 'shut', job_id: 'x' }, caller('intern')),
    () => operations.cancelJob({ agent_id: 'shut', job_id: 'x' }, caller('intern')),
  ]) {
    assert.equal((await failure(work)).code, 'forbidden');
  }
  assert.equal((await operations.execute(request, caller('legal'))).output, 'hi');
  assert.equal((await operations.execute(request, caller('admin'))).output, 'hi');
});

test('no name of a member of objects is an agent or a role', async () => {
  const { operations } = testHost([hosted('shut', echo, { allowedRoles: [] })]);
  for (const id of ['__proto__', 'constructor', 'toString', '', '../shut', 'SHUT']) {
    const error = await failure(() => operations.execute({ agent_id: id, input: 'x' }, caller('admin')));
    assert.equal(error.code, 'not_found', id);
  }
  assert.equal((await failure(() => operations.execute({ input: 'x' }, caller('admin')))).code, 'not_found');
  for (const role of ['Admin', 'admin ', 'constructor', '']) {
    assert.equal((await failure(() => operations.getAgent({ agent_id: 'shut' }, caller(role)))).code, 'forbidden');
  }
});

test('agents are registered and removed by administrators alone', async () => {
  const { operations, registry } = testHost([hosted('built-in', echo)]);
  const request = { id: 'far', url: 'http://127.0.0.1:1' };
  assert.equal((await failure(() => operations.registerAgent(request, caller('user')))).code, 'forbidden');
  assert.equal((await failure(() => operations.removeAgent({ agent_id: 'far' }, caller('user')))).code, 'forbidden');
  assert.equal((await operations.registerAgent(request, caller('admin'))).id, 'far');
  assert.equal(
    (await operations.execute({ agent_id: 'far', input: 'x' }, caller('user'))).output,
    'at http://127.0.0.1:1',
  );
  assert.equal((await failure(() => operations.registerAgent(request, caller('admin')))).code, 'conflict');
  assert.equal(registry.list().length, 2);
  await operations.removeAgent({ agent_id: 'far' }, caller('admin'));
  assert.equal((await failure(() => operations.removeAgent({ agent_id: 'far' }, caller('admin')))).code, 'not_found');
  await assert.rejects(operations.removeAgent({ agent_id: 'built-in' }, caller('admin')), { code: 'conflict' });
  assert.deepEqual(
    registry.list().map(({ info }) => info.id),
    ['built-in'],
  );
});

test('of two who register the same id at once, one does', async () => {
  const { operations, registry } = testHost([]);
  const outcomes = await Promise.allSettled(
    ['a', 'b'].map((name) => operations.registerAgent({ id: 'one', name, url: 'http://127.0.0.1:1' }, caller('admin'))),
  );
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  assert.equal(registry.get('one')?.info.name, 'a');
});

test('a removed agent ends its runs, and is closed after the last of them', async () => {
  const agent = hosted('far', async () => (await sleep(30), 'late'), { source: 'registered', concurrency: 1 });
  const { operations } = testHost([agent]);
  const request = { agent_id: 'far', input: 'x' };
  const runs = [operations.execute(request, caller('user')), operations.execute(request, caller('user'))];
  await soon();
  await operations.removeAgent({ agent_id: 'far' }, caller('admin'));
  assert.equal((await failure(() => operations.execute(request, caller('user')))).code, 'not_found');
  assert.equal(agent.closed, 0);
  assert.deepEqual(
    (await Promise.all(runs)).map(({ output }) => output),
    ['late', 'late'],
  );
  await until(() => agent.closed === 1, 'closed');
});

test('the nearest of all limits holds', async () => {
  const seen: number[] = [];
  const look = (_request: unknown, { deadline = 0 }: { deadline?: number | undefined }): string => {
    seen.push(deadline - performance.now());
    return 'ok';
  };
  const agent = hosted('slow', look, { timeoutMs: 10_000 });
  const { operations } = testHost([agent]);
  const ask = (timeout_seconds?: number, deadline?: number) =>
    operations.execute(
      { agent_id: 'slow', input: 'x', ...(timeout_seconds !== undefined && { timeout_seconds }) },
      { ...caller('user'), ...(deadline !== undefined && { deadline }) },
    );
  await ask();
  await ask(3);
  await ask(3, performance.now() + 1_000);
  await ask(500, performance.now() + 500_000);
  const expected = [10_000, 3_000, 1_000, 10_000];
  seen.forEach((ms, i) => assert.ok(ms <= (expected[i] ?? 0) && ms > (expected[i] ?? 0) - 500, `${i}: ${ms}`));
});

test('an agent that is not up takes no calls, but says when to come back', async () => {
  const { operations, executor, registry } = testHost([hosted('down', echo, { ready: () => false })]);
  for (const method of ['execute', 'executeStream'] as const) {
    const error = await failure(() => operations[method]({ agent_id: 'down', input: 'x' }, caller('user')));
    assert.equal(error.code, 'not_ready');
    assert.equal(error.retryAfter, 1);
  }
  const agent = registry.get('down');
  assert.ok(agent);
  assert.equal(executor.load(agent).waiting, 0);
});

test('a run knows its call', async () => {
  const { operations } = testHost([
    hosted('who', (_request, { principal, requestId, trace }) => JSON.stringify({ principal, requestId, trace })),
  ]);
  const trace = { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` };
  for (const key of [{}, { idempotency_key: 'k' }]) {
    const { output } = await operations.execute({ agent_id: 'who', input: 'x', ...key }, { ...caller('alice'), trace });
    assert.deepEqual(JSON.parse(output), { principal: 'alice', requestId: 'r1', trace });
  }
});

test('the jobs of a removed agent are still there for their owner', async () => {
  const { operations } = testHost([hosted('far', echo, { source: 'registered' })]);
  const { job_id } = await operations.startJob({ agent_id: 'far', input: 'x' }, caller('alice'));
  await soon();
  await operations.removeAgent({ agent_id: 'far' }, caller('admin'));
  const which = { agent_id: 'far', job_id };
  assert.equal((await operations.getJob(which, caller('alice'))).status, 'completed');
  assert.equal((await failure(() => operations.getJob(which, caller('bob')))).code, 'not_found');
});

test('a key is run once, for whoever asks: called, streamed, at once or later', async () => {
  let runs = 0;
  const agent = hosted('count', async ({ input }) => (await sleep(5), `${input} ${++runs}`), {
    concurrency: 1,
    queue: 0,
  });
  const { operations, executor } = testHost([agent]);
  const request = { agent_id: 'count', input: 'run', idempotency_key: 'k1' };
  // At once, where there is a place for one only.
  const [first, second] = await Promise.all([
    operations.execute(request, caller('alice')),
    // A retry waits for less, and its members may stand in another order.
    operations.execute({ idempotency_key: 'k1', timeout_seconds: 3, input: 'run', agent_id: 'count' }, caller('alice')),
  ]);
  assert.deepEqual(second, first);
  assert.equal(first.output, 'run 1');
  assert.deepEqual(await eventsOf(operations.executeStream(request, caller('alice'))), [
    { chunk: { text: 'run 1' } },
    { done: first },
  ]);
  const other = await failure(() => operations.execute({ ...request, input: 'other' }, caller('alice')));
  assert.equal(other.code, 'conflict');
  assert.equal((await operations.execute(request, caller('bob'))).output, 'run 2');
  assert.deepEqual(executor.load(agent), { running: 0, waiting: 0 });
});

test('a key that has a result is answered also while its agent is down', async () => {
  let up = true;
  const { operations } = testHost([hosted('shaky', echo, { ready: () => up })]);
  const request = { agent_id: 'shaky', input: 'hi', idempotency_key: 'k' };
  const first = await operations.execute(request, caller('alice'));
  up = false;
  assert.deepEqual(await operations.execute(request, caller('alice')), first);
  const other = { ...request, idempotency_key: 'other' };
  assert.equal((await failure(() => operations.execute(other, caller('alice')))).code, 'not_ready');
  assert.equal((await failure(() => eventsOf(operations.executeStream(other, caller('alice'))))).code, 'not_ready');
});

test('a stream with a key comes as it is made, and who asks again gets its result', async () => {
  let given = 0;
  const agent = hosted('words', {
    async *stream() {
      for (const word of ['a', 'b', 'c']) {
        given++;
        yield word;
      }
    },
  });
  const { operations, executor } = testHost([agent]);
  const request = { agent_id: 'words', input: 'x', idempotency_key: 'k' };
  const iterator = operations.executeStream(request, caller('alice'))[Symbol.asyncIterator]();
  assert.deepEqual((await iterator.next()).value, { chunk: { text: 'a' } });
  await soon();
  assert.ok(given <= 2, 'it is made no faster than it is read');
  const rest: unknown[] = [];
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) rest.push(next.value);
  assert.deepEqual(rest.slice(0, 2), [{ chunk: { text: 'b' } }, { chunk: { text: 'c' } }]);
  const again = await operations.execute(request, caller('alice'));
  assert.equal(again.output, 'abc');
  assert.deepEqual(rest[2], { done: again });
  assert.equal(given, 3);
  assert.deepEqual(executor.load(agent), { running: 0, waiting: 0 });
});

test('who leaves a call with a key stops waiting at once', async () => {
  const agent = endless();
  const one = hosted('endless', agent);
  const { operations, executor } = testHost([one]);
  for (const [key, kind] of [
    ['k1', 'call'],
    ['k2', 'stream'],
    ['k3', 'return'],
  ] as const) {
    const leave = new AbortController();
    const call = { ...caller('alice'), signal: leave.signal };
    const request = { agent_id: 'endless', input: 'x', idempotency_key: key };
    if (kind === 'call') {
      const left = failure(() => operations.execute(request, call));
      await until(() => executor.load(one).running === 1, 'running');
      leave.abort();
      assert.equal((await left).code, 'cancelled');
    } else {
      const iterator = operations.executeStream(request, call)[Symbol.asyncIterator]();
      await iterator.next();
      const pull = iterator.next();
      if (kind === 'stream') {
        leave.abort();
        assert.equal((await failure(() => pull)).code, 'cancelled');
      } else {
        await iterator.return?.();
        assert.deepEqual(await pull, { done: true, value: undefined });
      }
    }
    await until(() => executor.load(one).running === 0, kind);
  }
  assert.equal(agent.aborted.length, 3);
});

test('a stream with a key fails with what its run fails with', async () => {
  const { operations } = testHost([
    hosted('failing', {
      async *stream() {
        yield 'half';
        throw new AgentError('agent_failed', 'the model is gone', { retryable: true });
      },
    }),
  ]);
  const request = { agent_id: 'failing', input: 'x', idempotency_key: 'k' };
  const iterator = operations.executeStream(request, caller('a'))[Symbol.asyncIterator]();
  await iterator.next();
  const error = await failure(() => iterator.next());
  assert.deepEqual([error.code, error.message, error.retryable], ['agent_failed', 'the model is gone', true]);
});
