import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { costEvent, tempDir } from '../../test/ledger/fixtures/events.ts';
import { openForReading, openForWriting } from '../storage/sqlite.ts';
import { chainHash } from './chain.ts';
import { LEDGER } from './database.ts';
import { createRetention } from './retention.ts';
import { createShipping } from './shipping.ts';
import { verify } from './verify.ts';
import { createWriter } from './writer.ts';

function ledger(t: TestContext, rows: number): DatabaseSync {
  const db = openForWriting(join(tempDir(t), 'ledger.db'), LEDGER);
  t.after(() => db.close());
  const writer = createWriter(db);
  for (let i = 1; i <= rows; i++) writer.append([[{ kind: 'cost', event: costEvent(`e${i}`), audited: true }]]);
  return db;
}

function withoutTriggers(db: DatabaseSync): void {
  db.exec('DROP TRIGGER audit_log_no_update; DROP TRIGGER audit_log_no_delete');
}

test('an untouched log is whole, an empty one too', (t) => {
  assert.deepEqual(verify(ledger(t, 0)), { ok: true, rows: 0, pruned: 0, head: { seq: 0, hash: '0'.repeat(64) } });
  const result = verify(ledger(t, 2_345));
  assert.ok(result.ok);
  assert.equal(result.rows, 2_345);
});

test('the tables refuse to change or lose audit rows', (t) => {
  const db = ledger(t, 3);
  for (const sql of [
    `UPDATE audit_log SET actor = 'x' WHERE seq = 2`,
    'DELETE FROM audit_log WHERE seq = 2',
    'DELETE FROM audit_log',
    `REPLACE INTO audit_log SELECT seq, event_id, 'x', actor, resource, metadata, timestamp, recorded_at, prev_hash, hash
       FROM audit_log WHERE seq = 2`,
  ]) {
    assert.throws(() => db.exec(sql), /append-only/, sql);
  }
  assert.ok(verify(db).ok);
});

test('each changed column of a row names that row', (t) => {
  const db = ledger(t, 5);
  withoutTriggers(db);
  for (const column of [
    'event_id',
    'event_type',
    'actor',
    'resource',
    'metadata',
    'timestamp',
    'recorded_at',
    'hash',
    'prev_hash',
  ]) {
    db.exec('BEGIN');
    const value = column.endsWith('hash') ? 'randomblob(32)' : `${column} || ' '`;
    db.exec(`UPDATE audit_log SET ${column} = ${value} WHERE seq = 3`);
    const result = verify(db);
    assert.deepEqual([result.ok, !result.ok && result.seq, !result.ok && result.fault], [false, 3, 'changed'], column);
    db.exec('ROLLBACK');
  }
});

test('a row whose hash was made anew is still the one that is named, also when it is the last', (t) => {
  for (const seq of [3, 5]) {
    const db = ledger(t, 5);
    withoutTriggers(db);
    const row = db.prepare('SELECT * FROM audit_log WHERE seq = ?').get(seq) as never as Parameters<
      typeof chainHash
    >[1] & {
      prev_hash: Uint8Array;
    };
    const forged = { ...row, actor: 'somebody-else' };
    db.prepare('UPDATE audit_log SET actor = ?, hash = ? WHERE seq = ?').run(
      forged.actor,
      chainHash(row.prev_hash, forged),
      seq,
    );
    const result = verify(db);
    assert.deepEqual([result.ok, !result.ok && result.seq], [false, seq]);
  }
});

test('a removed row is named, wherever it stood', (t) => {
  for (const [where, first] of [
    ['seq = 1', 1],
    ['seq = 3', 3],
    ['seq = 5', 5],
    ['seq >= 4', 4],
    ['seq > 0', 1],
  ] as const) {
    const db = ledger(t, 5);
    withoutTriggers(db);
    db.exec(`DELETE FROM audit_log WHERE ${where}`);
    const result = verify(db);
    assert.deepEqual(
      [result.ok, !result.ok && result.seq, !result.ok && result.fault],
      [false, first, 'removed'],
      where,
    );
  }
});

test('rows that the ledger did not write, and a lost head, are found', (t) => {
  const db = ledger(t, 3);
  db.exec(`INSERT INTO audit_log SELECT 9, 'forged', event_type, actor, resource, metadata, timestamp, recorded_at, prev_hash,
    hash FROM audit_log WHERE seq = 3`);
  const result = verify(db);
  assert.deepEqual([result.ok, !result.ok && result.seq, !result.ok && result.fault], [false, 9, 'inserted']);
  db.exec('DELETE FROM audit_head');
  const headless = verify(db);
  assert.equal(!headless.ok && headless.fault, 'head_lost');
});

test('a noted head exposes a log that was written anew from its middle', (t) => {
  const db = ledger(t, 4);
  const noted = verify(db);
  assert.ok(noted.ok);
  assert.ok(verify(db, noted.head).ok);
  const other = verify(db, { seq: 4, hash: '00'.repeat(32) });
  assert.equal(!other.ok && other.seq, 4);
  const longer = verify(db, { seq: 6, hash: '00'.repeat(32) });
  assert.equal(!longer.ok && longer.fault, 'removed');
});

test('what retention removes is recorded, and the rest still verifies; another removal does not', (t) => {
  const db = ledger(t, 300);
  const writer = createWriter(db);
  const shipping = createShipping(db, writer);
  const { prune } = createRetention(db, writer);
  const future = new Date(Date.now() + 60_000).toISOString();

  assert.deepEqual(prune({ before: future, rows: 1_000 }), { pruned: 0 }, 'nothing was shipped yet');
  shipping.acknowledge({ through: { costs: 150, audit: 200 }, shipped: 350, rejected: [] });
  assert.deepEqual(prune({ before: '2000-01-01T00:00:00.000Z', rows: 1_000 }), { pruned: 0 }, 'nothing is old enough');
  assert.deepEqual(prune({ before: future, rows: 1_000 }), { pruned: 350 });
  assert.deepEqual(prune({ before: future, rows: 1_000 }), { pruned: 0 });

  const result = verify(db);
  assert.ok(result.ok);
  assert.deepEqual([result.rows, result.pruned], [101, 200]);
  const record = db.prepare('SELECT event_type, metadata FROM audit_log ORDER BY seq DESC').get();
  assert.equal(record?.['event_type'], 'audit.pruned');
  assert.deepEqual(Object.keys(JSON.parse(String(record['metadata'])) as object), ['through', 'hash', 'rows']);

  db.exec(`UPDATE audit_head SET pruned_through = 210, pruned_hash = (SELECT hash FROM audit_log WHERE seq = 210)`);
  db.exec('DELETE FROM audit_log WHERE seq <= 210');
  const silent = verify(db);
  assert.equal(!silent.ok && silent.fault, 'prune_not_recorded');
});

test('it reads beside the writer, without writing', (t) => {
  const dir = tempDir(t);
  const file = join(dir, 'ledger.db');
  assert.throws(() => openForReading(file, LEDGER), /no ledger database/);
  const db = openForWriting(file, LEDGER);
  t.after(() => db.close());
  const reader = openForReading(file, LEDGER);
  t.after(() => reader.close());
  createWriter(db).append([[{ kind: 'cost', event: costEvent('e1'), audited: true }]]);
  const result = verify(reader);
  assert.equal(result.ok && result.rows, 1);
  assert.throws(() => reader.exec('DELETE FROM costs'), /readonly/);
});
