import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { until } from '../../support/until.ts';
import { startLoad } from './load.ts';
import { loadBalancerFor } from './load-balancer.ts';
import type { Exits, Platform } from './platforms.ts';
import { replicaFor } from './replica.ts';

const OK = { code: 0, signal: null };

/** Replaces one replica by another, as often as there are platforms in the list, under constant load; nothing may be lost. */
export async function roll(t: TestContext, platforms: readonly Platform[]): Promise<void> {
  const balancer = loadBalancerFor(t);
  const bring = async (platform: Platform) => {
    const replica = await replicaFor(t, { sidecar: { OUTRIDER_DRAIN_TIMEOUT: platform.drainTimeout } });
    await platform.start(replica);
    const endpoint = balancer.add(replica.inbound);
    await until(() => endpoint.inSince(), `${platform.name}: ready`);
    return { platform, replica, endpoint };
  };
  const [first, ...rest] = platforms;
  assert.ok(first);
  let current = await bring(first);
  const load = startLoad(t, balancer);
  const ends: Promise<Exits>[] = [];
  for (const platform of rest) {
    const next = await bring(platform);
    const { replica, endpoint, platform: before } = current;
    // The next replacement does not wait for the last bit of this one.
    ends.push(before.stop(replica, () => endpoint.withdraw()));
    current = next;
  }
  const exits = await Promise.all(ends);
  const { requests, streams, failures } = await load.stop();
  assert.deepEqual(failures, []);
  for (const [index, { agent, sidecar }] of exits.entries()) {
    assert.deepEqual(sidecar, OK, `sidecar ${index}`);
    if (agent !== undefined) assert.deepEqual(agent, OK, `agent ${index}`);
  }
  // Each replacement has met with traffic.
  assert.ok(requests > 20 * rest.length && streams > 2 * rest.length, `${requests} requests, ${streams} streams`);
  t.diagnostic(`${rest.length} replacements, ${requests} requests, ${streams} streams`);
}
