import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTimestamp } from './timestamp.ts';

test('RFC 3339 in any zone becomes UTC with milliseconds', () => {
  assert.equal(parseTimestamp('2026-01-31T23:59:59Z'), '2026-01-31T23:59:59.000Z');
  assert.equal(parseTimestamp('2026-01-31t23:59:59.123456z'), '2026-01-31T23:59:59.123Z');
  assert.equal(parseTimestamp('2026-01-31 23:59:59.5-05:30'), '2026-02-01T05:29:59.500Z');
  assert.equal(parseTimestamp('2024-02-29T00:00:00Z'), '2024-02-29T00:00:00.000Z');
});

test('what is no moment is refused', () => {
  for (const text of [
    '',
    '2026-01-31',
    '2026-01-31T12:00:00',
    '2026-02-30T12:00:00Z',
    '2025-02-29T12:00:00Z',
    '2026-13-01T12:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31T12:00:60Z',
    '2026-01-31T12:00:00+99:00',
    '1969-12-31T23:59:59Z',
    '9999-12-31T23:59:59-01:00',
    ' 2026-01-31T12:00:00Z',
    '2026-01-31T12:00:00Z\n',
  ]) {
    assert.equal(parseTimestamp(text), undefined, JSON.stringify(text));
  }
});
