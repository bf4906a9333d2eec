import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { groupRuns } from '../../src/run/process-group.ts';
import { eventually, processesWith, type Runner, startRunner, stateOf } from './processes.ts';

const noProc = !existsSync('/proc/self/stat') && 'reads /proc, which this system has not';

/** An agent that says each signal it gets, and ends at the first of `ends`, with `code`. */
function talker(ends: NodeJS.Signals[], code = 0): string[] {
  const script = `
    for (const s of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGQUIT', 'SIGWINCH'])
      process.on(s, () => { console.log(s); if (${JSON.stringify(ends)}.includes(s)) process.exit(${code}); });
    setInterval(() => {}, 60_000);
    console.log('up');`;
  return [process.execPath, '-e', script];
}

async function agentPid(runner: Runner): Promise<number> {
  const { pid } = await runner.seen('started');
  assert.ok(pid !== undefined);
  return pid;
}

describe('the agent ends by itself', () => {
  for (const [script, code] of [
    ['exit 0', 0],
    ['exit 3', 3],
    ['kill -s TERM $$', 143],
    ['kill -s SEGV $$', 139],
  ] as const) {
    test(`${script}: the sidecar drains, closes and gives ${code}`, async (t) => {
      const runner = startRunner(t, { command: ['sh', '-c', script] });
      assert.deepEqual(await runner.ended(), { code, signal: null });
      assert.deepEqual(runner.names(), ['started', 'drain', 'drained', 'close', 'ended']);
    });
  }

  test('a command that is not there: 127, and nothing was started', async (t) => {
    const runner = startRunner(t, { command: ['outrider-no-such-command'] });
    assert.deepEqual(await runner.ended(), { code: 127, signal: null });
    assert.deepEqual(runner.names(), ['failed']);
    assert.match(runner.events[0]?.message ?? '', /command not found: outrider-no-such-command/);
  });
});

describe('told to stop', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal}: drains first, then the agent gets it, then closes; 0`, async (t) => {
      const runner = startRunner(t, { command: talker([signal]), drainMs: 400 });
      await runner.said('up');
      runner.child.kill(signal);
      await runner.seen('drain');
      await sleep(200);
      assert.deepEqual(runner.lines, ['up']);
      assert.deepEqual(await runner.ended(), { code: 0, signal: null });
      assert.deepEqual(runner.lines, ['up', signal]);
      assert.deepEqual(runner.names(), ['started', 'drain', 'drained', 'close', 'ended']);
    });
  }

  test('an agent that dies of the signal is a success too', async (t) => {
    const runner = startRunner(t, { command: ['sleep', '7656'] });
    await runner.seen('started');
    runner.child.kill('SIGTERM');
    assert.deepEqual(await runner.ended(), { code: 0, signal: null });
  });

  test('an agent that fails while it stops gives its own code', async (t) => {
    const runner = startRunner(t, { command: talker(['SIGTERM'], 9) });
    await runner.said('up');
    runner.child.kill('SIGTERM');
    assert.deepEqual(await runner.ended(), { code: 9, signal: null });
  });

  test('an agent that crashes during the drain gives its own code', async (t) => {
    const command = ['sh', '-c', 'sleep 0.3; exit 4'];
    const runner = startRunner(t, { command, drainMs: 600, drainTimeoutMs: 20_000 });
    await runner.seen('started');
    runner.child.kill('SIGTERM');
    assert.deepEqual(await runner.ended(), { code: 4, signal: null });
    assert.deepEqual(runner.names(), ['started', 'drain', 'drained', 'close', 'ended']);
  });

  test('requests that never finish: the agent is told when the drain timeout ends', async (t) => {
    const runner = startRunner(t, { command: talker(['SIGTERM']), drainMs: 3_600_000, drainTimeoutMs: 300 });
    await runner.said('up');
    runner.child.kill('SIGTERM');
    assert.deepEqual(await runner.ended(), { code: 0, signal: null });
    assert.deepEqual(runner.lines, ['up', 'SIGTERM']);
    assert.deepEqual(runner.names(), ['started', 'drain', 'close', 'ended']);
  });

  test('an agent that ignores it is killed with its grandchildren after the grace; nothing is left', async (t) => {
    const command = ['sh', '-c', 'trap "" TERM; sleep 7657 & echo up; while :; do sleep 0.05; done'];
    const runner = startRunner(t, { command, drainTimeoutMs: 100 });
    await runner.said('up');
    const pid = await agentPid(runner);
    const before = performance.now();
    runner.child.kill('SIGTERM');
    assert.deepEqual(await runner.ended(), { code: 137, signal: null });
    const took = performance.now() - before;
    assert.ok(took > 2900 && took < 6000, `took ${took} ms`);
    assert.equal(groupRuns(pid), false);
  });

  test('a second signal hurries, a third kills', async (t) => {
    const runner = startRunner(t, { command: talker([]), drainMs: 3_600_000 });
    await runner.said('up');
    runner.child.kill('SIGINT');
    await runner.seen('drain');
    await sleep(100);
    assert.deepEqual(runner.lines, ['up']);
    runner.child.kill('SIGTERM');
    await runner.said('SIGTERM');
    await sleep(300);
    runner.child.kill('SIGINT');
    assert.deepEqual(await runner.ended(), { code: 137, signal: null });
    assert.deepEqual(runner.names(), ['started', 'drain', 'close', 'ended']);
  });

  test('one Ctrl-C that arrives twice does not hurry', async (t) => {
    const runner = startRunner(t, { command: talker(['SIGINT']), drainMs: 500 });
    await runner.said('up');
    runner.child.kill('SIGINT');
    await sleep(60);
    runner.child.kill('SIGINT');
    assert.deepEqual(await runner.ended(), { code: 0, signal: null });
    assert.deepEqual(runner.names(), ['started', 'drain', 'drained', 'close', 'ended']);
  });

  test('without an agent: drains, closes, 0, for SIGHUP as well', async (t) => {
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
      const runner = startRunner(t, { drainMs: 50 });
      await runner.seen('started');
      runner.child.kill(signal);
      assert.deepEqual(await runner.ended(), { code: 0, signal: null });
      assert.deepEqual(runner.names(), ['started', 'drain', 'drained', 'close', 'ended']);
    }
  });
});

test('other signals are passed on, and do not end us', async (t) => {
  const runner = startRunner(t, { command: talker(['SIGQUIT'], 12) });
  await runner.said('up');
  for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const) {
    runner.child.kill(signal);
    await runner.said(signal);
  }
  assert.deepEqual(runner.names(), ['started']);
  runner.child.kill('SIGQUIT');
  assert.deepEqual(await runner.ended(), { code: 12, signal: null });
});

test('Ctrl-Z suspends both, and both go on together', { skip: noProc }, async (t) => {
  const runner = startRunner(t, { command: talker(['SIGTERM']) });
  await runner.said('up');
  const pids = [runner.child.pid ?? 0, await agentPid(runner)];
  const states = (): string => pids.map((pid) => stateOf(pid)).join('');
  runner.child.kill('SIGTSTP');
  await eventually(
    () => states() === 'TT',
    () => `states ${states()}`,
  );
  runner.child.kill('SIGCONT');
  await eventually(
    () => !states().includes('T'),
    () => `states ${states()}`,
  );
  runner.child.kill('SIGTERM');
  assert.deepEqual(await runner.ended(), { code: 0, signal: null });
});

describe('no orphan is left', () => {
  test('by a fault of ours', async (t) => {
    const runner = startRunner(t, { command: ['sh', '-c', 'sleep 7658 & sleep 7658'], throwAfterMs: 100 });
    const pid = await agentPid(runner);
    const { code } = await runner.ended();
    assert.equal(code, 1);
    await eventually(
      () => !groupRuns(pid),
      () => 'the agent still runs',
    );
  });

  test('by SIGKILL: the watchdog ends the agent politely', async (t) => {
    const runner = startRunner(t, { command: talker(['SIGTERM']) });
    await runner.said('up');
    const pid = await agentPid(runner);
    runner.child.kill('SIGKILL');
    await eventually(
      () => !groupRuns(pid),
      () => 'the agent still runs',
    );
    await runner.said('SIGTERM');
    if (noProc === false) {
      await eventually(
        () => processesWith(`outrider-watchdog\0${pid}\0`).length === 0,
        () => 'the watchdog still runs',
      );
    }
  });
});

test('the agent has our stdin, to its end', async (t) => {
  const runner = startRunner(t, { command: ['sh', '-c', 'while read -r x; do echo "got $x"; done; exit 2'] });
  runner.child.stdin.write('one\n');
  await runner.said('got one');
  runner.child.stdin.end('two\n');
  assert.deepEqual(await runner.ended(), { code: 2, signal: null });
  assert.deepEqual(runner.lines, ['got one', 'got two']);
});

test('a signal to stop while starting is kept until the start is over, a second one ends it', async (t) => {
  const patient = startRunner(t, { command: talker(['SIGTERM']), startDelayMs: 300 });
  await patient.seen('holding');
  patient.child.kill('SIGTERM');
  assert.deepEqual(await patient.ended(), { code: 0, signal: null });
  assert.deepEqual(patient.names(), ['holding', 'started', 'drain', 'drained', 'close', 'ended']);

  const hurried = startRunner(t, { command: talker([]), startDelayMs: 60_000 });
  await hurried.seen('holding');
  hurried.child.kill('SIGTERM');
  await sleep(50);
  hurried.child.kill('SIGINT');
  assert.deepEqual(await hurried.ended(), { code: 99, signal: null });
});

const python = spawnSync('python3', ['-c', 'import pty'], { stdio: 'ignore' }).status === 0;

test('on a terminal the agent reads, writes, and gets Ctrl-C from us', {
  skip: !python && 'needs python3 for a pty',
}, async (t) => {
  const { onTerminal } = await import('./terminal.ts');
  const agent = `
    process.on('SIGINT', () => { console.log('agent: SIGINT'); process.exit(0); });
    require('node:readline').createInterface({ input: process.stdin }).on('line', (x) => console.log('agent: ' + x));
    setInterval(() => {}, 60_000);
    console.log('agent: tty ' + process.stdin.isTTY);`;
  const terminal = onTerminal(t, { command: [process.execPath, '-e', agent], drainMs: 200 });
  await terminal.shows('agent: tty true');
  terminal.type('hello\n');
  await terminal.shows('agent: hello');
  terminal.type('\x03');
  await terminal.shows('"drained"');
  await terminal.shows('agent: SIGINT');
  await terminal.shows('exit status 0');
  const text = terminal.text();
  assert.ok(text.indexOf('"drained"') < text.indexOf('agent: SIGINT'), text);
});
