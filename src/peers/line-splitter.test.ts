import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { LineSplitter } from './line-splitter.ts';

function split(text: string, limit: number, step: number): [string, boolean][] {
  const lines: [string, boolean][] = [];
  const splitter = new LineSplitter(limit, (line, cut) => lines.push([line.toString('latin1'), cut]));
  for (let i = 0; i < text.length; i += step) splitter.push(Buffer.from(text.slice(i, i + step), 'latin1'));
  splitter.end();
  return lines;
}

test('lines of any length arrive whole up to the limit, and cut once beyond it', () => {
  for (const step of [1, 2, 3, 100]) {
    assert.deepEqual(split('ab\r\n\n12345\n123456789\nlast', 5, step), [
      ['ab', false],
      ['', false],
      ['12345', false],
      ['12345', true],
      ['last', false],
    ]);
  }
});

test('a chunk can be taken a few lines at a time', () => {
  const lines: string[] = [];
  const splitter = new LineSplitter(10, (line) => lines.push(line.toString()));
  let rest = Buffer.from('a\nb\n\nc\nd');
  for (const [taken, so] of [
    [4, 'a b'],
    [4, 'a b  c'],
  ] as const) {
    const bytes = splitter.push(rest, 2);
    assert.deepEqual([bytes, lines.join(' ')], [taken, so]);
    rest = rest.subarray(bytes);
  }
  splitter.end();
  assert.equal(lines.at(-1), 'd');
});

test('no line is longer than the limit, and without long lines nothing is lost', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z]{0,12}$/)),
      fc.nat(20),
      fc.integer({ min: 1, max: 9 }),
      (lines, limit, step) => {
        const text = lines.map((line) => `${line}\n`).join('');
        assert.deepEqual(
          split(text, limit + 1, step),
          lines.map((line) => [line.slice(0, limit + 1), line.length > limit + 1]),
        );
      },
    ),
  );
});
