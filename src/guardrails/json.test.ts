import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { JsonReader, wholeNumber } from './json.ts';
import { DEEPER, type Position } from './path-filter.ts';

function tokens(text: string): { token: string; position: Position }[] {
  const reader = new JsonReader(text);
  const found = [];
  for (let event = reader.next(); event !== 'valid'; event = reader.next()) {
    assert.notEqual(event, 'invalid');
    if (event === 'token') found.push({ token: text.slice(reader.start, reader.end), position: reader.position() });
  }
  return found;
}

describe('the position of a token', () => {
  test('is made of decoded keys and of places; a key is where its value is', () => {
    assert.deepEqual(tokens('{"a":[1,{"b\\u0041 c":"x"}],"":{"d":2}}'), [
      { token: 'a', position: ['a'] },
      { token: '1', position: ['a', 0] },
      { token: 'b\\u0041 c', position: ['a', 1, 'bA c'] },
      { token: 'x', position: ['a', 1, 'bA c'] },
      { token: '', position: [''] },
      { token: 'd', position: ['', 'd'] },
      { token: '2', position: ['', 'd'] },
    ]);
  });

  test('of a value that is all is empty', () => {
    assert.deepEqual(tokens('"x"'), [{ token: 'x', position: [] }]);
  });

  test('is known up to a depth', () => {
    const [token] = tokens(`${'['.repeat(70)}1${']'.repeat(70)}`);
    assert.deepEqual(token?.position, [...Array(64).fill(0), DEEPER]);
  });

  test('holds a key that paths do not show', () => {
    const text = '{"secret":1}';
    const reader = new JsonReader(text);
    reader.next();
    reader.hide();
    reader.next();
    assert.equal(reader.path(), '$.*');
    assert.deepEqual(reader.position(), ['secret']);
  });
});

test('strings are read to their end, long ones with pauses', () => {
  const pieces = fc.constantFrom(
    'x',
    'é',
    '\\"',
    '\\\\',
    '\\n',
    '\\u0041',
    'long '.repeat(10_000),
    '\\/'.repeat(20_000),
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 5 }), (pieces) => {
      const raw = pieces.join('');
      const reader = new JsonReader(`"${raw}"`);
      let pauses = 0;
      while (reader.next() === 'pause') pauses++;
      assert.deepEqual([reader.start, reader.end, reader.escaped], [1, raw.length + 1, raw.includes('\\')]);
      assert.ok(pauses >= Math.floor(raw.length / 65_536));
      assert.equal(reader.next(), 'valid');
    }),
    { numRuns: 100 },
  );
});

test('strings with what they may not hold are not valid', () => {
  for (const inner of ['a\nb', `${'x'.repeat(40)}\u0001`, '\\x', '\\u00g0', '\\', 'x'.repeat(70_000) + '\t']) {
    const reader = new JsonReader(`["${inner}"]`);
    let event = reader.next();
    while (event === 'pause') event = reader.next();
    assert.equal(event, 'invalid');
  }
});

describe('a whole number', () => {
  for (const [written, whole] of [
    ['4111111111111111.0', '4111111111111111'],
    ['4111111111111111.000', '4111111111111111'],
    ['4.111111111111111e15', '4111111111111111'],
    ['4.111111111111111E+0015', '4111111111111111'],
    ['-41111111111111110e-1', '-4111111111111111'],
    ['0.004111111111111111e18', '4111111111111111'],
    ['123456789e3', '123456789000'],
    ['4111111111111111e0', '4111111111111111'],
    ['4111111111111111E-0', '4111111111111111'],
    [`4111111111111111.${'0'.repeat(100)}`, '4111111111111111'],
    [`0.${'0'.repeat(100)}4111111111111111e116`, '4111111111111111'],
    [`4111111111111111${'0'.repeat(100)}e-100`, '4111111111111111'],
    ['4111111111111111.0000000001', '4111111111111111'],
    ['-4111111111111110.9999999999', '-4111111111111111'],
    ['4111111111111111', undefined],
    ['4111111111111111.5', undefined],
    ['4.111111111111111e14', undefined],
    ['1e5', undefined],
    ['123456789e999', undefined],
    [`1${'0'.repeat(100)}.0`, undefined],
  ] as const) {
    test(`of ${written.slice(0, 30)} is ${whole}`, () => assert.equal(wholeNumber(written), whole));
  }

  test('is the same number', () => {
    // As many digits as a Number holds exactly.
    const digits = fc.stringMatching(/^[1-9]\d{8,10}$/);
    fc.assert(
      fc.property(digits, fc.stringMatching(/^\d{1,3}$/), fc.integer({ min: -5, max: 5 }), (whole, fraction, shift) => {
        const raw = `${whole}.${fraction}e${shift}`;
        const found = wholeNumber(raw);
        if (found !== undefined) assert.equal(Number(found), Number(raw));
        else assert.ok(!Number.isInteger(Number(raw)));
      }),
    );
  });
});
