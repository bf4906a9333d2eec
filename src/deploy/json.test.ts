import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ecs } from './ecs.ts';
import { asNumber, type Json } from './json.ts';
import { makePlan } from './make-plan.ts';

/** What `Number` throws a TypeError for. */
const CRAFTED: Json = JSON.parse('{ "toString": 1, "valueOf": 2 }');

test('a number, and a text of one, is a number; nothing else is, whatever members it has', () => {
  assert.deepEqual([1, '2', 'x', null, true, [3], CRAFTED, undefined].map(asNumber), [
    1,
    2,
    ...Array(6).fill(Number.NaN),
  ]);
});

test('a manifest that has such values where numbers belong makes nothing throw', () => {
  const plan = makePlan(undefined, { version: '1.2.3' });
  const container = { name: 'a', image: 'a:1', stopTimeout: CRAFTED, cpu: CRAFTED, memory: CRAFTED };
  const task = { family: 'f', networkMode: 'awsvpc', containerDefinitions: [container] };
  assert.equal(ecs.inject([task], plan).documents.length, 1);
});
