import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { startAgent } from '../support/agent.ts';
import { http } from '../support/http.ts';
import { LEDGER_TOKEN, type Ledger, ledgerFor } from '../support/ledger.ts';
import { metric, parseMetrics } from '../support/metrics.ts';
import { type Outrider, outriderFor, runOutrider } from '../support/outrider.ts';
import { freePort } from '../support/ports.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';

const EVENT = { model: 'claude-sonnet-4', input_tokens: 1024, output_tokens: 256, cost_usd: 0.0038 };

const record = async (sidecar: Outrider, event_id: string): Promise<void> => {
  assert.equal((await http(`${sidecar.cost}/cost`, { body: { ...EVENT, event_id } })).status, 202);
};
const ledgerHealth = async (sidecar: Outrider) => (await http(`${sidecar.helpers}/health`)).json.ledger;
const idsAt = async (ledger: Ledger): Promise<string[]> =>
  (await ledger.ask('/api/v1/costs?limit=1000')).json.costs.map((row: { event_id: string }) => row.event_id);

/** Waits until nothing is left to ship. */
const shipped = (sidecar: Outrider): Promise<unknown> =>
  until(async () => (await ledgerHealth(sidecar)).outbox.pending === 0, 'everything shipped', 20_000);

test('events reach the ledger with everything they hold, in order, by the names of either system', async (t) => {
  const ledger = await ledgerFor(t, { directory: tempDir(t) });
  const ours = await outriderFor(t, {
    env: { OUTRIDER_LEDGER_URL: ledger.url, OUTRIDER_LEDGER_TOKEN: LEDGER_TOKEN, OUTRIDER_TEAM: 'red' },
  });
  const theirs = await outriderFor(t, {
    env: { AGENT_NAME: 'other-agent', AGENTBREEDER_API_URL: ledger.url, AGENTBREEDER_API_TOKEN: LEDGER_TOKEN },
  });
  for (let n = 0; n < 30; n++) await record(ours, `ours-${n}`);
  await record(theirs, 'theirs');
  await Promise.all([shipped(ours), shipped(theirs)]);

  const { costs } = (await ledger.ask('/api/v1/costs?agent=test-agent&limit=100')).json;
  assert.deepEqual(
    costs.map((row: { event_id: string }) => row.event_id),
    Array.from({ length: 30 }, (_, n) => `ours-${29 - n}`),
  );
  const { occurred_at, recorded_at, ...row } = costs[0];
  assert.deepEqual(row, {
    ...EVENT,
    event_id: 'ours-29',
    agent: 'test-agent',
    agent_version: '1.2.3',
    team: 'red',
    provider: null,
    trace_id: null,
  });
  assert.ok(occurred_at <= recorded_at);
  assert.equal((await ledger.ask('/api/v1/costs?agent=other-agent')).json.costs.length, 1);
  const { audit } = (await ledger.ask('/api/v1/audit?event_type=cost.recorded&limit=100')).json;
  assert.equal(audit.length, 31);
  const { outbox } = await ledgerHealth(ours);
  assert.deepEqual(
    [
      outbox.reachable,
      outbox.pending,
      outbox.oldest_age_seconds,
      outbox.rejected,
      outbox.shipped_total,
      outbox.last_error,
    ],
    [true, 0, 0, 0, 60, null],
  );
  // A ledger that is remote is read by the same commands.
  const env = { OUTRIDER_LEDGER_TOKEN: LEDGER_TOKEN };
  const listed = await runOutrider(['costs', '--url', ledger.url, '--agent', 'other-agent'], { env });
  assert.equal(JSON.parse(listed.stdout).event_id, 'theirs');
  const verified = await runOutrider(['audit', 'verify', '--url', ledger.url], { env });
  assert.deepEqual([verified.code, /intact: 31 rows/.test(verified.stdout)], [0, true]);
  const wrong = await runOutrider(['costs', '--url', ledger.url], { env: { OUTRIDER_LEDGER_TOKEN: 'wrong' } });
  assert.deepEqual([wrong.code, /401/.test(wrong.stderr)], [1, true]);
});

test('a ledger below a path of its server is reached there', async (t) => {
  const seen: string[] = [];
  const collector = await startAgent((request, response, body) => {
    seen.push(`${request.method} ${request.url}`);
    const { costs = [], audit = [] } = JSON.parse(body.toString());
    response.end(JSON.stringify({ accepted: costs.length + audit.length }));
  });
  t.after(() => collector.close());
  const sidecar = await outriderFor(t, { env: { OUTRIDER_LEDGER_URL: `${collector.url}/platform/ledger/` } });
  await record(sidecar, 'one');
  await shipped(sidecar);
  assert.deepEqual([...new Set(seen)], ['POST /platform/ledger/api/v1/batch']);
});

test('a ledger that knows no batches gets the two bodies that other programs post, with the bearer and each id as its key', async (t) => {
  const taken = new Map<string, unknown>();
  const plain = await startAgent((request, response, body) => {
    const path = request.url ?? '';
    const known = path === '/api/v1/costs' || path === '/api/v1/audit';
    const authorized = request.headers.authorization === 'Bearer api-token';
    if (known && authorized)
      taken.set(`${path} ${String(request.headers['idempotency-key'])}`, JSON.parse(body.toString()));
    response.writeHead(known ? (authorized ? 201 : 401) : 404).end('{}');
  });
  t.after(() => plain.close());
  const sidecar = await outriderFor(t, {
    env: { AGENTBREEDER_API_URL: plain.url, AGENTBREEDER_API_TOKEN: 'api-token' },
  });
  for (let n = 0; n < 3; n++) await record(sidecar, `e${n}`);
  await shipped(sidecar);
  assert.deepEqual(
    [...taken.keys()].sort(),
    [0, 1, 2].flatMap((n) => [`/api/v1/audit cost.recorded:e${n}`, `/api/v1/costs e${n}`]).sort(),
  );
  const cost = taken.get('/api/v1/costs e0') as Record<string, unknown>;
  for (const name of [
    'agent',
    'agent_version',
    'model',
    'provider',
    'input_tokens',
    'output_tokens',
    'cost_usd',
    'trace_id',
    'occurred_at',
    'event_id',
  ]) {
    assert.ok(name in cost, name);
  }
  assert.equal(cost['cost_usd'], 0.0038);
  const audit = taken.get('/api/v1/audit cost.recorded:e0') as Record<string, unknown>;
  for (const name of ['event_type', 'actor', 'resource', 'metadata', 'timestamp']) assert.ok(name in audit, name);
  assert.equal(audit['event_type'], 'cost.recorded');
});

test('a ledger that is down: costs go on, the backlog is visible, and all of it arrives once the ledger is there; also after a restart', async (t) => {
  const directory = tempDir(t);
  const port = await freePort();
  const dataDir = join(directory, 'data');
  const env = { OUTRIDER_LEDGER_URL: `http://127.0.0.1:${port}`, OUTRIDER_LEDGER_TOKEN: LEDGER_TOKEN };
  const before = await outriderFor(t, { dataDir, env });
  for (let n = 0; n < 20; n++) await record(before, `a${n}`);
  const down = await until(async () => {
    const { outbox } = await ledgerHealth(before);
    return outbox.last_error !== null && outbox.oldest_age_seconds > 0 && outbox;
  }, 'the failure to be seen');
  assert.deepEqual([down.reachable, down.pending], [false, 40]);
  assert.doesNotMatch(JSON.stringify(down), /127\.0\.0\.1|ledger-token/);
  const metrics = parseMetrics((await http(`${before.helpers}/metrics`)).text);
  assert.equal(metric(metrics, 'outrider_outbox_pending_rows'), 40);
  assert.equal(metric(metrics, 'outrider_outbox_reachable'), 0);
  assert.ok(metric(metrics, 'outrider_outbox_oldest_age_seconds') > 0);
  assert.ok(metric(metrics, 'outrider_outbox_failures_total') >= 1);
  await before.stop('SIGKILL');

  const after = await outriderFor(t, { dataDir, env });
  for (let n = 0; n < 20; n++) await record(after, `b${n}`);
  const ledger = await ledgerFor(t, { directory, port });
  await shipped(after);
  const expected = ['a', 'b'].flatMap((letter) => Array.from({ length: 20 }, (_, n) => `${letter}${n}`));
  assert.deepEqual((await idsAt(ledger)).toReversed(), expected);
  assert.equal((await ledgerHealth(after)).outbox.reachable, true);

  // And when it goes away in the middle.
  await ledger.process.stop('SIGKILL');
  await record(after, 'while-it-was-gone');
  const back = await ledgerFor(t, { directory, port });
  await shipped(after);
  assert.deepEqual((await idsAt(back))[0], 'while-it-was-gone');
  assert.equal((await idsAt(back)).length, 41);
  assert.equal((await back.ask('/api/v1/audit/verify')).json.ok, true);
});

test('a wrong token: it keeps trying, which is visible without the token, and loses nothing', async (t) => {
  const ledger = await ledgerFor(t, { directory: tempDir(t) });
  const dataDir = join(tempDir(t), 'data');
  const env = { OUTRIDER_LEDGER_URL: ledger.url, OUTRIDER_LEDGER_TOKEN: 'wrong-token-987654' };
  const sidecar = await outriderFor(t, { dataDir, env });
  await record(sidecar, 'kept');
  const { outbox } = await until(async () => {
    const health = await ledgerHealth(sidecar);
    return health.outbox.failures_total >= 2 && health;
  }, 'it to try again');
  assert.match(outbox.last_error, /401/);
  assert.deepEqual([outbox.reachable, outbox.pending, outbox.rejected], [false, 2, 0]);
  const metrics = (await http(`${sidecar.helpers}/metrics`)).text;
  assert.ok(metric(parseMetrics(metrics), 'outrider_outbox_failures_total') >= 2);
  assert.ok(sidecar.logs().some(({ level, reason }) => level === 'warn' && /401/.test(String(reason))));
  const all = metrics + JSON.stringify(outbox) + sidecar.process.stderr + sidecar.process.stdout;
  assert.ok(!all.includes('wrong-token-987654'));
  await sidecar.stop('SIGKILL');
  const right = await outriderFor(t, { dataDir, env: { ...env, OUTRIDER_LEDGER_TOKEN: LEDGER_TOKEN } });
  await shipped(right);
  assert.deepEqual(await idsAt(ledger), ['kept']);
});

test('SIGTERM ships what is left before it exits; a ledger that hangs does not keep it', async (t) => {
  const ledger = await ledgerFor(t, { directory: tempDir(t) });
  const sidecar = await outriderFor(t, {
    env: { OUTRIDER_LEDGER_URL: ledger.url, OUTRIDER_LEDGER_TOKEN: LEDGER_TOKEN },
  });
  const ids = Array.from({ length: 50 }, (_, n) => `last-${n}`);
  await Promise.all(ids.map((id) => record(sidecar, id)));
  assert.deepEqual(await sidecar.stop(), { code: 0, signal: null });
  assert.deepEqual((await idsAt(ledger)).sort(), ids.sort());

  const silent = await startAgent(() => undefined);
  t.after(() => silent.close());
  const waiting = await outriderFor(t, { env: { OUTRIDER_LEDGER_URL: silent.url } });
  await record(waiting, 'never');
  const begun = performance.now();
  assert.equal((await waiting.stop()).code, 0);
  assert.ok(performance.now() - begun < 7_000);
});

test('a ledger that hangs does not slow the agent down, nor /cost', async (t) => {
  const silent = await startAgent(() => undefined);
  const agent = await startAgent();
  t.after(() => Promise.all([silent.close(), agent.close()]));
  const sidecar = await outriderFor(t, {
    agentUrl: agent.url,
    endWith: 'SIGKILL',
    env: { OUTRIDER_LEDGER_URL: silent.url },
  });
  await record(sidecar, 'first');
  await until(() => silent.seen.length > 0, 'the ledger asked');
  const begun = performance.now();
  for (let n = 0; n < 20; n++) {
    await record(sidecar, `e${n}`);
    assert.equal(
      (await http(`${sidecar.inbound}/x`, { body: '{}', headers: { Authorization: 'Bearer test-token-0123456789' } }))
        .status,
      200,
    );
  }
  // Forty requests that waited on nothing; a single one that waited on the ledger would take its 15 s.
  assert.ok(performance.now() - begun < 10_000);
});

test('a small bound: shipped rows make room, so that a sidecar with a ledger is never full; without one it is 507 until then', async (t) => {
  const ledgerDir = tempDir(t);
  const port = await freePort();
  const sidecar = await outriderFor(t, {
    config: 'outbox_max_bytes: 256KiB',
    env: { OUTRIDER_LEDGER_URL: `http://127.0.0.1:${port}`, OUTRIDER_LEDGER_TOKEN: LEDGER_TOKEN },
  });
  const post = (n: number) =>
    http(`${sidecar.cost}/cost`, {
      body: { ...EVENT, event_id: `e${n}`, model: 'm'.repeat(256), trace_id: 't'.repeat(128) },
    });
  let recorded = 0;
  await until(async () => {
    const { status } = await post(recorded);
    if (status === 202) recorded++;
    return status === 507;
  }, 'it to be full');
  assert.equal((await ledgerHealth(sidecar)).store.full, true);

  const ledger = await ledgerFor(t, { directory: ledgerDir, port });
  await shipped(sidecar);
  // More than fits, three times over: what was shipped goes.
  const target = recorded * 3;
  while (recorded < target) {
    const reply = await until(async () => {
      const answer = await post(recorded);
      return answer.status === 202 && answer;
    }, `event ${recorded} taken`);
    assert.equal(reply.json.event_id, `e${recorded++}`);
  }
  await shipped(sidecar);
  assert.equal((await ledger.ask('/api/v1/costs/summary?group_by=agent')).json.total.events, recorded);
  const { store } = await ledgerHealth(sidecar);
  assert.deepEqual([store.full, store.audit_lost_total], [false, 0]);
  assert.ok(store.used_bytes <= 262_144, String(store.used_bytes));
  const db = new DatabaseSync(join(sidecar.dataDir, 'ledger.db'), { readOnly: true });
  const { n } = db.prepare('SELECT count(*) AS n FROM costs').get() as { n: number };
  db.close();
  assert.ok(n < recorded, `${n} of ${recorded} rows are still there`);
  const verified = await runOutrider(['audit', 'verify', '--data-dir', sidecar.dataDir]);
  assert.equal(verified.code, 0, verified.stdout);
});

test('a sign-in page that answers 200 to everything is not mistaken for a ledger that took the rows', async (t) => {
  const wall = await startAgent((_request, response) => {
    response.setHeader('Content-Type', 'text/html; charset=utf-8').end('<h1>Sign in</h1>');
  });
  t.after(() => wall.close());
  const sidecar = await outriderFor(t, { endWith: 'SIGKILL', env: { OUTRIDER_LEDGER_URL: wall.url } });
  await record(sidecar, 'kept');
  await until(async () => (await ledgerHealth(sidecar)).outbox.failures_total >= 1, 'a failure');
  assert.equal((await ledgerHealth(sidecar)).outbox.pending, 2);
});
