import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Json } from './json.ts';
import { jsonPatch, type PatchOperation } from './json-patch.ts';

/** Applies a patch as RFC 6902 says, without any of the code under test. */
function apply(document: Json, operations: readonly PatchOperation[]): unknown {
  const root: { value: unknown } = { value: structuredClone(document) };
  for (const operation of operations) {
    const steps = operation.path
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = steps.pop();
    if (last === undefined) {
      assert.ok(operation.op !== 'remove');
      root.value = operation.value;
      continue;
    }
    let at = root.value;
    for (const step of steps) at = (at as Record<string, unknown>)[step];
    if (Array.isArray(at)) {
      const index = Number(last);
      assert.ok(index <= at.length, operation.path);
      if (operation.op === 'add') at.splice(index, 0, structuredClone(operation.value));
      else if (operation.op === 'remove') at.splice(index, 1);
      else at[index] = structuredClone(operation.value);
    } else {
      const map = at as Record<string, unknown>;
      assert.equal(Object.hasOwn(map, last), operation.op !== 'add', operation.path);
      if (operation.op === 'remove') delete map[last];
      else
        Object.defineProperty(map, last, {
          value: structuredClone(operation.value),
          enumerable: true,
          configurable: true,
          writable: true,
        });
    }
  }
  return root.value;
}

const json = fc.jsonValue({ maxDepth: 4, noUnicodeString: false }) as fc.Arbitrary<Json>;

test('a patch makes the one of the other, whatever they are', () => {
  fc.assert(
    fc.property(json, json, (before, after) => {
      assert.deepEqual(apply(before, jsonPatch(before, after)), structuredClone(after));
    }),
    { numRuns: 500 },
  );
});

test('the same value needs no operation', () => {
  fc.assert(fc.property(json, (value) => assert.deepEqual(jsonPatch(value, structuredClone(value)), [])));
});

test('an item at the front of a list is one addition', () => {
  const before = { spec: { containers: [{ name: 'a' }, { name: 'b' }] } };
  const after = { spec: { containers: [{ name: 'new' }, { name: 'a' }, { name: 'b' }] } };
  assert.deepEqual(jsonPatch(before, after), [{ op: 'add', path: '/spec/containers/0', value: { name: 'new' } }]);
});

test('keys are escaped as RFC 6901 says', () => {
  assert.deepEqual(jsonPatch({ 'a/b~c': 1 }, { 'a/b~c': 2 }), [{ op: 'replace', path: '/a~1b~0c', value: 2 }]);
});

test('two long lists that differ everywhere are compared in linear time', () => {
  const list = (seed: number): Json[] => Array.from({ length: 100_000 }, (_, index) => ({ value: index * seed }));
  assert.equal(jsonPatch(list(2), list(3)).length, 99_999);
});
