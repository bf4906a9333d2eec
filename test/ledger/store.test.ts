import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { OutriderError } from '../../src/errors.ts';
import type { LedgerRecord } from '../../src/ledger/records.ts';
import { openLedgerStore } from '../../src/ledger/store.ts';
import type { LedgerNotice } from '../../src/ledger/tally.ts';
import { costEvent, tempDir, until, untilRefused } from './fixtures/events.ts';

const codeOf = (error: unknown): string => (error instanceof OutriderError ? error.code : String(error));

test('an event is one row in each table, on disk when acknowledged; the same id again is none', async (t) => {
  const file = join(tempDir(t), 'deep', 'down', 'ledger.db');
  const store = await openLedgerStore({ file });
  t.after(() => store.close());
  assert.deepEqual(await store.recordCost(costEvent('a')), { duplicate: false, conflict: false });
  assert.deepEqual(await store.recordCost(costEvent('a', { occurred_at: '2026-02-01T00:00:00.000Z' })), {
    duplicate: true,
    conflict: false,
  });
  assert.deepEqual(await store.recordCost(costEvent('a', { cost_nanos: 1 })), { duplicate: true, conflict: true });

  const db = new DatabaseSync(file, { readOnly: true });
  const costs = db.prepare('SELECT * FROM costs').all();
  const audit = db.prepare('SELECT * FROM audit_log').all();
  db.close();
  assert.equal(costs.length, 1);
  assert.equal(costs[0]?.['cost_nanos'], 3_800_000);
  assert.equal(audit.length, 1);
  assert.equal(audit[0]?.['event_type'], 'cost.recorded');
  assert.equal(audit[0]?.['actor'], 'support-agent');
  assert.equal((JSON.parse(String(audit[0]?.['metadata'])) as { cost_usd: number }).cost_usd, 0.0038);
  assert.equal(statSync(file).mode & 0o077, 0, 'nobody else may read it');
  const status = store.status();
  assert.deepEqual(
    [status.costs_recorded_total, status.cost_duplicates_total, status.conflicts_total, status.audit_recorded_total],
    [1, 2, 1, 1],
  );
});

test('events that come all at once, some of them twice, are each there once', async (t) => {
  const store = await openLedgerStore({ file: join(tempDir(t), 'ledger.db') });
  t.after(() => store.close());
  const outcomes = await Promise.all(
    Array.from({ length: 4_000 }, (_, index) => store.recordCost(costEvent(`e${index % 3_000}`))),
  );
  assert.equal(outcomes.filter((outcome) => outcome.duplicate).length, 1_000);
  const { total } = await store.read.summary({ filter: {}, group: 'agent', limit: 1 });
  assert.equal(total.events, 3_000n);
  assert.equal(total.cost_nanos, 3_000n * 3_800_000n);
  assert.ok((await store.read.verify()).ok);
});

test('two stores on one file keep one chain', async (t) => {
  const file = join(tempDir(t), 'ledger.db');
  const stores = [await openLedgerStore({ file }), await openLedgerStore({ file })] as const;
  t.after(() => Promise.all(stores.map((store) => store.close())));
  await Promise.all(
    Array.from({ length: 400 }, (_, index) => stores[index % 2 === 0 ? 0 : 1].recordCost(costEvent(`e${index % 300}`))),
  );
  const result = await stores[0].read.verify();
  assert.equal(result.ok && result.rows, 300);
});

test('too many that wait are refused as overloaded, and the loss of audit entries is counted and recorded', async (t) => {
  const store = await openLedgerStore({ file: join(tempDir(t), 'ledger.db'), queue: { records: 10, bytes: 2 ** 20 } });
  t.after(() => store.close());
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, (_, index) => store.recordCost(costEvent(`e${index}`))),
  );
  const refused = results.filter((result) => result.status === 'rejected');
  assert.equal(refused.length, 40);
  assert.ok(refused.every((result) => codeOf(result.reason) === 'overloaded'));
  const entry = {
    event_type: 'guard.hit',
    actor: 'a',
    resource: 'r',
    metadata: {},
    timestamp: '2026-01-31T12:00:00.000Z',
  };
  for (let index = 0; index < 15; index++) store.audit(entry);
  assert.equal(store.status().audit_lost_total, 5);
  const lost = async (): Promise<object[]> =>
    (await store.read.audit({ filter: { event_type: 'audit.lost' }, page: { limit: 5 } })).rows;
  await until(async () => (await lost()).length === 1);
  assert.deepEqual(
    (await lost()).map((row) => (row as { metadata: unknown }).metadata),
    [{ count: 5 }],
  );
});

test('audit entries with hostile content are stored, cut to size', async (t) => {
  const store = await openLedgerStore({ file: join(tempDir(t), 'ledger.db') });
  t.after(() => store.close());
  let deep: Record<string, unknown> = {};
  for (let index = 0; index < 100_000; index++) deep = { deep };
  const base = { event_type: 'guard.hit', actor: 'a', resource: 'r', timestamp: '2026-01-31T12:00:00.000Z' };
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  for (const metadata of [deep, cyclic, { big: 'x'.repeat(70_000) }, { n: 1n }]) store.audit({ ...base, metadata });
  store.audit({ ...base, actor: 'a\u0000\u001b[2J\ud800', resource: 'x'.repeat(5_000), metadata: { fine: true } });
  await until(() => store.status().audit_recorded_total === 5);
  const { rows } = await store.read.audit({ filter: {}, page: { limit: 10 } });
  const [fine, ...dropped] = rows as { actor: string; resource: string; metadata: unknown }[];
  assert.deepEqual([fine?.actor, fine?.resource.length, fine?.metadata], ['a  [2J\ufffd', 1_024, { fine: true }]);
  for (const row of dropped) assert.deepEqual(row.metadata, { metadata_dropped: 'too large' });
  assert.ok((await store.read.verify()).ok);
});

test('a full database refuses clearly, keeps what it has, and takes again when there is room', async (t) => {
  const file = join(tempDir(t), 'ledger.db');
  const notices: LedgerNotice[] = [];
  const store = await openLedgerStore({ file, maxBytes: 400_000, notice: (notice) => notices.push(notice) });
  t.after(() => store.close());
  let recorded = 0;
  const refusal = await untilRefused(async () => {
    await store.recordCost(costEvent(`e${recorded}`));
    recorded++;
  });
  assert.equal(codeOf(refusal), 'storage_full');
  assert.ok(recorded > 100);
  assert.equal(store.status().full, true);
  assert.ok(statSync(file).size <= 400_000);
  store.audit({
    event_type: 'x',
    actor: 'a',
    resource: 'r',
    metadata: { text: 'x'.repeat(8_000) },
    timestamp: '2026-01-31T12:00:00.000Z',
  });
  await until(() => store.status().audit_lost_total === 1);
  assert.ok(notices.some((notice) => notice.message === 'the ledger refused events'));

  const before = await store.read.verify();
  assert.equal(before.ok && before.rows, recorded, 'nothing is half there');
  const { total } = await store.read.summary({ filter: {}, group: 'agent', limit: 1 });
  assert.equal(total.events, BigInt(recorded));

  await store.acknowledge({ through: { costs: recorded, audit: recorded }, shipped: 2 * recorded, rejected: [] });
  assert.ok((await store.prune({ before: new Date(Date.now() + 1_000).toISOString(), rows: 200 })) > 0);
  assert.deepEqual(await store.recordCost(costEvent('again')), { duplicate: false, conflict: false });
  assert.equal(store.status().full, false);
  await until(
    async () =>
      (await store.read.audit({ filter: { event_type: 'audit.lost' }, page: { limit: 1 } })).rows.length === 1,
  );
  assert.ok((await store.read.verify()).ok);
});

test('of events that come together only what does not fit is refused, and the ledger stays full until there is room', async (t) => {
  const file = join(tempDir(t), 'ledger.db');
  const store = await openLedgerStore({ file, maxBytes: 400_000 });
  t.after(() => store.close());
  const large = (id: string, bytes: number): LedgerRecord => ({
    kind: 'audit',
    entry: {
      event_id: id,
      event_type: 'x',
      actor: 'a',
      resource: 'r',
      metadata: JSON.stringify({ text: 'x'.repeat(bytes) }),
      timestamp: '2026-01-31T12:00:00.000Z',
    },
  });
  // Left: room for some costs, and none for a large row.
  let rows = 0;
  const refusal = await untilRefused(async () => {
    await store.append([large(`large${rows}`, 30_000)]);
    rows++;
  });
  assert.equal(codeOf(refusal), 'storage_full');

  const together = await Promise.allSettled([
    store.recordCost(costEvent('a')),
    store.append([large('too large', 60_000)]),
    store.recordCost(costEvent('b')),
    store.append([{ kind: 'cost', event: costEvent('half'), audited: true }, large('its other half', 60_000)]),
    store.recordCost(costEvent('c')),
  ]);
  assert.deepEqual(
    together.map((result) => (result.status === 'fulfilled' ? 'taken' : codeOf(result.reason))),
    ['taken', 'storage_full', 'taken', 'storage_full', 'taken'],
  );
  const { rows: costs } = await store.read.costs({ filter: {}, page: { limit: 10 } });
  assert.deepEqual(
    costs.map((row) => (row as { event_id: string }).event_id),
    ['c', 'b', 'a'],
    'in their order, and of a unit that was refused nothing',
  );
  assert.equal(store.status().full, true, 'smaller events fit, and a large one still does not');
  await store.append([large('large0', 30_000)]);
  assert.equal(store.status().full, true, 'what was there already shows nothing');

  const through = { costs: 3, audit: rows + 3 };
  await store.acknowledge({ through, shipped: rows + 6, rejected: [] });
  await store.prune({ before: new Date(Date.now() + 1_000).toISOString(), rows: 200 });
  assert.equal(store.status().full, false, 'there is room again');
  assert.ok((await store.read.verify()).ok);
});

test('a file system that is really full: the same', (t) => {
  const script = fileURLToPath(new URL('./fixtures/full-disk.ts', import.meta.url));
  const dir = tempDir(t);
  const mount = 'mount -t tmpfs -o size=2m none "$1" && shift && exec "$@"';
  const probe = spawnSync('unshare', ['-rm', 'sh', '-c', mount, 'sh', dir, 'true']);
  if (probe.status !== 0) {
    t.skip('needs user namespaces to mount a small file system');
    return;
  }
  const run = spawnSync('unshare', ['-rm', 'sh', '-c', mount, 'sh', dir, process.execPath, script, dir], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(run.status, 0, run.stdout + run.stderr);
});

test('a thread that dies is reported, its callers are told, and it comes back', async (t) => {
  const file = join(tempDir(t), 'ledger.db');
  const notices: LedgerNotice[] = [];
  const threads: Worker[] = [];
  const onThread = (message: unknown): unknown => threads.push((message as { worker: Worker }).worker);
  subscribe('worker_threads', onThread);
  t.after(() => unsubscribe('worker_threads', onThread));
  const store = await openLedgerStore({ file, notice: (notice) => notices.push(notice) });
  t.after(() => store.close());
  await store.recordCost(costEvent('before'));
  const refused = Promise.allSettled(
    Array.from({ length: 100 }, (_, index) => store.recordCost(costEvent(`e${index}`))),
  );
  store.audit({ event_type: 'kept', actor: 'a', resource: 'r', metadata: {}, timestamp: '2026-01-31T12:00:00.000Z' });
  await threads.at(-1)?.terminate();
  for (const result of await refused)
    if (result.status === 'rejected') assert.equal(codeOf(result.reason), 'overloaded');
  await until(async () => {
    const outcome = await store.recordCost(costEvent('after')).catch(() => undefined);
    return outcome !== undefined;
  });
  const result = await store.read.verify();
  assert.ok(result.ok);
  assert.equal(store.status().restarts_total, 1);
  assert.ok(notices.some((notice) => notice.level === 'error' && notice.message.includes('starts again')));
  const { rows } = await store.read.audit({ filter: { event_type: 'kept' }, page: { limit: 5 } });
  assert.equal(rows.length, 1, 'nobody can send an audit entry again, so the store does');
});

test('what is no ledger is not touched', async (t) => {
  const dir = tempDir(t);
  const text = join(dir, 'notes.txt');
  writeFileSync(text, 'these are my notes, and no database at all'.repeat(200));
  await assert.rejects(openLedgerStore({ file: text }), /is not an outrider ledger/);
  const other = join(dir, 'other.db');
  const db = new DatabaseSync(other);
  db.exec('CREATE TABLE mine (a)');
  db.close();
  await assert.rejects(openLedgerStore({ file: other }), /is not an outrider ledger/);
  const newer = join(dir, 'newer.db');
  await (await openLedgerStore({ file: newer })).close();
  const changed = new DatabaseSync(newer);
  changed.exec('PRAGMA user_version = 99');
  changed.close();
  await assert.rejects(openLedgerStore({ file: newer }), /newer version/);
});

test('closing writes what waits and refuses what comes', async (t) => {
  const file = join(tempDir(t), 'ledger.db');
  const store = await openLedgerStore({ file });
  const waiting = Array.from({ length: 2_000 }, (_, index) => store.recordCost(costEvent(`e${index}`)));
  const closed = store.close();
  await assert.rejects(store.recordCost(costEvent('late')), (error) => codeOf(error) === 'draining');
  await closed;
  assert.equal((await Promise.all(waiting)).length, 2_000);
});
