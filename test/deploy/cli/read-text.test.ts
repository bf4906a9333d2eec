import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, truncateSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { Failure } from '../../../src/cli/deploy/failure.ts';
import { MOST_BYTES, readText } from '../../../src/cli/deploy/read-text.ts';
import { withoutRoot } from '../../support/not-root.ts';
import { tempDir } from '../../support/temp.ts';

async function fault(path: string, cwd: string, stdin: AsyncIterable<Uint8Array> = Readable.from([])): Promise<string> {
  try {
    await readText(path, { cwd, stdin });
  } catch (error) {
    if (error instanceof Failure) return error.message;
    throw error;
  }
  return 'no fault';
}

test('gives the text with its byte order mark and its line ends, and a stamp', async (t) => {
  const cwd = tempDir(t);
  writeFileSync(join(cwd, 'a.yaml'), '\uFEFFa: 1\r\nb: ü\r\n');
  const file = await readText('a.yaml', { cwd, stdin: Readable.from([]) });
  assert.equal(file.text, '\uFEFFa: 1\r\nb: ü\r\n');
  assert.equal(file.name, 'a.yaml');
  assert.equal(file.stamp?.size, 16n);
});

test('what cannot be read is named, with what to do', async (t) => {
  const cwd = tempDir(t);
  writeFileSync(join(cwd, 'latin1'), Buffer.from([0x61, 0xe9, 0x0a]));
  writeFileSync(join(cwd, 'utf16'), Buffer.from('\uFEFFa: 1', 'utf16le'));
  assert.equal(await fault('none.yaml', cwd), 'outrider: none.yaml: there is no such file');
  assert.equal(await fault('.', cwd), 'outrider: .: this is a directory; name the file');
  assert.match(await fault('/dev/zero', cwd), /this is a device, not a file/);
  assert.match(await fault('/dev/null', cwd), /this is a device, not a file/);
  assert.equal(await fault('latin1', cwd), 'outrider: latin1: not UTF-8 text');
  assert.equal(await fault('utf16', cwd), 'outrider: utf16: not UTF-8 text but UTF-16: save it as UTF-8');
});

test('a file that may not be read', (t) => {
  const cwd = tempDir(t);
  chmodSync(cwd, 0o777);
  writeFileSync(join(cwd, 'a'), '');
  chmodSync(join(cwd, 'a'), 0);
  const module = new URL('../../../src/cli/deploy/read-text.ts', import.meta.url).href;
  const read = `await readText('a', { cwd: ${JSON.stringify(cwd)} }).catch((error) => console.log(error.message));`;
  assert.match(withoutRoot(`import { readText } from ${JSON.stringify(module)};`, read), /you may not read it/);
});

test('16 MiB are read, and not a byte more; input without an end is given up', async (t) => {
  const cwd = tempDir(t);
  writeFileSync(join(cwd, 'big'), '');
  truncateSync(join(cwd, 'big'), MOST_BYTES);
  assert.equal((await readText('big', { cwd, stdin: Readable.from([]) })).text.length, MOST_BYTES);
  truncateSync(join(cwd, 'big'), MOST_BYTES + 1);
  assert.equal(await fault('big', cwd), 'outrider: big: larger than 16 MiB, which no manifest is');
  async function* endless() {
    for (;;) yield new Uint8Array(2 ** 20).fill(0x61);
  }
  assert.equal(await fault('-', cwd, endless()), 'outrider: <stdin>: larger than 16 MiB, which no manifest is');
});

test('a character that two chunks share is one; standard input has no stamp', async (t) => {
  const bytes = Buffer.from('ü: 1\n');
  const stdin = Readable.from([bytes.subarray(0, 1), bytes.subarray(1)]);
  const file = await readText('-', { cwd: tempDir(t), stdin });
  assert.deepEqual(file, { name: '<stdin>', text: 'ü: 1\n' });
});

test('a named pipe is read, and has no stamp, so that nobody tries to replace it', async (t) => {
  const cwd = tempDir(t);
  assert.equal(spawnSync('sh', ['-c', 'mkfifo "$0"', join(cwd, 'pipe')]).status, 0);
  const [file] = await Promise.all([
    readText('pipe', { cwd, stdin: Readable.from([]) }),
    writeFile(join(cwd, 'pipe'), 'a: 1\n'),
  ]);
  assert.deepEqual(file, { name: 'pipe', text: 'a: 1\n' });
});
