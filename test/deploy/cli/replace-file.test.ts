import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../../src/cli/deploy/failure.ts';
import { readText } from '../../../src/cli/deploy/read-text.ts';
import { replaceFile } from '../../../src/cli/deploy/replace-file.ts';
import { withoutRoot } from '../../support/not-root.ts';
import { tempDir } from '../../support/temp.ts';

const MODULE = new URL('../../../src/cli/deploy/replace-file.ts', import.meta.url).href;

function says(pattern: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof Failure && pattern.test(error.message);
}

test('keeps the mode, and leaves nothing beside the file', (t) => {
  const cwd = tempDir(t);
  writeFileSync(join(cwd, 'a.yaml'), 'old');
  chmodSync(join(cwd, 'a.yaml'), 0o751);
  replaceFile('a.yaml', 'new', { cwd });
  assert.equal(readFileSync(join(cwd, 'a.yaml'), 'utf8'), 'new');
  assert.equal(statSync(join(cwd, 'a.yaml')).mode & 0o7777, 0o751);
  assert.deepEqual(readdirSync(cwd), ['a.yaml']);
});

test('a new file has the mode that new files have', (t) => {
  const cwd = tempDir(t);
  writeFileSync(join(cwd, 'like'), '');
  replaceFile('new.yaml', 'text', { cwd });
  assert.equal(statSync(join(cwd, 'new.yaml')).mode, statSync(join(cwd, 'like')).mode);
});

test('a symbolic link stays one: the file behind it is replaced, in its own folder', (t) => {
  const cwd = tempDir(t);
  mkdirSync(join(cwd, 'real'));
  writeFileSync(join(cwd, 'real/a.yaml'), 'old');
  symlinkSync('real/a.yaml', join(cwd, 'link.yaml'));
  replaceFile('link.yaml', 'new', { cwd });
  assert.ok(lstatSync(join(cwd, 'link.yaml')).isSymbolicLink());
  assert.equal(readlinkSync(join(cwd, 'link.yaml')), 'real/a.yaml');
  assert.equal(readFileSync(join(cwd, 'real/a.yaml'), 'utf8'), 'new');
});

test('a symbolic link to what is not there yet stays one, too', (t) => {
  const cwd = tempDir(t);
  mkdirSync(join(cwd, 'real'));
  symlinkSync('real/a.yaml', join(cwd, 'link.yaml'));
  symlinkSync('link.yaml', join(cwd, 'longer.yaml'));
  replaceFile('longer.yaml', 'new', { cwd });
  assert.equal(readlinkSync(join(cwd, 'link.yaml')), 'real/a.yaml');
  assert.equal(readFileSync(join(cwd, 'real/a.yaml'), 'utf8'), 'new');
  symlinkSync('nowhere/a.yaml', join(cwd, 'broken.yaml'));
  assert.throws(() => replaceFile('broken.yaml', 'new', { cwd }), /broken\.yaml: there is no such folder/);
  symlinkSync('self.yaml', join(cwd, 'self.yaml'));
  assert.throws(() => replaceFile('self.yaml', 'new', { cwd }), /self\.yaml: cannot be written: ELOOP/);
});

test('a file that somebody changed since it was read is left alone', async (t) => {
  const cwd = tempDir(t);
  const path = join(cwd, 'a.yaml');
  writeFileSync(path, 'old');
  const { stamp } = await readText('a.yaml', { cwd, stdin: process.stdin });
  writeFileSync(path, 'theirs');
  assert.throws(
    () => replaceFile('a.yaml', 'ours', { cwd, was: stamp }),
    says(/a\.yaml: somebody changed it meanwhile/),
  );
  assert.equal(readFileSync(path, 'utf8'), 'theirs');
  assert.deepEqual(readdirSync(cwd), ['a.yaml']);
});

test('what cannot be replaced: a folder, a device, a file in a folder that is not there', (t) => {
  const cwd = tempDir(t);
  assert.throws(() => replaceFile('.', 'x', { cwd }), says(/not a regular file/));
  assert.throws(() => replaceFile('/dev/null', 'x', { cwd }), says(/not a regular file/));
  assert.throws(() => replaceFile('no/a.yaml', 'x', { cwd }), says(/no\/a\.yaml: there is no such folder/));
});

test('a file that is read-only is left alone', (t) => {
  const cwd = tempDir(t);
  chmodSync(cwd, 0o777);
  writeFileSync(join(cwd, 'a.yaml'), 'old');
  chmodSync(join(cwd, 'a.yaml'), 0o444);
  const replace = `try { replaceFile('a.yaml', 'new', { cwd: ${JSON.stringify(cwd)} }); } catch (error) { console.log(error.message); }`;
  assert.match(withoutRoot(`import { replaceFile } from ${JSON.stringify(MODULE)};`, replace), /you may not write it/);
  assert.equal(readFileSync(join(cwd, 'a.yaml'), 'utf8'), 'old');
});

const WRITER = `
import { replaceFile } from ${JSON.stringify(MODULE)};
const texts = ['a', 'b'].map((letter) => letter.repeat(3_000_000));
console.log('ready');
for (let turn = 0; ; turn++) replaceFile('big.yaml', texts[turn % 2], { cwd: process.argv[1] });
`;

test('killed at any moment, it leaves the old text or the new one, and readers see nothing else', async (t) => {
  const cwd = tempDir(t);
  const path = join(cwd, 'big.yaml');
  const whole = ['a', 'b'].map((letter) => letter.repeat(3_000_000));
  writeFileSync(path, whole[0] ?? '');
  const checkWhole = (): void => {
    const text = readFileSync(path, 'latin1');
    assert.ok(whole.includes(text), `${text.length} bytes, of ${[...new Set(text)].join('')}`);
  };
  let reads = 0;
  for (let round = 0; round < 8; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER, cwd], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    const ended = once(child, 'exit');
    await once(child.stdout, 'data');
    for (const until = performance.now() + 20 + 11 * round; performance.now() < until; reads++) {
      checkWhole();
      await sleep(1);
    }
    child.kill('SIGKILL');
    await ended;
    checkWhole();
  }
  assert.ok(reads >= 8, `${reads} reads`);
});
