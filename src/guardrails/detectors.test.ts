import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { CATALOGUE } from './catalogue.ts';
import type { Detector } from './detector.ts';

const WORK = { left: 1e9 };
/** What a stream keeps in sight of what has gone out. */
const CONTEXT = 64;

/** Keys are put together here, so that no scanner takes them for real. */
const KEY = 'aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA';
const HEX = '0f1e2d3c4b5a69788796a5b4c3d2e1f0';
const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';

/** For each rule: matches, and what comes near to one, from which texts are made. */
const PIECES: Record<string, readonly string[]> = {
  ssn: [
    '123-45-6789',
    '123 45 6789',
    '000-12-3456',
    '123-45-',
    '12',
    '-',
    ' ',
    '9',
    '123456789',
    'SSN ',
    'assn',
    'my Ssn: ',
    'social security',
    'soc. sec. no. ',
    ' order ',
    'x'.repeat(20),
  ],
  iban: ['DE89 3704 0044 0532 0130 00', 'gb29nwbk60161331926819', 'NO9386011117947', 'DE8', 'be', '68 ', '5390', '-'],
  credit_card: [
    '4111 1111 1111 1111',
    '378282246310005',
    '4111-1111-1111-1111',
    '4111',
    '4 ',
    '-1',
    '2026-01-02 ',
    '.5',
    ' 1111',
    ' 5555 5555 5555 4444',
    'IT53 X540 ',
    '+',
    '501800000009',
  ],
  email: [
    'ada@example.com',
    'a@b.io',
    '@',
    '.',
    'bob',
    'l'.repeat(40),
    "o'b",
    '用户',
    '\\n',
    '\\u00e9',
    '-x',
    'x.co.uk',
    '@2x.png',
    '@1.2',
    '.json',
  ],
  ipv6: [
    '2001:db8::1',
    '::1',
    'fe80::1%eth0',
    '::ffff:10.0.0.1',
    '1:2:3:4:5:6:7:8',
    '12:30:45',
    'src:',
    '::',
    ':',
    'face',
    '1',
  ],
  ipv4: [
    '10.0.0.1',
    '192.168.001.001',
    '1.2.3.4.5',
    'version ',
    'v',
    'Chrome/',
    '.',
    '255',
    '0.',
    '-rc',
    '-',
    '.zip',
    'section ',
  ],
  us_routing_number: [
    '021000021',
    '011401533',
    'routing ',
    'ABA: ',
    'Alibaba',
    'transit',
    'x'.repeat(20),
    '02100',
    '0',
    '⑆',
    '.',
  ],
  phone: [
    '(415) 555-2671',
    '+1 415 555 2671',
    '+442071838750',
    '0044 20 7183 8750',
    ' ext. 12',
    'x9',
    '415-',
    '1 ',
    '+',
    '(',
    '(+49) 151 21444926',
    'tel. ',
    'call me at ',
    '020 7183 8750',
    '4155552671',
    '(020) ',
  ],
  private_key: [
    `-----BEGIN RSA PRIVATE KEY-----\n${KEY}\n${KEY}\nabc=\n-----END RSA PRIVATE KEY-----`,
    `-----BEGIN PRIVATE KEY-----\\n${KEY}\\n-----END PRIVATE KEY-----`,
    `---- BEGIN SSH2 PRIVATE KEY ----\nComment: x\n${KEY}`,
    '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n',
    'Proc-Type: 4,ENCRYPTED\n',
    '-----END',
    '-----',
    KEY,
    '\\n',
    '\n',
    '=AbC',
    'word',
  ],
  jwt: [JWT, `${JWT}.`, 'eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.', 'eyJ', 'eyJhbGciOiJIUzI1NiJ9', '.', 'abc', '\\n', '-'],
  aws_key: [
    `AKIA${KEY.slice(0, 16).toUpperCase()}`,
    'aws_secret_access_key',
    'SecretKey',
    ' = ',
    '": "',
    `${KEY}/${KEY.slice(0, 7)}`,
    'AKI',
    'key',
  ],
  google_key: [`AIza${KEY}xYz`, `GOCSPX-${KEY.slice(4)}`, 'AIza', `ya29.${KEY}`, KEY],
  azure_key: [`aB38Q~${KEY}`, `AccountKey=${KEY}${KEY}${KEY.slice(10)}==`, 'abc1', 'Q~', 'sig=', KEY, '%3D', '='],
  openai_key: [`sk-${KEY}`, `sk-proj-${KEY}${KEY}`, 'sk-', 'proj-', 's', KEY],
  anthropic_key: [`sk-ant-api03-${KEY}`, 'sk-', 'ant-', KEY],
  huggingface_token: [`hf_${KEY}`, 'hf', '_', 'api_org_', KEY],
  stripe_key: [`sk_live_${KEY}`, `whsec_${KEY}`, 'sk_', 'live_', KEY],
  github_token: [`ghp_${KEY}abcd`, `github_pat_${KEY}_${KEY}`, 'ghp', '_', 'github_', KEY],
  gitlab_token: [`glpat-${KEY}`, `glpat-${KEY}.01.abcdefghi`, 'gl', 'pat-', KEY],
  slack_token: [`xoxb-123-${KEY}`, `hooks.slack.com/services/T0/${KEY}`, 'xoxe.', 'xoxp-', 'hooks.slack.com', '/', KEY],
  npm_token: [`npm_${KEY}abcd`, 'npm', '_', KEY],
  pypi_token: [`pypi-AgEI${KEY}${KEY}`, 'pypi', '-Ag', KEY],
  sendgrid_key: [`SG.${KEY.slice(0, 22)}.${KEY}abcdefghijk`, 'SG', '.', KEY],
  twilio_key: [`SK${HEX}`, 'SK', HEX],
  square_token: [`sq0atp-${KEY.slice(0, 22)}`, 'sq0', 'atp-', `EAAA${KEY}${KEY.slice(4)}`, KEY],
  shopify_token: [`shpat_${HEX}`, 'shp', 'at_', HEX],
  digitalocean_token: [`dop_v1_${HEX}${HEX}`, 'dop_', 'v1_', HEX],
  telegram_token: [`123456789:AA${KEY}x`, '12345', '6789', ':', 'AA', KEY],
  api_key: [
    `gsk_${KEY}${KEY}`,
    `${KEY.slice(0, 14)}.atlasv1.${KEY}${KEY}`,
    `pat${KEY.slice(0, 14)}.${HEX}${HEX}`,
    'gsk',
    '_',
    'pat',
    '.',
    KEY,
  ],
};

const ANY = [
  '0',
  ' ',
  '1',
  '.',
  '-',
  '_',
  'a',
  '@',
  '+',
  ':',
  'n',
  ',',
  'x',
  '(',
  '/',
  '=',
  '"',
  '\\n',
  ' and ',
  'é',
  '中',
  '😀',
  '\n',
];

function texts(name: string): fc.Arbitrary<string> {
  const own = PIECES[name] ?? [];
  const piece = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...own) },
    { weight: 2, arbitrary: fc.constantFrom(...ANY) },
  );
  return fc.array(piece, { minLength: 1, maxLength: 9 }).map((pieces) => pieces.join(''));
}

/** What `detector` finds in a text that comes in these pieces, of which it sees no more than it has to. */
function streamed(detector: Detector, pieces: readonly string[]): number[] {
  const found: number[] = [];
  let buffer = '';
  let base = 0;
  let from = 0;
  const advance = (to: number): void => {
    const spans = found.slice(-2).map((place) => place - base);
    if ((spans[1] ?? 0) <= 0) spans.length = 0;
    const known = spans.length;
    detector.findIn(buffer, from, to, spans);
    from = Math.max(to, spans.length > known ? (spans.at(-1) ?? 0) : 0);
    found.push(...spans.slice(known).map((place) => place + base));
    const cut = Math.max(0, from - CONTEXT);
    buffer = buffer.slice(cut);
    base += cut;
    from -= cut;
  };
  for (const piece of pieces) {
    buffer += piece;
    const to = detector.pending(buffer, from);
    assert.ok(to >= from && to <= buffer.length, `pending gives a place from ${from} to ${buffer.length}, not ${to}`);
    advance(to);
  }
  advance(buffer.length);
  return found;
}

function before(spans: readonly number[], place: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < spans.length; i += 2) if ((spans[i] ?? 0) < place) out.push(...spans.slice(i, i + 2));
  return out;
}

test('each built-in rule has texts to be tried on, and finds something in them', () => {
  assert.deepEqual(
    Object.keys(PIECES),
    CATALOGUE.map(({ name }) => name),
  );
  for (const { name, detector } of CATALOGUE) {
    const text = name === 'us_routing_number' ? 'routing 021000021' : (PIECES[name]?.[0] ?? '');
    assert.ok(detector.find(text, WORK).length > 0, name);
  }
});

const TRIED = CATALOGUE.flatMap(({ name, detector }) => [
  { name, rule: name, detector },
  ...(detector.hinted === undefined
    ? []
    : [{ name: `${name}, hinted`, rule: name, detector: detector.hinted.detector }]),
]);

test('the word that names a number stays in sight, also when another one follows', () => {
  const text = 'transitxxxxxxxxxxxxxxxxxxxxAlibaba.021000021\\nABA: ';
  const detector = CATALOGUE.find(({ name }) => name === 'us_routing_number')?.detector;
  assert.ok(detector);
  assert.deepEqual(streamed(detector, text.split('')), [35, 44]);
});

for (const { name, rule, detector } of TRIED) {
  test(`${name}: a text that comes in pieces, wherever it is cut, has the matches that it has as a whole`, () => {
    fc.assert(
      fc.property(texts(rule), fc.integer({ min: 1, max: 9 }), (text, size) => {
        const whole = [...detector.find(text, WORK)];
        for (let cut = 0; cut <= text.length; cut++) {
          assert.deepEqual(streamed(detector, [text.slice(0, cut), text.slice(cut)]), whole);
        }
        const pieces: string[] = [];
        for (let at = 0; at < text.length; at += size) pieces.push(text.slice(at, at + size));
        assert.deepEqual(streamed(detector, pieces), whole);
      }),
      { numRuns: 200 },
    );
  });

  test(`${name}: what is decided stays so, whatever comes after`, () => {
    fc.assert(
      fc.property(texts(rule), texts(rule), (text, other) => {
        for (let end = 1; end <= text.length; end++) {
          const start = text.slice(0, end);
          const place = detector.pending(start, 0);
          const decided = before(detector.find(start, WORK), place);
          for (const more of [text.slice(end), other, '1', 'a', ' 1', '.a', '@', '-']) {
            assert.deepEqual(before(detector.find(start + more, WORK), place), decided, more);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  test(`${name}: searching stretch by stretch finds the same, and the quick look overlooks nothing`, () => {
    fc.assert(
      fc.property(texts(rule), fc.integer({ min: 1, max: 40 }), (text, size) => {
        const whole = [...detector.find(text, WORK)];
        const spans: number[] = [];
        for (let at = 0; at < text.length; ) at = detector.findIn(text, at, Math.min(at + size, text.length), spans);
        assert.deepEqual(spans, whole);
        if (detector.may === undefined || whole.length === 0) return;
        const json = JSON.stringify(text);
        const escaped = json.replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
        const views = [text, json, escaped, json.replaceAll('/', '\\/'), Buffer.from(json).toString('latin1')];
        for (const view of views) assert.ok(detector.may(view), view);
      }),
      { numRuns: 500 },
    );
  });
}

test('what cannot become a match does not wait', () => {
  const ended = ['The quick brown fox ', 'said: "no" ', 'costs $5, ', 'Hello, world! ', 'in 2026, ', '{"a": '];
  for (const { name, detector } of CATALOGUE) {
    for (const text of ended) assert.equal(detector.pending(text, 0), text.length, `${name}: ${text}`);
  }
  const rows: [string, string, number][] = [
    ['ssn', 'call 123-4', 5],
    ['ssn', 'order 1234', 10],
    ['ssn', 'my SSN: 1234', 3],
    ['ssn', 'no SSN, order', 13],
    ['ssn', `the SSN ${'of the one '.repeat(3)}`, 41],
    ['credit_card', 'card 4111 1', 5],
    ['credit_card', 'on 2026-01-0', 12],
    ['email', 'mail bob', 5],
    ['email', 'mail bob@example.com, or', 22],
    ['phone', 'at (415', 3],
    ['phone', 'in 2026', 7],
    ['phone', 'Tel. 0', 0],
    ['phone', 'recall the matter', 17],
    ['phone', 'call the other one', 18],
    ['iban', 'to DE89 37', 3],
    ['iban', 'to do', 3],
    ['ipv4', 'at 10.0', 3],
    ['ipv6', 'at 2001:d', 3],
    ['us_routing_number', 'number 0210', 11],
    ['us_routing_number', 'the routing number 0210', 4],
    ['openai_key', 'my sk', 3],
    ['openai_key', 'a word', 6],
    ['private_key', 'a -----BEG', 2],
    ['jwt', 'a ey', 2],
  ];
  for (const [name, text, place] of rows) {
    const found = CATALOGUE.find((builtIn) => builtIn.name === name);
    assert.equal(found?.detector.pending(text, 0), place, `${name}: ${text}`);
  }
});

const SIZE = 200_000;

function fill(unit: string): string {
  return unit.repeat(Math.ceil(SIZE / unit.length)).slice(0, SIZE);
}

const HARD = [
  'a|1|4|+|-|@|.|:|(| |=|\\|é|f:|a.|1.|1 |+1|+1 |4-|-----|----- |-----BEGIN |-----BEGIN PRIVATE KEY-----|eyJ|eyJ.|sk-|sk-ant-',
  'eyJhbGciOiJIUzI1NiJ9.|eyJhbGciOiJub25lIn0.-|::::|::1|AKIA|secret_key=|routing |routing 021000021 |DE89 |415 555 2671 ',
  'SSN |SSN 123456789 |social security |phone |call me |tel 020 |4111 |4111 1111 |0044 20 |+44 20 7183 8750 |+1 2 3 4 5 6 7 8 9 0 1 2 3 4 5, |Q~|abc1Q~|JQQJ99|12345678:AA|pat|PRIVATE KEY|hooks.slack.com/services/',
].flatMap((units) => units.split('|'));

test('every detector takes linear time on every text, at once and in pieces', () => {
  for (const { name, detector } of TRIED) {
    for (const unit of HARD) {
      const text = fill(unit);
      const start = process.hrtime.bigint();
      detector.may?.(text);
      const whole = detector.find(text, WORK);
      const pieces: string[] = [];
      for (let at = 0; at < text.length; at += 5000) pieces.push(text.slice(at, at + 5000));
      assert.equal(streamed(detector, pieces).length, whole.length, `${name}, ${unit}`);
      const seconds = Number(process.hrtime.bigint() - start) / 1e9;
      assert.ok(seconds < 10, `${name}, ${unit}: ${seconds.toFixed(1)} s`);
    }
  }
});
