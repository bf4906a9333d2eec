import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { http } from '../../support/http.ts';
import { type Outrider, TOKEN } from '../../support/outrider.ts';
import { until } from '../../support/until.ts';
import { costsAt, futureLedger, reportCost } from './costs.ts';
import { kubernetes } from './platforms.ts';
import { type Replica, replicaFor } from './replica.ts';

const COSTS = 400;
const CLIENTS = 4;
const IDS = Array.from({ length: COSTS }, (_, n) => `cost-${n}`).sort();
const headers = { Authorization: `Bearer ${TOKEN}` };

const isReady = (replica: Replica) =>
  until(async () => (await http(`${replica.inbound}/ready`).catch(() => undefined))?.status === 200, 'ready');

/** Reports each cost until it is taken, under the same id, as a careful agent does; tells how many are. */
function reportAll(sidecar: { cost: string }): { done: Promise<unknown>; taken: () => number } {
  let next = 0;
  let taken = 0;
  const client = async (): Promise<void> => {
    for (let n = next++; n < COSTS; n = next++) {
      await until(async () => (await reportCost(sidecar, `cost-${n}`)) === 202, `cost ${n}`);
      taken++;
    }
  };
  return { done: Promise.all(Array.from({ length: CLIENTS }, client)), taken: () => taken };
}

async function killed(sidecar: Outrider): Promise<void> {
  assert.deepEqual(await sidecar.process.stop('SIGKILL'), { code: null, signal: 'SIGKILL' });
}

describe('a crash', { concurrency: 2 }, () => {
  test('of the sidecar, while costs are reported and again while they are shipped: none is lost, none comes twice', async (t) => {
    const future = await futureLedger(t);
    const replica = await replicaFor(t, { sidecar: future.env });
    await kubernetes.start(replica);
    await isReady(replica);
    const reports = reportAll(replica.sidecar());
    await until(() => reports.taken() > COSTS / 3, 'a third of the costs');
    await killed(replica.sidecar());

    // The agent went on; the orchestrator starts the sidecar again, beside the same agent and volume.
    await replica.startSidecar();
    await isReady(replica);
    assert.equal((await http(`${replica.inbound}/echo?n=7`, { headers })).text, '7');
    await reports.done;

    const ledger = await future.start();
    await until(async () => (await costsAt(ledger)).ids.length > 0, 'the first costs at the ledger', 30_000);
    await killed(replica.sidecar());
    await replica.startSidecar();
    await until(async () => (await costsAt(ledger)).ids.length >= COSTS, 'all costs at the ledger', 30_000);
    const health = () => http(`${replica.sidecar().helpers}/health`);
    await until(async () => (await health()).json.ledger.outbox.pending === 0, 'nothing left to ship', 30_000);
    assert.deepEqual(await costsAt(ledger), { ids: IDS, audited: COSTS });
    assert.equal(replica.agent().child.exitCode, null, 'the agent has lived through all of it');
  });

  test('of outrider run: its agent goes with it, and the next one ships what the first one recorded', async (t) => {
    const future = await futureLedger(t);
    const replica = await replicaFor(t, { sidecar: future.env });
    const first = await replica.startRun();
    await isReady(replica);
    const reports = reportAll(first);
    await reports.done;
    await killed(first);
    // The watchdog has ended the agent, whose port the next one needs.
    const ledger = await future.start();
    const second = await until(() => replica.startRun().catch(() => undefined), 'the next run', 30_000, 200);
    await isReady(replica);
    await until(
      async () => (await http(`${second.helpers}/health`)).json.ledger.outbox.pending === 0,
      'shipped',
      30_000,
    );
    assert.deepEqual(await costsAt(ledger), { ids: IDS, audited: COSTS });
  });

  test('of the agent: not ready until it is back, and nothing else', async (t) => {
    const replica = await replicaFor(t);
    await kubernetes.start(replica);
    await isReady(replica);
    await replica.agent().stop('SIGKILL');
    await until(async () => (await http(`${replica.inbound}/ready`)).status === 503, 'not ready');
    assert.equal((await http(`${replica.inbound}/health/agent`)).status, 503);
    assert.equal((await http(`${replica.inbound}/health`)).status, 200);
    assert.equal((await http(`${replica.inbound}/echo?n=1`, { headers })).json.code, 'unreachable');
    replica.startAgent();
    await isReady(replica);
    assert.equal((await http(`${replica.inbound}/echo?n=2`, { headers })).text, '2');
  });
});
