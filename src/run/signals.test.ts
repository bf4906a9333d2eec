import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { type HeldSignals, holdSignals } from './signals.ts';

interface Bench {
  source: EventEmitter;
  held: HeldSignals;
  gaveUp: string[];
  /** Sends a signal some milliseconds after the one before. */
  readonly send: (signal: NodeJS.Signals, afterMs?: number) => void;
}

function bench(forAgent = true): Bench {
  const source = new EventEmitter();
  const gaveUp: string[] = [];
  let clock = 0;
  const held = holdSignals(source, { forAgent, giveUp: (signal) => gaveUp.push(signal), now: () => clock });
  const send = (signal: NodeJS.Signals, afterMs = 1000): void => {
    clock += afterMs;
    source.emit(signal, signal);
  };
  return { source, held, gaveUp, send };
}

test('signals that came before are handed over in order, later ones as they come', () => {
  const { held, gaveUp, send } = bench();
  const got: string[] = [];
  send('SIGUSR2');
  send('SIGTERM');
  send('SIGUSR2');
  held.listen((signal) => got.push(signal));
  assert.deepEqual(got, ['SIGUSR2', 'SIGTERM', 'SIGUSR2']);
  send('SIGHUP');
  assert.deepEqual(got, ['SIGUSR2', 'SIGTERM', 'SIGUSR2', 'SIGHUP']);
  assert.deepEqual(gaveUp, []);
});

test('a second signal to stop before anybody listens gives up the start', () => {
  const { gaveUp, send } = bench();
  send('SIGTERM');
  send('SIGUSR1');
  assert.deepEqual(gaveUp, []);
  send('SIGINT');
  assert.deepEqual(gaveUp, ['SIGINT']);
});

test('the same signal to stop within 250 ms is one wish; a key held down still counts four a second', () => {
  const { held, send } = bench();
  const got: string[] = [];
  held.listen((signal) => got.push(signal));
  for (let i = 0; i < 10; i++) send('SIGINT', 100);
  assert.deepEqual(got, ['SIGINT', 'SIGINT', 'SIGINT', 'SIGINT']);
  send('SIGTERM', 1);
  assert.equal(got.at(-1), 'SIGTERM');
});

test('signals that are for the agent are never taken for repeated', () => {
  const { held, send } = bench();
  const got: string[] = [];
  held.listen((signal) => got.push(signal));
  send('SIGUSR1', 1);
  send('SIGUSR1', 1);
  assert.deepEqual(got, ['SIGUSR1', 'SIGUSR1']);
});

test('a flood before anybody listens is bounded', () => {
  const { held, send } = bench();
  let count = 0;
  for (let i = 0; i < 1000; i++) send('SIGWINCH', 1);
  held.listen(() => count++);
  assert.equal(count, 64);
});

test('without an agent only signals to stop are taken; release gives all back', () => {
  const { source, held } = bench(false);
  assert.deepEqual(source.eventNames(), ['SIGTERM', 'SIGINT', 'SIGHUP']);
  held.release();
  assert.deepEqual(source.eventNames(), []);
});
