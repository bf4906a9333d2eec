import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decodeBytes, editInSteps, unitBytes } from './bytes.ts';
import { applyEdits, composeEdits, type Edits } from './edits.ts';
import { mapToJson, unescapeJson } from './escapes.ts';
import { finish } from './steps.ts';

/** Edits of a text of some length: sorted places, taken in pairs, none of them empty. */
function edits(length: number): fc.Arbitrary<Edits> {
  return fc
    .uniqueArray(fc.nat({ max: length }), { maxLength: 10 })
    .chain((places) =>
      fc.tuple(fc.constant(places.sort((a, b) => a - b)), fc.infiniteStream(fc.constantFrom('', 'X', 'YYY'))),
    )
    .map(([places, texts]) => {
      const pairs = places.length >> 1;
      return { places: places.slice(0, 2 * pairs), texts: Array.from({ length: pairs }, () => texts.next().value) };
    });
}

function apply(text: string, edits: Edits): string {
  return finish(applyEdits(text, edits));
}

test('composed edits do what the two do one after the other, and stay in order', () => {
  const cases = fc
    .string({ maxLength: 30 })
    .chain((text) =>
      edits(text.length).chain((first) =>
        fc.tuple(fc.constant(text), fc.constant(first), edits(apply(text, first).length)),
      ),
    );
  fc.assert(
    fc.property(cases, ([text, first, second]) => {
      const both = finish(composeEdits(first, second));
      assert.equal(both.places.length, 2 * both.texts.length);
      assert.equal(apply(text, both), apply(apply(text, first), second));
      let done = 0;
      for (const place of both.places) {
        assert.ok(place >= done);
        done = place;
      }
    }),
    { numRuns: 5000 },
  );
});

test('bytes come back from text as they were, valid UTF-8 or not', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => Uint8Array.from(Buffer.from(text))),
    fc
      .array(
        fc.constantFrom(
          [0xc3, 0xa9],
          [0xe2, 0x82, 0xac],
          [0xf0, 0x9f, 0x98, 0x80],
          [0xed, 0xa0, 0x80],
          [0xe2, 0x82],
          [0xff],
          [0x61],
        ),
      )
      .map((parts) => Uint8Array.from(parts.flat())),
  );
  fc.assert(
    fc.property(bytes, (bytes) => {
      const decoded = decodeBytes(bytes);
      let size = 0;
      for (let i = 0; i < decoded.text.length; i++) size += unitBytes(decoded.text, i);
      assert.equal(decoded.byteForUnit ? decoded.text.length : size, bytes.length);
      // Puts X for each unit, leaving all others.
      for (let i = 0; i < decoded.text.length; i++) {
        if (/[\ud800-\udfff]/.test(decoded.text[i] ?? '') && unitBytes(decoded.text, i) !== 1) continue;
        const out = finish(editInSteps(bytes, decoded, { places: [i, i + 1], texts: ['X'] }));
        const at = [...Array(i).keys()].reduce((sum, k) => sum + unitBytes(decoded.text, k), 0);
        assert.deepEqual([...out], [...bytes.subarray(0, at), 88, ...bytes.subarray(at + unitBytes(decoded.text, i))]);
      }
    }),
    { numRuns: 1000 },
  );
});

test('escapes are decoded as JSON.parse decodes them, and edits find their way back', () => {
  const raw = fc
    .array(fc.constantFrom('a', 'é', '\\n', '\\"', '\\\\', '\\/', '\\u0040', '\\u00E9', '\\ud83d\\ude00', '@'), {
      maxLength: 20,
    })
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(
      raw.chain((raw) => fc.tuple(fc.constant(raw), edits(unescapeJson(raw).text.length))),
      ([raw, edits]) => {
        const unescaped = unescapeJson(raw);
        assert.equal(unescaped.text, JSON.parse(`"${raw}"`));
        const mapped = finish(mapToJson(unescaped, edits, 3));
        const out = apply(`---${raw}`, mapped).slice(3);
        assert.equal(JSON.parse(`"${out}"`), apply(unescaped.text, edits));
      },
    ),
    { numRuns: 2000 },
  );
});

test('what is no escape stays', () => {
  assert.equal(unescapeJson('\\x \\u12 \\u00zz \\').text, '\\x \\u12 \\u00zz \\');
});
