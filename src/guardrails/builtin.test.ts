import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCards } from './card.ts';
import { findEmails } from './email.ts';
import type { Spans } from './rule.ts';
import { findSsns } from './ssn.ts';

function found(find: (text: string) => Spans, text: string): string[] {
  const spans = find(text);
  return Array.from({ length: spans.length / 2 }, (_, i) => text.slice(spans[2 * i], spans[2 * i + 1]));
}

/** Each row: a text and what is found in it. */
function table(name: string, find: (text: string) => Spans, rows: readonly (readonly [string, ...string[]])[]): void {
  test(name, async (t) => {
    for (const [text, ...expected] of rows) {
      await t.test(JSON.stringify(text.slice(0, 80)), () => assert.deepEqual(found(find, text), expected));
    }
  });
}

table('SSN', findSsns, [
  ['123-45-6789', '123-45-6789'],
  ['123 45 6789', '123 45 6789'],
  ['ssn: 123-45-6789.', '123-45-6789'],
  ['(123-45-6789), 899-99-9999', '123-45-6789', '899-99-9999'],
  ['社会123-45-6789号', '123-45-6789'],
  ['line\\n123-45-6789', '123-45-6789'],
  ['ends 123-45-6789. 5 more', '123-45-6789'],
  ['1x 123-45-6789 078-05-1120', '123-45-6789', '078-05-1120'],
]);

table('what looks like an SSN', findSsns, [
  ['000-12-3456'],
  ['666-12-3456'],
  ['900-12-3456'],
  ['987-65-4321'],
  ['123-00-4567'],
  ['123-45-0000'],
  ['123456789'],
  ['123-45 6789'],
  ['123.45.6789'],
  ['1123-45-6789'],
  ['123-45-67890'],
  ['a123-45-6789'],
  ['123-45-6789x'],
  ['_123-45-6789'],
  ['+44 123 45 6789'],
  ['1-123-45-6789'],
  ['123-45-6789-01'],
  ['0.123-45-6789'],
  ['123-45-6789.5'],
  ['555-123-4567'],
  ['(415) 555-2671'],
  ['2026-01-02 03:04:05'],
  ['978-3-16-148410-0'],
  ['550e8400-e29b-41d4-a716-446655440000'],
]);

table('card', findCards, [
  ['4111111111111111', '4111111111111111'],
  ['4111 1111 1111 1111', '4111 1111 1111 1111'],
  ['4111-1111-1111-1111', '4111-1111-1111-1111'],
  ['4111-1111 1111-1111', '4111-1111 1111-1111'],
  ['5555555555554444', '5555555555554444'],
  ['2223003122003222', '2223003122003222'],
  ['378282246310005', '378282246310005'],
  ['3782 822463 10005', '3782 822463 10005'],
  ['3056 930902 5904', '3056 930902 5904'],
  ['6011111111111117', '6011111111111117'],
  ['3530111333300000', '3530111333300000'],
  ['6200000000000005', '6200000000000005'],
  ['4222222222222', '4222222222222'],
  ['4-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1', '4-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1'],
  ['41 11 11 11 11 11 11 11', '41 11 11 11 11 11 11 11'],
  ['4111 1111 1111 1111 12/29 123', '4111 1111 1111 1111'],
  ['4111111111111111 123', '4111111111111111'],
  ['12 4111-1111-1111-1111 123', '4111-1111-1111-1111'],
  ['2026-01-02 4111111111111111', '4111111111111111'],
  ['4111111111111111 5555555555554444', '4111111111111111', '5555555555554444'],
  ['4111 1111 1111 1111 5555 5555 5555 4444', '4111 1111 1111 1111', '5555 5555 5555 4444'],
  ['order-4111111111111111.', '4111111111111111'],
  ['x\\n4111111111111111', '4111111111111111'],
]);

table('what looks like a card', findCards, [
  ['4111111111111112'],
  ['4111 1111 1111 1112'],
  ['1234567812345670'],
  ['0000000000000000'],
  ['411111111111111'],
  ['41111111111111111111'],
  ['4111  1111 1111 1111'],
  ['0.4111111111111111'],
  ['4111111111111111.5'],
  ['a4111111111111111'],
  ['4111111111111111f'],
  ['id_4111111111111111'],
  ['1767225600000'],
  ['1767225600000123'],
  ['2026-01-02T03:04:05.123456789Z'],
  ['2026-01-02 2026-01-03'],
  ['+1 415 555 2671, +1 415 555 2672'],
  ['978-3-16-148410-0'],
  ['4006381333931'],
  ['550e8400-e29b-41d4-a716-446655440000'],
  ['00000000-0000-4000-8000-000000000000'],
  ['f47ac10b-4532-0151-1283-036600000000'],
  ['1234567890123456789'],
  ['d41d8cd98f00b204e9800998ecf8427e'],
  ['10.0.17763.4111'],
  ['9'.repeat(100)],
  ['1 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1'],
]);

const LOCAL = 'l'.repeat(64);
const LABEL = 'd'.repeat(63);

table('email', findEmails, [
  ['john@example.com', 'john@example.com'],
  ['<John.Doe+tag@mail.example.co.uk>', 'John.Doe+tag@mail.example.co.uk'],
  ["o'brien@example.com", "o'brien@example.com"],
  ["'john@example.com'", 'john@example.com'],
  ['mailto:john@example.com?x=1', 'john@example.com'],
  ['a@b.io, c@d.io', 'a@b.io', 'c@d.io'],
  ['a@b.io@c.io', 'a@b.io'],
  ['x.@docomo.ne.jp', 'x.@docomo.ne.jp'],
  ['.john@example.com.', 'john@example.com'],
  ['john@example.com.5', 'john@example.com'],
  ['john@example.com_x', 'john@example.com'],
  ['josé@exämple.de', 'josé@exämple.de'],
  ['用户@例子.广告', '用户@例子.广告'],
  ['邮箱是john@example.com，谢谢', 'john@example.com'],
  ['邮箱john@example.com是我的', 'john@example.com'],
  ['a@xn--bcher-kva.xn--p1ai', 'a@xn--bcher-kva.xn--p1ai'],
  [`${LOCAL}@example.com`, `${LOCAL}@example.com`],
  [`a@${LABEL}.com`, `a@${LABEL}.com`],
  ['\\njohn@example.com', 'john@example.com'],
  ['\\u00e9john@example.com', 'john@example.com'],
  ['git@github.com:org/repo', 'git@github.com'],
]);

table('what looks like an email', findEmails, [
  ['@example.com'],
  ['john@'],
  ['john@localhost'],
  ['john@example.c'],
  ['john@-example.com'],
  ['john@example..com'],
  ['john@.com'],
  ['john@1.2.3'],
  ['lodash@4.17.21'],
  ['@types/node@26.6.6'],
  ['image@sha256:abcdef'],
  ['hey @someone. How'],
  ['john @example.com'],
  ['john@[10.0.0.1]'],
  ['...@example.com'],
  ['😀@example.com'],
  [`x${LOCAL}@example.com`],
  [`a@x${LABEL}.com`],
]);

test('a domain is at most 253 long: what fits is taken', () => {
  const text = `a@${'abc.'.repeat(100)}com`;
  const [match = ''] = found(findEmails, text);
  assert.ok(match.length > 240 && match.length <= 255);
});
