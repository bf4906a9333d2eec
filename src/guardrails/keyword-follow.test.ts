import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Keywords } from './keyword.ts';
import { STEP } from './steps.ts';

const word = fc.string({ unit: fc.constantFrom('a', 'b', 'C', 'é', '😀'), minLength: 1, maxLength: 5 });
const text = fc.string({ unit: fc.constantFrom('a', 'B', 'c', 'É', '😀', '\ud83d', ' '), maxLength: 40 });

test('keywords found in pieces are those of the whole, wherever the text is cut', () => {
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 6 }),
      text,
      fc.integer({ min: 1, max: 5 }),
      (words, text, size) => {
        const keywords = new Keywords(words);
        const expected = [...keywords.find(text, { left: 0 })];
        const follower = keywords.follow();
        const spans: number[] = [];
        let before = 0;
        for (let at = 0; at < text.length; at += size) {
          const end = Math.min(at + size, text.length);
          const copy = follower.clone();
          const rest = [...spans];
          const decided = follower.push(text.slice(at, end), spans);
          assert.ok(decided >= before && decided <= end);
          before = decided;
          // Start and end come in pairs.
          assert.deepEqual(
            spans,
            expected.filter((_, i) => (expected[i - (i % 2)] as number) < decided),
          );
          copy.push(text.slice(at), rest);
          copy.end(rest);
          assert.deepEqual(rest, expected);
        }
        follower.end(spans);
        assert.deepEqual(spans, expected);
      },
    ),
    { numRuns: 300 },
  );
});

test('no more is held back than may still become a word, and the words it would overlap', () => {
  const rows: [words: string[], ...pieces: [string, decided: number][]][] = [
    [['secret'], ['a sec', 2], ['re', 2], ['d', 8]],
    [['secret'], ['a secret', 8]],
    [
      ['he', 'hers', 'she'],
      ['us', 1],
      ['he', 1],
      ['r', 1],
      ['x', 6],
    ],
    // The last letter may begin another `she`, which would be one match with what is before.
    [
      ['he', 'hers', 'she'],
      ['she', 0],
      ['rs', 0],
      [' ', 6],
    ],
    // What overlaps is one match: of three, the last may go on.
    [['abab'], ['ababab', 0], ['a', 0], ['x', 8]],
    [
      ['ab', 'cd'],
      ['abc', 2],
      ['d', 4],
    ],
    [
      ['aa', 'aab'],
      ['aa', 0],
      ['a', 0],
      ['c', 4],
    ],
  ];
  for (const [words, ...pieces] of rows) {
    const follower = new Keywords(words).follow();
    for (const [i, [piece, decided]] of pieces.entries()) {
      assert.equal(follower.push(piece, []), decided, `${words.join()}, piece ${i}`);
    }
  }
});

test('so many words that not all states are in the table', () => {
  const words = Array.from({ length: 3000 }, (_, i) => `${(i * 7919).toString(36)}-${(i * 104_729).toString(36)}-end`);
  const keywords = new Keywords(words);
  for (const word of [words[0], words[1500], words[2999]] as string[]) {
    const padded = `${'x'.repeat(50)} ${word.toUpperCase()} ${word.slice(0, -1)}`;
    const expected = [51, 51 + word.length];
    assert.deepEqual(keywords.find(padded, { left: 0 }), expected);
    assert.ok(keywords.test(padded));
    assert.ok(!keywords.test(padded.slice(0, 50 + word.length)));
    const spans: number[] = [];
    const follower = keywords.follow();
    for (const unit of padded) follower.push(unit, spans);
    follower.end(spans);
    assert.deepEqual(spans, expected);
  }
});

test('a look at a long text takes steps, and sees a word across two of them', () => {
  const keywords = new Keywords(['needle']);
  const look = (text: string): [boolean, number] => {
    const steps = keywords.testInSteps(text);
    for (let taken = 1; ; taken++) {
      const { done, value } = steps.next();
      if (done) return [value, taken];
    }
  };
  assert.deepEqual(look('hay '.repeat(STEP)), [false, 4]);
  assert.deepEqual(look(`${'x'.repeat(STEP - 3)}needle${'x'.repeat(STEP)}`), [true, 2]);
});
