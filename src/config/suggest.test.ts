import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { distance, nearest } from './suggest.ts';

it('counts insertions, drops, replacements and swaps', () => {
  assert.equal(distance('', 'abc'), 3);
  assert.equal(distance('abc', ''), 3);
  assert.equal(distance('kitten', 'sitting'), 3);
  assert.equal(distance('ab', 'ba'), 1);
  assert.equal(distance('abcd', 'acbd'), 1);
});

it('is a distance: zero for the same, the same both ways, never more than the longer word', () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, (one, other) => {
      const steps = distance(one, other);
      assert.equal(steps, distance(other, one));
      assert.equal(steps === 0, one === other);
      assert.ok(steps <= Math.max(one.length, other.length) && steps >= Math.abs(one.length - other.length));
    }),
  );
});

it('suggests only what is near', () => {
  const keys = ['agent_name', 'agent_url', 'team'];
  assert.equal(nearest('agent_nmae', keys), 'agent_name');
  assert.equal(nearest('AgentURL', keys), 'agent_url');
  assert.equal(nearest('tem', keys), 'team');
  assert.equal(nearest('colour', keys), undefined);
  assert.equal(nearest('agent_xxxx', keys, 2), undefined);
  assert.equal(nearest('a'.repeat(10_000), keys), undefined);
});
