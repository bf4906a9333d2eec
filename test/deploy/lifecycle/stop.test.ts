import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { http } from '../../support/http.ts';
import { TOKEN } from '../../support/outrider.ts';
import { until } from '../../support/until.ts';
import { cloudRun, PLATFORMS, singleContainer } from './platforms.ts';
import { replicaFor, saidAt } from './replica.ts';

const headers = { Authorization: `Bearer ${TOKEN}` };
const OK = { code: 0, signal: null };

describe('stop', { concurrency: 3 }, () => {
  for (const platform of PLATFORMS) {
    test(`${platform.name}: stopped in mid-stream, the stream is finished, and both end with 0`, async (t) => {
      const replica = await replicaFor(t, { sidecar: { OUTRIDER_DRAIN_TIMEOUT: platform.drainTimeout } });
      await platform.start(replica);
      await until(async () => (await http(`${replica.inbound}/ready`)).status === 200, 'ready');
      const begun = performance.now();
      const stream = http(`${replica.inbound}/stream?events=20&every=60`, { headers });
      const agent = platform === singleContainer ? replica.sidecar().process : replica.agent();
      await until(() => saidAt(agent, 'first request'), 'the stream');
      const exits = await platform.stop(replica, async () => undefined);
      const text = Array.from({ length: 20 }, (_, n) => `data: ${n + 1}\n\n`).join('');
      assert.equal((await stream).text, text);
      assert.deepEqual(exits.sidecar, OK);
      if (exits.agent !== undefined) assert.deepEqual(exits.agent, OK);
      // Nothing waits for a drain timeout: the stream takes little more than one second.
      const took = performance.now() - begun;
      assert.ok(took < 15_000, `${took} ms`);
      assert.equal(saidAt(agent, 'left'), undefined);
    });
  }

  test('Cloud Run: with a stream that does not end, and nobody who takes spans and costs, it is over before the ten seconds are', async (t) => {
    const hole = await blackHole(t);
    const replica = await replicaFor(t, {
      sidecar: {
        OUTRIDER_DRAIN_TIMEOUT: cloudRun.drainTimeout,
        OUTRIDER_LEDGER_URL: hole,
        OTEL_EXPORTER_OTLP_ENDPOINT: hole,
      },
    });
    await cloudRun.start(replica);
    await until(async () => (await http(`${replica.inbound}/ready`)).status === 200, 'ready');
    const stream = http(`${replica.inbound}/stream?events=1000&every=50`, { headers });
    stream.catch(() => undefined);
    await until(() => saidAt(replica.agent(), 'first request'), 'the stream');
    const exits = await cloudRun.stop(replica, async () => undefined);
    assert.deepEqual(exits, { agent: OK, sidecar: OK });
    await assert.rejects(stream);
  });
});

/** Takes every connection, and never says anything. */
async function blackHole(t: TestContext): Promise<string> {
  const server = createServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return `http://127.0.0.1:${address.port}`;
}
