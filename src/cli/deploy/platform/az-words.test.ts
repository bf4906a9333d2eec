import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasFlag, wordsFor } from './az-words.ts';

const WORDS = '-g desk --environment env --no-wait --subscription=s -o table --debug'.split(' ');

test('show gets where the app is and how much az says, and nothing that it refuses', () => {
  assert.deepEqual(wordsFor('show', WORDS), ['-g', 'desk', '--subscription=s', '--debug']);
  assert.deepEqual(wordsFor('show', ['-gdesk', '--environment=e']), ['-gdesk']);
  assert.deepEqual(wordsFor('show', ['--tags', 'a=b', 'c=d', '--resource-group', 'desk']), [
    '--resource-group',
    'desk',
  ]);
});

test('update gets all but the environment, create gets all', () => {
  const update = '-g desk --no-wait --subscription=s -o table --debug'.split(' ');
  assert.deepEqual(wordsFor('update', WORDS), update);
  assert.deepEqual(wordsFor('create', WORDS), WORDS);
});

test('a flag is found in each of its forms', () => {
  for (const words of [['-g', 'x'], ['-gx'], ['-g=x'], ['--resource-group', 'x'], ['--resource-group=x']]) {
    assert.ok(hasFlag(words, '-g', '--resource-group'), words.join(' '));
  }
  assert.equal(hasFlag(['--group', 'x'], '-g', '--resource-group'), false);
});
