import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { http } from '../../support/http.ts';
import { until } from '../../support/until.ts';
import { startLoad } from './load.ts';
import { type LoadBalancer, loadBalancerFor } from './load-balancer.ts';
import { kubernetes, PLATFORMS, type Platform, singleContainer } from './platforms.ts';
import { type ReplicaOptions, replicaFor, saidAt } from './replica.ts';

interface Slow {
  readonly what: string;
  readonly platform: Platform;
  readonly options: ReplicaOptions;
  readonly afterMs: number;
}

const READY_PATH = { OUTRIDER_AGENT_READY_PATH: '/readyz' };

/** Compose, ECS and Cloud Run start the two as Kubernetes does. */
const ORDERS = new Set([kubernetes.name, 'Container Apps, agent first', 'Nomad', singleContainer.name]);

const SLOW: readonly Slow[] = [
  ...PLATFORMS.filter(({ name }) => ORDERS.has(name)).map((platform) => ({
    what: '10 s to listen',
    platform,
    options: { agent: { SLOW_MS: '10000' } },
    afterMs: 10_000,
  })),
  ...[kubernetes, singleContainer].map((platform) => ({
    what: 'listens at once, and needs 5 s to be ready',
    platform,
    options: { agent: { WARM_MS: '5000' }, sidecar: READY_PATH },
    afterMs: 5_000,
  })),
];

test('a slow agent gets no traffic before it is ready, and nobody notices that it is slow', async (t) => {
  const balancer = loadBalancerFor(t);
  const first = await replicaFor(t);
  await kubernetes.start(first);
  const { inSince } = balancer.add(first.inbound);
  await until(inSince, 'the first replica');
  const load = startLoad(t, balancer);
  const waits: (() => Promise<void>)[] = [];
  // One after the other, so that none is held up by the starts of the others.
  for (const slow of SLOW) waits.push(await started(t, balancer, slow));
  await Promise.all(waits.map((wait) => wait()));
  assert.deepEqual((await load.stop()).failures, []);
});

/** Starts it, and gives what waits until it has traffic. */
async function started(
  t: TestContext,
  balancer: LoadBalancer,
  { what, platform, options, afterMs }: Slow,
): Promise<() => Promise<void>> {
  const replica = await replicaFor(t, options);
  const begun = Date.now();
  await platform.start(replica);
  const endpoint = balancer.add(replica.inbound);
  // The sidecar itself is there at once, and says that its agent is not.
  assert.equal((await http(`${replica.inbound}/health`)).status, 200);
  assert.equal((await http(`${replica.inbound}/ready`)).status, 503);
  if (what.includes('to listen')) assert.equal((await http(`${replica.inbound}/health/agent`)).status, 503);

  return async () => {
    const inAt = await until(() => endpoint.inSince(), `${platform.name}: ready`, 30_000);
    const agent = platform === singleContainer ? replica.sidecar().process : replica.agent();
    const firstAt = await until(() => saidAt(agent, 'first request'), 'the first request');
    const listeningAt = saidAt(agent, 'listening') ?? Number.NaN;
    const why = `${platform.name}, ${what}: ${JSON.stringify({ begun, listeningAt, inAt, firstAt })}`;
    assert.ok(inAt - begun >= afterMs, why);
    assert.ok(listeningAt <= inAt && inAt <= firstAt, why);
    assert.equal((await http(`${replica.inbound}/health/agent`)).status, 200);
    // Out again, so that all of the load goes to the others.
    await endpoint.withdraw();
  };
}
