import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import type { Json } from '../../../src/deploy/json.ts';
import { readDocuments } from '../../../src/deploy/text/documents.ts';
import { type LineNote, ManifestTextError } from '../../../src/deploy/text/line-note.ts';

function faultsOf(text: string): readonly LineNote[] {
  try {
    readDocuments(text);
  } catch (error) {
    assert.ok(error instanceof ManifestTextError, String(error));
    return error.faults;
  }
  return assert.fail('it was read');
}

function places(text: string): string[] {
  return faultsOf(text).map(({ line, document, message }) => `${document}:${line}: ${message}`);
}

function write(text: string, ...after: Json[]): string {
  const written = readDocuments(text).write(after);
  assert.deepEqual(
    parseAllDocuments(written, { merge: true, schema: 'core', logLevel: 'error' }).map((one) => one.toJS() as Json),
    after,
  );
  return written;
}

test('every kind of stream is read', () => {
  const cases: readonly (readonly [string, Json[]])[] = [
    ['', []],
    ['# only a comment\n\n', []],
    ['\uFEFFa: 1\n', [{ a: 1 }]],
    ['---\n', [null]],
    ['# c\n---\n# d\n', [null]],
    ['a: 1\n---\n', [{ a: 1 }, null]],
    ['---\n---\na: 1\n---\n# c\n---\n', [null, { a: 1 }, null, null]],
    ['a: 1\r\n---\r\nb: 2', [{ a: 1 }, { b: 2 }]],
    ['%YAML 1.2\n---\na: 1\n...\n# end\n', [{ a: 1 }]],
    ['%YAML 1.1\n---\na: yes\n...\n%YAML 1.2\n---\nb: 012\n', [{ a: 'yes' }, { b: 12 }]],
    ['a: 1\n...\nb: 2\n', [{ a: 1 }, { b: 2 }]],
    ['--- {a: 1}\n--- [2]\n--- text\n', [{ a: 1 }, [2], 'text']],
    ['--- |\n a\n---\n', ['a\n', null]],
    [
      'ports: !override ["80:80"]\nx: !Ref Y\nd: 2020-01-01\nb: !!binary aGk=\n',
      [{ ports: ['80:80'], x: 'Y', d: '2020-01-01', b: 'aGk=' }],
    ],
    ['80: a\nnull: b\n? [1]\n', []],
  ];
  for (const [text, data] of cases.slice(0, -1)) assert.deepEqual(readDocuments(text).data, data, JSON.stringify(text));
  assert.deepEqual(places('80: a\n? [1]\n: b\n'), ['1:2: expected text as a key']);
});

test('aliases and merge keys stand for data', () => {
  const text = 'base: &b {a: 1, b: [x]}\nother: &o {b: 2, c: 3}\none: *b\nall:\n  <<: [*b, *o]\n  a: 9\n';
  const { data } = readDocuments(text);
  const b = { a: 1, b: ['x'] };
  assert.deepEqual(data, [{ base: b, other: { b: 2, c: 3 }, one: b, all: { a: 9, b: ['x'], c: 3 } }]);
});

test('JSON is told from YAML', () => {
  const formats = ['{"a": 1}', ' [1]\n', '{a: 1}', '{"a": 1,}', '# c\n{"a": 1}', 'null', '"text"'].map(
    (text) => readDocuments(text).format,
  );
  assert.deepEqual(formats, ['json', 'json', 'yaml', 'yaml', 'yaml', 'yaml', 'yaml']);
  assert.deepEqual(readDocuments('{"a": "\\ud83d\\ude00\\/", "b": 1e3,\t"c": [-0.5]}').data, [
    { a: '😀/', b: 1000, c: [-0.5] },
  ]);
});

test('every fault names its document and line, and quotes nothing', () => {
  assert.match(places('a: 1\nb: "open\nc: 1\n').join(), /^1:2: invalid YAML: a closing quote/);
  assert.match(places('a: 1\nb: [x,\nc: 1\n').join(), /^1:2: invalid YAML: /);
  assert.deepEqual(
    places('a: "open\nb: 1\n').map((one) => one.slice(0, 4)),
    ['1:1:', '1:3:'].slice(0, places('a: "open\nb: 1\n').length),
  );
  assert.deepEqual(places('a: *gone\nb: &x [*x]\n'), [
    '1:1: the alias has no anchor before it',
    '1:2: the alias stands inside its own anchor',
  ]);
  assert.deepEqual(places('<<: 5\n'), ['1:1: expected a mapping, or a list of them, to merge']);
  assert.deepEqual(places('a:\n  __proto__: 1\n'), ['1:2: not allowed as a key']);
  assert.deepEqual(places('{"a": 1,\n "a": 2}'), ['1:2: the key stands here twice']);
  for (const text of [
    'k: "s3cret\n',
    'k: [s3cret\n',
    'k: s3cret: x\n',
    'k: @s3cret\n',
    'k: "\\qs3cret"\n',
    '*s3cret : 1\n',
    '!s3cret!x a\n',
    '%s3cret\n---\n%\n',
  ]) {
    for (const { message } of faultsOf(text)) assert.doesNotMatch(message, /s3cret/);
  }
});

test('what is too large, too deep or multiplies is refused', () => {
  assert.deepEqual(places(`a: ${'x'.repeat(16 * 1024 * 1024)}`), ['0:0: larger than 16 MiB']);
  for (const deep of [
    '['.repeat(50_000),
    `a: ${'{b: '.repeat(30_000)}`,
    '- '.repeat(30_000),
    Array.from({ length: 2_000 }, (_, at) => `${' '.repeat(at)}a:`).join('\n'),
  ]) {
    const faults = places(`first: 1\n---\n${deep}\n`);
    assert.match(faults[0] ?? '', /^2:\d+: nested more than 100 levels deep$/);
    assert.equal(faults.length, 1);
  }
  assert.deepEqual(readDocuments(`${'['.repeat(90)}${']'.repeat(90)}`).format, 'json');
  const chain = Array.from({ length: 200 }, (_, at) => `a${at}: &a${at} [${at === 0 ? 1 : `*a${at - 1}`}]\n`).join('');
  assert.match(places(chain)[0] ?? '', /nested more than 100 levels deep/);
  const laughs = Array.from(
    { length: 12 },
    (_, at) =>
      `a${at}: &a${at} [${
        at === 0
          ? 'x'
          : Array(10)
              .fill(`*a${at - 1}`)
              .join(', ')
      }]\n`,
  ).join('');
  assert.match(places(laughs)[0] ?? '', /^1:\d: aliases stand for more than 1000000 values$/);
});

test('a place has its line, a missing one that of what would hold it', () => {
  const documents = readDocuments(
    '# c\na: &x\n  - b: 1\n\n    c: {d: 2,\n      e: 3}\n---\n# d\nf: *g\n'.replace('*g', '1'),
  );
  const lines = ([[], ['a'], ['a', 0], ['a', 0, 'c'], ['a', 0, 'c', 'e'], ['a', 7], ['z']] as const).map((path) =>
    documents.lineOf(0, path),
  );
  assert.deepEqual(lines, [2, 2, 3, 5, 6, 2, 2]);
  assert.deepEqual([documents.lineOf(1, ['f']), documents.lineOf(5, [])], [9, 0]);
  assert.equal(readDocuments('{\n  "a": [\n    1\n  ]\n}').lineOf(0, ['a', 0]), 3);
});

test('a change through an alias does not reach who else it stands for', () => {
  const text = 'one: &e\n  A: "1"\ntwo: *e # two\nthree:\n  <<: *e\n  B: 2\n';
  const [A, AB] = [{ A: '1' }, { A: '1', B: 2 }];
  assert.equal(
    write(text, { one: A, two: { A: '2' }, three: AB }),
    'one: &e\n  A: "1"\ntwo: # two\n  A: "2"\nthree:\n  <<: *e\n  B: 2\n',
  );
  assert.equal(
    write(text, { one: { A: '3' }, two: A, three: AB }),
    'one: &e\n  A: "3"\ntwo: # two\n  A: "1"\nthree:\n  <<: *e\n  A: "1"\n  B: 2\n',
  );
  assert.equal(
    write(text, { one: A, two: A, three: { A: 'x', B: 2 } }),
    'one: &e\n  A: "1"\ntwo: *e # two\nthree:\n  <<: *e\n  A: x\n  B: 2\n',
  );
  assert.equal(write(text, { one: A, two: A, three: { B: 2 } }), 'one: &e\n  A: "1"\ntwo: *e # two\nthree:\n  B: 2\n');
  assert.equal(write(text, { two: A, three: AB }), 'two: # two\n  A: "1"\nthree:\n  A: "1"\n  B: 2\n');
  assert.equal(
    write('a: &p 8080 # p\nb: [*p, {c: *p}]\n', { a: 8081, b: [8080, { c: 8081 }] }),
    'a: &p 8081 # p\nb: [8080, {c: *p}]\n',
  );
});

test('anchors that mean something else later', () => {
  assert.equal(write('a: &x 1\nb: *x\nc: &x 2\nd: *x\n', { a: 1, b: 1, d: 2 }), 'a: &x 1\nb: *x\nd: 2\n');
});

test('entries come and go, and comments stay', () => {
  const text = '# top\na: 1   # one\n\n# of b\nb:\n  - x  # x\n  # inner\n# of c\nc: "3"\n';
  assert.equal(write(text, { a: 1, c: '3' }), '# top\na: 1   # one\n\n# of b\n# of c\nc: "3"\n');
  assert.equal(
    write(text, { a: 1, new: { o: [1] }, b: ['x'], c: '4' }),
    '# top\na: 1   # one\nnew:\n  o:\n    - 1\n\n# of b\nb:\n  - x  # x\n  # inner\n# of c\nc: "4"\n',
  );
  assert.equal(
    write(text, { new: true, a: 1, b: ['w', 'x', 'z'], c: '3' }),
    '# top\nnew: true\na: 1   # one\n\n# of b\nb:\n  - w\n  - x  # x\n  - z\n  # inner\n# of c\nc: "3"\n',
  );
  assert.equal(write(text, { a: [1], b: 'no', c: {} }), '# top\na:   # one\n  - 1\n\n# of b\nb: "no"\n# of c\nc: {}\n');
});

test('the style of the file is taken on', () => {
  assert.equal(
    write('a:\n    b: 1\nl:\n- x\n', { a: { b: 1, c: { d: ['z'] } }, l: ['x', { k: 1, m: 2 }] }),
    'a:\n    b: 1\n    c:\n        d:\n        - z\nl:\n- x\n- k: 1\n  m: 2\n',
  );
  assert.equal(write('a:\r\n  b: 1\r\n', { a: { b: 1, t: 'x\ny\n' } }), 'a:\r\n  b: 1\r\n  t: |\r\n    x\r\n    y\r\n');
  assert.equal(
    write('a: \'x\'\nb: "y"\nl:\n-   name: m', { a: "it's", b: 'z', l: [{ name: 'm', o: 2 }, { name: 'q' }] }),
    "a: 'it''s'\nb: \"z\"\nl:\n-   name: m\n    o: 2\n-   name: q",
  );
  assert.equal(
    write('s:\n  a: 1\n\n  b: 2\n\n# end\n', { s: { a: 1, b: 2, c: 3 } }),
    's:\n  a: 1\n\n  b: 2\n\n  c: 3\n\n# end\n',
  );
});

test('collections between brackets are edited as they are written', () => {
  assert.equal(
    write('a: [x, "y"] # c\nb: {k: 1}\nc: []\nd: {}\n', {
      a: ['x', 'z', 'y'],
      b: { k: 2, l: [1, 'a, b'] },
      c: [1],
      d: { e: 1 },
    }),
    'a: [x, z, "y"] # c\nb: {k: 2, l: [1, "a, b"]}\nc:\n  - 1\nd:\n  e: 1\n',
  );
  assert.equal(
    write('a: [\n  1, # one\n  2, # two\n  3 # three\n]\n', { a: [1, 3, 4] }),
    'a: [\n  1, # one\n  3, # three\n  4\n]\n',
  );
  assert.equal(
    write('a: [1, 2,]\nb: { x: 1 , y: 2 }\n', { a: [1, 2, 3], b: { y: 2 } }),
    'a: [1, 2, 3,]\nb: { y: 2 }\n',
  );
});

test('JSON stays JSON', () => {
  assert.equal(write('{"a":1,"b":[]}', { a: 1, b: [{ c: 'x\ny' }], d: null }), '{"a":1,"b":[{"c":"x\\ny"}],"d":null}');
  assert.equal(
    write('{\n\t"a": [1, 2],\n\t"b": {}\n}\n', { a: [1, 3, 2], b: { c: [true] } }),
    '{\n\t"a": [1, 3, 2],\n\t"b": {\n\t\t"c": [\n\t\t\ttrue\n\t\t]\n\t}\n}\n',
  );
  assert.throws(() => readDocuments('{"a": 1}').write([{ a: 1 }, {}]), /a JSON file holds one document/);
});

test('a line of JSON that would become too long becomes several', () => {
  const long = 'x'.repeat(90);
  assert.equal(
    write('{\n  "t": { "c": [{ "n": 1 }] },\n  "z": 1\n}\n', { t: { c: [{ n: 1 }, { n: long }] }, z: 1 }),
    `{\n  "t": {\n    "c": [\n      { "n": 1 },\n      {\n        "n": "${long}"\n      }\n    ]\n  },\n  "z": 1\n}\n`,
  );
});

test('text that others could take for something else is quoted', () => {
  const odd = [
    'yes',
    'No',
    'on',
    'y',
    'null',
    '~',
    '',
    '1',
    '0o7',
    '0x1F',
    '1_000',
    '1e3',
    '12:30:45',
    '8080:80',
    '.5',
    '-.inf',
    '2020-01-01',
    '=',
    '<<',
    '- x',
    'a: b',
    'a #b',
    '*a',
    '&a',
    '!a',
    '%a',
    '@a',
    '`a',
    '{a',
    '[a',
    "'",
    '"',
    ' a',
    'a ',
    'a:',
    '#a',
    '|',
    '>',
    '?',
    '-',
    '---',
  ];
  const written = write('x: 1\n', { x: 1, l: odd });
  for (const line of written.split('\n').slice(2, -1)) assert.match(line, /^ +- ["']/);
  const plain = [
    'a',
    'a b',
    'http://x:80/y?z=1&a',
    '--port',
    '-p',
    'a:b',
    '$HOME',
    '${A:?set it}',
    '/bin/sh',
    'x=y',
    "it's",
    'v1.2',
    '30s',
    '512Mi',
  ];
  for (const line of write('x: 1\n', { l: plain }).split('\n').slice(1, -1)) assert.match(line, /^ +- [^"']/);
});

test('text of several lines', () => {
  for (const text of [
    'a\nb',
    'a\nb\n',
    'a\n\nb\n\n\n',
    ' a\n  b\n',
    '\na\nb',
    'a \n\tb\n',
    '# a\nb',
    'a\n---\nb\n...\n',
  ]) {
    assert.match(write('x: 1\n', { x: 1, t: text }), /\nt: \|/);
    assert.match(write('l:\n- 1\n', { l: [1, text] }), /\n- \|/);
    write('t: old # c\nu: 1\n', { t: text, u: 1 });
    write('t: |\n  old\n# c\nu: 1\n', { t: text, u: 1 });
  }
  assert.equal(write('a: 1\n', { a: 1, t: 'x\r\ny\u0007' }), 'a: 1\nt: "x\\r\\ny\\u0007"\n');
});

test('documents are added at the end', () => {
  const cases = [
    ['a: 1\n', 'a: 1\n---\nb: 2\n'],
    ['a: 1', 'a: 1\n---\nb: 2'],
    ['a: 1\r\n...\r\n# end\r\n', 'a: 1\r\n...\r\n# end\r\n---\r\nb: 2\r\n'],
  ] as const;
  for (const [text, wanted] of cases) assert.equal(readDocuments(text).write([{ a: 1 }, { b: 2 }]), wanted);
  assert.equal(readDocuments('# c\n').write([{ b: 2 }]), '# c\nb: 2\n');
  assert.equal(readDocuments('').write([{ b: 2 }]), 'b: 2\n');
});

test('tags and unusual keys stay, and what cannot be edited in place is written anew', () => {
  assert.equal(write('a: !x [1]\n? b\n: 1\n"c": 2\n', { a: [1, 2], b: 1, c: 2, d: 3 }).includes('!x'), true);
  assert.equal(write('a: !!str 8080 # c\n', { a: '8081' }), 'a: "8081" # c\n');
  assert.equal(write('--- !!map\na: 1 # c\n', { a: 2 }), '--- !!map\na: 2 # c\n');
  assert.deepEqual(readDocuments(readDocuments('--- # c\n').write([{ a: [1] }])).data, [{ a: [1] }]);
  assert.match(write('- - a # keep\n  - b\n', [['b']]), /b\n/);
  assert.match(write('--- {a: 1} # keep\n', { a: { b: ['x\ny'] } }), /# keep/);
});
