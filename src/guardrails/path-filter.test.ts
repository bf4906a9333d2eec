import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createEngine } from './engine.ts';
import { type JsonPath, type JsonPathStep, parseJsonPath } from './json-path.ts';
import { covers, DEEPER, type Position, rulesAt } from './path-filter.ts';

function path(text: string): JsonPath {
  const parsed = parseJsonPath(text);
  assert.ok(parsed);
  return parsed;
}

describe('a path', () => {
  const position: Position = ['messages', 2, 'meta', 'user', 'meta', 'email'];
  const rows: [text: string, covers: boolean][] = [
    ['$', true],
    ['$.messages', true],
    ['$.messages[2]', true],
    ['$.messages[1]', false],
    ['$.messages[*].meta.user', true],
    ['$.*.*.*.*.*.*', true],
    ['$.*.*.*.*.*.*.*', false],
    ['$.message', false],
    ['$.user', false],
    ['$..user', true],
    ['$..email', true],
    ['$..meta.email', true],
    ['$..meta.user..email', true],
    ['$..email..meta', false],
    ['$..meta..meta..meta', false],
    ['$.messages..user.meta', true],
    ['$["2"]', false],
  ];
  for (const [text, expected] of rows) {
    test(`${text} ${expected ? 'covers' : 'does not cover'} it`, () => {
      assert.equal(covers(path(text), position), expected);
    });
  }

  test('covers what trying all ways to read it covers', () => {
    const step = fc.constantFrom<JsonPathStep>(
      { kind: 'key', key: 'a' },
      { kind: 'key', key: 'b' },
      { kind: 'index', index: 0 },
      { kind: 'any' },
      { kind: 'deep', key: 'a' },
    );
    const reference = ([step, ...path]: JsonPath, position: Position): boolean => {
      if (step === undefined) return true;
      const [at, ...rest] = position;
      if (at === undefined) return false;
      const fits = step.kind === 'any' || at === (step.kind === 'index' ? step.index : step.key);
      return (fits && reference(path, rest)) || (step.kind === 'deep' && reference([step, ...path], rest));
    };
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 6 }),
        fc.array(fc.constantFrom('a', 'b', 0), { maxLength: 8 }),
        (path, position) => assert.equal(covers(path, position), reference(path, position)),
      ),
      { numRuns: 5000 },
    );
  });
});

describe('the rules of a place', () => {
  const rest = { type: 'keyword', pattern: 'x', action: 'redact' } as const;
  const { rules } = createEngine([
    { name: 'everywhere', ...rest },
    { name: 'limited', ...rest, paths: ['$.a', '$.b[0]'] },
    { name: 'skipping', ...rest, skip_paths: ['$.a.b'] },
    { name: 'both', ...rest, paths: ['$.a'], skip_paths: ['$..b'] },
  ]);
  const own = (position: Position | undefined) =>
    rulesAt(rules, position)
      .filter(({ kind }) => kind === 'keyword')
      .map(({ name }) => name);

  test('are those that are limited to it, or do not leave it out', () => {
    assert.deepEqual(own(['a']), ['everywhere', 'limited', 'skipping', 'both']);
    assert.deepEqual(own(['a', 'b', 'c']), ['everywhere', 'limited']);
    assert.deepEqual(own(['b', 0]), ['everywhere', 'limited', 'skipping']);
    assert.deepEqual(own([]), ['everywhere', 'skipping']);
  });

  test('outside of JSON are those that are not limited', () => {
    assert.deepEqual(own(undefined), ['everywhere', 'skipping']);
  });

  test('are all where it is not known', () => {
    assert.equal(own(['x', DEEPER]).length, 4);
  });
});
