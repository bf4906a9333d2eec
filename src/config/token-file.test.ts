import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchTokenFile } from './token-file.ts';

const INTERVAL_MS = 10;
/** Many polls. */
const WHILE_MS = 30 * INTERVAL_MS;

test('a fault is told once while it lasts, and the tokens are given again once when it is over', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'outrider-tokens-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'tokens');
  const away = join(directory, 'away');
  writeFileSync(file, 'one\n');
  const given: string[] = [];
  const faults: string[] = [];
  const watched = await watchTokenFile(
    file,
    (tokens) => given.push(tokens.map(({ token }) => token).join()),
    (fault) => faults.push(fault),
    INTERVAL_MS,
  );
  t.after(() => watched.close());

  renameSync(file, away);
  await sleep(WHILE_MS);
  assert.equal(faults.length, 1);
  assert.match(faults[0] ?? '', /ENOENT/);
  assert.deepEqual(given, ['one'], 'those in force stay');

  renameSync(away, file);
  await sleep(WHILE_MS);
  assert.deepEqual(given, ['one', 'one'], 'the same file is back');

  writeFileSync(file, 'a b c-secret\n');
  await sleep(WHILE_MS);
  assert.deepEqual(faults.slice(1), ['line 1: expected TOKEN or NAME TOKEN, in visible ASCII characters']);

  writeFileSync(file, '# none\n');
  await sleep(WHILE_MS);
  assert.deepEqual(faults.slice(2), ['the file holds no token'], 'another fault is another line');

  writeFileSync(file, 'one\nname two\n');
  await sleep(WHILE_MS);
  assert.deepEqual(given.slice(2), ['one,two']);
  assert.equal(faults.length, 3);
});
