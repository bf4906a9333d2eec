import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type JsonPath, parseJsonPath } from './json-path.ts';

const key = (name: string) => ({ kind: 'key', key: name }) as const;
const index = (place: number) => ({ kind: 'index', index: place }) as const;
const any = { kind: 'any' } as const;
const deep = (name: string) => ({ kind: 'deep', key: name }) as const;

describe('JSON paths', () => {
  const valid: [string, JsonPath][] = [
    ['$', []],
    ['$.messages', [key('messages')]],
    ['$.messages[0].content', [key('messages'), index(0), key('content')]],
    ['$[*].id', [any, key('id')]],
    ['$.*', [any]],
    ['$.a.*.b', [key('a'), any, key('b')]],
    ['$..email', [deep('email')]],
    ['$.a..b[2]', [key('a'), deep('b'), index(2)]],
    ['$["a b"]', [key('a b')]],
    [String.raw`$["a\"]\u0041"]`, [key('a"]A')]],
    ["$['x.y']", [key('x.y')]],
    ['$..["a b"][*]', [deep('a b'), any]],
    ['$.user-id', [key('user-id')]],
    ['$.größe.$ref', [key('größe'), key('$ref')]],
    ['$[""]', [key('')]],
  ];
  for (const [text, path] of valid) it(`reads ${text}`, () => assert.deepEqual(parseJsonPath(text), path));

  for (const text of [
    '',
    'messages',
    '.a',
    '$.',
    '$..',
    '$...a',
    '$a',
    '$[',
    '$[]',
    '$[-1]',
    '$[01]',
    '$[a]',
    '$["a]',
    '$[\'a"]',
    '$..*',
    '$..[0]',
    '$.a b',
    '$.a[0',
    '$[0:2]',
    '$[?(@.a)]',
    '$.a ',
    ' $',
    '$.1a',
    `$${'.a'.repeat(65)}`,
  ]) {
    it(`does not read ${JSON.stringify(text.slice(0, 20))}`, () => assert.equal(parseJsonPath(text), undefined));
  }

  it('reads any key in quotes as what it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (name) => {
        assert.deepEqual(parseJsonPath(`$[${JSON.stringify(name)}]`), [key(name)]);
      }),
    );
  });

  it('gives an answer to anything, and the same one each time', () => {
    const parts = fc.constantFrom('$', '.', '..', '[', ']', '*', '"', "'", 'a', '0', '\\', ' ');
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 12 }), (list) => {
        const text = list.join('');
        assert.deepEqual(parseJsonPath(text), parseJsonPath(text));
      }),
    );
  });
});
