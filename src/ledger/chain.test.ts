import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { chainHash, GENESIS } from './chain.ts';

const row = {
  seq: 1,
  event_id: 'a',
  event_type: 'cost.recorded',
  actor: 'é',
  resource: 'costs/a',
  metadata: '{"n":1}',
  timestamp: '2026-01-31T12:00:00.000Z',
  recorded_at: '2026-01-31T12:00:01.000Z',
};

test('the encoding is the documented one, byte for byte', () => {
  const text =
    `17:outrider-audit-v1,64:${'0'.repeat(64)},1:1,1:a,13:cost.recorded,2:é,7:costs/a,7:{"n":1},` +
    '24:2026-01-31T12:00:00.000Z,24:2026-01-31T12:00:01.000Z,';
  assert.deepEqual(chainHash(GENESIS, row), createHash('sha256').update(text, 'utf8').digest());
});

test('text that moves from one column to the next changes the hash', () => {
  const other = { ...row, event_type: 'cost.recorde', actor: 'dé' };
  assert.notDeepEqual(chainHash(GENESIS, row), chainHash(GENESIS, other));
});
