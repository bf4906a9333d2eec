import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TokenSet } from './tokens.ts';

const set = new TokenSet([
  { name: 'ada', token: 'token-of-ada' },
  { name: 'bob', token: 'b'.repeat(1_000) },
]);

test('a token is known by its name', () => {
  assert.equal(set.nameOf('Bearer token-of-ada'), 'ada');
  assert.equal(set.nameOf('bEARER  token-of-ada '), 'ada');
  assert.equal(set.nameOf(`Bearer ${'b'.repeat(1_000)}`), 'bob');
});

test('prefixes, longer ones, other schemes and nothing at all are unknown', () => {
  const wrong = [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer token-of-ad',
    'Bearer token-of-adaa',
    'Basic token-of-ada',
    'token-of-ada',
    `Bearer ${'b'.repeat(999)}`,
    `Bearer ${'b'.repeat(5_000)}`,
    'Bearer token-of-ada\0',
  ];
  for (const authorization of wrong) assert.equal(set.nameOf(authorization), undefined, String(authorization));
});

test('an empty set knows nobody', () => {
  assert.equal(new TokenSet([]).nameOf('Bearer x'), undefined);
});

test('no other text is taken for a token, whatever was presented before', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), (text) => {
      set.nameOf('Bearer token-of-ada');
      const token = text.trim();
      assert.equal(set.nameOf(`Bearer ${text}`), token === 'token-of-ada' ? 'ada' : undefined);
    }),
  );
});
