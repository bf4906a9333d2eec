import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { CoreScreen } from './core-screen.ts';
import { compileExpression, type Expression } from './regex.ts';
import { type Core, coreOf } from './required.ts';
import { type Rule, SURFACES } from './rule.ts';
import { createScreen } from './screen.ts';
import { finish, STEP } from './steps.ts';

const ATOMS = [
  '',
  ' ',
  ...String.raw`a b ab xyz [ab] [^a] . \d \w \b \B ^ $ é 😀 \pL (?i:k) (?i:as) [😀é] \x{D83D} q1- ~`.split(' '),
];
const { pattern: anyForm } = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...ATOMS),
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => a + b),
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `(?:${a}|${b})`),
    fc
      .tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '*?', '{2}', '{1,3}', '{9}'))
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
  unit: fc.constantFrom(
    'a',
    'b',
    'k',
    'K',
    's',
    '\u212a',
    '1',
    ' ',
    '\n',
    'é',
    '😀',
    '\ud83d',
    '\ude00',
    '_',
    'xyz',
    'q1-',
    '~',
  ),
  maxLength: 20,
});

const matches = (expression: Expression, text: string): boolean => expression.find(text, { left: 0 }).length > 0;

/** Undefined when it gave up: then any may be there. */
function look(cores: readonly Core[], text: string): number[] | undefined {
  const found = new Uint8Array(cores.length);
  return new CoreScreen(cores).look(text, 0, text.length, found) ? [...found] : undefined;
}

test('what an expression finds has its core, also among other cores', () => {
  fc.assert(
    fc.property(fc.array(anyPattern, { minLength: 1, maxLength: 5 }), fc.array(anyText), (patterns, texts) => {
      const known = patterns
        .map(compileExpression)
        .map((expression) => ({ expression, core: coreOf(expression.program) }))
        .filter((entry): entry is { expression: Expression; core: Core } => entry.core !== undefined);
      const cores = known.map(({ core }) => core);
      for (const text of texts) {
        const found = look(cores, text);
        // Expressions such as `((([^a]*)*){9}){9}` are too much even for a short text.
        if (found === undefined) continue;
        for (const [i, { expression, core }] of known.entries()) {
          const isMatch = matches(expression, text);
          if (isMatch) assert.equal(found[i], 1, JSON.stringify([expression.pattern, text]));
          // A whole expression that looks at no ends says no wrong yes either.
          if (core.isWhole && expression.survivesJoining && found[i] === 1) assert.ok(expression.test(text));
        }
      }
    }),
    { numRuns: 600 },
  );
});

test('an expression without a core finds nothing', () => {
  fc.assert(
    fc.property(anyPattern, anyText, (pattern, text) => {
      const expression = compileExpression(pattern);
      if (coreOf(expression.program) === undefined) assert.ok(!matches(expression, text));
    }),
  );
});

test('the core is what is rare in an expression', () => {
  // What has the core, and what has not.
  const rows: [pattern: string, yes: string[], no: string[]][] = [
    ['[a-z]+@corp\\.example', ['@corp.example'], ['ada@example.com', 'corp example']],
    ['\\w+\\s*=\\s*secret', ['secret'], ['secr et', 'key = value']],
    ['.*needle.*', ['needle'], ['nee dle']],
    ['(?i)(?:apple|banana)s?', ['an APPLE', 'bananas'], ['appl', 'ban ana']],
    ['\\b[A-Z]{3}\\d-\\d{4}\\b', ['ABC1-2345'], ['ABC-1234', '3f0e-8a5c', '2026-01-02']],
    ['\\b\\d{9}\\b', ['123456789'], ['12345678', '1234567890', 'a123456789']],
    ['\\b\\d{5}(?:-\\d{4})?\\b', ['12345', '12345-6789'], ['123456', '1234', '12345_']],
    ['[😀-😂]', ['😁'], ['“”', '😃', 'é']],
    ['\\p{Han}{2,}', ['中文'], ['中', 'éé']],
  ];
  for (const [pattern, yes, no] of rows) {
    const core = coreOf(compileExpression(pattern).program);
    assert.ok(core !== undefined);
    for (const text of yes) assert.deepEqual(look([core], text), [1], `${pattern}: ${text}`);
    for (const text of no) assert.deepEqual(look([core], text), [0], `${pattern}: ${text}`);
  }
});

test('a text that needs too many states is given up, and the states that are kept are bounded', () => {
  const cores = Array.from(
    { length: 30 },
    (_, i) => coreOf(compileExpression(`[a-z]${i}[a-z0-9 ]{20}#`).program) as Core,
  );
  // Whatever is 20 characters back matters: no two places are alike.
  let seed = 1;
  const next = (): number => (seed = (Math.imul(seed, 48_271) >>> 0) % 0x7fff_ffff);
  const text = Array.from({ length: 20_000 }, () => 'ab01 '[next() % 5]).join('');
  const screen = new CoreScreen(cores.map((core) => ({ ...core })));
  const found = new Uint8Array(cores.length);
  const answers = Array.from({ length: 20 }, () => screen.look(text, 0, text.length, found));
  assert.ok(answers.includes(false));
  assert.deepEqual([...found], Array<number>(30).fill(0));
  // It goes on to serve.
  assert.ok(screen.look('a0 ', 0, 3, found));
});

test('what costs very much for each character is given up at once, and not after as many transitions as others', () => {
  // A text of this length may have about a thousand transitions made; each of these follows some hundred thousand edges.
  const core = coreOf(compileExpression('(?:a?){500}a{500}').program) as Core;
  assert.equal(new CoreScreen([core]).look('a'.repeat(600), 0, 600, new Uint8Array(1)), false);
});

const base = { name: '', kind: 'regex', action: 'redact', style: 'replace', replace: '', on: SURFACES } as const;

function rulesOf(patterns: readonly string[]): Map<Rule, Expression> {
  return new Map(
    patterns.map((pattern, index) => {
      const expression = compileExpression(pattern);
      return [{ ...base, index, find: expression.find, follow: expression.follow }, expression];
    }),
  );
}

test('a screen leaves out no rule that finds something, in a text, in a joined one, and in steps', () => {
  fc.assert(
    fc.property(fc.array(anyPattern, { minLength: 1, maxLength: 20 }), fc.array(anyText), (patterns, texts) => {
      const expressions = rulesOf(patterns);
      const screen = createScreen(expressions, new Map());
      const joined = `"${texts.join('","')}"`;
      const inJoined = screen(joined, true);
      assert.deepEqual(
        inJoined.map(({ index }) => index),
        [...new Set(inJoined.map(({ index }) => index))].sort((a, b) => a - b),
      );
      for (const text of texts) {
        const found = screen(text, false);
        const inSteps = finish(screen.inSteps(text));
        for (const [rule, expression] of expressions) {
          if (!matches(expression, text)) continue;
          const why = JSON.stringify([expression.pattern, texts]);
          assert.ok(found.includes(rule) && inSteps.includes(rule) && inJoined.includes(rule), why);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('a clean text leaves no rule, a match leaves its rule, also across two steps', () => {
  const patterns = ['\\bacct-\\d{6}\\b', '(?i)project\\s+x', '\\b\\d{9}\\b', '^[a-z]+:', '(?s)BEGIN.*END'];
  const screen = createScreen(rulesOf(patterns), new Map());
  const indexes = (rules: readonly Rule[]): number[] => rules.map(({ index }) => index);
  const clean = '{"at":"2026-01-02T03:04:05.123Z","text":"the report, 1767225600000 times"}';
  assert.deepEqual(indexes(screen(clean, true)), []);
  assert.deepEqual(indexes(screen('no colon', false)), []);
  assert.deepEqual(indexes(screen('Project x: acct-123456', false)), [0, 1]);
  assert.deepEqual(indexes(screen('BEGINEND', false)), [4]);
  const long = `${' '.repeat(STEP - 5)}acct-123456${' '.repeat(STEP)}`;
  const steps = screen.inSteps(long);
  for (let taken = 1; ; taken++) {
    const { done, value } = steps.next();
    if (!done) continue;
    assert.ok(indexes(value).includes(0) && !indexes(value).includes(1));
    assert.ok(taken >= 3);
    break;
  }
});
