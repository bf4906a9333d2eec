import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { codecOf } from '../../src/contract/codec.ts';
import { file_outrider_agent_v1_agent } from '../../src/contract/gen/outrider/agent/v1/agent_pb.ts';
import { CONTRACT_VERSION } from '../../src/contract/version.ts';
import { type Golden, golden, messageOf, NEXT_VERSION, nextMessageOf, releasedVersions } from './versions.ts';

/** What was sent as a request is read strictly; what was answered is read as an older agent's. */
function read(codec: ReturnType<typeof codecOf<object, never>>, message: string, value: unknown): object {
  return message.endsWith('Request') ? codec.check(value) : codec.checkReply(value);
}

const old = (message: string) => codecOf<object, never>(messageOf(message) as never);
const newer = (message: string) => codecOf<object, never>(nextMessageOf(message) as never);
const parsed = ({ body }: Golden): unknown => JSON.parse(new TextDecoder().decode(body));

test('every message of this version has its bytes on record', () => {
  const recorded = new Set(golden(CONTRACT_VERSION).map(({ message }) => message));
  const missing = file_outrider_agent_v1_agent.messages.map(({ name }) => name).filter((name) => !recorded.has(name));
  assert.deepEqual(missing, []);
});

for (const version of releasedVersions()) {
  for (const entry of golden(version)) {
    test(`${entry.file} reads the same in both forms, and is written as it was`, () => {
      const codec = old(entry.message);
      const fromJson = read(codec, entry.message, parsed(entry));
      const fromBinary = codec.decode(entry.binary);
      assert.deepEqual(read(codec, entry.message, fromBinary), fromJson);
      assert.deepEqual(Buffer.from(codec.encode(fromBinary)), entry.binary);
      assert.deepEqual(Buffer.from(codec.encode(fromJson)), entry.binary);
    });

    test(`${entry.file} is read by a later version`, () => {
      const codec = newer(entry.message);
      const expected = read(old(entry.message), entry.message, parsed(entry));
      assert.deepEqual(read(codec, entry.message, parsed(entry)), expected);
      assert.deepEqual(read(codec, entry.message, codec.decode(entry.binary)), expected);
    });
  }
}

for (const entry of golden(NEXT_VERSION)) {
  test(`${entry.file} goes through this version unharmed, as JSON`, () => {
    const value = parsed(entry);
    const text = JSON.stringify(value);
    assert.equal(JSON.stringify(old(entry.message).check(value)), text);
    assert.equal(JSON.stringify(old(entry.message).checkReply(value)), text);
  });

  test(`${entry.file} goes through this version unharmed, in binary`, () => {
    const codec = old(entry.message);
    const seen = codec.decode(entry.binary);
    codec.check(seen);
    // What is not known is neither seen in JSON nor lost on the way, also when somebody copies the object to change it.
    assert.notEqual(JSON.stringify(seen), JSON.stringify(parsed(entry)));
    for (const handedOn of [seen, { ...seen }, codec.checkReply(seen)]) {
      assert.deepEqual(newer(entry.message).decode(codec.encode(handedOn)), parsed(entry));
    }
  });

  test(`${entry.file} has what this version knows`, () => {
    const codec = old(entry.message);
    const fromJson = codec.decode(codec.encode(codec.check(parsed(entry))));
    assert.equal(JSON.stringify(codec.decode(entry.binary)), JSON.stringify(fromJson));
  });
}

test('another implementation reads the binary form as the same JSON', { timeout: 60_000 }, () => {
  const root = join(import.meta.dirname, '../..');
  for (const { message, file, binary } of golden(CONTRACT_VERSION)) {
    if (!file.endsWith('-full')) continue;
    const { stdout, stderr } = spawnSync(
      join(root, 'node_modules/.bin/buf'),
      ['convert', 'proto', `--type=outrider.agent.v1.${message}`, '--from=-#format=binpb', '--to=-#format=json'],
      { cwd: root, input: binary },
    );
    assert.equal(String(stderr), '');
    const theirs: unknown = JSON.parse(String(stdout));
    assert.deepEqual(withoutDefaults(theirs), withoutDefaults(old(message).decode(binary)), file);
  }
});

/** Others leave out zeros that we write. */
function withoutDefaults(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutDefaults);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== 0 && member !== '')
      .map(([key, member]) => [key, withoutDefaults(member)]),
  );
}

test('the later version that is pretended here only adds', () => {
  const root = join(import.meta.dirname, '../..');
  const { status, stderr } = spawnSync(
    join(root, 'node_modules/.bin/buf'),
    [
      'breaking',
      `test/contract/next/v${NEXT_VERSION}.binpb`,
      '--against',
      `proto/released/v${CONTRACT_VERSION}.binpb`,
      '--limit-to-input-files',
    ],
    { cwd: root },
  );
  assert.equal(String(stderr), '');
  assert.equal(status, 0);
  assert.ok(readFileSync(join(root, 'proto/released', `v${CONTRACT_VERSION}.binpb`)).length > 0);
});
