import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCards } from './card.ts';
import { CATALOGUE, HINT } from './catalogue.ts';
import { findEmails } from './email.ts';
import { ibanDetector } from './iban.ts';
import { ipv4Detector, ipv6Detector } from './ip.ts';
import { phoneDetector } from './phone.ts';
import { routingDetector } from './routing.ts';
import type { Find, Spans } from './rule.ts';
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
  ['SSN: 123456789', '123456789'],
  ['my ssn is 123456789.', '123456789'],
  ['social security number: 123456789', '123456789'],
  ['Social Security No. 123456789', '123456789'],
  ['Soc. Sec. # 123456789', '123456789'],
  ['SS#: 123456789, S.S.N. 234567890', '123456789', '234567890'],
  ['employeeSsn=123456789&x=1', '123456789'],
  ['<SSN>123456789</SSN>', '123456789'],
  ['{\\"ssn\\": \\"123456789\\"}', '123456789'],
  ['SSNs 123456789, 234567890', '123456789', '234567890'],
  ['SSN of John Smith: 123456789', '123456789'],
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
  ['session 123456789, assn 123456789, classname 123456789'],
  ['SSN missing, order 123456789'],
  ['"ssn": null, "id": 123456789'],
  ['SSN 000123456, SSN 666123456, SSN 912345678, SSN 123005678, SSN 123450000'],
  ['SSN 1234567890'],
  ['SSN 123456789-1'],
  ['SSN and then many words more, 123456789'],
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
  ['4111 1111 1111 1111 123', '4111 1111 1111 1111'],
  ['4111 1111 1111 1111 0927 123', '4111 1111 1111 1111'],
  ['4111 1111 1111 1111 2027', '4111 1111 1111 1111'],
  ['VISA 4111 1111 1111 1111', '4111 1111 1111 1111'],
  ['2027 4111 1111 1111 1111', '4111 1111 1111 1111'],
  ['4111111111111111 5678', '4111111111111111'],
  ['+4111111111111111', '4111111111111111'],
  ['9792000000000003', '9792000000000003'],
  ['5019000000000008', '5019000000000008'],
  ['501800000009', '501800000009'],
  ['213100000000001', '213100000000001'],
  ['4222222222222', '4222222222222'],
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
  ['4111 1111 1111 1111 5678 90'],
  ['1234 4111 1111 1111 1111 56'],
  ['1234 5678 4111 1111 1111 1111'],
  ['IT53 X540 4111 1111 1111 1111 002'],
  ['DE89 4111 1111 1111 1111 00'],
  ['RO34-KHQN-4111-1111-1111-1111'],
  ['+378 282246310005'],
  ['+37 828 22463100 05'],
  ['4111 1 1111 111 1111'],
  ['EAN 4006381333931, 4090740841991'],
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
  ['x@2x.com, y@163.com', 'x@2x.com', 'y@163.com'],
  ['ada@example.com.json', 'ada@example.com'],
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
  ['logo@2x.png, icon@3x.WEBP, a@1.5x.jpeg'],
  ['pkg@1.2.3-rc.next, actions/x@v1.2.beta'],
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

function searching(find: Find): (text: string) => Spans {
  return (text) => find(text, { left: 1e6 });
}

table('phone', searching(phoneDetector.find), [
  ['+14155552671', '+14155552671'],
  ['+1 (415) 555-2671', '+1 (415) 555-2671'],
  ['+1-415-555-2671, +1.415.555.2671', '+1-415-555-2671', '+1.415.555.2671'],
  ['+44 20 7183 8750', '+44 20 7183 8750'],
  ['+44 (0)20 7183 8750', '+44 (0)20 7183 8750'],
  ['+33 6 12 34 56 78', '+33 6 12 34 56 78'],
  ['+49 30/12345678', '+49 30/12345678'],
  ['+86 138 1234 5678', '+86 138 1234 5678'],
  ['+91 98765 43210', '+91 98765 43210'],
  ['+800 1234 5678', '+800 1234 5678'],
  ['0044 20 7183 8750', '0044 20 7183 8750'],
  ['011 44 20 7183 8750', '011 44 20 7183 8750'],
  ['001-415-555-2671x123', '001-415-555-2671x123'],
  ['(415) 555-2671', '(415) 555-2671'],
  ['(415)555-2671', '(415)555-2671'],
  ['tel (415) 555 2671.', '(415) 555 2671'],
  ['415-555-2671', '415-555-2671'],
  ['415.555.2671', '415.555.2671'],
  ['415 555 2671', '415 555 2671'],
  ['415/555-2671', '415/555-2671'],
  ['1-800-356-9377', '1-800-356-9377'],
  ['1 (415) 555-2671', '1 (415) 555-2671'],
  ['1(415)555-2671', '1(415)555-2671'],
  ['(415) 555-2671 ext. 12, now', '(415) 555-2671 ext. 12'],
  ['415-555-2671 x9', '415-555-2671 x9'],
  ['tel:+14155552671;ext=12', '+14155552671;ext=12'],
  ['415-555-2671 extra', '415-555-2671'],
  ['call +1 415 555 2671 2026 times', '+1 415 555 2671'],
  ['x\\n+14155552671', '+14155552671'],
  ['手机+8613812345678。', '+8613812345678'],
  ['(+49) 151 21444926', '(+49) 151 21444926'],
  ['(+49 151 21444926)', '+49 151 21444926'],
  ['(555) 123-4567', '(555) 123-4567'],
  ['+44 7700 900123', '+44 7700 900123'],
  ['Call me at 4155552671 after 5pm.', '4155552671'],
  ['phone_number_1: 020 7183 8750', '020 7183 8750'],
  ['Tel. (030) 24423956, fax 0151 27200583', '(030) 24423956', '0151 27200583'],
  ['my phone number is 14155552671', '14155552671'],
]);

table('what looks like a phone', searching(phoneDetector.find), [
  ['4155552671'],
  ['14155552671'],
  ['415-155-2671'],
  ['123-456-7890'],
  ['+1 415 555'],
  ['+0 415 555 2671'],
  ['+999 123 456 789'],
  ['++14155552671'],
  ['x+14155552671'],
  ['1+14155552671'],
  ['2026-01-02 03:04:05'],
  ['2026-01-02T03:04:05+01:00'],
  ['1767225600000'],
  ['550e8400-e29b-41d4-a716-446655440000'],
  ['d41d8cd98f00b204e9800998ecf8427e'],
  ['123-45-6789'],
  ['4111 1111 1111 1111'],
  ['4111-1111-1111-1111'],
  ['192.168.100.200'],
  ['10.0.17763.4111'],
  ['order 100-2026-4155552671'],
  ['7-415-555-2671'],
  ['415-555-2671-01'],
  ['415 555 2671 1234'],
  ['a415-555-2671'],
  ['415-555-26712'],
  ['415-555-2671.5'],
  ['978-3-16-148410-0'],
  ['0.415 555 2671'],
  ['+12,345,678,901'],
  ['IT22 D779 5840 0045 2123 1857 835'],
  ['id=006-23-2677-100'],
  ['020 7183 8750'],
  ['call the order 4155552671'],
  ['the context 0123456789'],
]);

table('IBAN', searching(ibanDetector.find), [
  ['DE89370400440532013000', 'DE89370400440532013000'],
  ['DE89 3704 0044 0532 0130 00', 'DE89 3704 0044 0532 0130 00'],
  ['gb29nwbk60161331926819', 'gb29nwbk60161331926819'],
  ['GB82 West 1234 5698 7654 32 and on', 'GB82 West 1234 5698 7654 32'],
  ['NL91-ABNA-0417-1643-00', 'NL91-ABNA-0417-1643-00'],
  ['FR14 2004 1010 0505 0001 3M02 606', 'FR14 2004 1010 0505 0001 3M02 606'],
  ['MT84MALT011000012345MTLCAST001S', 'MT84MALT011000012345MTLCAST001S'],
  ['NO93 8601 1117 947', 'NO93 8601 1117 947'],
  ['MU17BOMM0101101030300200000MUR', 'MU17BOMM0101101030300200000MUR'],
  ['BR1800360305000010009795493C1', 'BR1800360305000010009795493C1'],
  ['SA0380000000608010167519', 'SA0380000000608010167519'],
  ['IBAN:BE68539007547034.', 'BE68539007547034'],
  ['\\nBE68 5390 0754 7034', 'BE68 5390 0754 7034'],
]);

table('what looks like an IBAN', searching(ibanDetector.find), [
  ['DE89370400440532013001'],
  ['DE8937040044053201300'],
  ['DE893704004405320130000'],
  ['XX89370400440532013000'],
  ['xDE89370400440532013000'],
  ['DE89370400440532013000x'],
  ['DE89  3704 0044 0532 0130 00'],
  ['DE89 3704-0044 0532 0130 00'],
  ['GB82123412345698765432'],
  ['be68 5390 years'],
  ['550e8400-e29b-41d4-a716-446655440000'],
]);

table('IPv4', searching(ipv4Detector.find), [
  ['10.0.0.1', '10.0.0.1'],
  ['http://192.168.1.20:8080/x', '192.168.1.20'],
  ['192.168.001.001', '192.168.001.001'],
  ['255.255.255.255.', '255.255.255.255'],
  ['10.0.0.1-10.0.0.9', '10.0.0.1', '10.0.0.9'],
  ['10.0.0.0/8', '10.0.0.0'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['\\n8.8.8.8', '8.8.8.8'],
  ['intersect 10.0.0.1.nip.io', '10.0.0.1'],
]);

table('what looks like IPv4', searching(ipv4Detector.find), [
  ['1.2.3'],
  ['1.2.3.4.5'],
  ['0.1.2.3.4'],
  ['256.1.1.1'],
  ['1.2.3.1000'],
  ['v1.2.3.4'],
  ['Version 1.2.3.4'],
  ['version: "1.2.3.4"'],
  ['Chrome/120.0.0.0 Safari/537.36'],
  ['1.2.3.4-rc1'],
  ['10.0.17763.4111'],
  ['1..2.3.4'],
  ['section 3.9.6.8, Chapter 6.4.1.8, § 1.2.3.4, | chapter | 5.7.2.6 |'],
  ['tool-1.2.3.4.tar.gz'],
]);

table('IPv6', searching(ipv6Detector.find), [
  ['2001:db8::1', '2001:db8::1'],
  ['2001:0db8:85a3:0000:0000:8a2e:0370:7334', '2001:0db8:85a3:0000:0000:8a2e:0370:7334'],
  ['[2001:DB8::1]:443', '2001:DB8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['2001:db8::/32', '2001:db8::'],
  ['::1', '::1'],
  ['::ffff:192.0.2.128', '::ffff:192.0.2.128'],
  ['64:ff9b::192.0.2.33', '64:ff9b::192.0.2.33'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ['1:2:3:4:5:6:192.0.2.1', '1:2:3:4:5:6:192.0.2.1'],
  ['src:2001:db8::1, fe80::2: refused', '2001:db8::1', 'fe80::2'],
  ['2001:db8::1.', '2001:db8::1'],
]);

table('what looks like IPv6', searching(ipv6Detector.find), [
  ['::'],
  ['std::foo'],
  ['a::b'],
  ['dead::beef'],
  ['x[1::2], x[::2], x[::10]'],
  ['12:30:45'],
  ['2026-01-02T03:04:05'],
  ['00:1a:2b:3c:4d:5e'],
  ['00:1a:2b:ff:fe:3c:4d:5e'],
  ['1:2:3:4:5:6:7:8:9'],
  ['1:2:3:4:5:6:7'],
  ['2001:db8::1::2'],
  ['12345::1'],
  ['2001:db8::1g'],
  ['::1.5'],
]);

table('US routing number', searching(routingDetector.find), [
  ['routing number 021000021', '021000021'],
  ['Routing: 021000021, account 123456789', '021000021'],
  ['ABA# 011401533', '011401533'],
  ['RTN=121000358', '121000358'],
  ['routing_number: 322271627', '322271627'],
  ['transit nos. 121000358 and 026009593', '121000358', '026009593'],
  ['⑆021000021⑆', '021000021'],
]);

table('what looks like a US routing number', searching(routingDetector.find), [
  ['021000021'],
  ['order 021000021'],
  ['routing 021000022'],
  ['routing 000000000'],
  ['routing 911000021'],
  ['routing 0210000210'],
  ['routing x021000021'],
  ['Alibaba 021000021'],
  [`routing ${'and so on '.repeat(5)}021000021`],
]);

test('what the key of a member tells of its value', async (t) => {
  const rows: [rule: string, keys: string, others: string, value: string][] = [
    [
      'ssn',
      'ssn,SSN,userSsn,employee_ssn,ssn_1,socialSecurityNumber,social-security-no,SOCIAL_SECURITY,soc_sec_no',
      'session,assn,classname,className,issn,lesson',
      '123456789',
    ],
    ['us_routing_number', 'routing_number,routingNumber,aba,ABA,bankAba,rtn', 'abacus,database,alibaba', '021000021'],
    [
      'phone',
      'phone,phoneNumber,home_phone,tel,mobileNo,fax,workFax,PHONE,tel_1',
      'phone_id,phoneId,hotel,telemetry,excel',
      '(11) 98765-4321',
    ],
    ['phone', 'phone', 'id', '4155552671'],
    [
      'aws_key',
      'aws_secret_access_key,SecretAccessKey,secret_key',
      'secret,access_key',
      'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    ],
  ];
  for (const [rule, keys, others, value] of rows) {
    await t.test(`${rule}: ${keys}`, () => {
      const detector = CATALOGUE.find(({ name }) => name === rule)?.detector;
      const hinted = detector?.hinted;
      assert.ok(detector !== undefined && hinted !== undefined);
      for (const key of keys.split(',')) assert.ok(hinted.key.test(key) && HINT.test(key), key);
      for (const key of others.split(',')) assert.ok(!hinted.key.test(key), key);
      assert.deepEqual(found(searching(detector.find), value), []);
      assert.deepEqual(found(searching(hinted.detector.find), value), [value]);
      assert.ok(hinted.detector.may?.(value));
    });
  }
});

test('under a key for versions, small numbers are no address', () => {
  const hinted = ipv4Detector.hinted;
  assert.ok(hinted !== undefined);
  for (const key of ['version', 'appVersion', 'section_2']) assert.ok(hinted.key.test(key));
  for (const key of ['ip', 'host', 'version_host']) assert.ok(!hinted.key.test(key));
  assert.deepEqual(found(searching(hinted.detector.find), '9.5.2.8'), []);
  assert.deepEqual(found(searching(hinted.detector.find), '192.168.0.1'), ['192.168.0.1']);
});

test('personal data in order: no rule breaks up what a later one finds', () => {
  const names = CATALOGUE.slice(0, 8).map(({ name }) => name);
  const order = ['ssn', 'iban', 'credit_card', 'email', 'ipv6', 'ipv4', 'us_routing_number', 'phone'];
  assert.deepEqual(names, order);
});
