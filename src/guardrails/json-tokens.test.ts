import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { JsonReader } from './json.ts';
import { FALSE, JsonTokens, KEY, MAX_DEPTH, NUMBER, STRING, TRUE } from './json-tokens.ts';

/** As bodies that are not streams are read. */
function isValid(text: string): boolean {
  const reader = new JsonReader(text);
  let event = reader.next();
  while (event === 'token' || event === 'pause') event = reader.next();
  return event === 'valid';
}

/** What the tokens of a value are, with where they stand, in order. */
function* tokensOf(value: unknown, path: readonly (string | number)[] = []): Generator<string> {
  if (Array.isArray(value)) {
    for (const [i, element] of value.entries()) yield* tokensOf(element, [...path, i]);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      yield `${KEY} ${JSON.stringify(key)} in ${JSON.stringify(path)}`;
      yield* tokensOf(member, [...path, key]);
    }
  } else if (value !== null) {
    const type =
      typeof value === 'string' ? STRING : typeof value === 'number' ? NUMBER : value === true ? TRUE : FALSE;
    yield `${type} ${JSON.stringify(value)} at ${JSON.stringify(path)}`;
  }
}

function read(tokens: JsonTokens, text: string): string[] {
  const raw = (token: number): string => text.slice(tokens.starts[token], tokens.ends[token]);
  const step = (where: number): string | number => (where < 0 ? -1 - where : (JSON.parse(`"${raw(where)}"`) as string));
  const pathOf = (holder: number): (string | number)[] => {
    const path: (string | number)[] = [];
    for (let at = holder; at >= 0 && (tokens.parents[at] as number) >= 0; at = tokens.parents[at] as number) {
      path.unshift(step(tokens.parentWhere[at] as number));
    }
    return path;
  };
  return Array.from({ length: tokens.count }, (_, i) => {
    const type = tokens.types[i] as number;
    const written = type === KEY || type === STRING ? `"${raw(i)}"` : raw(i);
    assert.equal(tokens.escaped[i] === 1, written.includes('\\'));
    const holder = tokens.holders[i] as number;
    const value = JSON.stringify(JSON.parse(written));
    if (type === KEY) return `${type} ${value} in ${JSON.stringify(pathOf(holder))}`;
    return `${type} ${value} at ${JSON.stringify(holder < 0 ? [] : [...pathOf(holder), step(tokens.where[i] as number)])}`;
  });
}

test('the tokens of any JSON, with where they stand, whatever was read before', () => {
  const tokens = new JsonTokens();
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 1), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      assert.ok(tokens.read(text, 0, text.length));
      // As keys that look like numbers are put first by objects, what is written is read back.
      assert.deepEqual(read(tokens, text), [...tokensOf(JSON.parse(text))]);
      const same = new JsonTokens();
      same.read(text, 0, text.length);
      same.read(text, 0, text.length);
      assert.ok(same.isSameShape);
    }),
    { numRuns: 2000 },
  );
});

test('valid is what is valid in a body: JSON, or several values in a row', () => {
  const part = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"\\u00e9\\n"',
    '"\\x"',
    '"\\u12"',
    '1',
    '-0.5e+3',
    '01',
    '1.',
    '.5',
    'true',
    'null',
    'nul',
    ' ',
    '\n',
    '"',
    '\t',
    'é',
    '-',
  );
  const tokens = new JsonTokens();
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 9 }).map((parts) => `[${parts.join('')}]`),
      (text) => {
        assert.equal(tokens.read(text, 0, text.length), isValid(text), text);
      },
    ),
    { numRuns: 5000 },
  );
  for (const text of ['', ' ', '{', '[1', '{"a"}', '{"a":}', '[1,]', '{"a":1,}', '"\n"', ']', '[1}', '{a:1}']) {
    assert.ok(!tokens.read(text, 0, text.length), text);
  }
});

test('only what is asked for is read', () => {
  const tokens = new JsonTokens();
  assert.ok(tokens.read('x{"a":1}y', 1, 8));
  assert.ok(!tokens.read('{"a":12}', 0, 6));
  assert.ok(!tokens.read('[true]', 0, 4));
});

test('what stands deeper than is known counts to the innermost container that is', () => {
  const tokens = new JsonTokens();
  const text = `${'['.repeat(MAX_DEPTH + 3)}"deep"${']'.repeat(MAX_DEPTH + 3)}`;
  assert.ok(tokens.read(text, 0, text.length));
  assert.equal(tokens.containers, MAX_DEPTH);
  assert.equal(tokens.holders[0], MAX_DEPTH - 1);
});

test('another shape is seen', () => {
  const tokens = new JsonTokens();
  const shapes = ['{"a":1}', '{"a":"x"}', '{"a":{"b":"x"}}', '{"a":["x"]}', '[["x"]]', '{"a":"x","b":"y"}'];
  for (const before of shapes) {
    for (const after of shapes) {
      tokens.read(before, 0, before.length);
      tokens.read(after, 0, after.length);
      assert.equal(tokens.isSameShape, before === after, `${before} ${after}`);
    }
  }
});
