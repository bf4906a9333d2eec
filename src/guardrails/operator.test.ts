import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Keywords, parseKeywords } from './keyword.ts';
import { compileExpression } from './regex.ts';
import type { Spans } from './rule.ts';

const plenty = () => ({ left: 1e9 });

function found(spans: Spans, text: string): string[] {
  return Array.from({ length: spans.length / 2 }, (_, i) => text.slice(spans[2 * i], spans[2 * i + 1]));
}

test('keywords are split at commas and trimmed', () => {
  assert.deepEqual(parseKeywords(' darn, two words ,,heck,\n'), ['darn', 'two words', 'heck']);
});

test('keywords are found without regard to case, in words too, overlapping ones as one', () => {
  const keywords = new Keywords(['darn', 'Straße', 'ΟΔΟΣ', 'two words', 'he', 'hers', 'she', '💣']);
  const rows: [string, ...string[]][] = [
    ['DARN it, darned', 'DARN', 'darn'],
    ['STRAßE', 'STRAßE'],
    ['οδός οδος', 'οδος'],
    ['Two Words, two  words', 'Two Words'],
    ['ushers', 'shers'],
    ['a 💣 and 💥', '💣'],
    ['dar n'],
    [''],
  ];
  for (const [text, ...expected] of rows) {
    assert.deepEqual(found(keywords.find(text, plenty()), text), expected);
    assert.equal(keywords.test(text), expected.length > 0);
  }
});

test('keywords: every occurrence of every word is covered, and nothing else is', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'C', 'é'), minLength: 1, maxLength: 4 });
  const text = fc.string({ unit: fc.constantFrom('a', 'B', 'c', 'É', ' '), maxLength: 40 });
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 6 }), text, (words, text) => {
      const lower = text.toLowerCase();
      const expected = new Set<number>();
      for (const word of words.map((word) => word.toLowerCase())) {
        for (let at = lower.indexOf(word); at >= 0; at = lower.indexOf(word, at + 1)) {
          for (let i = at; i < at + word.length; i++) expected.add(i);
        }
      }
      const spans = new Keywords(words).find(text, plenty());
      const covered = new Set<number>();
      for (let i = 0; i < spans.length; i += 2) {
        assert.ok(i === 0 || (spans[i] as number) >= (spans[i - 1] as number));
        for (let at = spans[i] as number; at < (spans[i + 1] as number); at++) covered.add(at);
      }
      assert.deepEqual(covered, expected);
    }),
    { numRuns: 500 },
  );
});

test('5,000 keywords in one pass', () => {
  const words = Array.from({ length: 5000 }, (_, i) => `secret${i.toString(36)}word`);
  const keywords = new Keywords(words);
  const text = `${'nothing secret here, only words. '.repeat(3000)}SECRET${(4999).toString(36)}WORD`;
  const start = process.hrtime.bigint();
  assert.equal(found(keywords.find(text, plenty()), text).length, 1);
  assert.ok(Number(process.hrtime.bigint() - start) / 1e6 < 500);
});

test('expressions are those of RE2, as Go programs write them', () => {
  const rows: [string, string, ...string[]][] = [
    ['\\b\\d{3}-\\d{2}-\\d{4}\\b', 'x 123-45-6789 y', '123-45-6789'],
    ['(?i)secret', 'SeCrEt secret', 'SeCrEt', 'secret'],
    ['(?P<word>[[:alpha:]]+)\\d', 'ab1 cd', 'ab1'],
    ['\\p{Greek}+', 'abc αβγ', 'αβγ'],
    ['\\pL+', 'né 1', 'né'],
    ['(?s)a.b', 'a\nb', 'a\nb'],
    ['(?m)^b$', 'a\nb\nc', 'b'],
    ['a\\z', 'a a', 'a'],
    ['(?U)a+', 'aa', 'a', 'a'],
    ['\\Qa.b\\E', 'a.b axb', 'a.b'],
    ['.', '💣é', '💣', 'é'],
  ];
  for (const [pattern, text, ...expected] of rows) {
    assert.deepEqual(found(compileExpression(pattern).find(text, plenty()), text), expected, pattern);
  }
});

test('empty matches are none', () => {
  for (const pattern of ['x*', '', '(?:)', '$', '\\b', '(|a)']) {
    assert.deepEqual(compileExpression(pattern).find('abc abc', plenty()), [], pattern);
  }
  assert.deepEqual(compileExpression('b*').find('abba', plenty()), [1, 3]);
});

test('what RE2 does not have is refused', () => {
  for (const pattern of ['(?=a)', '(a)\\1', '(?!a)b', '[', 'a{1001}', '(?<=a)b']) {
    assert.throws(() => compileExpression(pattern), Error, pattern);
  }
});

test('expressions that look at ends are told apart', () => {
  for (const pattern of ['^a', 'a$', '\\Aa', 'a\\z', '(?m)^a', '\\[^a', '\\Qa\\E', 'a|^b']) {
    assert.equal(compileExpression(pattern).survivesJoining, false, pattern);
  }
  for (const pattern of ['\\bfoo\\b', '[^a]b', 'a\\$', 'a\\^b', '\\\\a']) {
    assert.equal(compileExpression(pattern).survivesJoining, true, pattern);
  }
});

test('expressions find what native RegExp finds', () => {
  const piece = fc.constantFrom('a', 'b', 'ab', '[ab]', '[^a]', '.', '\\b', '\\d', '1', '(?:a|b1)', '(?:ab)');
  const part = fc
    .tuple(piece, fc.constantFrom('', '', '', '+', '*', '?', '+?', '{1,2}'))
    .map(([piece, count]) => (piece === '\\b' ? piece : piece + count));
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '1', ' ', '\n'), maxLength: 30 });
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), text, (parts, text) => {
      const pattern = parts.join('');
      const expected = [...text.matchAll(new RegExp(pattern, 'g'))]
        .map(([match]) => match)
        .filter((match) => match !== '');
      assert.deepEqual(found(compileExpression(pattern).find(text, plenty()), text), expected);
    }),
    { numRuns: 1000 },
  );
});
