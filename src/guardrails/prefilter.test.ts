import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createEngine } from './engine.ts';
import { unescapeJson } from './escapes.ts';
import { inspect } from './inspect.ts';
import { lookalikeOf } from './lookalikes.ts';
import { mayHoldBuiltInBytes } from './prefilter.ts';
import { viewOf } from './view.ts';

/** Of numbers and addresses, and what hides them. */
const unit = fc.constantFrom(
  '1',
  '4',
  '45',
  '123',
  '6789',
  '123-45-6789',
  '4111 1111 1111 1111',
  '4111111111111111',
  '378282246310005',
  '4111',
  '1111',
  '-',
  ' ',
  '.',
  'a',
  'EE62',
  '5178 0297 9925 7716',
  '@',
  'b.io',
  'a@b.io',
  'é',
  '用',
  '。',
  '😀',
  '１',
  '４１１１',
  '𝟏',
  '\u200b',
  '\u0301',
  '–',
  '\u00a0',
  '\u3000',
  '＠',
  '．',
  '\\u200b',
  '\\u0301',
  '\\u2013',
  '\\u00a0',
  '\\uff11',
  '\\ud835\\udfcf',
  '\\uff20',
  '\\u4f60',
  '\\u0040',
  '\\\\u0031',
  '\\n',
  '\\"',
);
const raw = fc.array(unit, { maxLength: 9 }).map((units) => units.join(''));
const { rules } = createEngine();
const finds = (text: string): boolean => rules.some(({ find }) => find(text, { left: 1e6 }).length > 0);

describe('the quick look at bytes', () => {
  test('never hides what a default rule finds in any reading', () => {
    fc.assert(
      fc.property(raw, (raw) => {
        const plain = unescapeJson(raw).text;
        if (![raw, plain, viewOf(raw).text, viewOf(plain).text].some(finds)) return;
        for (const text of [raw, `{"a":"${raw}"}`]) {
          const bytes = Buffer.from(text);
          assert.ok(mayHoldBuiltInBytes(bytes, bytes.toString('latin1')));
        }
      }),
      { numRuns: 30_000 },
    );
  });

  test('changes nothing: with a rule that finds nothing, for which it is not taken, all is as without', () => {
    const slow = createEngine([{ name: 'none', type: 'keyword', pattern: '\u0000', action: 'redact' }]);
    const fast = createEngine();
    const number = fc.constantFrom('4111111111111111.0', '4.111111111111111e15', '4111111111111111', '12.5', '1e5');
    const value = fc.oneof({ weight: 4, arbitrary: raw.map((raw) => `"${raw}"`) }, { weight: 1, arbitrary: number });
    const body = fc.oneof(
      fc.array(value, { maxLength: 4 }).map((values) => `[${values.join(', ')}]`),
      raw,
      value,
    );
    const type = fc.constantFrom('application/json', 'text/plain', 'application/x-www-form-urlencoded', undefined);
    fc.assert(
      fc.property(body, type, (body, type) => {
        const bytes = Buffer.from(body);
        const one = inspect(fast, bytes, type);
        const other = inspect(slow, bytes, type);
        assert.equal(Buffer.from(one.bytes).toString(), Buffer.from(other.bytes).toString());
        assert.deepEqual(one.hits, other.hits);
        assert.equal(one.unreadable, other.unreadable);
      }),
      { numRuns: 10_000 },
    );
  });

  test('sees a match at every place of a long body, whatever parts it', () => {
    const engine = createEngine();
    for (const match of [
      '4111 1111 1111 1111',
      '４１１１１１１１１１１１１１１１',
      '1\u200b23-45-\u03016789',
      'a＠b.io',
    ]) {
      for (const around of ['word ', '用 ', '用户', '7 ']) {
        for (let before = 32_700; before < 32_860; before += 7) {
          const text = `${around.repeat(before).slice(0, before)} x ${match} x ${around.repeat(9000)}`;
          assert.equal(inspect(engine, Buffer.from(text), 'text/plain').hits.length, 1);
        }
      }
    }
  });

  test('knows all characters that stand for @', () => {
    const ats = [];
    for (let c = 128; c < 0x110000; c++) if (lookalikeOf(c) === 64) ats.push(c.toString(16));
    assert.deepEqual(ats, ['fe6b', 'ff20']);
  });
});
