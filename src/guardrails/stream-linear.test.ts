import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine, type Engine } from './engine.ts';
import { inspectStream } from './stream.ts';
import { Tally } from './tally.ts';

const builtIns = createEngine();
const all = createEngine([
  { type: 'preset', name: 'pii_detection' },
  { type: 'preset', name: 'secrets' },
]);
const holds = createEngine([
  { name: 'held', type: 'regex', pattern: '(?s)BEGIN.*END', action: 'redact' },
  { name: 'behind', type: 'keyword', pattern: 'heck', action: 'redact' },
]);

function json(text: string): string {
  return `data: {"delta":${text}}\n\n`;
}

/** A text in pieces, one for each event. */
function pieces(text: string, size: number, write: (piece: string) => string): string {
  let out = '';
  for (let at = 0; at < text.length; at += size) out += write(text.slice(at, at + size));
  return out;
}

const escaped = (n: number): string => '\\u0031'.repeat(n);
const dirty = 'Mail ada@example.com, call 123-45-6789, \u200bpay 4111 1111 1111 1111. ';
const asJson = (text: string): string => json(JSON.stringify(text));
const asData = (text: string): string => `data: ${text}\n\n`;

interface Case {
  readonly engine: Engine;
  readonly type: string;
  readonly make: (n: number) => string;
  /** Of a chunk, in bytes. */
  readonly size: number;
  readonly n: number;
}

function sse(n: number, make: (n: number) => string, engine = builtIns, size = 65_536): Case {
  return { engine, type: 'text/event-stream', make, size, n };
}

function plain(n: number, make: (n: number) => string, engine = builtIns, size = 65_536): Case {
  return { engine, type: 'text/plain', make, size, n };
}

const CASES: Record<string, Case> = {
  'escaped digits in a string': sse(100_000, (n) => json(`"${escaped(n)}"`)),
  'escaped digits on a data line': sse(100_000, (n) => asData(escaped(n))),
  'escaped digits in plain text': plain(100_000, escaped),
  'escaped digits, in 50,000 events': sse(33_334, (n) => pieces(escaped(n / 2), 4, asJson)),
  'escaped digits, in 50,000 plain events': sse(33_334, (n) => pieces(escaped(n / 2), 4, asData)),
  'escaped digits, by four bytes': plain(40_000, escaped, builtIns, 4),
  'very many matches in a string': sse(10_000, (n) => asJson(dirty.repeat(n))),
  'very many matches, and all rules': sse(3000, (n) => asJson(dirty.repeat(n)), all),
  'very many members': sse(100_000, (n) => json(`{${Array.from({ length: n }, (_, i) => `"k${i}":"v"`).join()}}`)),
  'very many keys with matches': sse(10_000, (n) =>
    json(`{${Array.from({ length: n }, (_, i) => `"a${i}@x.io":1`).join()}}`),
  ),
  'very many indexes': sse(20_000, (n) =>
    json(`{${Array.from({ length: n }, (_, i) => `"a${i}_index":${i}`).join()},"text":"x"}`),
  ),
  'very many finished': sse(10_000, (n) => json(`[${'{"text":"a","finish_reason":"x"},'.repeat(n)}0]`)),
  'digits and spaces': plain(100_000, (n) => '1 '.repeat(n), builtIns, 4),
  'digits and spaces in events': sse(50_000, (n) => pieces('1 '.repeat(n), 4, asJson)),
  'a word': plain(65_536, (n) => 'a'.repeat(n), builtIns, 4),
  'a word in one chunk': plain(1_000_000, (n) => 'a'.repeat(n)),
  'all is held, by four bytes': plain(50_000, (n) => `BEGIN ${'word '.repeat(n)}`, holds, 4),
  'all is held, in events': sse(20_000, (n) => pieces(`BEGIN ${'word '.repeat(n)}`, 4, asJson), holds),
  'all is held, and matches before': sse(20_000, (n) => asJson('BEGIN ') + asJson('ada@x.io heck ').repeat(n), holds),
  'all is held, escaped': plain(20_000, (n) => `BEGIN ${escaped(n)}`, holds, 4),
  'all is held, and is a match': plain(40_000, (n) => `BEGIN ${escaped(n)} END`, holds),
  'what does not show': plain(100_000, (n) => `1${'\u200b'.repeat(n)}`, builtIns, 64),
  'white space that may come before JSON': plain(100_000, (n) => ' '.repeat(n), builtIns, 1),
  'an event by single bytes': sse(100_000, (n) => asData('x'.repeat(n)), builtIns, 1),
  'very many data lines': sse(20_000, (n) => `${'data: ada@example.com\n'.repeat(n)}\n`),
  'very many lines that mean nothing': sse(20_000, (n) => `${'foo ada@example.com\n'.repeat(n)}\n`),
};

/** Milliseconds of work, the best of some. */
function time({ engine, type, make, size }: Case, n: number, times: number): number {
  const bytes = Buffer.from(make(n));
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times; i++) {
    const inspector = inspectStream(engine, type, new Tally(), { limit: 1e9 }) ?? assert.fail();
    const before = process.cpuUsage();
    for (let at = 0; at < bytes.length; at += size) inspector.push(bytes.subarray(at, at + size));
    inspector.end();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}

for (const [name, one] of Object.entries(CASES)) {
  test(`the time is linear: ${name}`, () => {
    const half = time(one, one.n, 2);
    // What is quadratic takes four times as long, and with sixteen times the size is far beyond this.
    const limit = 3 * half + 150;
    const full = time(one, 2 * one.n, 1);
    if (full > limit) {
      const again = time(one, 2 * one.n, 3);
      assert.ok(again < limit, `${half.toFixed(0)} ms, and ${again.toFixed(0)} ms for twice the size`);
    }
    assert.ok(full < 10_000, `${full.toFixed(0)} ms`);
  });
}
