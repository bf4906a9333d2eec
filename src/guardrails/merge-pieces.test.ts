import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addEdit, type Edits, editList } from './edits.ts';
import { PieceMerger } from './merge-pieces.ts';
import { PieceQueue } from './piece-queue.ts';
import type { Piece } from './run.ts';
import { finish } from './steps.ts';
import { uniteEdits } from './unite-edits.ts';

/** Stretches one after the other: how long, and what becomes of it. */
const stretches = fc.array(
  fc.record({
    raw: fc.integer({ min: 1, max: 6 }),
    text: fc.option(fc.constantFrom('', 'a', 'bc'), { nil: undefined }),
  }),
  { maxLength: 12 },
);

function sizeOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { raw }) => sum + raw, 0);
}

function editsOf(pieces: readonly Piece[]): Edits {
  const edits = editList();
  let at = 0;
  for (const { raw, text } of pieces) {
    if (text !== undefined) addEdit(edits, at, at + raw, text);
    at += raw;
  }
  return edits;
}

/** In parts that a queue can get: a replacement's length comes with its last part. */
function parts(pieces: readonly Piece[]): Piece[] {
  return pieces.flatMap(({ raw, text }): Piece[] => {
    if (text === undefined) return Array.from({ length: raw }, () => ({ raw: 1, text }));
    return text.length < 2
      ? [{ raw, text }]
      : [
          { raw: 0, text: text.slice(0, 1) },
          { raw, text: text.slice(1) },
        ];
  });
}

test('two readings make what uniting their edits makes, whichever comes first with what', () => {
  fc.assert(
    fc.property(stretches, stretches, fc.array(fc.boolean(), { maxLength: 40 }), (one, other, turns) => {
      const size = Math.max(sizeOf(one), sizeOf(other));
      const first = [...one, { raw: size - sizeOf(one) + 1, text: undefined }];
      const second = [...other, { raw: size - sizeOf(other) + 1, text: undefined }];
      const merger = new PieceMerger(new PieceQueue(), new PieceQueue());
      const left = [parts(first), parts(second)] as const;
      const out: Piece[] = [];
      const give = (isFirst: boolean): void => {
        const piece = left[isFirst ? 0 : 1].shift();
        if (piece !== undefined) (isFirst ? merger.first : merger.second).add(piece.raw, piece.text);
        out.push(...merger.take());
      };
      for (const turn of turns) give(turn);
      while (left[0].length > 0) give(true);
      while (left[1].length > 0) give(false);
      assert.equal(sizeOf(out), size + 1);
      assert.deepEqual(editsOf(out), finish(uniteEdits(editsOf(first), editsOf(second))));
    }),
    { numRuns: 2000 },
  );
});

test('what leaves as it came is one piece', () => {
  const queue = new PieceQueue();
  for (let i = 0; i < 1000; i++) queue.add(2, undefined);
  queue.add(0, 'a');
  queue.add(0, 'b');
  queue.add(3, 'c');
  queue.add(1, undefined);
  assert.deepEqual(queue.takeAll(), [
    { raw: 2000, text: undefined },
    { raw: 3, text: 'abc' },
    { raw: 1, text: undefined },
  ]);
});
