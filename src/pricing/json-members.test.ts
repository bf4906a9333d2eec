import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JsonMembers } from './json-members.ts';

const WANTED = new Set(['model', 'usage', 'response.usage', 'response.model']);

function pick(text: string, cuts: readonly number[] = []): Record<string, unknown> {
  const members = new JsonMembers(WANTED);
  const bytes = Buffer.from(text);
  let from = 0;
  for (const cut of [...cuts, bytes.length].map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b)) {
    members.write(bytes.subarray(from, cut));
    from = cut;
  }
  return Object.fromEntries(members.values);
}

/** What a reader that holds the whole text finds. */
function expected(value: unknown): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const path of WANTED) {
    let at: unknown = value;
    for (const name of path.split('.')) {
      at =
        typeof at === 'object' && at !== null && !Array.isArray(at) && Object.hasOwn(at, name)
          ? (at as Record<string, unknown>)[name]
          : undefined;
    }
    if (at !== undefined) found[path] = at;
  }
  return found;
}

test('finds in pieces what JSON.parse finds in the whole', () => {
  const name = fc.constantFrom('model', 'usage', 'response', 'x', 'a"b', 'us\\age');
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: 'binary' }),
      fc.constantFrom('"usage":{', '\\', '\\"', ',', '}', ']', ': {'),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(name, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));
  const root = fc.dictionary(name, tree, { maxKeys: 5, noNullPrototype: true });
  fc.assert(
    fc.property(root, fc.array(fc.nat(300), { maxLength: 6 }), fc.constantFrom(undefined, 2), (value, cuts, indent) => {
      assert.deepEqual(pick(JSON.stringify(value, null, indent), cuts), JSON.parse(JSON.stringify(expected(value))));
    }),
    { numRuns: 2_000 },
  );
});

test('a text that quotes JSON is a text', () => {
  const quoted = JSON.stringify({
    model: 'm',
    text: '"usage":{"input_tokens":1}',
    list: [{ usage: 1 }],
    usage: { a: 2 },
  });
  assert.deepEqual(pick(quoted), { model: 'm', usage: { a: 2 } });
});

test('a list at the top is the documents in it, and the last word counts', () => {
  assert.deepEqual(pick('[{"model":"a","usage":1}\n,\n{"usage":{"n":2}}]'), { model: 'a', usage: { n: 2 } });
  assert.deepEqual(pick('[[{"usage":1}]]'), {});
});

test('what is no JSON, or cut off, has no members and throws nothing', () => {
  for (const text of [
    '',
    '}}}}',
    ']]"',
    '{"usage"',
    '{"usage":',
    '{"usage":{"a":1',
    '{"usage":nonsense}',
    '<html>',
    '{"usage":"\\',
  ]) {
    assert.deepEqual(pick(text), {}, text);
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => new JsonMembers(WANTED).write(bytes)));
});

test('a hundred megabytes in one value, and a million levels, cost no memory', () => {
  const members = new JsonMembers(WANTED);
  const piece = Buffer.alloc(1 << 20, 'a');
  const before = process.memoryUsage().arrayBuffers;
  members.write(Buffer.from('{"usage":{"x":"'));
  for (let i = 0; i < 100; i++) members.write(piece);
  members.write(Buffer.from('"},"deep":'));
  members.write(Buffer.alloc(1 << 20, '['));
  members.write(Buffer.alloc(1 << 20, ']'));
  members.write(Buffer.from(',"model":"m"}'));
  assert.deepEqual(Object.fromEntries(members.values), { model: 'm' });
  assert.ok(process.memoryUsage().arrayBuffers - before < 20 * 2 ** 20);
});
