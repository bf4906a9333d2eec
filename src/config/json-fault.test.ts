import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { jsonFault } from './json-fault.ts';

it('names the place and what belongs there', () => {
  assert.deepEqual(jsonFault(''), { offset: 0, expected: 'a value' });
  assert.deepEqual(jsonFault('{x'), { offset: 1, expected: 'a key in double quotes or "}"' });
  assert.deepEqual(jsonFault('{"a" 1}'), { offset: 5, expected: '":"' });
  assert.deepEqual(jsonFault('{"a": 1,}'), { offset: 8, expected: 'a key in double quotes' });
  assert.deepEqual(jsonFault('[1 2]'), { offset: 3, expected: '"," or "]"' });
  assert.deepEqual(jsonFault('[1}'), { offset: 2, expected: '"," or "]"' });
  assert.deepEqual(jsonFault('[,'), { offset: 1, expected: 'a value or "]"' });
  assert.deepEqual(jsonFault('{} x'), { offset: 3, expected: 'the end' });
  assert.deepEqual(jsonFault('"\\x"'), { offset: 0, expected: 'a value' });
});

it('agrees with JSON.parse on what is JSON', () => {
  const parses = (text: string): boolean => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  const agrees = (text: string): void => assert.equal(jsonFault(text) === undefined, parses(text), text);
  const tokens = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '1',
    '-0.5e+3',
    '01',
    'true',
    'nul',
    ' ',
    '\n',
    '"\\u00e9"',
    '"',
  );
  fc.assert(fc.property(fc.json(), agrees));
  fc.assert(
    fc.property(fc.array(tokens, { maxLength: 12 }), (parts) => agrees(parts.join(''))),
    { numRuns: 3000 },
  );
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 2 }), (text, at, extra) => {
      const place = at % (text.length + 1);
      agrees(text.slice(0, place) + extra + text.slice(place + 1));
    }),
    { numRuns: 2000 },
  );
});

it('takes time in proportion to the text', () => {
  for (const text of ['['.repeat(500_000), `"${'\\'.repeat(500_000)}`, '1'.repeat(500_000), ' '.repeat(500_000)]) {
    const started = performance.now();
    jsonFault(text);
    assert.ok(performance.now() - started < 5_000);
  }
});
