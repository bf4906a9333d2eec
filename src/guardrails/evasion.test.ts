import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createEngine, type Engine } from './engine.ts';
import { inspect } from './inspect.ts';
import { Lane } from './lane.ts';
import type { OwnRule } from './rule.ts';
import { Tally } from './tally.ts';

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';

function own(name: string, type: OwnRule['type'], pattern: string): OwnRule {
  return { name, type, pattern, action: 'redact', replace: `<${name}>` };
}

/** The default rules, and operators' own. */
const engine = createEngine([own('word', 'keyword', 'heckle'), own('id', 'regex', String.raw`\bAC-\d{4}@x\b`)]);

function run(body: string, type = 'text/plain', rules: Engine = engine) {
  const { bytes, hits, blockedBy, unreadable } = inspect(rules, Buffer.from(body), type);
  return { text: Buffer.from(bytes).toString(), hits, blockedBy, unreadable };
}

function eachIn(rows: readonly [written: string, left: string][]): void {
  for (const [written, left] of rows) {
    test(left, () => {
      assert.equal(run(written).text, left);
      assert.equal(run(`["a, ${written}"]`, JSON_TYPE).text, `["a, ${left}"]`);
      // The same with the default rules alone, which have a quick look before.
      if (/[<]/.test(left)) return;
      assert.equal(run(written, 'text/plain', createEngine()).text, left);
      assert.equal(run(`["a, ${written}"]`, JSON_TYPE, createEngine()).text, `["a, ${left}"]`);
    });
  }
}

describe('escapes of JSON', () => {
  eachIn([
    ['mail jane\\u0040x.io', 'mail [REDACTED-EMAIL]'],
    ['\\u0034111 1111 1111 111\\u0031.', '[REDACTED-CC].'],
    ['123\\u002d45\\u002D6789', '[REDACTED-SSN]'],
    ['4111\\uff0d1111\\u20131111\\u00a01111', '[REDACTED-CC]'],
    ['\\ud835\\udfd2111111111111111', '[REDACTED-CC]'],
    ['he\\u0063kle', '<word>'],
    ['AC\\u002d\\u0031234\\u0040x', '<id>'],
  ]);

  test('in JSON that a JSON string holds, to any depth that is in use', () => {
    let text = '{"to":"jane\\u0040x.io","w":"he\\u0063kle"}';
    let left = '{"to":"[REDACTED-EMAIL]","w":"<word>"}';
    for (let depth = 0; depth < 4; depth++) {
      assert.equal(run(text, JSON_TYPE).text, left, `${depth}`);
      text = JSON.stringify({ arguments: text });
      left = JSON.stringify({ arguments: left });
    }
  });

  test('in what claims to be JSON and is not', () => {
    for (const body of ["{'a':'jane\\u0040x.io'}", '{"a":"jane\\u0040x.io",}']) {
      const { text, unreadable } = run(body, JSON_TYPE);
      assert.equal(text, body.replace('jane\\u0040x.io', '[REDACTED-EMAIL]'));
      assert.equal(unreadable, 'invalid_json');
    }
  });
});

describe('percent-encoding in forms', () => {
  for (const [written, left] of [
    ['a=jane%40x.io', 'a=%5BREDACTED-EMAIL%5D'],
    ['a=%34111+1111+1111+1111', 'a=%5BREDACTED-CC%5D'],
    ['123%2D45%2d6789=b', '%5BREDACTED-SSN%5D=b'],
    ['a=4111%E2%80%8B1111%EF%BC%91111%C2%A01111&b=1', 'a=%5BREDACTED-CC%5D&b=1'],
    ['a=%7B%22to%22%3A%22jane%5Cu0040x.io%22%7D', 'a=%7B%22to%22%3A%22%5BREDACTED-EMAIL%5D%22%7D'],
    ['a=he%63kle&b=A%43-1234%40x', 'a=%3Cword%3E&b=%3Cid%3E'],
  ] as const) {
    test(written, () => assert.equal(run(written, FORM_TYPE).text, left));
  }
});

describe('full-width digits, letters and signs, and digits of any script', () => {
  eachIn([
    ['４１１１ １１１１ １１１１ １１１１', '[REDACTED-CC]'],
    ['١٢٣-٤٥-٦٧٨٩', '[REDACTED-SSN]'],
    ['𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏', '[REDACTED-CC]'],
    ['①②③-④⑤-⑥⑦⑧⑨', '[REDACTED-SSN]'],
    ['ｊａｎｅ＠ｘ．ｉｏ', '[REDACTED-EMAIL]'],
    ['ｈｅckle', '<word>'],
    ['ＡＣ-１２３４＠x', '<id>'],
  ]);
});

describe('zero-width and combining characters', () => {
  eachIn([
    ['4111\u200b1111\u20601111\ufeff1111', '[REDACTED-CC]'],
    ['1\u00ad23-\u200d45-67\u{e0041}89', '[REDACTED-SSN]'],
    ['1\u03362\u03363\u0336-4\u03365\u0336-6\u03367\u03368\u03369', '[REDACTED-SSN]'],
    ['4\ufe0f\u20e3111 1111 1111 1111', '[REDACTED-CC]'],
    ['ja\u200bne@x\u200b.i\u034fo', '[REDACTED-EMAIL]'],
    ['jane\u202e@\u202cx.io', '[REDACTED-EMAIL]'],
    ['he\u200bck\u0301le', '<word>'],
    ['AC\u2060-1234\u200b@x', '<id>'],
  ]);
});

describe('look-alike separators', () => {
  eachIn([
    ['123–45–6789', '[REDACTED-SSN]'],
    ['123‑45‑6789', '[REDACTED-SSN]'],
    ['123−45−6789', '[REDACTED-SSN]'],
    ['4111\u00a01111\u20031111\u30001111', '[REDACTED-CC]'],
    ['4111ー1111ー1111ー1111', '[REDACTED-CC]'],
    ['jane@x。io', '[REDACTED-EMAIL]'],
    ['jane＠x·io', '[REDACTED-EMAIL]'],
    ['AC—1234﹫x', '<id>'],
  ]);

  test('a full stop after an address is none', () => {
    assert.equal(run('写信给 jane@x.io。谢谢！').text, '写信给 [REDACTED-EMAIL]。谢谢！');
  });
});

describe('a number sent as a JSON number', () => {
  for (const [written, left] of [
    ['4111111111111111', '"[REDACTED-CC]"'],
    ['-4111111111111111', '"-[REDACTED-CC]"'],
    ['4111111111111111.0', '"[REDACTED-CC]"'],
    ['4.111111111111111e15', '"[REDACTED-CC]"'],
    ['41111111.11111111E+8', '"[REDACTED-CC]"'],
    ['41111111111111110e-1', '"[REDACTED-CC]"'],
    ['4111111111111111.5', '4111111111111111.5'],
    ['4111111111111112.0', '4111111111111112.0'],
    ['4.1e15', '4.1e15'],
  ] as const) {
    test(`${written} becomes ${left}`, () => {
      for (const rules of [engine, createEngine()]) {
        assert.equal(run(`{"n":[ ${written} ,1.50]}`, JSON_TYPE, rules).text, `{"n":[ ${left} ,1.50]}`);
        assert.equal(run(written, JSON_TYPE, rules).text, left);
      }
    });
  }
});

test('a JSON number that an operator’s rule is for', () => {
  for (const pattern of ['^123456789$', '123456789']) {
    const rules = createEngine([own('line', 'regex', pattern)]);
    for (const written of ['123456789', '12345.6789e4', '1.23456789E+8']) {
      assert.equal(run(`{"n":${written}}`, JSON_TYPE, rules).text, '{"n":"<line>"}', written);
    }
  }
});

test('a match that is split over pieces', () => {
  for (const text of [
    '４１１１\u200b1111\u00a011\\u00311\u0336 1111',
    'jane\u200b＠x。io',
    'AC\\u002d12\u200b34@x',
    'he\u200bckle',
  ]) {
    const lane = new Lane(engine, new Tally());
    const pieces = [...text.split('').flatMap((piece) => lane.push(piece)), ...lane.end()];
    const left = pieces.map((piece) => piece.text ?? '').join('');
    assert.match(left, /^(\[REDACTED-(CC|EMAIL)\]|<id>|<word>)$/);
    assert.equal(left, run(text).text);
  }
});

test('keys of objects', () => {
  for (const rules of [engine, createEngine()]) {
    const { text, hits } = run('{"ja\\u006ee@x.io":{"４１１１１１１１１１１１１１１１":1}}', JSON_TYPE, rules);
    assert.equal(text, '{"[REDACTED-EMAIL]":{"[REDACTED-CC]":1}}');
    assert.deepEqual(
      hits.map(({ path }) => path),
      ['$.*.*', '$.*'],
    );
  }
});

test('keys that are there twice', () => {
  for (const rules of [engine, createEngine()]) {
    assert.equal(
      run('{"a":"jane@x.io","a":"4111111111111111","a":1}', JSON_TYPE, rules).text,
      '{"a":"[REDACTED-EMAIL]","a":"[REDACTED-CC]","a":1}',
    );
  }
});

test('deep nesting', () => {
  const nested = (inner: string) => `${'[{"a":'.repeat(50_000)}"${inner}"${'}]'.repeat(50_000)}`;
  assert.equal(
    run(nested('jane\\u0040x.io, ４111111111111111'), JSON_TYPE).text,
    nested('[REDACTED-EMAIL], [REDACTED-CC]'),
  );
});

describe('what either reading finds counts', () => {
  test('a rule that blocks sees through what hides a match, and names only itself', () => {
    const blocking = createEngine([{ ...own('id', 'regex', 'AC-1'), action: 'block' }]);
    const { blockedBy, hits } = run('["４111111111111111 ＡＣ-1"]', JSON_TYPE, blocking);
    assert.equal(blockedBy, 'id');
    assert.deepEqual(hits, [{ rule: 'id', action: 'block', count: 1, path: '$[0]' }]);
  });

  test('a match that is there as it stands is found where the view has none', () => {
    const rules = createEngine([own('sign', 'regex', '\u00ae|１'), own('path', 'regex', String.raw`\\new`)]);
    assert.equal(run('ａ １ \u00ae', 'text/plain', rules).text, 'ａ <sign> <sign>');
    assert.equal(run(String.raw`C:\new`, 'text/plain', rules).text, 'C:<path>');
  });

  test('once, when both find it', () => {
    assert.deepEqual(run('jane@x.io ｘ 123-45-6789, 123–45–6789').hits, [
      { rule: 'ssn', action: 'redact', count: 2 },
      { rule: 'email', action: 'redact', count: 1 },
    ]);
    const warning = createEngine([{ ...own('note', 'keyword', 'note'), action: 'warn' }]);
    assert.deepEqual(run('note ｎｏｔｅ', 'text/plain', warning).hits, [{ rule: 'note', action: 'warn', count: 2 }]);
  });

  test('all of it, when each finds a part', () => {
    assert.equal(run('ja\u200bne@x.io').text, '[REDACTED-EMAIL]');
    assert.equal(run('a\u0301b@x.io\u0301').text, '[REDACTED-EMAIL]');
  });

  test('and nothing else changes', () => {
    const text = '日本語、ｶﾅ　４月１日 e\u0301 “q” – 😀\u200d🔥 \\n \\u12 C:\\dir';
    assert.equal(run(`${text} jane＠x.io ${text}`).text, `${text} [REDACTED-EMAIL] ${text}`);
    assert.equal(run(text).text, text);
  });
});

describe('a value whose key tells what it is', () => {
  const all = createEngine([{ type: 'preset', name: 'pii_detection' }]);
  const filler = `"${'word '.repeat(3_400)}"`;
  for (const [key, value, left] of [
    ['ssn', '"536221234"', '"[REDACTED-SSN]"'],
    ['ssn', '536221234', '"[REDACTED-SSN]"'],
    ['SSN', '5.36221234e8', '"[REDACTED-SSN]"'],
    ['ssn', '["x", 536221234]', '["x", "[REDACTED-SSN]"]'],
    ['aba', '"021000021"', '"[REDACTED-US-ROUTING-NUMBER]"'],
  ] as const) {
    for (const [before, after] of [
      ['{', '}'],
      ['{"a":1,"b":{', '}}'],
      // The text is looked at in stretches; the key may be the end of one.
      [`{"a":${filler},`, '}'],
      [`{"a":${filler.slice(0, -6)}","b":"another word",`, '}'],
    ] as const) {
      test(`${key}: ${value.slice(0, 3)}…, after ${before.length} characters`, () => {
        const body = `${before}"${key}":${value}${after}`;
        const clean = `${before}"${key}":${left}${after}`;
        for (const rules of key === 'aba' ? [all] : [createEngine(), engine, all]) {
          assert.equal(run(body, JSON_TYPE, rules).text, clean);
          assert.equal(run(`${body}\n`, 'application/x-ndjson', rules).text, `${clean}\n`);
          assert.equal(run(`data: ${body}\n\n`, 'text/event-stream', rules).text, `data: ${clean}\n\n`);
        }
      });
    }
  }
});

test('numbers that doubles round to a card, and ones with very many zeros', () => {
  for (const number of [
    '4111111111111111e0',
    '4111111111111111.0000000001',
    '4111111111111110.9999999999',
    `4111111111111111.${'0'.repeat(80)}`,
  ]) {
    assert.equal(JSON.parse(number), 4111111111111111);
    assert.equal(run(`{"n":${number}}`, JSON_TYPE, createEngine()).text, '{"n":"[REDACTED-CC]"}');
    assert.equal(run(`{"n":${number}}\n`, 'application/x-ndjson').text, '{"n":"[REDACTED-CC]"}\n');
  }
  const other = '{"n":4111111111111111.5,"t":1700000000123.456}';
  assert.equal(run(other, JSON_TYPE, createEngine()).text, other);
});
