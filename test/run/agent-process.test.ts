import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { OutriderError } from '../../src/errors.ts';
import { type AgentProcess, startAgent } from '../../src/run/agent-process.ts';
import { exitCodeOf } from '../../src/run/exit-code.ts';
import { groupRuns, sendSignal, signalGroup } from '../../src/run/process-group.ts';
import { exitCodeOfStartError } from '../../src/run/start-error.ts';
import { eventually, processesWith } from './processes.ts';

const dir = mkdtempSync(join(tmpdir(), 'outrider-run-'));
after(() => rmSync(dir, { recursive: true, force: true }));

const PATH = process.env['PATH'] ?? '/usr/bin:/bin';

function logTo(messages: string[]) {
  const write = (message: string): void => void messages.push(message);
  return { debug: write, info: write, warn: write };
}

async function shell(t: TestContext, script: string, messages: string[] = []): Promise<AgentProcess> {
  const agent = await startAgent({
    command: ['sh', '-c', script],
    env: { PATH, DIR: dir },
    log: logTo(messages),
    stdio: 'inherit',
  });
  t.after(() => signalGroup(agent.pid, 'SIGKILL'));
  return agent;
}

/** Waits until an agent has told, by making a file, that it is where the test wants it. */
async function made(name: string): Promise<string> {
  const path = join(dir, name);
  await eventually(
    () => existsSync(path),
    () => `${name} was not made`,
  );
  return path;
}

function writeScript(name: string, text: string, mode: number): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe('exit codes', () => {
  for (const [script, expected] of [
    ['exit 0', 0],
    ['exit 3', 3],
    ['kill -s TERM $$', 143],
    ['kill -s KILL $$', 137],
    ['kill -s HUP $$', 129],
  ] as const) {
    test(`${script} gives ${expected}`, async (t) => {
      const agent = await shell(t, script);
      assert.equal(exitCodeOf(await agent.exited), expected);
      await agent.gone;
      assert.equal(groupRuns(agent.pid), false);
    });
  }
});

describe('a command that cannot be started', () => {
  const cases = [
    [
      'not in PATH',
      () => ['outrider-no-such-command'],
      127,
      /^cannot start the agent: command not found: outrider-no-such-command$/,
    ],
    ['no such file', () => [join(dir, 'missing')], 127, /command not found: .*missing$/],
    ['below a file', () => [join(writeScript('plain', '', 0o644), 'x')], 127, /command not found/],
    ['not executable', () => [writeScript('not-executable', '#!/bin/sh\n', 0o644)], 126, /not permitted to execute: /],
    ['a directory', () => [dir], 126, /not permitted to execute: /],
    [
      'no interpreter',
      () => [writeScript('no-interpreter', '#!/no/such/interpreter\n', 0o755)],
      126,
      /the interpreter named/,
    ],
    ['too long', () => ['true', 'x'.repeat(4_000_000)], 126, /too long for this system/],
    ['empty', () => [], 1, /no command was given/],
  ] as const;
  for (const [name, command, code, message] of cases) {
    test(name, async () => {
      const start = startAgent({ command: command(), env: { PATH }, log: logTo([]), stdio: 'inherit' });
      await assert.rejects(start, (error) => {
        assert.ok(error instanceof OutriderError);
        assert.match(error.message, message);
        assert.equal(exitCodeOfStartError(error), code);
        return true;
      });
    });
  }

  test('a missing working directory is named as what it is', async () => {
    const cwd = join(dir, 'nowhere');
    const start = startAgent({ command: ['true'], env: { PATH }, cwd, log: logTo([]), stdio: 'inherit' });
    await assert.rejects(start, (error) => {
      assert.ok(error instanceof OutriderError);
      assert.equal(error.message, `cannot start the agent: no such working directory: ${cwd}`);
      assert.equal(exitCodeOfStartError(error), 1);
      return true;
    });
  });
});

test('the environment is exactly the one given, the working directory too', async () => {
  const agent = await startAgent({
    command: [
      process.execPath,
      '-e',
      "require('fs').writeFileSync('seen', JSON.stringify([process.env, process.cwd()]))",
    ],
    env: { ONE: '1' },
    cwd: dir,
    log: logTo([]),
    stdio: 'inherit',
  });
  assert.deepEqual(await agent.exited, { code: 0, signal: null });
  assert.deepEqual(JSON.parse(readFileSync(join(dir, 'seen'), 'utf8')), [{ ONE: '1' }, dir]);
  await agent.gone;
});

describe('stop', () => {
  test('asks with SIGTERM and gives the code the agent ends with', async (t) => {
    const agent = await shell(t, 'trap "exit 7" TERM; : > "$DIR/ready-1"; while :; do sleep 0.02; done');
    await made('ready-1');
    assert.deepEqual(await agent.stop({ graceMs: 5000 }), { code: 7, signal: null });
  });

  test('asks with another signal when told to', async (t) => {
    const agent = await shell(t, 'trap "exit 8" INT; : > "$DIR/ready-2"; while :; do sleep 0.02; done');
    await made('ready-2');
    assert.deepEqual(await agent.stop({ graceMs: 5000, signal: 'SIGINT' }), { code: 8, signal: null });
  });

  test('kills an agent that ignores the signal after the grace, with its grandchildren', async (t) => {
    const messages: string[] = [];
    const script =
      'trap "" TERM; sleep 7654 & sh -c "sleep 7654; :" & : > "$DIR/ready-3"; while :; do sleep 0.05; done';
    const agent = await shell(t, script, messages);
    await made('ready-3');
    const before = performance.now();
    assert.deepEqual(await agent.stop({ graceMs: 300 }), { code: null, signal: 'SIGKILL' });
    const took = performance.now() - before;
    assert.ok(took >= 295 && took < 3000, `took ${took} ms`);
    assert.equal(groupRuns(agent.pid), false);
    assert.ok(messages.some((message) => message.includes('is killed')));
  });

  test('wakes a suspended agent so that it can end', async (t) => {
    const agent = await shell(t, 'trap "exit 5" TERM; : > "$DIR/ready-4"; while :; do sleep 0.02; done');
    await made('ready-4');
    agent.signal('SIGSTOP');
    assert.deepEqual(await agent.stop({ graceMs: 5000 }), { code: 5, signal: null });
  });

  test('after the end gives the same answer, and sends nothing to anybody', async (t) => {
    const agent = await shell(t, 'exit 4');
    await agent.gone;
    const kill = t.mock.method(process, 'kill');
    agent.signal('SIGTERM');
    agent.signal('SIGUSR1');
    assert.deepEqual(await agent.stop({ graceMs: 10 }), { code: 4, signal: null });
    assert.equal(kill.mock.callCount(), 0);
  });
});

describe('what the agent leaves behind', () => {
  test('is ended politely when the agent ends by itself', async (t) => {
    const script =
      'sh -c \'trap ": > \\"$DIR/polite\\"; exit" TERM; : > "$DIR/ready-5"; while :; do sleep 0.02; done\' & ' +
      'until [ -e "$DIR/ready-5" ]; do sleep 0.02; done; exit 3';
    const agent = await shell(t, script);
    assert.deepEqual(await agent.exited, { code: 3, signal: null });
    await agent.gone;
    assert.equal(groupRuns(agent.pid), false);
    assert.ok(existsSync(join(dir, 'polite')));
  });

  test('is killed when it will not', async (t) => {
    const script =
      'sh -c \'trap "" TERM; : > "$DIR/ready-6"; while :; do sleep 0.05; done\' & ' +
      'until [ -e "$DIR/ready-6" ]; do sleep 0.02; done';
    const agent = await shell(t, script);
    assert.deepEqual(await agent.exited, { code: 0, signal: null });
    assert.equal(groupRuns(agent.pid), true);
    await agent.gone;
    assert.equal(groupRuns(agent.pid), false);
  });
});

describe('signals', () => {
  // Of the two processes, only the leader handles these three: the other one ends if it gets any.
  for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) {
    test(`${signal} reaches the agent alone`, async (t) => {
      const { agent, helper, got } = await withHelper(t, signal);
      agent.signal(signal);
      await got();
      await sleep(50);
      assert.ok(sendSignal(helper, 0));
    });
  }

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const) {
    test(`${signal} reaches its whole group`, async (t) => {
      const { agent, helper, got } = await withHelper(t, signal);
      agent.signal(signal);
      await got();
      await eventually(
        () => !sendSignal(helper, 0),
        () => 'the helper process still runs',
      );
    });
  }
});

/** An agent in Node that notes the signal in a file and goes on, with a child in its group that handles no signal. */
async function withHelper(t: TestContext, signal: NodeJS.Signals) {
  const script = `
    const { writeFileSync, renameSync } = require('node:fs');
    const child = require('node:child_process').spawn('sleep', ['7655']);
    process.on('${signal}', () => writeFileSync('${signal}-got', ''));
    writeFileSync('${signal}-new', String(child.pid));
    renameSync('${signal}-new', '${signal}-pid');
    setInterval(() => {}, 60_000);`;
  const agent = await startAgent({
    command: [process.execPath, '-e', script],
    env: { PATH },
    cwd: dir,
    log: logTo([]),
    stdio: 'inherit',
  });
  t.after(() => signalGroup(agent.pid, 'SIGKILL'));
  const helper = Number(readFileSync(await made(`${signal}-pid`), 'utf8'));
  return { agent, helper, got: () => made(`${signal}-got`) };
}

test('the watchdog goes when the agent has gone', {
  skip: !existsSync('/proc/self/cmdline') && 'needs /proc',
}, async (t) => {
  const agent = await shell(t, ': > "$DIR/ready-8"; sleep 0.2');
  await made('ready-8');
  const mine = (): number[] => processesWith(`outrider-watchdog\0${agent.pid}\0`);
  await eventually(
    () => mine().length === 1,
    () => 'no watchdog',
  );
  await agent.gone;
  await eventually(
    () => mine().length === 0,
    () => 'the watchdog stays',
  );
});
