import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { findCards, findCardsIn } from './card.ts';
import { findEmails, findEmailsIn } from './email.ts';
import { createEngine } from './engine.ts';
import { inspect, inspectInSteps } from './inspect.ts';
import { Keywords } from './keyword.ts';
import type { Find, FindIn } from './rule.ts';
import { findSsns, findSsnsIn } from './ssn.ts';
import { STEP } from './steps.ts';

const unit = fc.constantFrom(
  '123-45-6789',
  '4111 1111 1111 1111',
  '378282246310005',
  '1',
  '4',
  '-',
  ' ',
  'a@b.co',
  '@',
  '.',
  'x',
  'bomb',
  'bo',
);

test('searching stretch by stretch finds what searching at once finds, wherever the stretches end', () => {
  const words = new Keywords(['bomb', 'mbo', 'x a', '45']);
  const pairs: [Find, FindIn][] = [
    [findSsns, findSsnsIn],
    [findCards, findCardsIn],
    [findEmails, findEmailsIn],
    [words.find, words.findIn],
  ];
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 12 }), fc.integer({ min: 1, max: 30 }), (units, size) => {
      const text = units.join('');
      for (const [find, findIn] of pairs) {
        const spans: number[] = [];
        for (let at = 0; at < text.length; ) at = findIn(text, at, Math.min(at + size, text.length), spans);
        assert.deepEqual(spans, [...find(text, { left: 1e6 })], text);
      }
    }),
    { numRuns: 10_000 },
  );
});

test('a match that lies across the end of a step is found, in every kind of body', () => {
  const engine = createEngine();
  for (const match of ['123-45-6789', '4111 1111 1111 1111', 'ada@example.com', '\\u0061da@example.com']) {
    for (let before = STEP - 24; before <= STEP + 2; before++) {
      const text = `${'x'.repeat(before - 1)} ${match} ${'y'.repeat(STEP)}`;
      for (const [type, body] of [
        ['application/json', JSON.stringify(text).replaceAll('\\\\', '\\')],
        ['application/json', `["${text.slice(0, before)}","${match}","${'y'.repeat(STEP)}"]`],
        ['text/plain', text],
        ['text/plain', `é${text}`],
        ['application/x-www-form-urlencoded', `a=%20${text}`],
      ] as const) {
        const { bytes, hits } = inspect(engine, Buffer.from(body), type);
        assert.equal(hits.length, 1, `${type} ${match} at ${before}`);
        assert.ok(!Buffer.from(bytes).includes(match));
      }
    }
  }
});

test('an inspection in steps ends as the one at once, and has many of them', () => {
  const engine = createEngine();
  const body = Buffer.from(JSON.stringify({ a: 'a@b.co 4111111111111111 '.repeat(20_000), b: ['x@y.io', 1] }));
  let steps = 0;
  const work = inspectInSteps(engine, body, 'application/json');
  for (;;) {
    const { done, value } = work.next();
    if (done) {
      assert.deepEqual(value, inspect(engine, body, 'application/json'));
      break;
    }
    steps++;
  }
  assert.ok(steps > body.length / STEP);
});

describe('the more rules there are, the less is done in one step', () => {
  const rules = Array.from({ length: 50 }, (_, i) => ({
    name: `rule-${i}`,
    type: 'regex' as const,
    pattern: `(?i)(?:\\w+\\s?)+${i}x$|[a-z]+@${i}`,
    action: 'redact' as const,
  }));
  const engine = createEngine(rules);
  const text = `a@b.io ${'The quick brown fox, order 12345, left. '.repeat(700)}`;
  const many = Array.from({ length: 2000 }, () => 'a@b.io');
  const bodies: [name: string, type: string, body: string, least: number][] = [
    ['one text', 'text/plain', text, rules.length],
    ['one string', 'application/json', JSON.stringify([text]), rules.length],
    ['many strings', 'application/json', JSON.stringify(many), many.length / 60],
    ['many fields', 'application/x-www-form-urlencoded', many.map((value) => `a=${value}`).join('&'), many.length / 60],
    ['many events', 'text/event-stream', many.map((value) => `data: "${value} "\n\n`).join(''), many.length / 10],
  ];
  for (const [name, type, body, least] of bodies) {
    test(name, () => {
      assert.ok(body.length < STEP || name.startsWith('many'));
      const work = inspectInSteps(engine, Buffer.from(body), type);
      let steps = 0;
      for (;;) {
        const { done, value } = work.next();
        if (done) {
          assert.deepEqual(value, inspect(engine, Buffer.from(body), type));
          assert.equal(value.hits[0]?.count, name.startsWith('many') ? many.length : 1);
          break;
        }
        steps++;
      }
      assert.ok(steps >= least, `${steps} steps`);
    });
  }
});
