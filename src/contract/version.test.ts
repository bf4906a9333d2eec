import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentError } from './agent-error.ts';
import { CONTRACT_FIELD, CONTRACT_VERSION, checkPeer, peerVersion } from './version.ts';

const MALFORMED = [
  '',
  '1',
  '1.',
  '.0',
  '1.0.0',
  'v1.0',
  ' 1.0',
  '1.0 ',
  '01.0',
  '1.00',
  '1,0',
  '1.0, 1.0',
  '-1.0',
  '1.1234567',
  'ä',
];

test('the field and the version are what they always were', () => {
  assert.deepEqual([CONTRACT_FIELD, CONTRACT_VERSION], ['outrider-contract', '1.0']);
});

test('a version is a major and a minor number', () => {
  assert.deepEqual(peerVersion('1.0'), { major: 1, minor: 0 });
  assert.deepEqual(peerVersion('12.345'), { major: 12, minor: 345 });
  assert.equal(peerVersion(undefined), undefined);
  for (const text of MALFORMED) assert.equal(peerVersion(text), undefined, text);
});

test('a peer that says nothing, or another minor version, is spoken with', () => {
  assert.equal(checkPeer(undefined), undefined);
  assert.deepEqual(checkPeer('1.0'), { major: 1, minor: 0 });
  assert.deepEqual(checkPeer('1.999999'), { major: 1, minor: 999_999 });
});

test('a peer of another major version is refused, and both versions are named', () => {
  for (const text of ['0.9', '2.0', '2.7']) {
    assert.throws(
      () => checkPeer(text),
      (thrown) =>
        thrown instanceof AgentError &&
        thrown.code === 'bad_request' &&
        thrown.message.includes(text) &&
        thrown.message.includes(CONTRACT_VERSION),
    );
  }
});

test('a version that cannot be read is refused, and not repeated', () => {
  for (const text of [...MALFORMED, 'x'.repeat(100_000)]) {
    assert.throws(
      () => checkPeer(text),
      { code: 'bad_request', message: 'outrider-contract: expected a version such as 1.0' },
      text,
    );
  }
});
