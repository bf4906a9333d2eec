import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { AgentProcess } from './agent-process.ts';
import type { AgentExit } from './exit-code.ts';
import { type LifeOptions, type LivingSidecar, live } from './lifecycle.ts';
import { holdSignals } from './signals.ts';

/** A life whose parts note what happens to them; the real ones are in `test/run`. */
function bench(sidecar: Partial<LivingSidecar>, withAgent = true, more: Partial<LifeOptions> = {}) {
  const happened: string[] = [];
  const source = new EventEmitter();
  const exit = Promise.withResolvers<AgentExit>();
  const agent: AgentProcess = {
    pid: 1,
    exited: exit.promise,
    gone: exit.promise.then(() => undefined),
    signal: (signal) => void happened.push(`agent ${signal}`),
    async stop({ graceMs, signal }) {
      happened.push(`agent stop ${signal} ${graceMs <= 28_000 && graceMs > 2900 ? 'bounded' : graceMs}`);
      return exit.promise;
    },
  };
  let clock = 0;
  const life = live({
    sidecar: {
      async drain() {
        happened.push('drain');
        await sidecar.drain?.({ atOnce: false });
      },
      async close() {
        happened.push('close');
        await sidecar.close?.();
      },
    },
    agent: withAgent ? agent : undefined,
    signals: holdSignals(source, { forAgent: withAgent, giveUp: () => assert.fail(), now: () => clock }),
    drainTimeoutMs: 25_000,
    log: { debug: () => undefined, info: () => undefined, warn: (message) => void happened.push(message) },
    ...more,
  });
  const send = async (signal: NodeJS.Signals): Promise<void> => {
    clock += 1000;
    source.emit(signal, signal);
    await turn();
  };
  return { happened, life, send, ends: (how: AgentExit) => exit.resolve(how) };
}

const forever = (): Promise<void> => new Promise(() => undefined);
const fails = (): Promise<void> => Promise.reject(new Error('no'));

describe('the code', () => {
  for (const [name, how, signals, expected] of [
    ['own end', { code: 5, signal: null }, [], 5],
    ['own end by a signal', { code: null, signal: 'SIGTERM' }, [], 143],
    ['0 when told', { code: 0, signal: null }, ['SIGTERM'], 0],
    ['by the signal it was told with', { code: null, signal: 'SIGINT' }, ['SIGINT'], 0],
    ['with the code of that signal', { code: 143, signal: null }, ['SIGTERM'], 0],
    ['by the first or the second of two', { code: 130, signal: null }, ['SIGINT', 'SIGTERM'], 0],
    ['another code when told', { code: 1, signal: null }, ['SIGTERM'], 1],
    ['another signal when told', { code: null, signal: 'SIGKILL' }, ['SIGTERM'], 137],
    ['SIGHUP is passed on, and its end is the own one', { code: null, signal: 'SIGHUP' }, ['SIGHUP'], 129],
  ] as const) {
    test(name, async () => {
      const { life, send, ends } = bench({});
      for (const signal of signals) await send(signal);
      ends(how);
      assert.equal(await life, expected);
    });
  }
});

test('drain, agent, close, in this order', async () => {
  const drained = Promise.withResolvers<void>();
  const { life, send, ends, happened } = bench({ drain: () => drained.promise });
  await send('SIGTERM');
  assert.deepEqual(happened, ['drain']);
  drained.resolve();
  await turn();
  assert.deepEqual(happened, ['drain', 'agent stop SIGTERM bounded']);
  await send('SIGTERM');
  ends({ code: 0, signal: null });
  await life;
  assert.deepEqual(happened, ['drain', 'agent stop SIGTERM bounded', 'agent SIGTERM', 'close']);
});

test('a drain and a close that fail are logged and hold up nothing', async () => {
  const { life, send, happened } = bench({ drain: fails, close: fails }, false);
  await send('SIGTERM');
  assert.equal(await life, 0);
  assert.deepEqual(happened, ['drain', 'draining failed', 'close', 'closing failed']);
});

test('a close that never ends is given up after five seconds, or at the third signal', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const slow = bench({ close: forever }, false);
  await slow.send('SIGTERM');
  t.mock.timers.tick(5000);
  assert.equal(await slow.life, 0);
  assert.match(slow.happened.at(-1) ?? '', /^not everything was flushed in time/);

  const forced = bench({ close: forever }, false);
  for (const signal of ['SIGINT', 'SIGINT', 'SIGINT'] as const) await forced.send(signal);
  assert.equal(await forced.life, 0);
});

test('an agent that even SIGKILL does not end holds up nothing', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { life, send, happened } = bench({});
  await send('SIGTERM');
  t.mock.timers.tick(29_000);
  assert.equal(await life, 137);
  assert.equal(happened.at(-1), 'close');
});

for (const { what, withAgent, drainTimeoutMs, within, code } of [
  { what: 'the 30 s that Kubernetes grants', withAgent: true, drainTimeoutMs: 25_000, within: 30_000, code: 137 },
  { what: 'the 10 s of Cloud Run without an agent', withAgent: false, drainTimeoutMs: 8_000, within: 9_100, code: 0 },
]) {
  test(`the whole end fits into ${what}, whatever hangs`, async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const clock = t.mock.method(performance, 'now', () => 0);
    const { life, send } = bench({ drain: forever, close: forever }, withAgent, { drainTimeoutMs });
    await send('SIGTERM');
    const ended = life.then(() => true);
    let ms = 0;
    while (!(await Promise.race([ended, turn(false)])) && ms < 60_000) {
      ms += 100;
      clock.mock.mockImplementation(() => ms);
      t.mock.timers.tick(100);
    }
    assert.equal(await life, code);
    assert.ok(ms > drainTimeoutMs && ms <= within, `took ${ms} ms`);
  });
}

test('Ctrl-Z suspends the agent, then us', async () => {
  const { life, send, ends, happened } = bench({}, true, { suspend: () => void happened.push('suspend') });
  await send('SIGTSTP');
  await send('SIGCONT');
  assert.deepEqual(happened, ['agent SIGSTOP', 'suspend', 'agent SIGCONT']);
  ends({ code: 0, signal: null });
  await life;
});

test('with the sidecar switched off, signals reach the agent without delay', async () => {
  const { life, send, ends, happened } = bench({}, true, { sidecar: undefined });
  await send('SIGTERM');
  assert.deepEqual(happened, ['agent stop SIGTERM bounded']);
  ends({ code: null, signal: 'SIGTERM' });
  assert.equal(await life, 0);
});
