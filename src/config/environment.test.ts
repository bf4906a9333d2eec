import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isSwitchedOff } from './environment.ts';
import { writtenShape } from './shape.ts';
import { VARIABLES } from './variables.ts';

it('switches the sidecar off in any case of the words, under both names', () => {
  for (const word of ['disabled', 'off', 'false', '0', 'no', 'DISABLED', 'Off', ' no ']) {
    assert.ok(isSwitchedOff({ OUTRIDER: word }), word);
    assert.ok(isSwitchedOff({ AGENTBREEDER_SIDECAR: word }), word);
  }
  for (const word of ['', 'enabled', 'on', '1', 'true', 'nope']) assert.ok(!isSwitchedOff({ OUTRIDER: word }), word);
  assert.ok(!isSwitchedOff({ OUTRIDER: 'enabled', AGENTBREEDER_SIDECAR: 'off' }));
  assert.ok(isSwitchedOff({ OUTRIDER: '', AGENTBREEDER_SIDECAR: 'off' }));
  assert.ok(!isSwitchedOff({}));
});

it('names every variable once, and only keys that there are', () => {
  const names = VARIABLES.flatMap((variable): string[] =>
    'alias' in variable ? [variable.name, variable.alias] : [variable.name],
  );
  assert.equal(new Set(names).size, names.length);
  const keys = VARIABLES.flatMap((variable) => ('key' in variable ? [variable.key] : []));
  assert.equal(new Set(keys).size, keys.length);
  for (const key of keys) {
    const [outer = '', inner] = key.split('.');
    const shape = writtenShape().fields.get(outer)?.shape;
    assert.ok(shape, key);
    if (inner !== undefined) assert.ok(shape.kind === 'object' && shape.fields.has(inner), key);
  }
});
