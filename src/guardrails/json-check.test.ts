import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { asLatin1 } from './bytes.ts';
import { JsonReader } from './json.ts';
import { isJson, isJsonInSteps } from './json-check.ts';
import { finish } from './steps.ts';

function check(text: string): boolean {
  const bytes = Buffer.from(text);
  const atOnce = isJson(bytes, asLatin1(bytes));
  assert.equal(finish(isJsonInSteps(bytes, asLatin1(bytes))), atOnce);
  return atOnce;
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether the reader of JSON, which takes several values too, comes to its end. */
function isRead(text: string): boolean {
  const reader = new JsonReader(text.startsWith('\ufeff') ? text.slice(1) : text);
  for (;;) {
    const event = reader.next();
    if (event === 'valid' || event === 'invalid') return event === 'valid';
  }
}

/** As it is, or with one character more, fewer or another. */
const nearly = fc
  .tuple(
    fc.json({ maxDepth: 3 }),
    fc.nat(),
    fc.constantFrom('', '"', '{', '}', '[', ']', ',', ':', '0', '-', '.', 'e', '\\', 'u', 't', ' ', '\n', '\t'),
    fc.nat(1),
  )
  .map(([json, at, put, gone]) => {
    const place = at % (json.length + 1);
    return json.slice(0, place) + put + json.slice(place + gone);
  });

describe('whether bytes are JSON', () => {
  test('one value: as the parser of the language says', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), nearly, fc.string()), (text) => {
        if (parses(text)) assert.ok(check(text), text);
        assert.equal(check(text), isRead(text), text);
      }),
      { numRuns: 2_000 },
    );
  });
  for (const text of [
    '',
    ' ',
    '{',
    '}',
    '[1,]',
    '{"a":1,}',
    '{"a"}',
    '{a:1}',
    "{'a':1}",
    '[01]',
    '[1.]',
    '[.5]',
    '[1e]',
    '[+1]',
    '[-]',
    'tru',
    'nul',
    '[truefalse]',
    '"\u0001"',
    '"\\x41"',
    '"\\u12g4"',
    '"open',
    '{"a":NaN}',
    '[1}',
    '{"a":1]',
    '[1 2]',
    '{"a" 1}',
    '{"a":1 "b":2}',
    '[',
    ']',
    ',',
    '{"a":}',
    '{,}',
    '[,]',
  ]) {
    test(`no JSON: ${JSON.stringify(text)}`, () => assert.equal(check(text), text.trim() === ''));
  }
  for (const text of [
    '0',
    '-0',
    '1.5e+10',
    '""',
    '"\\u00e9\\n\\/"',
    '[]',
    '{}',
    ' [ 1 , "a" , null , true , false ] ',
    '{"a":{"b":[[],{}]},"a":1}',
    '"é😀"',
  ]) {
    test(`JSON: ${text}`, () => assert.ok(check(text)));
  }
  test('several values, and a byte order mark', () => {
    assert.ok(check('{"a":1}\n{"a":2}\n'));
    assert.ok(check('\u001e{"a":1}\n\u001e{"a":2}\n'));
    assert.ok(check('\ufeff{"a":1}'));
    assert.ok(!check('{"a":1}\n{"a":2'));
  });
  test('of any size and depth', () => {
    assert.ok(check(`${'['.repeat(100_000)}${']'.repeat(100_000)}`));
    assert.ok(!check(`${'['.repeat(100_000)}${']'.repeat(99_999)}`));
    assert.ok(check(JSON.stringify({ a: 'x'.repeat(100_000), b: [1, 2] })));
    assert.ok(!check(`{"a":"${'x'.repeat(100_000)}\u0001"}`));
  });
});
