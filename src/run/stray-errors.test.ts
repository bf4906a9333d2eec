import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { strayErrors } from './stray-errors.ts';

test('a rejection is logged; an exception asks for the end, once', () => {
  const source = new EventEmitter();
  const logged: unknown[] = [];
  let stops = 0;
  const strays = strayErrors(source, {
    log: { error: (_message, fields) => void logged.push(fields?.['error']) },
    stop: () => void stops++,
  });
  source.emit('unhandledRejection', 'one');
  assert.deepEqual([stops, strays.hasStopped()], [0, false]);
  source.emit('uncaughtException', 'two');
  source.emit('uncaughtException', 'three');
  assert.deepEqual([stops, strays.hasStopped()], [1, true]);
  assert.deepEqual(logged, ['one', 'two', 'three']);
});
