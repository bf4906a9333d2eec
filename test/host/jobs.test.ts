import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { AgentError } from '../../src/contract/agent-error.ts';
import type { ExecuteRequest, Job } from '../../src/contract/messages.ts';
import type { HostedAgent } from '../../src/host/ports.ts';
import { HOST_FILE } from '../../src/host/store/schema.ts';
import type { HostStoreOptions } from '../../src/host/store/store.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';
import { ADMIN, ANN, BOB, hostCall, hosted, withCode } from './fixtures/hosted.ts';
import { type JobHost, jobHost } from './fixtures/job-parts.ts';

async function hostOf(
  t: TestContext,
  agents: readonly HostedAgent[],
  options: Partial<HostStoreOptions> = {},
): Promise<JobHost & { directory: string; ended(id: string, agent?: string): Promise<Job> }> {
  const directory = tempDir(t);
  const host = await jobHost(directory, agents, options);
  t.after(() => host.end());
  return { ...host, directory, ended: (id, agent = 'echo') => ended(host, id, agent) };
}

function ended(host: JobHost, job_id: string, agent_id = 'echo'): Promise<Job> {
  return until(async () => {
    const job = await host.jobs.get({ agent_id, job_id }, ADMIN);
    return job.status !== 'running' && job;
  }, `the end of ${job_id}`);
}

/** An agent that runs until it is told to answer, or is aborted. */
function gated(over: Partial<HostedAgent> = {}) {
  const runs: { request: ExecuteRequest; signal: AbortSignal; answer(text: string): void; abortedAt?: number }[] = [];
  const agent = hosted(
    'echo',
    (request, { signal }) =>
      new Promise((resolve, reject) => {
        const run: (typeof runs)[number] = { request, signal, answer: resolve };
        signal.addEventListener('abort', () => {
          run.abortedAt = performance.now();
          reject(signal.reason as Error);
        });
        runs.push(run);
      }),
    over,
  );
  return { agent, runs };
}

const echo = hosted('echo', ({ input }) => `you said ${input}`);

test('a job is on disk before it is answered, runs by itself, and keeps its result', async (t) => {
  const host = await hostOf(t, [echo]);
  const { job_id } = await host.jobs.start(echo, { input: 'hello' }, hostCall());
  assert.match(job_id, /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  const db = new DatabaseSync(join(host.directory, HOST_FILE), { readOnly: true });
  t.after(() => db.close());
  assert.equal(db.prepare('SELECT count(*) AS n FROM jobs WHERE job_id = ?').get(job_id)?.['n'], 1);

  const job = await host.ended(job_id);
  assert.equal(job.status, 'completed');
  assert.equal(job.result?.output, 'you said hello');
  assert.equal(job.error, undefined);
  assert.ok((job.created_at ?? '') <= (job.finished_at ?? ''), JSON.stringify(job));
  assert.equal(db.prepare('SELECT request FROM jobs').get()?.['request'], null, 'what was asked is not kept beyond it');
});

test('how a run fails is how its job ends, and what an agent threw stays inside', async (t) => {
  const agent = hosted('echo', async ({ input }) => {
    if (input === 'raw') throw new Error('password: hunter2');
    if (input === 'cancelled') throw new AgentError('cancelled', 'of its own');
    if (input === 'mine') {
      const cause = new AgentError('unreachable', 'the model is away');
      throw new AgentError('quota_used_up', 'no more for today', { details: { limit: 3 }, cause, retryable: false });
    }
    await sleep(60_000, undefined, { ref: false });
    return 'late';
  });
  const host = await hostOf(t, [agent]);
  const run = async (request: ExecuteRequest): Promise<Job> =>
    host.ended((await host.jobs.start(agent, request, hostCall())).job_id);

  const raw = await run({ input: 'raw' });
  assert.deepEqual([raw.status, raw.error?.code, raw.error?.message], ['failed', 'agent_failed', 'the agent failed']);
  assert.doesNotMatch(JSON.stringify(raw), /hunter2/);
  const mine = await run({ input: 'mine' });
  assert.deepEqual(mine.error, {
    code: 'quota_used_up',
    message: 'no more for today',
    details: { limit: 3, retryable: false, cause: { code: 'unreachable', message: 'the model is away' } },
  });
  assert.equal((await run({ input: 'cancelled' })).status, 'failed', 'nobody has cancelled the job');
  const late = await run({ input: 'late', timeout_seconds: 0.05 });
  assert.deepEqual([late.status, late.error?.code], ['timed_out', 'timeout']);
});

test('the time of a job counts from its turn, for its own timeout and for that of its agent', async (t) => {
  const { agent, runs } = gated({ concurrency: 1, timeoutMs: 1_500 });
  const host = await hostOf(t, [agent]);
  const first = await host.jobs.start(agent, { input: 'a' }, hostCall());
  const second = await host.jobs.start(agent, { input: 'b', timeout_seconds: 1 }, hostCall());
  assert.equal((await host.ended(first.job_id)).status, 'timed_out');
  await until(() => runs.length === 2, 'the second has its turn, when more than its own timeout has passed');
  runs[1]?.answer('in time');
  assert.equal((await host.ended(second.job_id)).result?.output, 'in time');
});

test('what cannot wait is refused before anything is written', async (t) => {
  const { agent, runs } = gated({ concurrency: 1, queue: 1 });
  const host = await hostOf(t, [agent]);
  const first = await host.jobs.start(agent, { input: 'a', idempotency_key: 'k' }, hostCall());
  await host.jobs.start(agent, { input: 'b' }, hostCall());
  await assert.rejects(host.jobs.start(agent, { input: 'c' }, hostCall()), withCode('rate_limited'));
  assert.deepEqual(
    await host.jobs.start(agent, { input: 'a', idempotency_key: 'k' }, hostCall()),
    first,
    'what was accepted is answered all the same',
  );
  await assert.rejects(host.jobs.start(agent, { input: 'z', idempotency_key: 'k' }, hostCall()), withCode('conflict'));
  await until(() => runs.length === 1, 'the first runs');
  runs[0]?.answer('done');
  await host.ended(first.job_id);
  await until(() => runs.length === 2, 'the second runs, and there was no third');
  runs[1]?.answer('done');
  await until(() => host.executor.load(agent).running === 0, 'nothing is left');
  assert.deepEqual(host.executor.load(agent), { running: 0, waiting: 0 });
});

test('cancelling aborts a run within 100 ms, is on disk, and stands', async (t) => {
  const { agent, runs } = gated();
  const host = await hostOf(t, [agent]);
  const { job_id } = await host.jobs.start(agent, { input: 'a' }, hostCall());
  await until(() => runs.length === 1, 'the run');
  const before = performance.now();
  const job = await host.jobs.cancel({ agent_id: 'echo', job_id }, ANN);
  assert.deepEqual([job.status, job.error?.code], ['cancelled', 'cancelled']);
  assert.ok(job.finished_at !== undefined);
  assert.ok((runs[0]?.abortedAt ?? Number.POSITIVE_INFINITY) - before < 100);
  withCode('cancelled')(runs[0]?.signal.reason);
  assert.deepEqual(await host.jobs.cancel({ agent_id: 'echo', job_id }, ANN), job, 'again is the same');
  await host.end();
  const again = await jobHost(host.directory, [agent]);
  t.after(() => again.end());
  assert.deepEqual(await again.jobs.get({ agent_id: 'echo', job_id }, ANN), job);
});

test('a job that waits and is cancelled never runs, and one that has ended stays as it is', async (t) => {
  const { agent, runs } = gated({ concurrency: 1 });
  const host = await hostOf(t, [agent]);
  const first = await host.jobs.start(agent, { input: 'a' }, hostCall());
  const second = await host.jobs.start(agent, { input: 'b' }, hostCall());
  const third = await host.jobs.start(agent, { input: 'c' }, hostCall());
  assert.equal((await host.jobs.cancel({ agent_id: 'echo', job_id: second.job_id }, ANN)).status, 'cancelled');
  await until(() => runs.length === 1, 'the first');
  runs[0]?.answer('done');
  const done = await host.ended(first.job_id);
  assert.deepEqual(await host.jobs.cancel({ agent_id: 'echo', job_id: first.job_id }, ANN), done);
  await until(() => runs.length === 2, 'the third');
  assert.equal(runs[1]?.request.input, 'c');
  runs[1]?.answer('done');
  await host.ended(third.job_id);
});

test('a job is there for who started it and for admins; for everybody else it is not', async (t) => {
  const { agent, runs } = gated();
  const host = await hostOf(t, [agent, hosted('other', () => '')]);
  const { job_id } = await host.jobs.start(agent, { input: 'a' }, hostCall());
  await until(() => runs.length === 1, 'the run');
  const which = { agent_id: 'echo', job_id };
  for (const refused of [
    () => host.jobs.get(which, BOB),
    () => host.jobs.cancel(which, BOB),
    () => host.jobs.get({ agent_id: 'other', job_id }, ANN),
    () => host.jobs.cancel({ agent_id: 'other', job_id }, ADMIN),
    () => host.jobs.get({ agent_id: 'echo', job_id: 'nothing' }, ADMIN),
    () => host.jobs.get({ agent_id: 'echo', job_id: `' OR 1=1 --` }, ADMIN),
  ]) {
    await assert.rejects(refused, withCode('not_found'));
  }
  assert.equal(runs[0]?.signal.aborted, false);
  assert.equal((await host.jobs.get(which, ADMIN)).status, 'running');
  assert.equal((await host.jobs.cancel(which, ADMIN)).status, 'cancelled');
});

test('a key gives the same job: at once, later, after a restart; for another request a conflict', async (t) => {
  const host = await hostOf(t, [echo]);
  const request = { input: 'a', idempotency_key: 'key-1', context: { a: 1, b: [2] } };
  const started = await Promise.all(Array.from({ length: 20 }, () => host.jobs.start(echo, request, hostCall())));
  assert.equal(new Set(started.map(({ job_id }) => job_id)).size, 1);
  const { job_id = '' } = started[0] ?? {};
  await host.ended(job_id);
  const retry = { context: { b: [2], a: 1 }, idempotency_key: 'key-1', timeout_seconds: 3, input: 'a' };
  assert.deepEqual(await host.jobs.start(echo, retry, hostCall()), { job_id });
  const other = { input: 'b', idempotency_key: 'key-1' };
  await assert.rejects(host.jobs.start(echo, other, hostCall()), withCode('conflict'));
  const bobs = await host.jobs.start(echo, other, hostCall({ caller: BOB }));
  assert.notEqual(bobs.job_id, job_id, "another caller's key is another key");
  await assert.rejects(
    host.results.once(
      { agentId: 'echo', principal: BOB.principal, key: 'key-1', fingerprint: 'x' },
      new AbortController().signal,
      () => assert.fail('a key stands for one request, whichever way it comes'),
    ),
    withCode('conflict'),
  );
  await host.end();
  const again = await jobHost(host.directory, [echo]);
  t.after(() => again.end());
  assert.deepEqual(await again.jobs.start(echo, request, hostCall()), { job_id });
  await assert.rejects(again.jobs.start(echo, other, hostCall()), withCode('conflict'));
  assert.deepEqual(again.executor.load(echo), { running: 0, waiting: 0 }, 'no place is kept by what does not run');
});

test('an orderly end lets runs finish, records what is left, and leaves what has not begun to the next start', async (t) => {
  const { agent, runs } = gated({ concurrency: 2 });
  const host = await hostOf(t, [agent]);
  const trace = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=1' };
  const start = async (input: string): Promise<string> =>
    (await host.jobs.start(agent, { input }, hostCall({ trace }))).job_id;
  const [quick, slow, waits, alsoWaits] = [await start('1'), await start('2'), await start('3'), await start('4')];
  await until(() => runs.length === 2, 'two run');
  const end = host.end(300);
  runs[0]?.answer('just in time');
  await assert.rejects(host.jobs.start(agent, { input: '5' }, hostCall()), withCode('draining'));
  await end;
  withCode('interrupted')(runs[1]?.signal.reason);
  assert.equal(runs.length, 2, 'nothing new was begun');

  const seen: { input: string; trace: unknown; principal: unknown; requestId: unknown }[] = [];
  const next = hosted('echo', ({ input }, { trace, principal, requestId }) => {
    seen.push({ input, trace, principal, requestId });
    return 'after the restart';
  });
  const again = await jobHost(host.directory, [next]);
  t.after(() => again.end());
  const before = await again.jobs.get({ agent_id: 'echo', job_id: waits }, ANN);
  assert.equal(before.status, 'running');
  await again.jobs.resume();
  const jobs = [
    await ended(again, quick),
    await ended(again, slow),
    await ended(again, waits),
    await ended(again, alsoWaits),
  ];
  assert.deepEqual(
    jobs.map(({ status, result, error }) => [status, result?.output ?? error?.code]),
    [
      ['completed', 'just in time'],
      ['failed', 'interrupted'],
      ['completed', 'after the restart'],
      ['completed', 'after the restart'],
    ],
  );
  const facts = { trace, principal: 'ann', requestId: 'request-1' };
  assert.deepEqual(seen, [
    { input: '3', ...facts },
    { input: '4', ...facts },
  ]);
});

test('after a restart: an agent that is gone is not found, one that is not ready yet is waited for', async (t) => {
  const { agent } = gated({ ready: () => false });
  const { agent: gone } = gated({ info: { id: 'gone', name: '', model: '', description: '' }, ready: () => false });
  const host = await hostOf(t, [agent, gone]);
  const waiting = await host.jobs.start(agent, { input: 'a' }, hostCall());
  const lost = await host.jobs.start(gone, { input: 'b' }, hostCall());
  await host.end();

  let ready = false;
  const later = hosted('echo', () => 'at last', { ready: () => ready });
  const again = await jobHost(host.directory, [later]);
  t.after(() => again.end());
  await again.jobs.resume();
  const failed = await ended(again, lost.job_id, 'gone');
  assert.deepEqual([failed.status, failed.error?.code], ['failed', 'not_found']);
  await sleep(150);
  assert.equal((await again.jobs.get({ agent_id: 'echo', job_id: waiting.job_id }, ANN)).status, 'running');
  ready = true;
  assert.equal((await ended(again, waiting.job_id)).result?.output, 'at last');
});

test('a job whose agent goes away before it begins waits for it; one whose agent is removed has failed', async (t) => {
  let ready = true;
  let calls = 0;
  const flapping = hosted(
    'echo',
    () => {
      if (calls++ === 0) {
        ready = false;
        throw new AgentError('not_ready', 'its process has ended');
      }
      return 'there again';
    },
    { ready: () => ready },
  );
  const removed = hosted('removed', () => 'never', { ready: () => false });
  const host = await hostOf(t, [flapping, removed]);
  const first = await host.jobs.start(flapping, { input: 'a' }, hostCall());
  const second = await host.jobs.start(removed, { input: 'a' }, hostCall());
  await until(() => calls === 1, 'the first try');
  host.registry.remove('removed');
  assert.equal((await host.ended(second.job_id, 'removed')).error?.code, 'not_found');
  await host.executor.idle(removed);
  ready = true;
  assert.equal((await host.ended(first.job_id)).result?.output, 'there again');
  assert.equal(calls, 2);
});

test('a thread that dies loses no job that was accepted', async (t) => {
  const threads: Worker[] = [];
  const onThread = (message: unknown): unknown => threads.push((message as { worker: Worker }).worker);
  subscribe('worker_threads', onThread);
  t.after(() => unsubscribe('worker_threads', onThread));
  const runs = new Map<string, number>();
  const agent = hosted(
    'echo',
    async ({ input }) => {
      runs.set(input, (runs.get(input) ?? 0) + 1);
      await sleep(5);
      return input;
    },
    { queue: 1_000 },
  );
  const host = await hostOf(t, [agent]);
  const starting = Array.from({ length: 200 }, async (_, index) => {
    await sleep(index * 2);
    return host.jobs.start(agent, { input: String(index) }, hostCall());
  });
  await sleep(150);
  await threads.at(-1)?.terminate();
  const started = await Promise.allSettled(starting);
  for (const result of started) {
    if (result.status === 'rejected') withCode('overloaded')(result.reason);
  }
  const accepted = started.flatMap((result, index) =>
    result.status === 'fulfilled' ? [{ index, job_id: result.value.job_id }] : [],
  );
  assert.ok(accepted.length > 100, String(accepted.length));
  await until(() => host.store.status().writable, 'the thread is there again');
  for (const { index, job_id } of accepted) {
    assert.equal((await host.ended(job_id)).result?.output, String(index));
  }
  assert.ok(
    [...runs.values()].every((count) => count === 1),
    'none ran twice',
  );
  assert.equal(host.store.status().restarts, 1);
  assert.ok(host.notices.some(({ message }) => message.includes('starts again')));
});

test('a clock that is set back an hour changes neither the order of times nor that of jobs', async (t) => {
  let now = Date.parse('2026-03-29T02:30:00Z');
  const { agent, runs } = gated({ concurrency: 1 });
  const host = await hostOf(t, [agent], { clock: () => now });
  const first = await host.jobs.start(agent, { input: '1' }, hostCall());
  await until(() => runs.length === 1, 'the run');
  now -= 3_600_000;
  const second = await host.jobs.start(agent, { input: '2' }, hostCall());
  const third = await host.jobs.start(agent, { input: '3' }, hostCall());
  runs[0]?.answer('done');
  const job = await host.ended(first.job_id);
  assert.deepEqual([job.created_at, job.finished_at], ['2026-03-29T02:30:00.000Z', '2026-03-29T02:30:00.000Z']);
  await host.end();
  const inputs: string[] = [];
  const next = hosted('echo', ({ input }) => (inputs.push(input), 'done'), { concurrency: 1 });
  const again = await jobHost(host.directory, [next], { clock: () => now - 3_600_000 });
  t.after(() => again.end());
  await again.jobs.resume();
  await ended(again, third.job_id);
  // The second was running when its host ended.
  assert.equal((await ended(again, second.job_id)).error?.code, 'interrupted');
  assert.deepEqual(inputs, ['3']);
});
