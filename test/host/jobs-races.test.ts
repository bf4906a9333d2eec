import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { AgentError } from '../../src/contract/agent-error.ts';
import type { Job } from '../../src/contract/messages.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';
import { ANN, hostCall, hosted, withCode } from './fixtures/hosted.ts';
import { jobHost } from './fixtures/job-parts.ts';

/** What happens to one of a few jobs, in this order, each without waiting for the one before. */
type Step =
  | { do: 'start'; job: number; key: boolean }
  | { do: 'answer' | 'fail' | 'cancel' | 'get'; job: number }
  | { do: 'pause'; turns: number }
  | { do: 'restart' };

const job = fc.nat(3);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('start' as const), job, key: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('answer', 'fail', 'cancel', 'get'), job }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pause' as const), turns: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

/** What is known of one job, whatever happens at the same time. */
interface Known {
  /** Set when the agent was called, and what it has said if it has. */
  calls: number;
  said?: 'answer' | 'fail';
  cancelled: boolean;
  restarted: boolean;
  end?: Job;
}

test('whatever happens at once, a job runs once at most, has one end, and that one for good', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 3, maxLength: 40 }),
      fc.integer({ min: 1, max: 3 }),
      async (steps, concurrency) => {
        const known = new Map<string, Known>();
        const ids = new Map<number, string>();
        const runs = new Map<string, (how: 'answer' | 'fail') => void>();
        /** By its input, since the agent does not know the id of its job. */
        const inputs = new Map<string, Known>();
        const agent = hosted(
          'echo',
          ({ input }, { signal }) =>
            new Promise((resolve, reject) => {
              const mine = inputs.get(input);
              assert.ok(mine !== undefined);
              mine.calls++;
              signal.addEventListener('abort', () => reject(signal.reason as Error));
              runs.set(input, (how) => {
                if (signal.aborted) return;
                mine.said ??= how;
                if (how === 'answer') resolve(`did ${input}`);
                else reject(new AgentError('no_luck', 'as it was told'));
              });
            }),
          { concurrency },
        );
        const ends: (() => Promise<void>)[] = [];
        const directory = tempDir({ after: (step) => ends.push(async () => void step()) });
        let host = await jobHost(directory, [agent]);
        const going: Promise<unknown>[] = [];
        const see = (seen: Job): void => {
          const mine = known.get(seen.job_id);
          assert.ok(mine !== undefined);
          if (seen.status === 'running') assert.equal(mine.end, undefined, 'an end stands');
          else {
            assert.deepEqual(mine.end ?? seen, seen, 'an end stands');
            mine.end = seen;
          }
        };
        /** The host of that moment; it may be at its end already. */
        const ask = (work: () => Promise<Job>): void =>
          void going.push(work().then(see, (error: unknown) => void withCode('draining')(error)));

        let count = 0;
        for (const step of steps) {
          const id = 'job' in step ? ids.get(step.job) : undefined;
          const { jobs } = host;
          if (step.do === 'start' && id === undefined) {
            const input = `${step.job}-${count++}`;
            const mine: Known = { calls: 0, cancelled: false, restarted: false };
            inputs.set(input, mine);
            const request = { input, ...(step.key && { idempotency_key: `k${input}` }) };
            const [{ job_id }, again] = await Promise.all([
              jobs.start(agent, request, hostCall()),
              step.key ? jobs.start(agent, request, hostCall()) : undefined,
            ]);
            if (again !== undefined) assert.equal(again.job_id, job_id);
            known.set(job_id, mine);
            ids.set(step.job, job_id);
            runs.set(job_id, (how) => runs.get(input)?.(how));
          } else if (step.do === 'pause') {
            for (let index = 0; index < step.turns; index++) await turn();
          } else if (step.do === 'restart') {
            await host.end();
            for (const mine of known.values()) mine.restarted = true;
            host = await jobHost(directory, [agent]);
            await host.jobs.resume();
          } else if (id !== undefined && step.do !== 'start') {
            const which = { agent_id: 'echo', job_id: id };
            if (step.do === 'get') ask(() => jobs.get(which, ANN));
            else if (step.do === 'cancel') {
              const mine = known.get(id);
              if (mine !== undefined) mine.cancelled = true;
              ask(() => jobs.cancel(which, ANN));
              // The number is free for another job.
              ids.delete(step.job);
            } else runs.get(id)?.(step.do);
          }
        }
        await Promise.all(going);
        await until(async () => {
          for (const [id, mine] of known) {
            if (mine.calls > 0) runs.get(id)?.('answer');
            see(await host.jobs.get({ agent_id: 'echo', job_id: id }, ANN));
          }
          return [...known.values()].every(({ end }) => end !== undefined);
        }, 'the end of all');
        for (const { calls, said, cancelled, restarted, end } of known.values()) {
          assert.ok(calls <= 1, 'run twice');
          const how = end?.error?.code ?? end?.status;
          if (how === 'completed') assert.equal(said, 'answer');
          else if (how === 'no_luck') assert.equal(said, 'fail');
          else if (how === 'cancelled') assert.ok(cancelled);
          else if (how === 'interrupted') assert.ok(restarted && calls === 1);
          else assert.fail(`how did this end: ${how}`);
          if (!cancelled && !restarted) assert.equal(how, said === 'fail' ? 'no_luck' : 'completed');
        }
        await until(() => host.executor.load(agent).running === 0, 'nothing runs');
        assert.deepEqual(host.executor.load(agent), { running: 0, waiting: 0 }, 'no place is lost');
        await host.end();
        for (const end of ends) await end();
      },
    ),
    { numRuns: 60, endOnFailure: true },
  );
});
