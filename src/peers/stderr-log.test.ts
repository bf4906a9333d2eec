import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StderrLog } from './stderr-log.ts';

function recorded(): { lines: string[]; counts: unknown[]; now: { ms: number }; stderr: StderrLog } {
  const lines: string[] = [];
  const counts: unknown[] = [];
  const now = { ms: 0 };
  const log = {
    info: (message: string) => void lines.push(message),
    warn: (_: string, fields: object = {}) => void counts.push('lines' in fields ? fields.lines : undefined),
  };
  return { lines, counts, now, stderr: new StderrLog(log, { mcp_server: 'x' }, () => now.ms) };
}

test('lines are logged without control characters, empty ones not at all', () => {
  const { lines, stderr } = recorded();
  stderr.push(Buffer.from('\u001b[31mred\u001b[0m\ttab\u0007\r\n\n   \nhalf'));
  stderr.push(Buffer.from(' line\nrest'));
  stderr.end();
  assert.deepEqual(lines, ['red tab ', 'half line', 'rest']);
});

test('a flood is cut to a burst and a rate, and what is left out is counted', () => {
  const { lines, counts, now, stderr } = recorded();
  stderr.push(Buffer.from('x\n'.repeat(1000)));
  assert.equal(lines.length, 200);
  now.ms = 1000;
  stderr.push(Buffer.from('y\n'.repeat(1000)));
  assert.equal(lines.length, 220);
  assert.deepEqual(counts, [800]);
  stderr.end();
  assert.deepEqual(counts, [800, 980]);
});
