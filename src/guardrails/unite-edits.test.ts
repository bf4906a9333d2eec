import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyEdits, type Edits } from './edits.ts';
import { finish } from './steps.ts';
import { uniteEdits } from './unite-edits.ts';

test('what either replaces is replaced, once', () => {
  const unite = (first: number[], second: number[]) => {
    const edits = (places: number[], text: string): Edits => ({ places, texts: Array(places.length / 2).fill(text) });
    return finish(applyEdits('0123456789', finish(uniteEdits(edits(first, 'F'), edits(second, 'S')))));
  };
  assert.equal(unite([], [1, 2]), '0S23456789');
  assert.equal(unite([1, 2], []), '0F23456789');
  assert.equal(unite([1, 3], [5, 7]), '0F34S789');
  assert.equal(unite([5, 7], [1, 3]), '0S34F789');
  assert.equal(unite([1, 5], [1, 5]), '0F56789');
  assert.equal(unite([1, 3], [1, 5]), '0F56789');
  assert.equal(unite([2, 4], [1, 3]), '0S456789');
  assert.equal(unite([1, 3, 5, 7], [2, 6]), '0F789');
  assert.equal(unite([1, 3], [3, 5]), '0FS56789');
  assert.equal(unite([1, 9], [2, 3, 4, 5]), '0F9');
  // What a later rule has made of an edit is one still.
  assert.equal(unite([1, 3, 3, 3], [1, 3, 3, 3]), '0FF3456789');
  assert.equal(unite([1, 3, 3, 3], [2, 4]), '0FF456789');
});

test('no place is left that one of them replaces, and no other is taken', () => {
  const places = fc
    .uniqueArray(fc.nat({ max: 30 }), { maxLength: 10 })
    .map((places) => places.sort((a, b) => a - b).slice(0, 2 * (places.length >> 1)));
  const covered = (places: readonly number[]) =>
    Array.from({ length: 31 }, (_, at) =>
      places.some((start, i) => i % 2 === 0 && start <= at && at < (places[i + 1] ?? 0)),
    );
  fc.assert(
    fc.property(places, places, (a, b) => {
      const edits = (places: number[]): Edits => ({ places, texts: Array(places.length / 2).fill('') });
      const { places: both, texts } = finish(uniteEdits(edits(a), edits(b)));
      assert.equal(both.length, 2 * texts.length);
      assert.deepEqual(
        [...both],
        [...both].sort((x, y) => x - y),
      );
      const [inA, inB] = [covered(a), covered(b)];
      assert.deepEqual(
        covered(both),
        inA.map((is, i) => is || inB[i]),
      );
    }),
  );
});
