import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { RE2JS } from 're2js';
import type { Follower } from './follower.ts';
import { compileExpression } from './regex.ts';
import { END_TEXT, WORD_BOUNDARY } from './regex-conditions.ts';
import { ALT, EMPTY, FAIL, MATCH, RUNE, readProgram } from './regex-program.ts';
import { finish, STEP } from './steps.ts';

/** All matches that are not empty, as RE2JS finds them. */
function matchesOf(compiled: RE2JS, text: string): number[] {
  const spans: number[] = [];
  const matcher = compiled.matcher(text);
  while (matcher.find()) {
    if (matcher.end() > matcher.start()) spans.push(matcher.start(), matcher.end());
  }
  return spans;
}

/** Pushes pieces, and checks after each that what is decided is just what has been given. */
function follow(follower: Follower, pieces: readonly string[], expected: readonly number[]): void {
  const spans: number[] = [];
  let length = 0;
  let before = 0;
  for (const piece of pieces) {
    const decided = follower.push(piece, spans);
    length += piece.length;
    assert.ok(decided >= before && decided <= length, `${decided} after ${before}, of ${length}`);
    // Start and end come in pairs.
    assert.deepEqual(
      spans,
      expected.filter((_, i) => (expected[i - (i % 2)] as number) < decided),
    );
    before = decided;
  }
  follower.end(spans);
  assert.deepEqual(spans, expected);
}

function checkEveryWay(pattern: string, texts: readonly string[]): void {
  const compiled = RE2JS.compile(pattern);
  const expression = compileExpression(pattern);
  for (const text of texts) {
    const expected = matchesOf(compiled, text);
    assert.deepEqual([...expression.find(text, { left: 0 })], expected, JSON.stringify([pattern, text]));
    assert.deepEqual([...finish(expression.findInSteps(text))], expected);
    follow(expression.follow(), text.split(''), expected);
    for (let at = 0; at <= text.length; at++) {
      follow(expression.follow(), [text.slice(0, at), text.slice(at)], expected);
    }
  }
}

const TEXTS = [
  '',
  'a',
  'b',
  'ab',
  'aab abb aaab ba',
  'abcabcabcabd',
  'aaaaaaaaab',
  'foo bar foobar foo_bar barfoo',
  'Foo FOO fOo kelvin \u212a ſtraße STRASSE',
  'x1 22 333-44-5555 1234-5678 9',
  'line one\nline two\n\nlast\n',
  '\n\n',
  'key = value; secret=hunter2, password: "x y"',
  'ada@example.com, b@c.io; no@',
  '{"a":[1,2.5,-3e10],"b":"c\\n"}',
  'déjà vu Ωμέγα ωμέγα 中文字符 x',
  '😀a😀😀b \ud83d c \ude00 d\ud83d',
  '<a href="x">b</a><a>c</a>',
  ' \t  spaces   and\ttabs ',
  'x...y..z 10.0.0.1 v1.2.3-rc4',
];

/** By what they are about. */
const PATTERNS: Record<string, readonly string[]> = {
  literals: [
    'a',
    'ab',
    'abc',
    'foo',
    'é',
    '😀',
    '\\.',
    'a b',
    '\\x41',
    '\\Qa.b\\E',
    'foobar|foo',
    '中文',
    '\\n',
    '"b"',
  ],
  classes: ['[abc]', '[^abc]', '[a-c]+', '[^a]+', '.', '.+', '\\d', '\\d+', '\\D+', '\\w+', '\\W+', '\\s+', '\\S+'],
  'more classes': [
    '[[:alpha:]]+',
    '[[:^digit:]]',
    '[\\d.]+',
    '[é中]',
    '[^\\n]+',
    '[\\x00-\\x7f]+',
    '[^\\x00-\\x7f]+',
    '[😀-😂]+',
  ],
  counted: [
    'a{2}',
    'a{2,}',
    'a{0,2}',
    'a{2,3}?',
    '(ab){2}',
    '(?:abc){2,3}',
    '\\d{3}-\\d{2}-\\d{4}',
    '\\d{4}-\\d{4}',
    'a{3}b',
  ],
  greedy: [
    'a*',
    'a+',
    'a?',
    'a*b',
    'a+b',
    'a?b',
    '.*b',
    '.*',
    'a.*b',
    '(a*)*b',
    '(a+)+$',
    '(a|ab)*c',
    '(?:a*b*)*c',
    '(aa|a)*b',
  ],
  lazy: [
    'a*?',
    'a+?',
    'a??b',
    '.*?b',
    'a.*?b',
    'a.+?b',
    '(?:a|b)+?c',
    '<.*?>',
    '(?U)a+',
    '(?U)a+?b',
    '"[^"]*?"',
    '(a+?)(b+?)',
  ],
  priorities: [
    'a|ab',
    'ab|a',
    'a|ab|abc',
    'abc|ab|a',
    '(a|ab)(c|bcd)',
    '(|a)b',
    '(a|)b',
    '(?:|a)+',
    'foo|foobar|bar',
    'a(.*b)?',
    'a(?:b|)',
    '(?:a??b)?',
  ],
  'empty ones': [
    '',
    '(?:)',
    'x*',
    '(|a)',
    '(a|)',
    '(a*|b)',
    '(a*)+',
    '(?:a?)*',
    '(b*|a)',
    '\\b',
    '^',
    '$',
    'a*|b',
    '(?:a*?)*b',
    '(?:|b)a',
  ],
  anchors: [
    '^a',
    'a$',
    '^a$',
    '^',
    '\\Aa',
    'a\\z',
    '^.*$',
    '^(?:a|ab)*$',
    '(^a|b)',
    '(a$|b)',
    '^[^b]*',
    'x^',
    '$a',
    'b\\z|a',
    '^(a|foo)',
    'a*$',
  ],
  lines: [
    '(?m)^',
    '(?m)$',
    '(?m)^l',
    '(?m)e$',
    '(?m)^.*$',
    '(?m)^$',
    '(?m)^\\w+',
    '(?m)\\w+$',
    '(?m)^line.*?$',
    '(?ms)^l.*o$',
    '(?m:^)l\\w*',
  ],
  words: [
    '\\bfoo\\b',
    '\\bfoo',
    'foo\\b',
    '\\Bfoo',
    'foo\\B',
    '\\b\\w',
    '\\w\\b',
    '\\b',
    '\\B',
    '\\b\\d+\\b',
    '\\B.',
    '\\b[a-z]+\\b',
    '(?:\\b|a)b',
    '\\ba*\\b',
    'a\\b|ab',
    '\\B\\b',
    '\\b(?:foo|bar|line)\\b',
  ],
  flags: [
    '(?i)foo',
    '(?i)k',
    '(?i)s+',
    '(?i)straße',
    '(?i)ωμέγα',
    '(?i)[a-f]+',
    '(?i)K\\w+',
    '(?s).',
    '(?s)a.*b',
    '(?s).+',
    '(?is)f.*x',
    'f(?i)oo',
    '(?i:f)oo',
    '(?-s).+',
    '(?i)é',
  ],
  unicode: [
    '\\pL',
    '\\pL+',
    '\\p{Greek}+',
    '\\p{Han}{2}',
    '\\PL+',
    '\\p{Lu}',
    '\\p{L}\\p{M}*',
    '[\\pL\\d]+',
    '(?i)\\p{Lu}+',
    '\\x{1F600}',
    '\\x{D83D}',
    '[\\x{D800}-\\x{DFFF}]',
    '\\C?a',
  ],
  ordinary: [
    '[a-z]+@[a-z]+\\.[a-z]+',
    '(?i)(?:secret|password)\\s*[:=]\\s*\\S+',
    '\\w+\\s*=\\s*\\w+',
    '(?:\\d{1,3}\\.){3}\\d{1,3}',
    'v\\d+(?:\\.\\d+)*(?:-rc\\d+)?',
    '-?\\d+(?:\\.\\d+)?(?:e\\d+)?',
    '\\s{2,}',
    '(?P<q>["\']).*?["\']',
  ],
};

test('expressions find in pieces what RE2JS finds in the whole, wherever the text is cut', () => {
  const patterns = Object.values(PATTERNS).flat();
  assert.ok(patterns.length >= 150);
  for (const pattern of patterns) {
    // RE2 has it, Go and RE2JS do not.
    if (pattern === '\\C?a') assert.throws(() => compileExpression(pattern));
    else checkEveryWay(pattern, TEXTS);
  }
});

const ATOMS = [
  '',
  ' ',
  ...String.raw`a b ab [ab] [^a] . \d \w \b \B ^ $ \A \z é 😀 \pL \n (?m:^) (?m:$) (?s:.) (?i:k) (?i:as) [😀é] \x{D83D}`.split(
    ' ',
  ),
];
const { pattern: anyForm } = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...ATOMS),
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => a + b),
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `(?:${a}|${b})`),
    fc
      .tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '*?', '+?', '??', '{2}', '{1,3}', '{0,2}?'))
      .map(([a, count]) => `(${a})${count}`),
  ),
}));
/** Not those that repeat more than 1,000 times. */
const anyPattern = anyForm.filter(isUsable);

function isUsable(pattern: string): boolean {
  try {
    compileExpression(pattern);
    return true;
  } catch {
    return false;
  }
}

const anyText = fc.string({
  unit: fc.constantFrom('a', 'b', 'k', 'K', '\u212a', '1', ' ', '\n', 'é', '😀', '\ud83d', '\ude00', '_'),
  maxLength: 16,
});

test('expressions of every form find in pieces what RE2JS finds in the whole', () => {
  fc.assert(
    fc.property(anyPattern, fc.array(anyText, { minLength: 1, maxLength: 4 }), (pattern, texts) => {
      checkEveryWay(pattern, texts);
      const whole = texts.join('');
      follow(compileExpression(pattern).follow(), texts, matchesOf(RE2JS.compile(pattern), whole));
    }),
    { numRuns: 1500 },
  );
});

test('a clone goes its own way', () => {
  fc.assert(
    fc.property(anyPattern, anyText, anyText, anyText, (pattern, before, one, other) => {
      const compiled = RE2JS.compile(pattern);
      const first = compileExpression(pattern).follow();
      const spans: number[] = [];
      first.push(before, spans);
      const second = first.clone();
      const rest: number[] = [...spans];
      first.push(one, spans);
      second.push(other, rest);
      first.end(spans);
      second.end(rest);
      assert.deepEqual(spans, matchesOf(compiled, before + one));
      assert.deepEqual(rest, matchesOf(compiled, before + other));
    }),
    { numRuns: 1000 },
  );
});

test('no more is held back than may still become a match', () => {
  const rows: [pattern: string, ...pieces: [string, decided: number][]][] = [
    ['acct-\\d{6}', ['my a', 3], ['cc', 3], ['x', 7]],
    ['acct-\\d{6}', ['acct-12345', 0], ['6', 11], ['7', 12]],
    // The word may go on.
    ['\\bacct-\\d{6}\\b', ['acct-123456', 0], [' ', 12]],
    ['foo\\b', ['foo', 0], ['d', 4], ['foo', 4], ['.', 8]],
    ['(?i)secret', ['a SEC', 2], ['ure', 8]],
    // The shorter one is preferred.
    ['a|ab', ['a', 1], ['b', 2]],
    ['ab|a', ['a', 0], ['c', 2]],
    ['a+?', ['aa', 2]],
    ['a+', ['aa', 0], ['b', 3]],
    ['x$', ['x', 0], ['y', 2]],
    ['^x', ['y', 1], ['x', 2]],
    ['\\Aab', ['a', 0], ['a', 2]],
    ['(?m)^x+$', ['xx', 0], ['\n', 3], ['y', 4]],
    ['(?s)x.*y', ['ax', 1], ['yz', 1]],
    ['x.*y', ['ax', 1], ['yz', 1], ['\n', 5]],
    ['a(.*b)?', ['aa', 0], ['\n', 3]],
    ['\\d{3}', ['12', 0], ['34', 3]],
    // Half of a character.
    ['😀', ['a\ud83d', 1], ['\ude00', 3]],
    ['a', ['b\ud83d', 2]],
  ];
  for (const [pattern, ...pieces] of rows) {
    const follower = compileExpression(pattern).follow();
    for (const [i, [piece, decided]] of pieces.entries()) {
      assert.equal(follower.push(piece, []), decided, `${pattern}, piece ${i}`);
    }
  }
});

test('a long text is searched in many steps, whatever the expression, and with the same result', () => {
  const rows: [pattern: string, text: string, matches: number][] = [
    ['\\d+x', '1234567890'.repeat(STEP), 0],
    ['a(.*b)?', 'a'.repeat(10 * STEP), 10 * STEP],
    ['a(.*b)?', `${'a'.repeat(10 * STEP)}b`, 1],
    ['(?s)x.*y', `x${'z'.repeat(10 * STEP)}`, 0],
    ['(a+)+$', 'a'.repeat(10 * STEP), 1],
    ['(?:[a-z]{2}x?){100}', 'ab'.repeat(STEP), Math.floor(STEP / 100)],
    ['needle', 'hay '.repeat(3 * STEP), 0],
    ['😀😀', '😀'.repeat(2 * STEP + 1), STEP],
  ];
  for (const [pattern, text, matches] of rows) {
    const steps = compileExpression(pattern).findInSteps(text);
    for (let taken = 1; ; taken++) {
      const { done, value } = steps.next();
      if (!done) continue;
      assert.equal(value.length / 2, matches, pattern);
      assert.ok(taken >= text.length / STEP, `${pattern}: ${taken} steps`);
      break;
    }
  }
});

test('an expression that looks ahead from each of its matches is linear too', () => {
  const text = `b${'a'.repeat(100_000)} c`;
  assert.equal(compileExpression('a(?:.*b)?').find(text, { left: 0 }).length, 200_000);
});

test('the program of RE2JS has the form that is known here', () => {
  const program = readProgram(RE2JS.compile('(?i)\\bk(a|[^b])*?$'));
  const rows = Array.from(program.op, (op, pc) => [op, program.out[pc], program.arg[pc], program.beyond[pc]]);
  assert.equal(program.start, 1);
  assert.deepEqual(rows, PROGRAM);
  const takes = (pc: number): string =>
    Array.from({ length: 128 }, (_, c) => c)
      .filter((c) => program.ascii[(program.set[pc] as number) + c] === 1)
      .map((c) => String.fromCharCode(c))
      .join('');
  assert.equal(takes(2), 'Kk');
  assert.equal(program.takes(2, 0x212a), true);
  assert.equal(program.takes(2, 0x212b), false);
});

/** What each instruction does, where it goes on, its second way or condition, and what it takes beyond ASCII. */
const PROGRAM: readonly number[][] = [
  [FAIL, 0, 0, 0],
  [EMPTY, 2, WORD_BOUNDARY, 0],
  [RUNE, 6, 0, 1],
  // Captures are passed over.
  [FAIL, 4, 0, 0],
  [RUNE, 6, 0, 2],
  [FAIL, 6, 0, 0],
  [ALT, 7, 4, 0],
  [EMPTY, 8, END_TEXT, 0],
  [MATCH, 0, 0, 0],
];

test('a program of another form is refused', () => {
  const known = { op: 9, out: 0, arg: 0, runes: Int32Array.of(97), matchRune: (rune: number) => rune === 97 };
  const end = { ...known, op: 6, runes: new Int32Array(0) };
  const read = (prog: unknown) => readProgram({ re2: () => ({ prog }) } as unknown as RE2JS);
  assert.equal(read({ inst: [{ ...known, out: 1 }, end], start: 0, numLb: 0 }).runes, 1);
  const rows: unknown[] = [
    undefined,
    { inst: {}, start: 0, numLb: 0 },
    { inst: [end], start: 1, numLb: 0 },
    { inst: [end], start: 0 },
    { inst: [end], start: 0, numLb: 1 },
    { inst: [null], start: 0, numLb: 0 },
    { inst: [{ ...known, op: 14 }], start: 0, numLb: 0 },
    { inst: [{ ...known, op: 12 }], start: 0, numLb: 0 },
    { inst: [{ ...known, out: 7 }], start: 0, numLb: 0 },
    { inst: [{ ...known, op: 1, arg: 7 }], start: 0, numLb: 0 },
    { inst: [{ ...known, op: 4, arg: 64 }], start: 0, numLb: 0 },
    { inst: [{ ...known, runes: [97] }], start: 0, numLb: 0 },
    { inst: [{ ...known, matchRune: undefined }], start: 0, numLb: 0 },
    { inst: [{ ...known, matchRune: () => 1 }], start: 0, numLb: 0 },
    { inst: [{ ...known, op: 7 }], start: 0, numLb: 0 },
  ];
  for (const [i, prog] of rows.entries()) assert.throws(() => read(prog), Error, `row ${i}`);
  assert.throws(() => readProgram(RE2JS.compile('(?<=a)b', RE2JS.LOOKBEHINDS)), /look-behind/);
});
