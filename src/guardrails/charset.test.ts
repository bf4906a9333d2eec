import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { transcode, transcodeInSteps } from './charset.ts';
import { finish, STEP } from './steps.ts';

function utf32(text: string, isLittle: boolean): Buffer {
  const out = Buffer.alloc(4 * Array.from(text).length);
  Array.from(text).forEach((character, i) => {
    // Each has one.
    const c = character.codePointAt(0) as number;
    if (isLittle) out.writeUInt32LE(c, 4 * i);
    else out.writeUInt32BE(c, 4 * i);
  });
  return out;
}

const CHARSETS: Record<string, [declared: string | undefined, encode: (text: string) => Buffer]> = {
  'UTF-8': ['utf-8', (text) => Buffer.from(text)],
  'UTF-16 LE': ['utf-16le', (text) => Buffer.from(text, 'utf16le')],
  'UTF-16 BE': ['utf-16be', (text) => Buffer.from(text, 'utf16le').swap16()],
  'UTF-16 with a mark': ['utf-16', (text) => Buffer.from(`\ufeff${text}`, 'utf16le')],
  'UTF-32 LE': [undefined, (text) => utf32(text, true)],
  'UTF-32 BE': [undefined, (text) => utf32(text, false)],
};

describe('text comes back as it was, also in pieces, wherever they part it', () => {
  for (const [name, [declared, encode]] of Object.entries(CHARSETS)) {
    test(name, () => {
      const pieces = fc.constantFrom(
        'a',
        'é',
        '用',
        '😀',
        'x'.repeat(STEP / 2 - 3),
        '😀'.repeat(STEP / 4),
        'xé'.repeat(STEP / 3),
      );
      fc.assert(
        fc.property(fc.array(pieces, { minLength: 1, maxLength: 4 }), (pieces) => {
          const text = `{"${pieces.join('')}"}`;
          const bytes = encode(text);
          const read = transcode(bytes, declared);
          assert.ok(typeof read === 'object');
          assert.equal(Buffer.from(read.utf8).toString().replace('\ufeff', ''), text);
          assert.ok(Buffer.from(read.encode(read.utf8)).equals(bytes));
        }),
        { numRuns: 40 },
      );
    });
  }

  test('ISO-8859-1, with what it has no characters for', () => {
    const bytes = Buffer.from('aé\u00ff'.repeat(STEP), 'latin1');
    const read = transcode(bytes, 'iso-8859-1');
    assert.ok(typeof read === 'object');
    assert.ok(Buffer.from(read.encode(read.utf8)).equals(bytes));
    assert.equal(Buffer.from(read.encode(Buffer.from('é用😀x'.repeat(STEP)))).toString('latin1'), 'é??x'.repeat(STEP));
  });
});

test('a lone surrogate is no text, wherever it stands', () => {
  for (const before of [10, STEP / 2 - 2, STEP / 2 - 1, STEP / 2, STEP]) {
    const bytes = Buffer.from(`"${'x'.repeat(before)}\ud83dy${'x'.repeat(STEP)}"`, 'utf16le');
    assert.equal(transcode(bytes, 'utf-16le'), 'malformed');
  }
});

test('large texts are converted in steps, there and back', () => {
  const steps = transcodeInSteps(Buffer.from('x'.repeat(2 ** 20), 'utf16le'), 'utf-16le');
  let count = 0;
  let read = steps.next();
  for (; !read.done; read = steps.next()) count++;
  assert.ok(count >= 2 ** 21 / STEP - 1);
  assert.ok(typeof read.value === 'object');
  const back = read.value.encodeInSteps(read.value.utf8);
  assert.equal(back.next().done, false);
  assert.equal(finish(back).length, 2 ** 21);
});
