import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentProcess } from './agent-process.ts';
import type { AgentExit } from './exit-code.ts';
import { keepRunning, type Started } from './keep-running.ts';

const log = { debug() {}, info() {}, warn() {} };

interface Fake extends Started {
  readonly calls: string[];
  end(): void;
}

/** A process that ends when it is told to. */
function fake(accepts: () => boolean = () => true): Fake {
  const exited = Promise.withResolvers<AgentExit>();
  const calls: string[] = [];
  const end = (): void => exited.resolve({ code: 1, signal: null });
  const process: AgentProcess = {
    pid: 1,
    exited: exited.promise,
    gone: exited.promise.then(() => undefined),
    signal: () => undefined,
    stop({ graceMs }) {
      calls.push(`stop ${graceMs}`);
      end();
      return exited.promise;
    },
  };
  return {
    process,
    calls,
    end,
    accepts: async () => accepts(),
    release: async () => void calls.push('release'),
  };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

test('it is there while it takes connections, and another one after its end', async () => {
  const children: Fake[] = [];
  const kept = keepRunning({
    log,
    async start() {
      const child = fake();
      children.push(child);
      return child;
    },
  });
  await until(() => kept.current() === children[0] && children.length === 1);
  children[0]?.end();
  await until(() => kept.current() !== undefined && kept.current() === children[1]);
  assert.deepEqual(children[0]?.calls, ['release']);
  await kept.stop(7);
  assert.equal(kept.current(), undefined);
  assert.deepEqual(children[1]?.calls, ['stop 7', 'release']);
  assert.equal(children.length, 2);
});

test('one that takes no connections is not there, and is ended all the same', async () => {
  const child = fake(() => false);
  const kept = keepRunning({ log, start: async () => child });
  await new Promise((resolve) => {
    setTimeout(resolve, 60);
  });
  assert.equal(kept.current(), undefined);
  await kept.stop(7);
  assert.deepEqual(child.calls, ['stop 7', 'release']);
});

test('one that cannot be started is tried again after a pause, which stopping does not wait for', async () => {
  let starts = 0;
  const kept = keepRunning({
    log,
    async start() {
      starts++;
      throw new Error('no');
    },
  });
  await until(() => starts === 2 && kept.startsInMs() > 0);
  const began = performance.now();
  await kept.stop(7);
  assert.ok(performance.now() - began < 200);
  assert.equal(starts, 2);
});

test('one that was starting when it was told to stop is not left behind', async () => {
  const starting = Promise.withResolvers<Fake>();
  const child = fake();
  const kept = keepRunning({ log, start: () => starting.promise });
  const stopped = kept.stop(7);
  starting.resolve(child);
  await stopped;
  assert.deepEqual(child.calls, ['stop 1000', 'release']);
  assert.equal(kept.current(), undefined);
});
