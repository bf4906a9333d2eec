import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createEngine, type Engine } from './engine.ts';
import { inspect } from './inspect.ts';
import { Lane } from './lane.ts';
import type { OwnRule, RuleConfig } from './rule.ts';
import type { Piece } from './run.ts';
import { Tally } from './tally.ts';

function own(name: string, type: 'regex' | 'keyword', pattern: string, rest: Partial<OwnRule> = {}): OwnRule {
  return { name, type, pattern, action: 'redact', replace: `<${name}>`, ...rest };
}

const RULES: Record<string, RuleConfig[]> = {
  'the default rules': [],
  'all built-in rules': [
    { type: 'preset', name: 'pii_detection' },
    { type: 'preset', name: 'secrets' },
  ],
  'rules that feed each other': [
    own('words', 'keyword', 'redacted,heck,secret plan', { replace: 'a bob@x.io b' }),
    own('tail', 'regex', String.raw`bob@\w+\.io b`, { replace: '4111' }),
    own('ends', 'regex', String.raw`(?m)end$|^begin`),
    own('greedy', 'regex', String.raw`\bA\w*\s+(?:B\w*\s*)+`),
  ],
  'masks and warnings': [
    { type: 'builtin', name: 'credit_card', enabled: true, style: 'mask' },
    own('plan', 'keyword', 'plan', { action: 'warn' }),
    own('digits', 'regex', String.raw`\d{3,}`, { style: 'mask' }),
  ],
};

const TEXTS = [
  'Hello there, nobody.',
  'card 4111 1111 1111 1111, ssn 123-45-6789 and bob@example.com.',
  '4111111111111111',
  '41111111111111112 4111-1111-1111-1111-1 x123-45-6789 123-45-67890 1.123-45-6789',
  'bob@example.comet bob@@example.com a.b.c@d.e.f.gh, <jane+tag@mail.example.co.uk>',
  "o'neill@x.io'jane@x.io;jack@x.io",
  'begin the secret plan: heck, redacted [REDACTED-SSN] end\nbegin again end',
  'Alpha Beta Bravo Boom Charlie A B B B A',
  'full-width ４１１１ １１１１ １１１１ １１１１ and 123\u200b-45-\u200b6789, bob\uff20example.com, bob@example.com\u200b4',
  String.raw`escaped bob\u0040example.com and \u0031\u0032\u0033-45-6789 and C:\new\u0062ob@x.io \u00`,
  'combining 1\u03012\u03013\u0301-4\u03015\u0301-6\u03017\u03018\u03019\u0301 \u{1d7ce}\u{1d7cf} \ud835',
  'call +1 415 555 2671 or (415) 555-2671, DE89 3704 0044 0532 0130 00, 10.0.0.1, fe80::1, routing 021000021',
  `d@mail.edu${'a'.repeat(44)}tom.o-neill@d.om`,
  '户535-89-2746 and \u{6234}4111111111111111',
  'sk-ant-REDACTED and ghp_16C7e42F292c6912E7710c838347Ae178B4a',
];

/** What leaves, given what leaves when. */
function join(text: string, pieces: readonly Piece[]): string {
  let out = '';
  let done = 0;
  for (const piece of pieces) {
    out += piece.text ?? text.slice(done, done + piece.raw);
    done += piece.raw;
  }
  assert.equal(done, text.length, 'all that came has left');
  return out;
}

function stream(engine: Engine, parts: readonly string[]): { out: string; hits: Tally['hits'] } {
  const tally = new Tally();
  const lane = new Lane(engine, tally);
  const pieces = [...parts.flatMap((part) => lane.push(part)), ...lane.end()];
  assert.equal(lane.holds, false);
  return { out: join(parts.join(''), pieces), hits: tally.hits };
}

function whole(engine: Engine, text: string): { out: string; hits: Tally['hits'] } {
  const { bytes, hits } = inspect(engine, Buffer.from(text), 'text/plain');
  return { out: Buffer.from(bytes).toString(), hits };
}

for (const [name, rules] of Object.entries(RULES)) {
  describe(`what leaves a stream is what leaves the whole: ${name}`, () => {
    const engine = createEngine(rules);
    for (const [place, text] of TEXTS.entries()) {
      test(`text ${place}, cut at every place and into single characters`, () => {
        const expected = whole(engine, text.toWellFormed());
        for (let cut = 0; cut <= text.length; cut++) {
          const { out, hits } = stream(engine, [text.slice(0, cut), text.slice(cut)]);
          assert.equal(out.toWellFormed(), expected.out, `cut at ${cut}`);
          assert.deepEqual(hits, expected.hits, `cut at ${cut}`);
        }
        const { out, hits } = stream(engine, text.split(''));
        assert.deepEqual([out.toWellFormed(), hits], [expected.out, expected.hits]);
      });
    }
    test('any text, cut anywhere', () => {
      const token = fc.oneof(
        fc.constantFrom(
          '4111',
          '1111',
          ' ',
          '-',
          '123',
          '45',
          '6789',
          '@',
          'x.io',
          'bob',
          '.',
          '\n',
          'heck',
          'end',
          'plan',
        ),
        fc.constantFrom(
          'A',
          'B',
          '\u200b',
          '\uff14',
          '\\u0040',
          '\\',
          '\u0301',
          'é',
          '１',
          '2',
          '0',
          'sk-',
          '+1 415 555 2671',
        ),
      );
      fc.assert(
        fc.property(fc.array(fc.array(token, { maxLength: 4 }), { maxLength: 12 }), (parts) => {
          const texts = parts.map((part) => part.join(''));
          const { out } = stream(engine, texts);
          assert.equal(out, whole(engine, texts.join('')).out);
        }),
        { numRuns: 300 },
      );
    });
  });
}

describe('what is held back', () => {
  const engine = createEngine();
  const held = (text: string): string => {
    const lane = new Lane(engine, new Tally());
    const given = lane.push(text).reduce((sum, { raw }) => sum + raw, 0);
    return text.slice(given);
  };
  for (const [text, rest] of [
    ['Hello ', ''],
    ['Hello', 'Hello'],
    ['Hello, wor', 'wor'],
    ['card 4111 11', '4111 11'],
    ['at bob@exam', 'bob@exam'],
    ['done.\n', ''],
  ] as const) {
    test(`"${text}": ${rest === '' ? 'nothing' : 'its last word'}`, () => assert.equal(held(text), rest));
  }
});

describe('a pause', () => {
  const engine = createEngine([own('plan', 'keyword', 'secret plan')]);
  function paused(...parts: string[]): { out: string; hits: Tally['hits'] } {
    const tally = new Tally();
    const lane = new Lane(engine, tally);
    const pieces: Piece[] = [];
    for (const part of parts) pieces.push(...lane.push(part), ...lane.release());
    pieces.push(...lane.end());
    return { out: join(parts.join(''), pieces), hits: tally.hits };
  }
  test('gives what gives little away', () => {
    const lane = new Lane(engine, new Tally());
    assert.deepEqual(lane.push('Step 3'), [{ raw: 5, text: undefined }]);
    assert.equal(lane.holds, true);
    assert.deepEqual(lane.release(), [{ raw: 1, text: undefined }]);
    assert.equal(lane.holds, false);
    assert.deepEqual(lane.push(' is next '), [{ raw: 9, text: undefined }]);
  });
  test('of a match that goes on, what has not left is redacted', () => {
    const { out, hits } = paused('ask bo', 'b@exam', 'ple.com ', 'now');
    assert.equal(out, 'ask bo[REDACTED-EMAIL] now');
    assert.deepEqual(hits, [{ rule: 'email', action: 'redact', count: 1 }]);
  });
  test('does not give what gives much away', () => {
    assert.equal(paused('card 4111 1111', ' 1111 1111', '.').out, 'card [REDACTED-CC].');
    assert.equal(paused('bob@', 'example.com', ' ').out, '[REDACTED-EMAIL] ');
    assert.equal(paused('the secret ', 'plan').out, 'the <plan>');
  });
});

describe('a pause, when a match was found and waits for a later rule', () => {
  const engine = createEngine([
    own('first', 'keyword', 'abcdef', { replace: 'Q' }),
    own('then', 'keyword', 'Q!!', { replace: 'R' }),
  ]);
  for (const text of ['abcdef', 'ab\u200bcdef', '\uff41bcdef']) {
    test(`does not give the match: ${JSON.stringify(text)}`, () => {
      const lane = new Lane(engine, new Tally());
      const pieces = [...lane.push(text), ...lane.release()];
      assert.equal(
        pieces.reduce((sum, { raw }) => sum + raw, 0),
        0,
      );
      assert.equal(join(text, [...pieces, ...lane.end()]), 'Q');
    });
  }
});

describe('a rule that blocks', () => {
  const engine = createEngine([own('no', 'keyword', 'forbidden', { action: 'block' })]);
  test('lets nothing of its match through, nor what comes after', () => {
    for (let cut = 1; cut < 9; cut++) {
      const tally = new Tally();
      const lane = new Lane(engine, tally);
      const text = 'this is forbidden, bob@example.com';
      const parts = [text.slice(0, 8 + cut), text.slice(8 + cut), ' and more'];
      const pieces = [...parts.flatMap((part) => lane.push(part)), ...lane.end(), ...lane.release()];
      assert.equal(tally.blockedBy, 'no');
      assert.ok(pieces.reduce((sum, { raw }) => sum + raw, 0) <= 8);
      assert.deepEqual(tally.hits, [{ rule: 'no', action: 'block', count: 1 }]);
    }
  });
  test('sees through escapes and what does not show', () => {
    for (const text of ['for\u200bbidden', String.raw`\u0066orbidden`, 'ｆorbidden', 'f\u0301orbidden']) {
      const tally = new Tally();
      const lane = new Lane(engine, tally);
      assert.deepEqual([...lane.push(text), ...lane.end()], []);
      assert.equal(tally.blockedBy, 'no');
    }
  });
});
