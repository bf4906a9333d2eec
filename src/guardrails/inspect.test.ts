import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { findCards } from './card.ts';
import { findEmails } from './email.ts';
import { createEngine, type Engine } from './engine.ts';
import { unescapeJson } from './escapes.ts';
import { inspect } from './inspect.ts';
import { parseMediaType } from './media.ts';
import { mayHoldBuiltIn } from './prefilter.ts';
import { type OwnRule, RuleError } from './rule.ts';
import { findSsns } from './ssn.ts';

const builtIns = createEngine();
const JSON_TYPE = 'application/json';

function run(body: string | Uint8Array, type: string | undefined, engine: Engine = builtIns) {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const inspection = inspect(engine, bytes, type);
  return { ...inspection, text: Buffer.from(inspection.bytes).toString(), same: inspection.bytes === bytes };
}

function rule(name: string, pattern: string, rest: Partial<OwnRule> = {}): OwnRule {
  return { name, pattern, type: 'regex', action: 'redact', replace: '[REDACTED]', ...rest };
}

describe('JSON', () => {
  test('each kind of PII is redacted wherever it stands, and counted', () => {
    const body = '{"mail":"a@b.io or c@d.io","n":[1,{"card":"4111 1111 1111 1111"}],"ssn":"123-45-6789"}';
    const { text, hits, blockedBy } = run(body, JSON_TYPE);
    assert.equal(
      text,
      '{"mail":"[REDACTED-EMAIL] or [REDACTED-EMAIL]","n":[1,{"card":"[REDACTED-CC]"}],"ssn":"[REDACTED-SSN]"}',
    );
    assert.deepEqual(hits, [
      { rule: 'ssn', action: 'redact', count: 1, path: '$.ssn' },
      { rule: 'credit_card', action: 'redact', count: 1, path: '$.n[1].card' },
      { rule: 'email', action: 'redact', count: 2, path: '$.mail' },
    ]);
    assert.equal(blockedBy, undefined);
  });

  test('a clean body is passed on as the same object', () => {
    for (const body of [
      '{"a":1}',
      '',
      ' ',
      'null',
      '{"at":"2026-01-02 03:04:05","id":1767225600000,"x":"@y \\u00e9"}',
    ]) {
      assert.equal(run(body, JSON_TYPE).same, true, body);
      assert.equal(run(body, JSON_TYPE, createEngine([rule('x', 'nothing$')])).same, true, body);
    }
  });

  test('object keys are read, and a key that held a match is in no path', () => {
    const { text, hits } = run('{"a@b.io":{"x":"123-45-6789"}}', JSON_TYPE);
    assert.equal(text, '{"[REDACTED-EMAIL]":{"x":"[REDACTED-SSN]"}}');
    assert.deepEqual(
      hits.map((hit) => hit.path),
      ['$.*.x', '$.*'],
    );
  });

  test('duplicate keys, number precision, white space and escapes stay', () => {
    const body =
      '\ufeff {"a" : "x@y.io",\r\n\t"a":"caf\\u00e9 \\/ x@y.io \\ud83d\\ude00","n":[1.0,1e+2,-0,12345678901234567890.00],"":null } ';
    assert.equal(run(body, JSON_TYPE).text, body.replaceAll('x@y.io', '[REDACTED-EMAIL]'));
  });

  test('escapes hide nothing', () => {
    const rows: [string, string][] = [
      ['john\\u0040example.com', '[REDACTED-EMAIL]'],
      ['\\u006aohn@example\\u002ecom', '[REDACTED-EMAIL]'],
      ['\\u0034111111111111111', '[REDACTED-CC]'],
      ['123\\u002d45\\u002D6789', '[REDACTED-SSN]'],
      ['line\\n123-45-6789\\tend', 'line\\n[REDACTED-SSN]\\tend'],
      ['\\u00a04111111111111111', '\\u00a0[REDACTED-CC]'],
      ['\\u20194111 1111 1111 1111', '\\u2019[REDACTED-CC]'],
      ['{\\"to\\":\\"\\\\njohn@example.com\\"}', '{\\"to\\":\\"\\\\n[REDACTED-EMAIL]\\"}'],
    ];
    for (const [raw, expected] of rows) assert.equal(run(`{"a":"${raw}"}`, JSON_TYPE).text, `{"a":"${expected}"}`);
  });

  test('a number that is a card becomes a string; other numbers stay as they are', () => {
    const { text } = run('[4111111111111111,4111111111111112,0.4111111111111111,1767225600000]', JSON_TYPE);
    assert.equal(text, '["[REDACTED-CC]",4111111111111112,0.4111111111111111,1767225600000]');
    const engine = createEngine([rule('year', '2026', { replace: 'YYYY' })]);
    assert.equal(run('[20261]', JSON_TYPE, engine).text, '["YYYY1"]');
  });

  test('several values in one body', () => {
    const body = '{"a":"a@b.io"}\n{"a":"123-45-6789"}\n"x"\n';
    const { text, unreadable } = run(body, 'application/x-ndjson');
    assert.equal(text, '{"a":"[REDACTED-EMAIL]"}\n{"a":"[REDACTED-SSN]"}\n"x"\n');
    assert.equal(unreadable, undefined);
  });

  test('what claims to be JSON and is not is scanned as text, escapes decoded', () => {
    for (const body of [
      '{"a":"x\\u0040y.io",}',
      "{a:'x@y.io'}",
      '{"a":"x@y.io"',
      '"x@y.io\n"',
      '[01,"x@y.io"]',
      'x@y.io',
    ]) {
      const { text, unreadable } = run(body, JSON_TYPE);
      assert.equal(text, body.replace(/x(@|\\u0040)y\.io/, '[REDACTED-EMAIL]'), body);
      assert.equal(unreadable, 'invalid_json', body);
    }
  });

  test('JSON under another name or none is read as JSON', () => {
    for (const type of ['text/plain;charset=UTF-8', undefined, 'application/x-unknown', 'nonsense']) {
      assert.equal(run('{"a":"x\\u0040y.io"}', type).text, '{"a":"[REDACTED-EMAIL]"}', type ?? 'none');
    }
  });

  test('the replacement is escaped', () => {
    const engine = createEngine([rule('x', 'foo', { replace: '"\\\n$1' })]);
    assert.deepEqual(JSON.parse(run('{"a":"a foo b"}', JSON_TYPE, engine).text), { a: 'a "\\\n$1 b' });
  });

  test('output is the input with nothing but the matches changed, whatever the JSON', () => {
    // Pieces of a string: what stands in the body, and what is to stand there afterwards.
    const escaped = (text: string) =>
      fc
        .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
        .map((which) =>
          Array.from(text, (c, i) => (which[i] ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` : c)).join(''),
        );
    const pii = fc.constantFrom(
      ['john.doe@example.com', '[REDACTED-EMAIL]'],
      ['4111-1111-1111-1111', '[REDACTED-CC]'],
      ['378282246310005', '[REDACTED-CC]'],
      ['123-45-6789', '[REDACTED-SSN]'],
    );
    const match = pii.chain(([text = '', out = '']) =>
      fc.oneof(fc.constant(text), escaped(text)).map((raw) => [raw, out]),
    );
    const cleanPiece = fc
      .constantFrom(
        'word',
        'é',
        '\\u00e9',
        '\\n',
        '\\"',
        '\\\\',
        '😀',
        '\\ud83d\\ude00',
        '2026-01-02',
        '@',
        '3.14',
        '\\/',
        ':',
      )
      .map((raw) => [raw, raw]);
    const piece = fc.oneof({ weight: 3, arbitrary: cleanPiece }, { weight: 1, arbitrary: match });
    const string = fc
      .array(piece, { maxLength: 6 })
      .map((pieces) => [0, 1].map((side) => `"${pieces.map((piece) => piece[side]).join(' , ')}"`));
    const scalar = fc
      .constantFrom('1', '-0.0', '1E400', '12345678901234567890123', 'true', 'null')
      .map((raw) => [raw, raw]);
    const space = fc.constantFrom('', ' ', '\n', '\t\r\n');
    const { value } = fc.letrec<{ value: (string | undefined)[] }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        string,
        scalar,
        fc
          .tuple(space, fc.array(tie('value'), { maxLength: 4 }))
          .map(([space, values]) => [0, 1].map((side) => `[${space}${values.map((v) => v[side]).join(`,${space}`)}]`)),
        fc
          .tuple(space, fc.array(fc.tuple(string, tie('value')), { maxLength: 4 }))
          .map(([space, members]) =>
            [0, 1].map(
              (side) => `{${members.map(([k, v]) => `${k[side]}${space}:${space}${v[side]}`).join(`,${space}`)}}`,
            ),
          ),
      ),
    }));
    fc.assert(
      fc.property(value, ([input = '', expected = '']) => {
        JSON.parse(expected);
        const { text, unreadable } = run(input, JSON_TYPE);
        assert.equal(unreadable, undefined);
        assert.equal(text, expected);
      }),
      { numRuns: 1500 },
    );
  });

  test('valid is what JSON.parse takes', () => {
    const token = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"a@b.io"',
      '1',
      '-',
      '01',
      '1.',
      '1e5',
      'true',
      'nul',
      ' ',
      '"\\x"',
      '"\\u00e"',
      '"',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 8 }), (tokens) => {
        // One value in an array: several in a row are valid here.
        const text = `["a@b.io",${tokens.join('')}]`;
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        const several = /^[^]*\]\s*[^\s]/.test(text.slice(0, -1));
        if (!several) assert.equal(run(text, JSON_TYPE).unreadable, valid ? undefined : 'invalid_json', text);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('the quick look before', () => {
  const unit = fc.constantFrom(
    '1',
    '4',
    '123-45-6789',
    '4111 1111 1111 1111',
    '378282246310005',
    '-',
    ' ',
    '.',
    'a',
    '_',
    '@',
    'b.io',
    'a@b.io',
    '\\n',
    '\\u00e9',
    '\\u2019',
    '\\u0040',
    '\\u0034',
    '\\u0031',
    '\\u002d',
    '\\u002e',
    '\\"',
    '\\\\',
    'é',
    '用',
    'x',
    '0',
  );
  test('never hides what a built-in rule finds', () => {
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 8 }), (units) => {
        const raw = units.join('');
        for (const text of [unescapeJson(raw).text, raw]) {
          const found = [findSsns, findCards, findEmails].some((find) => find(text).length > 0);
          if (!found) continue;
          assert.ok(mayHoldBuiltIn(raw), raw);
          assert.ok(mayHoldBuiltIn(Buffer.from(`{"a":"${raw}"}`).toString('latin1')), raw);
        }
      }),
      { numRuns: 30_000 },
    );
  });

  test('never hides what an operator’s rule finds', () => {
    const patterns = ['a1', '^a', '1$', '\\ba\\b', '\\Ba', '[^a]1', 'a\\n', '\\A1', '"', '(?i)A 1', '1\\z', '\\$'];
    const rules = patterns.map((pattern) => rule(pattern, pattern));
    rules.push(rule('words', 'a 1, 1a, "', { type: 'keyword' }));
    const screened = createEngine(rules);
    const alone = rules.map((rule) => createEngine([rule]));
    const string = fc
      .array(fc.constantFrom('a', '1', ' ', '\\n', '\\"', '-', '\\u0061', '$'), { maxLength: 5 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.array(string, { minLength: 1, maxLength: 3 }), (strings) => {
        const body = `[${strings.map((raw) => `"${raw}"`).join(',')}]`;
        const decoded = strings.map((raw) => JSON.parse(`"${raw}"`) as string);
        // The first rule that finds something finds it in the text as it arrived; for each rule alone, any does.
        const expected = rules.filter((_, i) =>
          decoded.some((text) => (alone[i]?.rules.at(-1)?.find(text, { left: 1e6 }).length ?? 0) > 0),
        );
        for (const [i, engine] of alone.entries()) {
          assert.equal(
            run(body, JSON_TYPE, engine).hits.length,
            expected.includes(rules[i] as OwnRule) ? 1 : 0,
            `${patterns[i]} in ${body}`,
          );
        }
        const { hits } = run(body, JSON_TYPE, screened);
        assert.equal(hits.length > 0, expected.length > 0);
        if (expected[0] !== undefined) assert.ok(hits.some((hit) => hit.rule === expected[0]?.name));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the order of rules', () => {
  const ssnBlock = rule('ssn-block', '\\b\\d{3}-\\d{2}-\\d{4}\\b', { action: 'block', replace: '[CENSORED]' });

  test('a rule that blocks judges what arrived, although a built-in rule redacts it', () => {
    const { blockedBy, hits, same } = run(
      '{"a":"a@b.io","s":"my ssn is 123-45-6789"}',
      JSON_TYPE,
      createEngine([ssnBlock]),
    );
    assert.equal(blockedBy, 'ssn-block');
    assert.deepEqual(hits, [{ rule: 'ssn-block', action: 'block', count: 1, path: '$.s' }]);
    assert.equal(same, true);
  });

  test('and what earlier rules left', () => {
    const engine = createEngine([rule('no-pii', 'REDACTED-SSN', { action: 'block' })]);
    assert.equal(run('ssn 123-45-6789', 'text/plain', engine).blockedBy, 'no-pii');
    assert.equal(run('ssn none', 'text/plain', engine).blockedBy, undefined);
  });

  test('a rule that warns does so as well, once', () => {
    const engine = createEngine([rule('note', '\\d{3}-\\d{2}-\\d{4}', { action: 'warn' })]);
    const { text, hits } = run('123-45-6789 and 000-11-2222', 'text/plain', engine);
    assert.equal(text, '[REDACTED-SSN] and 000-11-2222');
    assert.deepEqual(hits, [
      { rule: 'ssn', action: 'redact', count: 1 },
      { rule: 'note', action: 'warn', count: 2 },
    ]);
  });

  test('a rule that redacts sees what earlier ones left', () => {
    const engine = createEngine([
      rule('own-ssn', '\\d{3}-\\d{2}-\\d{4}', { replace: '[CENSORED]' }),
      rule('brackets', '\\[[A-Z-]+\\]', { replace: '<$0>' }),
      rule('inner', '\\$', { replace: '' }),
    ]);
    const { text, hits } = run('x 123-45-6789, 000-11-2222 y', 'text/plain', engine);
    assert.equal(text, 'x <0>, <0> y');
    assert.deepEqual(
      hits.map(({ rule, count }) => [rule, count]),
      [
        ['ssn', 1],
        ['own-ssn', 1],
        ['brackets', 2],
        ['inner', 2],
      ],
    );
  });

  test('a rule runs once, also when its replacement matches it', () => {
    const engine = createEngine([rule('other', 'zzz'), rule('double', 'a', { replace: 'aa' })]);
    const { text, hits } = run('-a-', 'text/plain', engine);
    assert.equal(text, '-aa-');
    assert.deepEqual(hits, [{ rule: 'double', action: 'redact', count: 1 }]);
  });

  test('the first rule that blocks in the first string that is blocked is named', () => {
    const engine = createEngine([rule('one', 'one', { action: 'block' }), rule('two', 'two', { action: 'block' })]);
    assert.equal(run('["two one","one"]', JSON_TYPE, engine).blockedBy, 'one');
    assert.equal(run('["two","one"]', JSON_TYPE, engine).blockedBy, 'two');
  });

  test('the rules of the documented example', () => {
    const engine = createEngine([
      rule('ssn-block', '\\b\\d{3}-\\d{2}-\\d{4}\\b', { action: 'block' }),
      rule('profanity', 'darn,heck', { type: 'keyword', replace: '[CENSORED]' }),
    ]);
    assert.equal(run('{"m":"What the Heck, darn"}', JSON_TYPE, engine).text, '{"m":"What the [CENSORED], [CENSORED]"}');
    assert.equal(run('{"m":"heck 000-45-6789"}', JSON_TYPE, engine).blockedBy, 'ssn-block');
  });

  test('rules that cannot be used are all named', () => {
    assert.throws(
      () => createEngine([rule('bad', '('), rule('good', 'a'), rule('none', ' , ', { type: 'keyword' })]),
      (error) => {
        assert.ok(error instanceof RuleError);
        assert.deepEqual(
          error.faults.map(({ index, rule }) => [index, rule]),
          [
            [0, 'bad'],
            [2, 'none'],
          ],
        );
        assert.match(error.message, /guardrail "bad": .*missing closing \)/);
        assert.match(error.message, /guardrail "none": no keyword/);
        return true;
      },
    );
  });
});

describe('other bodies', () => {
  test('text of every kind', () => {
    for (const type of [
      'text/plain',
      'text/html',
      'application/xml',
      'image/svg+xml',
      'text/event-stream',
      undefined,
    ]) {
      assert.equal(run('<p>a@b.io é</p>', type).text, '<p>[REDACTED-EMAIL] é</p>', type ?? 'none');
    }
  });

  test('what is declared binary is read when it begins like text, what nobody declares always', () => {
    for (const type of [
      'application/octet-stream',
      'image/png',
      'application/grpc',
      'application/grpc-web+proto',
      'video/mp4',
      'application/pdf',
      'application/zip',
      'application/x-protobuf',
    ]) {
      assert.equal(parseMediaType(type).reader, 'binary', type);
      assert.equal(run('a@b.io', type).text, '[REDACTED-EMAIL]', type);
      const binary = Buffer.from([0, 0, 0, 0, 10, ...Buffer.from(' a@b.io')]);
      assert.equal(run(binary, type).same, true, type);
    }
    for (const type of [
      undefined,
      'text/plain',
      'application/json',
      'application/problem+json; charset=utf-8',
      'image/svg+xml',
      'x/y',
      'image/png, text/plain',
      '',
    ]) {
      assert.notEqual(parseMediaType(type).reader, 'binary', type ?? 'none');
    }
    const invalid = run(Buffer.from([0xff, ...Buffer.from(' a@b.io')]), undefined);
    assert.deepEqual(Buffer.from(invalid.bytes), Buffer.from([0xff, ...Buffer.from(' [REDACTED-EMAIL]')]));
  });

  test('bytes that are not UTF-8 survive', () => {
    const body = Buffer.concat([
      Buffer.from([0xff, 0x80, 0xc3]),
      Buffer.from(' a@b.io é '),
      Buffer.from([0xed, 0xa0, 0x80, 0xf0, 0x9f]),
    ]);
    const expected = Buffer.concat([
      Buffer.from([0xff, 0x80, 0xc3]),
      Buffer.from(' [REDACTED-EMAIL] é '),
      Buffer.from([0xed, 0xa0, 0x80, 0xf0, 0x9f]),
    ]);
    assert.deepEqual(Buffer.from(run(body, 'text/plain').bytes), expected);
    const json = (inner: Buffer) => Buffer.concat([Buffer.from('{"a":"'), inner, Buffer.from('"}')]);
    assert.deepEqual(Buffer.from(run(json(body), JSON_TYPE).bytes), json(expected));
  });

  test('a form is decoded, and only what matched is encoded anew', () => {
    const type = 'application/x-www-form-urlencoded';
    assert.equal(
      run('a=x%2Fy+john%40example.com+%zz%C3%A9&b=4111+1111+1111+1111&a%40b.io=%31%32%33-45-6789&c', type).text,
      'a=x%2Fy+%5BREDACTED-EMAIL%5D+%zz%C3%A9&b=%5BREDACTED-CC%5D&%5BREDACTED-EMAIL%5D=%5BREDACTED-SSN%5D&c',
    );
    assert.equal(run('a=1&b=%C3%A9+x&&=', type).same, true);
    assert.equal(run('{"a":"x\\u0040y.io"}', type).text, '{"a":"[REDACTED-EMAIL]"}');
  });

  test('the text parts of a multipart body are read, the others stay byte for byte', () => {
    const body = (mail: string, ssn: string, card: string, before = mail) =>
      Buffer.concat([
        Buffer.from(`preamble ${before}\r\n--B\r\nContent-Disposition: form-data; name="m"\r\n\r\n${mail}\r\n`),
        Buffer.from(
          `--B\r\nContent-Disposition: form-data; name="j"\r\nContent-Type: application/json\r\n\r\n{"s":"${ssn}"}\r\n`,
        ),
        Buffer.from(
          '--B\r\nContent-Disposition: form-data; name="f"; filename="x.png"\r\nContent-Type: image/png\r\n\r\n',
        ),
        Buffer.from([0x89, 0x50, 0xff, 0x00]),
        Buffer.from(
          ` a@b.io\r\n--B\r\nContent-Disposition: form-data; name="t"; filename="t.txt"\r\n\r\n${card}\r\n--B\r\n\r\n\r\n--B--\r\n`,
        ),
      ]);
    const { bytes, hits, unreadable } = run(
      body('x@y.io', '123\\u002d45-6789', '4111111111111111'),
      'multipart/form-data; boundary="B"',
    );
    assert.deepEqual(Buffer.from(bytes), body('[REDACTED-EMAIL]', '[REDACTED-SSN]', '[REDACTED-CC]'));
    assert.deepEqual(
      hits.map((hit) => hit.rule),
      ['ssn', 'credit_card', 'email'],
    );
    // The image.
    assert.equal(unreadable, 'binary');
  });

  test('multipart that cannot be read is scanned as text, and parts that cannot be are reported', () => {
    for (const type of [
      'multipart/form-data',
      'multipart/form-data; boundary=other',
      'multipart/form-data; boundary=B',
    ]) {
      const { text, unreadable } = run('--B\r\n\r\na@b.io\r\n', type);
      assert.equal(text, '--B\r\n\r\n[REDACTED-EMAIL]\r\n');
      assert.equal(unreadable, 'invalid_multipart');
    }
    for (const header of ['Content-Transfer-Encoding: base64', 'Content-Type: text/plain; charset=utf-16']) {
      const { unreadable } = run(`--B\r\n${header}\r\n\r\nYUBiLmlv\r\n--B--`, 'multipart/form-data; boundary=B');
      assert.equal(unreadable, 'encoded_part');
    }
  });
});
