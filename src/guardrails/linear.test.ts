import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine } from './engine.ts';
import { inspect } from './inspect.ts';
import type { RuleConfig } from './rule.ts';

const SIZE = 2 ** 20;

function fill(unit: string, size = SIZE): string {
  return unit.repeat(Math.ceil(size / unit.length)).slice(0, size);
}

/** Milliseconds it takes; the best of three when one is not under `enough`, since others use the machine too. */
function millis(run: () => unknown, enough: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3 && best > enough; i++) {
    const start = process.hrtime.bigint();
    run();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / 1e6);
  }
  return best;
}

const builtIns = createEngine();

/** Text that makes the full path run, and is otherwise ordinary. */
const ORDINARY = fill('The quick brown fox, order 12345, mailed a@b.io on 2026-01-02 and left. ');

const HARD: Record<string, string> = {
  letters: fill('a'),
  digits: fill('1'),
  'issuer digits': fill('4'),
  '@': fill('@'),
  'a@': fill('a@'),
  'a@a.': fill('a@a.'),
  'labels after one @': `a@${fill('a.')}`,
  'hyphens after one @': `a@${fill('-')}`,
  'local parts of 64': fill(`${'l'.repeat(64)}@`),
  '1-1-1': fill('1-'),
  '4 4 4': fill('4 '),
  '4111 groups': fill('4111 '),
  '4111 111111 groups': fill('4111 111111 '),
  spaces: fill(' '),
  'digits and spaces': fill('123456789  '),
  'almost SSN': fill('123-45-678-'),
  backslashes: fill('\\'),
  '\\u0040': fill('\\u0040'),
  'CJK @': fill('用户@'),
};

test('the built-in rules take linear time on every text', () => {
  for (const type of ['text/plain', 'application/json', 'application/x-www-form-urlencoded']) {
    const clean = millis(() => inspect(builtIns, Buffer.from(ORDINARY), type), 0);
    const limit = 30 * clean + 200;
    for (const [name, text] of Object.entries(HARD)) {
      const bytes = Buffer.from(type === 'application/json' ? JSON.stringify([text]) : text);
      const time = millis(() => inspect(builtIns, bytes, type), limit);
      assert.ok(time < limit, `${type}, ${name}: ${time.toFixed(0)} ms, ordinary text ${clean.toFixed(0)} ms`);
    }
  }
});

function regex(pattern: string, action: RuleConfig['action'] = 'redact'): RuleConfig {
  return { name: pattern, type: 'regex', pattern, action, replace: '#' };
}

test('operators’ expressions take linear time too', () => {
  const letters = fill('a', 60_000);
  for (const pattern of ['(a+)+$', '(a|aa)+!', '(a*)*b', 'a{1,100}b', '(?i)(.*)(.*)(.*)x', '[a-z]+@[a-z]+']) {
    const engine = createEngine([regex(pattern)]);
    const time = millis(() => inspect(engine, Buffer.from(letters), 'text/plain'), 2000);
    assert.ok(time < 2000, `${pattern}: ${time.toFixed(0)} ms`);
  }
});

test('an expression that looks ahead from each of its matches does not look over and over again', () => {
  const engine = createEngine([regex('a(?:.*b)?')]);
  const { bytes, hits } = inspect(engine, Buffer.from(`b${fill('a', 30_000)} c`), 'text/plain');
  assert.equal(Buffer.from(bytes).toString(), `b${'#'.repeat(30_000)} c`);
  assert.equal(hits[0]?.count, 30_000);
});

test('JSON that is 100,000 deep, and all kinds of JSON that break off, need no stack', () => {
  const deep = `${'['.repeat(100_000)}"a@b.io"${']'.repeat(100_000)}`;
  const { bytes, hits } = inspect(builtIns, Buffer.from(deep), 'application/json');
  assert.equal(Buffer.from(bytes).toString(), deep.replace('a@b.io', '[REDACTED-EMAIL]'));
  assert.ok((hits[0]?.path ?? '').length < 200);
  for (const text of [`${'['.repeat(100_000)}"a@b.io"`, `${'{"a":'.repeat(100_000)}"a@b.io"`, `"${fill('\\"')}`]) {
    assert.equal(inspect(builtIns, Buffer.from(`${text} a@b.io`), 'application/json').unreadable, 'invalid_json');
  }
});

test('very many matches', () => {
  for (const type of ['text/plain', 'application/json', 'application/x-www-form-urlencoded']) {
    const body = Buffer.from(type === 'application/json' ? JSON.stringify(fill('a@b.io ')) : fill('a@b.io '));
    const time = millis(() => assert.ok((inspect(builtIns, body, type).hits[0]?.count ?? 0) > 149_000), 5000);
    assert.ok(time < 5000, `${type}: ${time.toFixed(0)} ms`);
  }
});

test('multipart with very many parts, and with a boundary that nearly comes very often', () => {
  const type = 'multipart/form-data; boundary=b';
  for (const part of ['--b\r\n\r\nx\r\n', '--b\r\n', '--bb\r\n', '--b  x\r\n']) {
    const body = Buffer.from(`${fill(part)}\r\n--b--\r\n`);
    const time = millis(() => inspect(builtIns, body, type), 5000);
    assert.ok(time < 5000, `${JSON.stringify(part)}: ${time.toFixed(0)} ms`);
  }
});
