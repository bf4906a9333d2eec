import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { differences } from '../../scripts/contract/differences.ts';
import { temporary } from '../../scripts/contract/temporary.ts';
import { CONTRACT_VERSION } from '../../src/contract/version.ts';

const ROOT = join(import.meta.dirname, '../..');
const PROTO = 'proto/outrider/agent/v1/agent.proto';
const RELEASED = join(ROOT, 'proto/released', `v${CONTRACT_VERSION}.binpb`);

/** What `buf breaking` says of the protos after a change, and its exit code. */
function broken(change: (proto: string) => string): { status: number | null; output: string } {
  return temporary((directory) => {
    cpSync(join(ROOT, 'proto'), join(directory, 'proto'), { recursive: true });
    cpSync(join(ROOT, 'buf.yaml'), join(directory, 'buf.yaml'));
    const before = readFileSync(join(directory, PROTO), 'utf8');
    const after = change(before);
    writeFileSync(join(directory, PROTO), after);
    const bin = join(ROOT, 'node_modules/.bin/buf');
    const { status, stdout, stderr } = spawnSync(bin, ['breaking', '--against', RELEASED], {
      cwd: directory,
      encoding: 'utf8',
    });
    return { status, output: stdout + stderr };
  });
}

/** Fails when there is nothing to change, so that a case cannot become empty. */
const replace = (from: string, to: string) => (proto: string) => {
  assert.ok(proto.includes(from), from);
  return proto.replace(from, to);
};

test('this version breaks nobody', () => {
  assert.deepEqual(
    broken((proto) => proto),
    { status: 0, output: '' },
  );
});

const BREAKING: Record<string, (proto: string) => string> = {
  'another number': replace('string input = 2;', 'string input = 20;'),
  'another type': replace('uint32 token_count = 2', 'string token_count = 2'),
  'another name': replace('string input = 2;', 'string prompt = 2;'),
  'another name in JSON': replace('[json_name = "token_count"]', '[json_name = "tokenCount"]'),
  'a member less': replace('string input = 2;', ''),
  'a method less': replace('rpc CancelJob(CancelJobRequest) returns (Job);', ''),
  'a method that streams': replace(
    'rpc GetJob(GetJobRequest) returns (Job);',
    'rpc GetJob(GetJobRequest) returns (stream Job);',
  ),
  'a list of what was one': replace('string session_id = 5', 'repeated string session_id = 5'),
};

for (const [name, change] of Object.entries(BREAKING)) {
  test(`the gate is shut for ${name}`, () => {
    const { status, output } = broken(change);
    assert.equal(status, 100, output);
    assert.match(output, /agent\.proto:\d+:\d+:/);
  });
}

test('the gate is open for what is added', () => {
  const added = broken(replace('string input = 2;', 'string input = 2;\n  string priority = 9;'));
  assert.deepEqual(added, { status: 0, output: '' });
});

test('generated code that differs, is missing or should not be there is found', () => {
  temporary((directory) => {
    const [a, b] = [join(directory, 'a'), join(directory, 'b')];
    const generated = join(ROOT, 'src/contract/gen');
    cpSync(generated, a, { recursive: true });
    cpSync(generated, b, { recursive: true });
    assert.deepEqual(differences(a, b), []);
    writeFileSync(join(a, 'missing.ts'), '');
    writeFileSync(join(b, 'more.ts'), '');
    writeFileSync(join(b, 'comments.ts'), `${readFileSync(join(b, 'comments.ts'), 'utf8')} `);
    assert.deepEqual(differences(a, b), [
      'comments.ts: differs',
      'missing.ts: is missing',
      'more.ts: should not be there',
    ]);
  });
});

test('the whole check passes, and a version that was released is not released again', { timeout: 60_000 }, () => {
  const run = (mode: string) =>
    spawnSync(process.execPath, ['scripts/contract.ts', mode], { cwd: ROOT, encoding: 'utf8' });
  const { status, stdout, stderr } = run('--check');
  assert.equal(stdout + stderr, '');
  assert.equal(status, 0);
  const before = readFileSync(RELEASED);
  const again = run('--release');
  assert.equal(again.status, 1);
  assert.match(again.stderr, /a released version never changes/);
  assert.deepEqual(readFileSync(RELEASED), before);
  assert.deepEqual(readdirSync(join(ROOT, 'proto/released')), [`v${CONTRACT_VERSION}.binpb`]);
});
