import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type KeyedHash, replacer } from './style.ts';

function replace(name: string, style: 'mask' | 'hash', match: string, hash?: KeyedHash): string {
  const replaced = replacer({ name, style, text: '[REDACTED]' }, hash);
  assert.ok(typeof replaced === 'function');
  return replaced(match);
}

test('the replacement text stands for itself', () => {
  assert.equal(replacer({ name: 'x', style: 'replace', text: '$1' }, undefined), '$1');
});

describe('a mask', () => {
  const rows: [match: string, masked: string][] = [
    ['4111-1111-1111-1234', '****-****-****-1234'],
    ['4111111111111234', '************1234'],
    ['４１１１ １１１１ １１１１ １２３４', '**** **** **** １２３４'],
    ['123-45-6789', '***-**-6789'],
    ['+1 (415) 555-2671', '+* (***) ***-2671'],
    ['DE89 3704 0044 0532 0130 00', '**** **** **** **** **30 00'],
    ['jane.doe@example.com', '****.***@******e.com'],
    ['a@b.io', '*@*.**'],
    ['hunter2', '*******'],
    ['10.0.0.1', '**.*.*.*'],
    ['𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏', '************𝟏𝟏𝟏𝟏'],
    ['--', '--'],
  ];
  for (const [match, masked] of rows) test(masked, () => assert.equal(replace('x', 'mask', match), masked));

  test('keeps the form, shows no more than the last four, and less than half of it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), (match) => {
        const masked = replace('x', 'mask', match);
        const shown = masked.match(/[\p{L}\p{N}]/gu)?.length ?? 0;
        const all = match.match(/[\p{L}\p{N}]/gu)?.length ?? 0;
        assert.ok(shown === 0 || (shown === 4 && all >= 9));
        assert.equal(masked.replace(/[\p{L}\p{N}*]/gu, ''), match.replace(/[\p{L}\p{N}*]/gu, ''));
      }),
    );
  });
});

describe('a hash', () => {
  const seen: [string, string][] = [];
  const hash: KeyedHash = (rule, canonical) => {
    seen.push([rule, canonical]);
    return '0123456789abcdef';
  };

  test('carries the name of the rule', () => {
    assert.equal(replace('credit_card', 'hash', '4111111111111111', hash), '[CREDIT-CARD:0123456789abcdef]');
  });

  test('is made of the same for the same value, however it is written', () => {
    const values: [rule: string, canonical: string, ...written: string[]][] = [
      [
        'credit_card',
        '4111111111111111',
        '4111 1111 1111 1111',
        '4111-1111-1111-1111',
        '４１１１１１１１１１１１１１１１',
        '4111\u200b111111111111',
      ],
      ['ssn', '123456789', '123-45-6789', '123 45 6789', String.raw`123\u002d45-6789`],
      ['iban', 'de89370400440532013000', 'DE89 3704 0044 0532 0130 00', 'de89370400440532013000'],
      ['email', 'jane@x.io', 'Jane@X.io', 'jane＠x.io', 'ja\u00adne@x.io'],
      ['ipv4', '10.0.0.1', '10.0.0.1'],
      ['own', 'ab-12', 'AB-12', 'ＡＢ－12'],
    ];
    for (const [rule, canonical, ...written] of values) {
      seen.length = 0;
      for (const match of written) replace(rule, 'hash', match, hash);
      assert.deepEqual(
        seen,
        written.map(() => [rule, canonical]),
      );
    }
  });

  test('needs a key', () => {
    assert.throws(() => replacer({ name: 'x', style: 'hash', text: '' }, undefined), /key/);
  });
});
