import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createEngine } from './engine.ts';
import { inspect } from './inspect.ts';
import type { RuleConfig } from './rule.ts';

const JSON_TYPE = 'application/json';

function run(body: string | Uint8Array, type: string | undefined, configs: readonly RuleConfig[] = []) {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const inspection = inspect(createEngine(configs), bytes, type);
  return { ...inspection, text: Buffer.from(inspection.bytes).toString(), same: inspection.bytes === bytes };
}

describe('rules with paths', () => {
  const rule = (rest: Partial<RuleConfig>): RuleConfig =>
    ({ name: 'word', type: 'keyword', pattern: 'heck', action: 'redact', replace: '#', ...rest }) as RuleConfig;
  const body = '{"heck":"heck","a":{"b":["heck",{"c":"heck"}],"heck":1},"d":"heck"}';
  const cases: [rest: Partial<RuleConfig>, left: string][] = [
    [{ paths: ['$.a'] }, '{"heck":"heck","a":{"b":["#",{"c":"#"}],"#":1},"d":"heck"}'],
    [{ paths: ['$.a.b[0]', '$.d'] }, '{"heck":"heck","a":{"b":["#",{"c":"heck"}],"heck":1},"d":"#"}'],
    [{ paths: ['$..c'] }, '{"heck":"heck","a":{"b":["heck",{"c":"#"}],"heck":1},"d":"heck"}'],
    [{ paths: ['$.heck'] }, '{"#":"#","a":{"b":["heck",{"c":"heck"}],"heck":1},"d":"heck"}'],
    [{ skip_paths: ['$.a.b', '$.heck'] }, '{"heck":"heck","a":{"b":["heck",{"c":"heck"}],"#":1},"d":"#"}'],
    [{ paths: ['$.a'], skip_paths: ['$.a.b[1]'] }, '{"heck":"heck","a":{"b":["#",{"c":"heck"}],"#":1},"d":"heck"}'],
  ];
  for (const [rest, left] of cases) {
    test(JSON.stringify(rest), () => {
      assert.equal(run(body, JSON_TYPE, [rule(rest)]).text, left);
      // Whatever the key is written like.
      const escaped = body.replace('"a"', '"\\u0061"');
      assert.equal(run(escaped, JSON_TYPE, [rule(rest)]).text, left.replace('"a"', '"\\u0061"'));
    });
  }

  test('in long strings too', () => {
    const long = 'x '.repeat(20_000);
    const { text } = run(JSON.stringify({ a: `${long}heck`, d: `${long}heck` }), JSON_TYPE, [rule({ paths: ['$.d'] })]);
    assert.equal(text, JSON.stringify({ a: `${long}heck`, d: `${long}#` }));
  });

  test('of built-in rules, with the other rules everywhere', () => {
    const configs: RuleConfig[] = [{ type: 'builtin', name: 'email', enabled: true, skip_paths: ['$.user.email'] }];
    const { text, hits } = run('{"user":{"email":"a@b.io 123-45-6789"},"to":"a@b.io"}', JSON_TYPE, configs);
    assert.equal(text, '{"user":{"email":"a@b.io [REDACTED-SSN]"},"to":"[REDACTED-EMAIL]"}');
    assert.deepEqual(
      hits.map(({ path }) => path),
      ['$.user.email', '$.to'],
    );
  });

  test('what an earlier rule leaves is read by the rules of that place only', () => {
    const configs = [rule({ name: 'later', pattern: 'REDACTED', paths: ['$.b'] })];
    assert.equal(
      run('{"a":"a@b.io","b":"a@b.io"}', JSON_TYPE, configs).text,
      '{"a":"[REDACTED-EMAIL]","b":"[#-EMAIL]"}',
    );
  });

  test('outside of JSON, one that is limited finds nothing, and one that skips finds all', () => {
    for (const [type, text] of [
      ['text/plain', 'heck'],
      ['application/x-www-form-urlencoded', 'a=heck'],
    ] as const) {
      assert.equal(run(text, type, [rule({ paths: ['$'] })]).text, text);
      assert.notEqual(run(text, type, [rule({ skip_paths: ['$'] })]).text, text);
    }
    const { text, unreadable } = run('{"a":"heck"', JSON_TYPE, [rule({ paths: ['$.a'] })]);
    assert.deepEqual([text, unreadable], ['{"a":"heck"', 'invalid_json']);
  });

  test('a rule that blocks', () => {
    const configs = [rule({ action: 'block', paths: ['$.a'] })];
    assert.equal(run('{"b":"heck"}', JSON_TYPE, configs).blockedBy, undefined);
    assert.equal(run('{"a":["heck"]}', JSON_TYPE, configs).blockedBy, 'word');
  });
});

describe('what could not be read', () => {
  const never: RuleConfig = { name: 'never', type: 'keyword', pattern: '\u0000', action: 'warn' };
  for (const [name, configs] of [
    ['the default rules', []],
    ['others', [never]],
  ] as const) {
    test(`JSON that is none, also when nothing is found in it: ${name}`, () => {
      for (const body of [
        '{',
        'plain',
        '{"a":1,}',
        '[1 2]',
        `["${'x'.repeat(70_000)}"`,
        '{"a":"\u200b"',
        "{'a':'a@b.io'}",
      ]) {
        assert.equal(run(body, JSON_TYPE, configs).unreadable, 'invalid_json', body.slice(0, 20));
        assert.equal(run(body, 'text/plain', configs).unreadable, undefined);
      }
      for (const body of ['{}', '1', '{}\n{}', '\ufeff{"a":"é"}', `["${'x'.repeat(70_000)}"]`, '{"a":"\u200b"}']) {
        assert.equal(run(body, JSON_TYPE, configs).unreadable, undefined, body.slice(0, 20));
      }
    });
  }

  test('what is declared binary, and is', () => {
    assert.equal(run(Buffer.from([0, 1, 2, 255]), 'application/octet-stream').unreadable, 'binary');
    assert.equal(run('', 'application/octet-stream').unreadable, undefined);
    assert.equal(run('text', 'application/octet-stream').unreadable, undefined);
  });

  const part = (headers: string, content: string) => `--B\r\n${headers}\r\n\r\n${content}\r\n`;
  const multipart = (...parts: string[]) => run(`${parts.join('')}--B--`, 'multipart/form-data; boundary=B').unreadable;
  const IMAGE = part(
    'Content-Disposition: form-data; name=i; filename=i.png\r\nContent-Type: image/png',
    '\u0000\u0001',
  );
  const BROKEN = part('Content-Type: application/json', '{');
  const CODED = part('Content-Transfer-Encoding: base64', 'YUBiLmlv');
  const TWICE = part('Content-Type: text/plain\r\nContent-Type: text/html', 'x');

  test('of parts, what says the most', () => {
    assert.equal(multipart(part('Content-Type: text/plain', 'x')), undefined);
    assert.equal(multipart(IMAGE), 'binary');
    assert.equal(multipart(IMAGE, BROKEN), 'invalid_json');
    assert.equal(multipart(BROKEN, IMAGE), 'invalid_json');
    assert.equal(multipart(IMAGE, BROKEN, CODED), 'encoded_part');
    assert.equal(multipart(IMAGE, TWICE, CODED), 'ambiguous');
  });
});
