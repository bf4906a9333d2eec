import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { applyEdits } from './edits.ts';
import { finish } from './steps.ts';
import { mapFromView, mayHide, viewOf } from './view.ts';
import { ViewReader } from './view-reader.ts';

/** Everything that the view knows of, and what it must leave alone. */
const PIECES = [
  'a',
  '4',
  '@',
  '.',
  ' ',
  'é',
  '用',
  '😀',
  '\ud83d',
  '\udfce',
  '\ud835',
  '\ud835\udfce',
  '\ud835\udc1a',
  '\udb40\udc41',
  '１',
  'ａ',
  '٣',
  '①',
  '–',
  '−',
  '\u00a0',
  '\u200b',
  '\u00ad',
  '\u0301',
  '\u20e3',
  '。',
  '．',
  '·',
  '＠',
  '\\',
  '\\\\',
  '\\\\\\',
  '\\'.repeat(16),
  'n',
  'u',
  'u0040',
  'u00',
  '40',
  '\\n',
  '\\"',
  '\\u0040',
  '\\\\u0040',
  '\\uff11',
  '\\ud835',
  '\\udfce',
  '\\u200b',
  '\\u3002',
  '\\x',
  '\\u12',
];
const text = fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => pieces.join(''));

describe('the view', () => {
  const rows: [name: string, text: string, view: string][] = [
    ['full-width digits, letters and signs', '４１１１－ａｂ＿＠．ｃ', '4111-ab_@.c'],
    ['digits of any script', '٣३๓᠓𝟛𝟹𞥓', '3333333'],
    ['digits in circles, discs and above the line', '①❶➀⓪⓿²₂', '1110022'],
    ['letters of other styles', '𝐚𝓫ⓒª', 'abca'],
    ['dashes', '‐‑‒–—−﹣－ー', '---------'],
    ['spaces', '\u00a0\u2003\u202f\u3000', '    '],
    ['zero-width characters', '1\u200b2\u2060\ufeff3\u00ad\u200d\u{e0041}\ufe0f', '123'],
    ['combining characters', '1\u0336\u20e32\u0301', '12'],
    ['dots of other scripts in a name', 'b。io b．ｉｏ b\u2024\u200bio b·\ud835\udc22', 'b.io b.io b.io b.i'],
    ['the same between other texts', 'b.io。谢谢 · ． ４', 'b.io。谢谢 · ． 4'],
    ['escapes', 'a\\u0040b\\u002eio\\n\\"\\/', 'a@b.io\n"/'],
    ['escapes of look-alikes, and of pairs', '\\uff11\\u200b\\ud835\\udfce\ud835\\udfce', '100'],
    ['escapes that were escaped again', '\\\\u0040 \\\\\\\\u0040 \\\\\\\\\\\\\\\\n', '@ @ \n'],
    ['backslashes', 'C:\\dir \\x \\\\server \\u12 \\', 'C:\\dir \\x \\server \\u12 \\'],
  ];
  for (const [name, text, view] of rows) {
    test(name, () => {
      assert.equal(viewOf(text).text, view);
      assert.ok(mayHide(text));
    });
  }

  test('most text is its own view', () => {
    for (const text of ['', 'plain', 'café “quoted” …', '日本語と中文、한국어', '😀 naïve', 'Привет', 'x = "y"; {}']) {
      assert.equal(mayHide(text), false, text);
      assert.equal(viewOf(text).text, text);
    }
  });

  test('what may go on as something else may hide something', () => {
    for (const text of ['\\', 'a\\u00', 'b。', '\ud835', '\\\\']) assert.ok(mayHide(text), text);
  });

  test('a match in it is found again in the text, with what was left out in between, and without what was around', () => {
    const text = 'x\u200b４\u0301\\u0031\u200b\u200b1\\ud835\\udfce\u200by';
    const view = viewOf(text);
    assert.equal(view.text, 'x4110y');
    const edits = finish(mapFromView(view, { places: [1, 5], texts: ['#'] }));
    assert.equal(finish(applyEdits(text, edits)), 'x\u200b#\u200by');
  });

  test('what comes in the place of nothing comes right after what is before it', () => {
    const view = viewOf('12\u200b3');
    assert.deepEqual(finish(mapFromView(view, { places: [0, 2, 2, 2], texts: ['a', 'b'] })).places, [0, 2, 2, 2]);
  });

  test('each unit of it stands for units of its own, in order', () => {
    fc.assert(
      fc.property(text, (text) => {
        const view = viewOf(text);
        let done = 0;
        for (let i = 0; i < view.text.length; i++) {
          const { places } = finish(mapFromView(view, { places: [i, i + 1], texts: [''] }));
          const [start = -1, end = -1] = places;
          assert.ok(start >= done && end > start && end <= text.length);
          const own = text.slice(start, end);
          // Alone, it has the same view: but for a dot, which hangs on what comes after it.
          if (view.text[i] !== '.') assert.equal(viewOf(own).text, view.text[i]);
          assert.equal(viewOf(text.slice(done, start)).text.replace(/[\ud800-\udfff]/g, ''), '');
          done = end;
        }
      }),
      { numRuns: 5000 },
    );
  });

  test('all edits at once go where each goes alone', () => {
    const cases = text.chain((text) => {
      const { length } = viewOf(text).text;
      return fc.tuple(fc.constant(text), fc.uniqueArray(fc.nat({ max: length }), { maxLength: 8 }));
    });
    fc.assert(
      fc.property(cases, ([text, places]) => {
        places.sort((a, b) => a - b);
        if (places.length % 2 === 1) places.pop();
        const view = viewOf(text);
        const texts = Array<string>(places.length / 2).fill('X');
        const alone = texts.flatMap(
          (_, i) => finish(mapFromView(view, { places: places.slice(2 * i, 2 * i + 2), texts: ['X'] })).places,
        );
        assert.deepEqual(finish(mapFromView(view, { places, texts })), { places: alone, texts });
      }),
      { numRuns: 3000 },
    );
  });
});

describe('the view of pieces', () => {
  test('is the view of the whole wherever it is cut, and every unit of the pieces is in it', () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat({ max: 60 }), { maxLength: 8 }), (text, cuts) => {
        const reader = new ViewReader();
        const places = [0, ...cuts.filter((cut) => cut < text.length).sort((a, b) => a - b), text.length];
        const runs = places.slice(1).flatMap((end, i) => reader.push(text.slice(places[i], end)));
        assert.ok(reader.held <= 64);
        runs.push(...reader.end());
        assert.equal(reader.held, 0);
        assert.equal(runs.map(({ raw }) => raw).join(''), text);
        assert.equal(runs.map((run) => run.text).join(''), viewOf(text).text);
        for (const run of runs) assert.ok(run.raw === run.text || run.text.length <= 1);
      }),
      { numRuns: 10_000 },
    );
  });

  test('holds back only what is not decided', () => {
    const reader = new ViewReader();
    const pushed = (text: string) =>
      reader
        .push(text)
        .map((run) => run.text)
        .join('');
    assert.equal(pushed('word é 用 '), 'word é 用 ');
    assert.equal(reader.held, 0);
    assert.equal(pushed('a\\u00'), 'a');
    assert.equal(reader.held, 4);
    assert.equal(pushed('40b'), '@b');
    assert.equal(pushed('b。'), 'b');
    assert.equal(pushed('谢'), '。谢');
    assert.equal(pushed('\ud83d'), '');
    assert.equal(pushed('\ude00'), '😀');
    assert.equal(pushed('\\x'), '\\x');
    assert.equal(pushed('\\u0g'), '\\u0g');
  });

  test('what is what it seems is one run', () => {
    const text = 'x'.repeat(1000);
    assert.deepEqual(new ViewReader().push(text), [{ text, raw: text, edited: false }]);
  });

  test('very many backslashes are not held', () => {
    const reader = new ViewReader();
    for (let i = 0; i < 1000; i++) reader.push('\\'.repeat(99));
    assert.ok(reader.held <= 16);
  });
});
