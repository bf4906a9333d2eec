import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logLines } from '../../test/support/log-lines.ts';
import { diagnostics } from './diagnostics.ts';
import { seldom } from './seldom.ts';

test('the SDK is heard, but not without end, and its objects are left out', () => {
  const { log, lines, text } = logLines();
  let now = 0;
  const logger = diagnostics(log, () => now);
  logger.warn('sending to http://u:hush@h/', { headers: { authorization: 'hush' } }, 'again', 3);
  for (let i = 0; i < 100; i++) logger.error('down');
  assert.equal(lines.length, 10);
  assert.equal(lines[0]?.msg, 'OpenTelemetry: sending to http://[redacted]@h/ again 3');
  assert.equal(lines[1]?.level, 'error');
  now = 60_000;
  logger.verbose('later');
  assert.deepEqual(
    lines.slice(10).map(({ level, msg, count }) => ({ level, msg, count })),
    [
      { level: 'warn', msg: 'OpenTelemetry: further messages were held back', count: 91 },
      { level: 'debug', msg: 'OpenTelemetry: later', count: undefined },
    ],
  );
  assert.doesNotMatch(text(), /hush/);
});

test('seldom says yes once in its time', () => {
  let now = 5;
  const may = seldom(100, () => now);
  assert.deepEqual([may(), may()], [true, false]);
  now = 104;
  assert.equal(may(), false);
  now = 105;
  assert.equal(may(), true);
});
