import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { AgentError } from '../../src/contract/agent-error.ts';
import type { ExecuteReply } from '../../src/contract/messages.ts';
import { fingerprint } from '../../src/host/fingerprint.ts';
import type { IdempotentRequest } from '../../src/host/ports.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';
import { ANN, hostCall, hosted, untilRefused, withCode } from './fixtures/hosted.ts';
import { type JobHost, jobHost } from './fixtures/job-parts.ts';

const which: IdempotentRequest = { agentId: 'a', principal: 'ann', key: 'k', fingerprint: 'f' };
const open = new AbortController().signal;

function replyOf(output: string): ExecuteReply {
  return { output, token_count: 0, execution_time_ms: 1, loop_count: 0, stop_reason: 'completed' };
}

async function hostOf(t: TestContext): Promise<JobHost & { again(): Promise<JobHost> }> {
  const directory = tempDir(t);
  const host = await jobHost(directory, []);
  t.after(() => host.end());
  return {
    ...host,
    async again() {
      await host.end();
      const next = await jobHost(directory, []);
      t.after(() => next.end());
      return next;
    },
  };
}

const never = (): never => assert.fail('this must not run');

test('a key is run once: the first reply is the answer to all that come at once, later, and after a restart', async (t) => {
  const host = await hostOf(t);
  let runs = 0;
  const work = async (): Promise<ExecuteReply> => {
    runs++;
    await turn();
    return { ...replyOf(`run ${runs}`), metadata: { a: 'ü' }, later_member: 1 } as ExecuteReply;
  };
  const all = await Promise.all(Array.from({ length: 30 }, () => host.results.once(which, open, work)));
  const first = all[0]?.reply;
  assert.equal(runs, 1);
  assert.deepEqual(
    all.map(({ repeated }) => repeated),
    [false, ...Array.from({ length: 29 }, () => true)],
  );
  for (const { reply } of all) assert.deepEqual(reply, first);
  assert.deepEqual(await host.results.once(which, open, never), { reply: first, repeated: true });
  const again = await host.again();
  assert.deepEqual(await again.results.once(which, open, never), { reply: first, repeated: true });
});

test('another request with the key is a conflict, also while the first runs; other agents and callers have other keys', async (t) => {
  const host = await hostOf(t);
  let answer: ((reply: ExecuteReply) => void) | undefined;
  const first = host.results.once(which, open, () => new Promise((resolve) => (answer = resolve)));
  const other = { ...which, fingerprint: 'g' };
  await assert.rejects(host.results.once(other, open, never), withCode('conflict'));
  for (const elsewhere of [{ agentId: 'b' }, { principal: 'bob' }, { key: 'l' }]) {
    const { reply } = await host.results.once({ ...other, ...elsewhere }, open, async () => replyOf('other'));
    assert.equal(reply.output, 'other');
  }
  answer?.(replyOf('first'));
  assert.equal((await first).reply.output, 'first');
  await assert.rejects(host.results.once(other, open, never), withCode('conflict'));
  const again = await host.again();
  await assert.rejects(again.results.once(other, open, never), withCode('conflict'));
});

test('that an agent failed is an answer; what may go otherwise the next time leaves the key free', async (t) => {
  const host = await hostOf(t);
  const cause = new AgentError('unreachable', 'the model is away');
  const failure = new AgentError('quota', 'no more', { retryable: false, details: { limit: 3 }, cause });
  await assert.rejects(
    host.results.once(which, open, () => {
      throw failure;
    }),
    (error) => error === failure,
  );
  await assert.rejects(host.results.once(which, open, never), (error) => {
    withCode('quota')(error);
    const { message, details, retryable, cause } = error as AgentError;
    assert.deepEqual(
      [message, details, retryable, (cause as AgentError).code],
      ['no more', { limit: 3 }, false, 'unreachable'],
    );
    return true;
  });
  for (const code of ['rate_limited', 'not_ready', 'timeout', 'cancelled', 'unreachable', 'draining']) {
    const key = { ...which, key: code };
    await assert.rejects(
      host.results.once(key, open, async () => Promise.reject(new AgentError(code, 'not now'))),
      withCode(code),
    );
    assert.equal((await host.results.once(key, open, async () => replyOf('now'))).reply.output, 'now');
  }
});

test('a run that the end of its process broke off is interrupted, and stays so', async (t) => {
  const host = await hostOf(t);
  const left = host.results.once(which, open, () => new Promise<never>(() => undefined));
  left.catch(() => undefined);
  const told = { ...which, key: 'told' };
  await assert.rejects(
    host.results.once(told, open, async () => Promise.reject(new AgentError('interrupted', 'the host ends'))),
    withCode('interrupted'),
  );
  const again = await host.again();
  assert.deepEqual(again.notices[0]?.fields, { jobs: 0, results: 1 });
  for (const key of [which, told]) {
    for (let index = 0; index < 2; index++) {
      await assert.rejects(again.results.once(key, open, never), withCode('interrupted'));
    }
  }
});

test('who leaves ends its own waiting; the run goes on while somebody waits, and is aborted with the last', async (t) => {
  const host = await hostOf(t);
  let signal = open;
  let calls = 0;
  let answer: ((reply: ExecuteReply) => void) | undefined;
  const work = (given: AbortSignal): Promise<ExecuteReply> => {
    calls++;
    signal = given;
    return new Promise((resolve, reject) => {
      answer = resolve;
      given.addEventListener('abort', () => reject(given.reason as Error));
    });
  };
  const callers = Array.from({ length: 3 }, () => new AbortController());
  const waiting = callers.map((caller) => host.results.once(which, caller.signal, work));
  await until(() => calls === 1, 'the run');
  callers[0]?.abort(new AgentError('timeout', 'its own time is up'));
  await assert.rejects(waiting[0] ?? never(), withCode('timeout'));
  callers[1]?.abort();
  await assert.rejects(waiting[1] ?? never(), withCode('cancelled'));
  assert.equal(signal.aborted, false);
  answer?.(replyOf('for the third'));
  assert.deepEqual(await waiting[2], { reply: replyOf('for the third'), repeated: true });

  const alone = { ...which, key: 'alone' };
  const caller = new AbortController();
  const only = host.results.once(alone, caller.signal, work);
  await until(() => calls === 2, 'the run');
  caller.abort(new AgentError('cancelled', 'gone'));
  await assert.rejects(only, withCode('cancelled'));
  assert.equal(signal.aborted, true);
  const next = host.results.once(alone, open, work);
  await until(() => calls === 3, 'the key is free again, also for who came at once');
  answer?.(replyOf('the second time'));
  assert.deepEqual(await next, { reply: replyOf('the second time'), repeated: false });
  await assert.rejects(host.results.once(alone, AbortSignal.abort(), never), withCode('cancelled'));
});

test('who has left before the run began is not run', async (t) => {
  const host = await hostOf(t);
  const caller = new AbortController();
  const only = host.results.once(which, caller.signal, never);
  caller.abort();
  await assert.rejects(only, withCode('cancelled'));
  assert.equal((await host.results.once(which, open, async () => replyOf('later'))).reply.output, 'later');
});

test('of a reply that is too large it is kept that there was one', async (t) => {
  const host = await hostOf(t);
  const large = replyOf('x'.repeat(2 ** 20 + 1));
  assert.equal((await host.results.once(which, open, async () => large)).reply, large);
  await assert.rejects(host.results.once(which, open, never), (error) => {
    withCode('conflict')(error);
    assert.deepEqual((error as AgentError).details, { completed: true });
    return true;
  });
});

test('a key that was used for a job is not run as a call', async (t) => {
  const directory = tempDir(t);
  const agent = hosted('a', () => 'did');
  const host = await jobHost(directory, [agent]);
  t.after(() => host.end());
  const request = { input: 'x', idempotency_key: 'k' };
  await host.jobs.start(agent, request, hostCall());
  const same = { agentId: 'a', principal: ANN.principal, key: 'k', fingerprint: fingerprint(request) };
  await assert.rejects(host.results.once(same, open, never), withCode('conflict'));
  const call = { ...same, key: 'l' };
  await host.results.once(call, open, async () => replyOf('did'));
  await assert.rejects(host.jobs.start(agent, { input: 'x', idempotency_key: 'l' }, hostCall()), withCode('conflict'));
});

test('a store without room refuses the key before anything runs, and answers what it cannot keep', async (t) => {
  const directory = tempDir(t);
  const host = await jobHost(directory, [], { maxBytes: 600_000 });
  t.after(() => host.end());
  let kept = 0;
  const large = replyOf('x'.repeat(20_000));
  const refusal = await untilRefused(async () => {
    await host.results.once({ ...which, key: `${kept}` }, open, async () => large);
    kept++;
  });
  withCode('storage_full')(refusal);
  assert.ok(kept > 5, String(kept));
  assert.deepEqual(await host.results.once({ ...which, key: '0' }, open, never), { reply: large, repeated: true });

  const bigger = replyOf('x'.repeat(900_000));
  const small = await jobHost(tempDir(t), [], { maxBytes: 600_000 });
  t.after(() => small.end());
  assert.equal((await small.results.once(which, open, async () => bigger)).reply, bigger);
  await assert.rejects(small.results.once(which, open, never), withCode('conflict'));
  assert.equal(small.notices.length, 1);
});
