import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { http } from '../../support/http.ts';
import { startOtlpReceiver } from '../../support/otlp-receiver.ts';
import { TOKEN } from '../../support/outrider.ts';
import { freePort } from '../../support/ports.ts';
import type { Ends } from '../../support/temp.ts';
import { until } from '../../support/until.ts';
import { costsAt, futureLedger, reportCost } from './costs.ts';
import { replicaFor } from './replica.ts';

const headers = { Authorization: `Bearer ${TOKEN}` };

test('a sidecar that starts before its agent, its ledger and its collector settles by itself', async (t) => {
  const future = await futureLedger(t);
  const collectorPort = await freePort();
  const replica = await replicaFor(t, {
    sidecar: {
      ...future.env,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collectorPort}`,
      OTEL_BSP_SCHEDULE_DELAY: '300',
    },
  });
  const sidecar = await replica.startSidecar();
  const { inbound } = sidecar;
  const status = async (path: string): Promise<number> => (await http(inbound + path, { headers })).status;

  // Alone it lives, takes costs, and says what it has not.
  assert.deepEqual([await status('/health'), await status('/ready'), await status('/echo?n=1')], [200, 503, 502]);
  assert.equal(await reportCost(sidecar, 'early'), 202);
  const alone = (await http(`${sidecar.helpers}/health`)).json;
  assert.deepEqual([alone.status, alone.agent.reachable, alone.ledger.outbox.reachable], ['ok', false, false]);
  // Long enough for both to have been tried in vain.
  await until(
    async () => (await http(`${sidecar.helpers}/health`)).json.traces.failed > 0,
    'an export that failed',
    30_000,
  );

  const collector = await startOtlpReceiver();
  t.after(() => collector.close());
  await passOn(t, collectorPort, collector.port);
  const ledger = await future.start();
  replica.startAgent();

  await until(async () => (await status('/ready')) === 200, 'ready');
  assert.equal(await status('/echo?n=2'), 200);
  assert.equal(await reportCost(sidecar, 'late'), 202);
  await collector.waitFor((spans) => spans.some(({ attributes }) => attributes['url.path'] === '/echo'), 20_000);
  await until(async () => (await costsAt(ledger)).ids.length === 2, 'the costs of both times', 30_000);
  assert.deepEqual(await costsAt(ledger), { ids: ['early', 'late'], audited: 2 });
  await until(async () => {
    const { ledger: now, agent, traces } = (await http(`${sidecar.helpers}/health`)).json;
    return agent.reachable && now.outbox.reachable && now.outbox.pending === 0 && traces.exported > 0;
  }, 'all is well');
  assert.deepEqual(await sidecar.process.stop('SIGTERM'), { code: 0, signal: null });
});

/** What comes to one port goes to another one, whose server could not be told where to listen. */
async function passOn(t: Ends, from: number, to: number): Promise<void> {
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy());
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(from, '127.0.0.1', resolve));
  t.after(() => server.close());
}
