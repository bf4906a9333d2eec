import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { http } from '../../support/http.ts';
import { costsAt, futureLedger } from './costs.ts';
import { type ReplicaOptions, replicaFor } from './replica.ts';

const COSTS = 20;
const IDS = Array.from({ length: COSTS }, (_, n) => `job-${n}`).sort();

const jobOf = (code: number, sidecar: Record<string, string>): ReplicaOptions => ({
  agent: { WORK_MS: '200', COSTS: String(COSTS), EXIT_CODE: String(code) },
  sidecar,
});

/** `stop` kills after ten seconds: whoever ends with 0 has ended in time. */
describe('an agent that ends by itself', { concurrency: 2 }, () => {
  for (const code of [0, 3]) {
    test(`with ${code}: outrider run does so too, with its costs at the ledger`, async (t) => {
      const future = await futureLedger(t);
      const ledger = await future.start();
      const job = await replicaFor(t, jobOf(code, future.env));
      const { process } = await job.startRun();
      assert.deepEqual(await process.exited, { code, signal: null });
      assert.deepEqual(await costsAt(ledger), { ids: IDS, audited: COSTS });
    });

    test(`with ${code}: a Job's native sidecar is told to stop then, and ends with 0, with the costs at the ledger`, async (t) => {
      const future = await futureLedger(t);
      const ledger = await future.start();
      const job = await replicaFor(t, jobOf(code, future.env));
      const { inbound } = await job.startSidecar();
      assert.equal((await http(`${inbound}/health`)).status, 200);
      assert.deepEqual(await job.startAgent().exited, { code, signal: null });
      assert.deepEqual(await job.sidecar().process.stop('SIGTERM'), { code: 0, signal: null });
      assert.deepEqual(await costsAt(ledger), { ids: IDS, audited: COSTS });
    });
  }

  test('without a ledger to be reached, the Job ends in time all the same, and its costs are on disk', async (t) => {
    const future = await futureLedger(t);
    const job = await replicaFor(t, jobOf(0, future.env));
    await job.startSidecar();
    assert.deepEqual(await job.startAgent().exited, { code: 0, signal: null });
    assert.deepEqual(await job.sidecar().process.stop('SIGTERM'), { code: 0, signal: null });
    // Where the volume outlives the Job, the next one ships them.
    const ledger = await future.start();
    await job.startSidecar();
    assert.deepEqual(await job.sidecar().process.stop('SIGTERM'), { code: 0, signal: null });
    assert.deepEqual(await costsAt(ledger), { ids: IDS, audited: COSTS });
  });
});
