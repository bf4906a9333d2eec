import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { OutriderError } from '../../src/errors.ts';
import { type AuditColumns, chainHash, GENESIS } from '../../src/ledger/chain.ts';
import { LEDGER } from '../../src/ledger/migrations/001-ledger.ts';
import { openReader } from '../../src/ledger/reader.ts';
import { openLedgerStore } from '../../src/ledger/store.ts';
import { costEvent, tempDir, until } from './fixtures/events.ts';
import { openLedger, openSidecar, send } from './fixtures/harness.ts';

const TOLD_APART = {
  cached_input_tokens: 1_000,
  cache_write_tokens: 20,
  reasoning_tokens: 200,
  usage: 'complete',
} as const;

/** A ledger as the first release made it, with rows of its own that were not shipped yet. */
function oldDatabase(file: string, rows: number): void {
  const db = new DatabaseSync(file);
  db.exec(`${LEDGER}; PRAGMA user_version = 1; PRAGMA application_id = 1330992210; PRAGMA journal_mode = WAL;`);
  const now = '2026-01-31T12:00:00.000Z';
  const cost = db.prepare(
    `INSERT INTO costs (event_id, agent, agent_version, team, model, provider, input_tokens, output_tokens, cost_nanos,
       trace_id, occurred_at, recorded_at) VALUES (?, 'old-agent', '1', NULL, 'm', 'p', 10, 5, 1000, NULL, ?, ?)`,
  );
  const audit = db.prepare('INSERT INTO audit_log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  let hash: Uint8Array = GENESIS;
  for (let seq = 1; seq <= rows; seq++) {
    cost.run(`old-${seq}`, now, now);
    const row: AuditColumns = {
      seq,
      event_id: `cost.recorded:old-${seq}`,
      event_type: 'cost.recorded',
      actor: 'old-agent',
      resource: `costs/old-${seq}`,
      metadata: JSON.stringify({ event_id: `old-${seq}`, model: 'm', input_tokens: 10, output_tokens: 5 }),
      timestamp: now,
      recorded_at: now,
    };
    const next = chainHash(hash, row);
    audit.run(
      seq,
      row.event_id,
      row.event_type,
      row.actor,
      row.resource,
      row.metadata,
      row.timestamp,
      row.recorded_at,
      hash,
      next,
    );
    hash = next;
  }
  db.prepare('UPDATE audit_head SET seq = ?, hash = ? WHERE id = 1').run(rows, hash);
  db.close();
}

test('a database of the first release: its rows and its chain stay, new ones tell tokens apart, and all of it ships', async (t) => {
  const file = join(tempDir(t), 'ledger.db');
  oldDatabase(file, 5);

  const early = openReader(file);
  await assert.rejects(
    early.costs({ filter: {}, page: { limit: 1 } }),
    (error) => error instanceof OutriderError && /older version of outrider/.test(error.message),
  );
  await early.close();

  const { store: ledger, api } = await openLedger(t);
  const { store } = await openSidecar(t, api, { retentionMs: 1e12, storeOptions: { file } });
  assert.deepEqual(await store.recordCost(costEvent('new', TOLD_APART)), { duplicate: false, conflict: false });
  const verified = await store.read.verify();
  assert.deepEqual([verified.ok, verified.ok && verified.rows], [true, 6]);

  const page = { limit: 10 };
  // Rows as the reader gives them.
  const rows = (await store.read.costs({ filter: {}, page })).rows as Record<string, unknown>[];
  assert.equal(rows.length, 6);
  assert.deepEqual(
    Object.fromEntries(Object.keys(TOLD_APART).map((name) => [name, rows[0]?.[name]])),
    TOLD_APART,
    'the new row',
  );
  for (const row of rows.slice(1)) assert.ok(!Object.keys(TOLD_APART).some((name) => name in row), 'the old rows');
  const audit = (await store.read.audit({ filter: {}, page: { limit: 1 } })).rows as { metadata: object }[];
  assert.deepEqual({ ...audit[0]?.metadata, ...TOLD_APART }, audit[0]?.metadata, 'the audit row says it, too');

  await until(async () => (await ledger.read.summary({ filter: {}, group: 'agent', limit: 5 })).total.events === 6n);
  const there = (await ledger.read.costs({ filter: {}, page })).rows as Record<string, unknown>[];
  const same = (list: Record<string, unknown>[]) => list.map(({ recorded_at: _at, ...row }) => row);
  assert.deepEqual(same(there), same(rows));
});

test('the same event without what an older sidecar or ledger left out is no conflict', async (t) => {
  const { store } = await openLedger(t);
  await store.recordCost(costEvent('a'));
  assert.deepEqual(await store.recordCost(costEvent('a', TOLD_APART)), { duplicate: true, conflict: false });
});

test('the API takes, checks, lists and sums what tokens were; an event that says nothing is listed as it was before', async (t) => {
  const { api } = await openLedger(t);
  const base = { agent: 'a', model: 'm', input_tokens: 2_000, output_tokens: 300, cost_usd: 0.5 };
  assert.equal((await send(api, 'POST', '/api/v1/costs', { ...base, ...TOLD_APART, event_id: 'one' })).status, 201);
  assert.equal((await send(api, 'POST', '/api/v1/costs', { ...base, event_id: 'two' })).status, 201);
  const broken = { ...base, cost_usd: null, input_tokens: 0, output_tokens: 0, usage: 'unknown', event_id: 'three' };
  assert.equal((await send(api, 'POST', '/api/v1/batch', { costs: [broken] })).status, 200);

  const costs = (await send(api, 'GET', '/api/v1/costs')).body['costs'] as Record<string, unknown>[];
  const [three, two, one] = costs;
  assert.deepEqual(
    [three?.['usage'], three?.['cost_usd'], 'reasoning_tokens' in (three ?? {})],
    ['unknown', null, false],
  );
  assert.ok(!('usage' in (two ?? {})));
  assert.deepEqual([one?.['cached_input_tokens'], one?.['reasoning_tokens']], [1_000, 200]);

  const { body } = await send(api, 'GET', '/api/v1/costs/summary');
  assert.deepEqual(body['total'], {
    events: 3,
    input_tokens: 4_000,
    output_tokens: 600,
    cached_input_tokens: 1_000,
    cache_write_tokens: 20,
    reasoning_tokens: 200,
    cost_usd: 1,
    unknown_cost_events: 1,
    incomplete_events: 1,
  });

  const document = JSON.stringify((await send(api, 'GET', '/openapi.json', undefined, [])).body);
  for (const name of Object.keys(TOLD_APART)) assert.ok(document.includes(`"${name}"`), name);
});

test('an old sidecar goes on writing into a database that a new one has migrated', async (t) => {
  const file = join(tempDir(t), 'ledger.db');
  const store = await openLedgerStore({ file });
  t.after(() => store.close());
  const old = new DatabaseSync(file, { timeout: 5_000 });
  old.exec(
    `INSERT INTO costs (event_id, agent, model, input_tokens, output_tokens, occurred_at, recorded_at)
       VALUES ('by-the-old', 'a', 'm', 1, 2, '2026-01-31T12:00:00.000Z', '2026-01-31T12:00:00.000Z')`,
  );
  old.close();
  const { total } = await store.read.summary({ filter: {}, group: 'agent', limit: 1 });
  assert.deepEqual([total.events, total.incomplete_events, total.reasoning_tokens], [1n, 0n, 0n]);
});
