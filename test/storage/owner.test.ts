import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { OutriderError } from '../../src/errors.ts';
import { own } from '../../src/storage/owner.ts';
import { tempDir } from '../support/temp.ts';

const taken = (error: unknown): boolean => error instanceof OutriderError && error.code === 'conflict';

test('a file has one owner, in this process and beyond, until it is given up', (t) => {
  const file = join(tempDir(t), 'deep', 'down', 'some.db');
  const disown = own(file);
  assert.equal(statSync(`${file}.lock`).mode & 0o077, 0);
  assert.throws(() => own(file), taken);
  // That the one before was refused has taken nothing from the first.
  assert.throws(() => own(file), taken);
  own(`${file}-other`)();
  disown();
  own(file)();
});

test('of processes that all come at once one has it, and its end frees it', async (t) => {
  const file = join(tempDir(t), 'some.db');
  const module = fileURLToPath(new URL('../../src/storage/owner.ts', import.meta.url));
  const script = `
    const { own } = await import(process.argv[1]);
    try { own(process.argv[2]); console.log('mine'); setInterval(() => {}, 1000); } catch (error) { console.log(error.code); }
  `;
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', script, module, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  t.after(() => children.forEach((child) => child.kill('SIGKILL')));
  const said = await Promise.all(children.map(async (child) => String((await once(child.stdout, 'data'))[0]).trim()));
  assert.deepEqual(said.toSorted(), ['conflict', 'conflict', 'conflict', 'mine']);
  const owner = children[said.indexOf('mine')];
  assert.ok(owner !== undefined);
  assert.throws(() => own(file), taken);
  const closed = once(owner, 'close');
  owner.kill('SIGKILL');
  await closed;
  own(file)();
});

test('what cannot be locked is an error of its own', (t) => {
  const file = join(tempDir(t), 'some.db');
  mkdirSync(`${file}.lock`);
  assert.throws(
    () => own(file),
    (error) => error instanceof Error && !taken(error),
  );
});
