import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchFile } from './watch-file.ts';

const OPTIONS = { intervalMs: 10, quietMs: 5 };
/** Many looks. */
const WHILE_MS = 300;

function directory(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'outrider-watch-'));
  t.after(() => rmSync(made, { recursive: true }));
  return made;
}

/** Counts the reads of a file that looked different than before. */
function watched(t: TestContext, path: string): { changes: number; reads: number } {
  const counts = { changes: 0, reads: 0 };
  const watch = watchFile(
    path,
    async (isNew) => {
      counts.reads++;
      if (isNew) counts.changes++;
    },
    OPTIONS,
  );
  t.after(() => watch.close());
  return counts;
}

test('a file is read at first and once for each change, however it changes', async (t) => {
  const root = directory(t);
  const file = join(root, 'a');
  writeFileSync(file, '1');
  const counts = watched(t, file);
  await sleep(WHILE_MS);
  assert.deepEqual(counts, { changes: 1, reads: 2 });
  await sleep(WHILE_MS);
  assert.deepEqual(counts, { changes: 1, reads: 2 }, 'and then left alone');
  writeFileSync(file, '2');
  await sleep(WHILE_MS);
  assert.equal(counts.changes, 2, 'written');
  writeFileSync(join(root, 'b'), '3');
  renameSync(join(root, 'b'), file);
  await sleep(WHILE_MS);
  assert.equal(counts.changes, 3, 'replaced');
  rmSync(file);
  await sleep(WHILE_MS);
  assert.equal(counts.changes, 4, 'removed');
  writeFileSync(file, '3');
  await sleep(WHILE_MS);
  assert.equal(counts.changes, 5, 'back again');
});

test('a swap of links behind the name is a change', async (t) => {
  const root = directory(t);
  for (const version of ['v1', 'v2']) {
    mkdirSync(join(root, version));
    writeFileSync(join(root, version, 'outrider.yaml'), version);
  }
  symlinkSync('v1', join(root, '..data'));
  symlinkSync('..data/outrider.yaml', join(root, 'outrider.yaml'));
  const counts = watched(t, join(root, 'outrider.yaml'));
  await sleep(WHILE_MS);
  assert.equal(counts.changes, 1);
  symlinkSync('v2', join(root, '..new'));
  renameSync(join(root, '..new'), join(root, '..data'));
  await sleep(WHILE_MS);
  assert.equal(counts.changes, 2);
});

test('a file is not read while it is written, nor after the watch was closed', async (t) => {
  const file = join(directory(t), 'a');
  writeFileSync(file, '');
  let reads = 0;
  const watch = watchFile(file, async () => void reads++, { intervalMs: 10, quietMs: 100 });
  for (let size = 1; size <= 20; size++) {
    writeFileSync(file, 'x'.repeat(size));
    await sleep(20);
  }
  assert.equal(reads, 0);
  watch.close();
  await sleep(WHILE_MS);
  assert.equal(reads, 0);
});
