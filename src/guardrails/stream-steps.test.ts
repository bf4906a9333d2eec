import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createEngine, type Engine } from './engine.ts';
import type { OwnRule, RuleConfig } from './rule.ts';
import { finish, type Steps } from './steps.ts';
import { inspectStream, type StreamInspector } from './stream.ts';
import { Tally } from './tally.ts';

function own(name: string, type: 'regex' | 'keyword', pattern: string, rest: Partial<OwnRule> = {}): OwnRule {
  return { name, type, pattern, action: 'redact', replace: `<${name}>`, ...rest };
}

const ENGINES: Record<string, Engine> = {
  'default rules': createEngine(),
  'all built-in rules, masked': createEngine([
    { type: 'preset', name: 'pii_detection', style: 'mask' } satisfies RuleConfig,
    { type: 'preset', name: 'secrets' },
  ]),
  'a rule that holds, and one behind it': createEngine([
    own('held', 'regex', '(?s)BEGIN.*END'),
    own('words', 'keyword', 'heck,held'),
    own('seen', 'regex', '[A-Z]{3,}', { action: 'warn' }),
  ]),
  'a rule that blocks': createEngine([own('no', 'keyword', 'forbidden', { action: 'block' })]),
  'rules with paths': createEngine([own('in a', 'regex', 'x+', { paths: ['$.a'] })]),
};

const TYPES = ['text/event-stream', 'application/x-ndjson', 'text/plain'];
const LIMIT = 10_000_000;

interface Ran {
  readonly out: string;
  readonly hits: Tally['hits'];
  readonly blockedBy: string | undefined;
  readonly unreadable: string | undefined;
}

/** How one chunk is given to an inspector, and its end. */
interface Way {
  readonly push: (inspector: StreamInspector, chunk: Uint8Array) => Uint8Array;
  readonly end: (inspector: StreamInspector) => Uint8Array;
}

const AT_ONCE: Way = {
  push: (inspector, chunk) => inspector.push(chunk),
  end: (inspector) => inspector.end(),
};
const IN_STEPS: Way = {
  push: (inspector, chunk) => finish(inspector.pushInSteps(chunk)),
  end: (inspector) => finish(inspector.endInSteps()),
};

function run(engine: Engine, type: string, chunks: readonly Uint8Array[], { push, end }: Way, limit = LIMIT): Ran {
  const tally = new Tally();
  const inspector = inspectStream(engine, type, tally, { limit }) ?? assert.fail();
  const out = chunks.map((chunk) => push(inspector, chunk));
  out.push(end(inspector));
  const { unreadable } = inspector;
  return { out: Buffer.concat(out).toString('latin1'), hits: tally.hits, blockedBy: tally.blockedBy, unreadable };
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? bytes.length;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const words = fc.array(
  fc.constantFrom(
    '4111 1111 1111 1111',
    '123-45-6789',
    'ada@example.com',
    ' ',
    'x',
    'BEGIN',
    'END',
    'heck',
    'HELD',
    '\u200b',
    '1',
    '4111',
    '\\u0040',
    '\\',
    '１',
    'é',
    '😀',
    '@',
    '.',
    '-',
    '\n',
    'forbidden ',
    '\ud835',
    '"',
  ),
  { maxLength: 8 },
);
/** Mostly short, now and then longer than what is read at once, and than a step. */
const text = fc
  .tuple(words, fc.constantFrom(1, 1, 1, 2, 150, 1500))
  .map(([parts, times]) => parts.join('').repeat(times).slice(0, 70_000));
const event = fc.oneof(
  text.map((value) => `data: ${JSON.stringify({ a: { delta: value }, index: 0 })}\n\n`),
  text.map((value) => `data: ${JSON.stringify({ a: value, b: [value, 4111111111111111] })}\n\n`),
  text.map((value) => `event: t\ndata: ${value.replaceAll('\n', '\ndata: ')}\n\n`),
  text.map((value) => `${JSON.stringify({ message: { content: value } })}\n`),
  text.map((value) => `: ${value.replaceAll('\n', ' ')}\n\n`),
  fc.constantFrom('data: [DONE]\n\n', '\n', '\r\n', 'id: 1\r\ndata: x\r\n\r\n'),
);
const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1000, max: 90_000 })), {
  minLength: 1,
  maxLength: 4,
});

describe('what leaves in steps is what leaves at once', () => {
  for (const [name, engine] of Object.entries(ENGINES)) {
    for (const type of TYPES) {
      test(`${type}, ${name}`, () => {
        fc.assert(
          fc.property(fc.array(event, { minLength: 1, maxLength: 6 }), sizes, (events, sizes) => {
            const bytes = Buffer.from(events.join(''));
            const small = bytes.length > 20_000 ? sizes.map((size) => size + 500) : sizes;
            const chunks = cut(bytes, small);
            const inSteps = run(engine, type, chunks, IN_STEPS);
            assert.deepEqual(inSteps, run(engine, type, chunks, AT_ONCE), 'the same chunks');
            const whole = run(engine, type, [bytes], AT_ONCE);
            assert.deepEqual(run(engine, type, [bytes], IN_STEPS), whole, 'the whole');
            assert.equal(inSteps.blockedBy, whole.blockedBy);
            if (whole.blockedBy === undefined) assert.equal(inSteps.out, whole.out, 'however it is cut');
            else assert.ok(!inSteps.out.includes('forbidden'));
          }),
          { numRuns: 20 },
        );
      });
    }
  }
});

test('what is too large is said in steps as at once', () => {
  const engine = ENGINES['default rules'] ?? assert.fail();
  for (const type of ['text/event-stream', 'application/x-ndjson']) {
    const bytes = Buffer.from(`data: ${'x'.repeat(200_000)}`);
    for (const sizes of [[bytes.length], [1], [5000]]) {
      const chunks = cut(bytes, sizes);
      const ran = run(engine, type, chunks, IN_STEPS, 100_000);
      assert.deepEqual(ran, run(engine, type, chunks, AT_ONCE, 100_000));
      assert.deepEqual([ran.out, ran.unreadable], ['', 'too_large']);
    }
  }
});

/** How many steps were taken. */
function count(steps: Steps<Uint8Array>): number {
  for (let taken = 1; ; taken++) if (steps.next().done) return taken;
}

const DIRTY = 'Mail ada@example.com, pay with 4111 1111 1111 1111: \u200b\uff14\\u0040. ';
const LARGE: Record<string, [type: string, body: string]> = {
  'a long string': ['text/event-stream', `data: {"a":${JSON.stringify(DIRTY.repeat(5000))}}\n\n`],
  'long plain data': ['text/event-stream', `data: ${DIRTY.repeat(5000)}\n\n`],
  'many lines': ['text/event-stream', `${'data: ada@example.com\n'.repeat(15_000)}\n`],
  'many fields': ['text/event-stream', `${'foo: ada@example.com\n'.repeat(15_000)}\n`],
  'many members': [
    'text/event-stream',
    `data: {${Array.from({ length: 30_000 }, (_, i) => `"k${i}":"v"`).join()}}\n\n`,
  ],
  'many empty containers': ['application/x-ndjson', `[${'{},'.repeat(100_000)}0]\n`],
  'many small events': ['application/x-ndjson', '{"delta":"word "}\n'.repeat(18_000)],
  'plain text': ['text/plain', DIRTY.repeat(5000)],
};

describe('no step does much', () => {
  const engine = ENGINES['default rules'] ?? assert.fail();
  for (const [name, [type, body]] of Object.entries(LARGE)) {
    test(name, () => {
      const inspector = inspectStream(engine, type, new Tally(), { limit: LIMIT }) ?? assert.fail();
      const bytes = Buffer.from(body);
      assert.ok(bytes.length > 280_000);
      const steps = count(inspector.pushInSteps(bytes)) + count(inspector.endInSteps());
      assert.ok(steps > 2 * Math.floor(bytes.length / 32_768), `${steps} steps`);
    });
  }

  test('what was held back is let go in steps', () => {
    const engine = ENGINES['a rule that holds, and one behind it'] ?? assert.fail();
    for (const [type, write] of [
      ['text/plain', (piece: string) => piece],
      ['application/x-ndjson', (delta: string) => `${JSON.stringify({ delta })}\n`],
    ] as const) {
      const inspector = inspectStream(engine, type, new Tally(), { limit: LIMIT }) ?? assert.fail();
      const body = Buffer.from(write('BEGIN ') + write('some\u200b words ').repeat(20_000));
      finish(inspector.pushInSteps(body));
      assert.ok(inspector.holds);
      assert.ok(count(inspector.endInSteps()) > 100);
    }
  });
});
