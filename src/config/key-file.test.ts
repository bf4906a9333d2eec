import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseKeys, parseTokens } from './token-file.ts';

test('keys with their names and roles, one a line', () => {
  assert.deepEqual(parseKeys('# keys\n\nplain\nci  key-1\r\nboss key-2 admin,lab.x\n'), [
    { name: 'key-a116c9ed46d6', token: 'plain', roles: [] },
    { name: 'ci', token: 'key-1', roles: [] },
    { name: 'boss', token: 'key-2', roles: ['admin', 'lab.x'] },
  ]);
});

test('a file of bearer tokens is one of keys, but not the other way round', () => {
  const text = 'plain\nci key-1\n';
  const tokens = (keys: readonly { token: string }[]): string[] => keys.map(({ token }) => token);
  assert.deepEqual(tokens(parseKeys(text)), tokens(parseTokens(text)));
  assert.throws(() => parseTokens('boss key-2 admin\n'), /line 1: expected TOKEN or NAME TOKEN/);
});

test('a key without a name is the same caller wherever it stands', () => {
  const name = (text: string): string | undefined => parseKeys(text).find(({ token }) => token === 'mine')?.name;
  assert.equal(name('other\nmine\n'), name('mine\n'));
});

test('nobody has the name of the administrator, or of who comes with a JWT', () => {
  assert.throws(() => parseKeys('admin key-3\n'), /line 1: expected the role admin for the name admin/);
  assert.throws(() => parseKeys('jwt:ada key-3\n'), /line 1: expected KEY/);
  assert.equal(parseKeys('admin key-3 admin\n').length, 1);
});

test('a fault names the line and nothing that stands in it', () => {
  for (const line of ['a b c d', 'a key-3 admin,', 'a key-3 ,', 'a käy', 'a b ad min x']) {
    assert.throws(
      () => parseKeys(`fine\n${line}\n`),
      (error: Error) => error.message.startsWith('line 2: expected KEY') && !error.message.includes('key-3'),
      line,
    );
  }
  assert.throws(() => parseKeys('# nothing\n'), /no token/);
});
