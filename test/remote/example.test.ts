import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { command } from '../support/outrider.ts';
import { Process, ROOT } from '../support/process.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';

const EXAMPLE = join(ROOT, 'examples/remote-agent');
const CALLER = join(EXAMPLE, 'caller.py');

const hasPython = spawnSync('python3', ['-c', 'import sys; assert sys.version_info >= (3, 9)']).status === 0;

/** The script, in a directory of its own, of which every process that it starts has the path in its environment. */
function start(temp: string): Process {
  const env = { PATH: process.env['PATH'], HOME: temp, TMPDIR: temp };
  return new Process(process.execPath, [join(ROOT, 'scripts/remote-agent-example.ts')], env);
}

function processesWith(wanted: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const found = /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(wanted);
      return found ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')] : [];
    } catch {
      return []; // Not ours, or gone meanwhile.
    }
  });
}

async function assertNothingLeft(temp: string): Promise<void> {
  assert.deepEqual(readdirSync(temp), []);
  if (existsSync('/proc/self/environ')) await until(() => processesWith(temp).length === 0, 'no process is left');
}

test('the example says the same wherever its agent runs, and leaves nothing behind', async (t) => {
  const temp = join(tempDir(t), 'temp');
  mkdirSync(temp);
  const example = start(temp);
  t.after(() => example.stop());
  const { code } = await example.exited;
  const { stdout, stderr } = example;
  assert.deepEqual([code, stderr], [0, '']);
  // The script itself sees to it that all of them say the same, and that no more than one line of `agents.yaml` is another.
  const lines = stdout.match(/^ {2}summarizer: .*$/gm)?.map((line) => line.replaceAll(/:\d+/g, ''));
  assert.deepEqual(lines, [
    '  summarizer: ./summarizer.ts',
    '  summarizer: { url: http://127.0.0.1, token_env: SUMMARIZER_TOKEN }',
    '  summarizer: { url: grpc://127.0.0.1, token_env: SUMMARIZER_TOKEN }',
  ]);
  assert.equal(stdout.match(/execute: The agent answers questions\. .* \(completed, 25 tokens\)/g)?.length, 3);
  assert.equal(stdout.match(/stream: {2}The agent answers questions\. /g)?.length, 3);
  assert.equal(stdout.match(/refused: bad_request/g)?.length, 3);
  assert.equal(stdout.match(/^ {4}One sentence\. Another one\.$/gm)?.length, hasPython ? 5 : 4);
  await assertNothingLeft(temp);
});

test('Ctrl-C in the middle of it ends everything', async (t) => {
  const temp = join(tempDir(t), 'temp');
  mkdirSync(temp);
  const example = start(temp);
  t.after(() => example.stop());
  await example.waitFor((output) => output.includes("application's own process") || undefined, 'its first way');
  example.signal('SIGINT');
  assert.deepEqual([(await example.exited).code, example.stderr], [130, 'remote-agent-example: ended by SIGINT\n']);
  await assertNothingLeft(temp);
});

test('the lines that the README shows are those of the configuration', () => {
  const readme = readFileSync(join(EXAMPLE, 'README.md'), 'utf8');
  const agents = readFileSync(join(EXAMPLE, 'agents.yaml'), 'utf8');
  const shown = [...readme.matchAll(/^```yaml\n {2}(.*)\n```$/gm)].map(([, line = '']) => line);
  assert.equal(shown.length, 2);
  for (const line of shown) assert.ok(agents.includes(`#   ${line} `), line);
  assert.match(agents, /^ {2}summarizer: \.\/summarizer\.ts$/m);
});

test('the caller in Python says why it was not answered', {
  skip: hasPython ? false : 'there is no python3 (3.9 or later)',
}, async (t) => {
  const directory = tempDir(t);
  const env = {
    PATH: process.env['PATH'],
    HOME: directory,
    AGENT_AUTH_TOKEN: 'example-token',
    OUTRIDER_DATA_DIR: directory,
  };
  const host = new Process(
    ...command('host', '--addr', '127.0.0.1:0', join(EXAMPLE, 'summarizer.ts')),
    { ...env, OUTRIDER_LOG_FORMAT: 'json' },
    directory,
  );
  t.after(() => host.stop());
  const port = await host.waitFor((output) => /"msg":"listening".*"port":(\d+)/.exec(output)?.[1], 'listening');
  const ask = async (url: string, agent: string, token: string): Promise<[number | null, string, string]> => {
    const caller = new Process('python3', [CALLER, url, agent, 'Text.'], { ...env, OUTRIDER_TOKEN: token });
    t.after(() => caller.stop());
    const { code } = await caller.exited;
    return [code, caller.stdout, caller.stderr];
  };
  const url = `http://127.0.0.1:${port}`;
  assert.deepEqual(await ask(url, 'summarizer', 'example-token'), [0, 'Text.\n', '']);
  const [wrong, , because] = await ask(url, 'summarizer', 'wrong');
  assert.equal(wrong, 1);
  assert.match(because, /^401: /);
  const [unknown, , why] = await ask(url, 'nobody', 'example-token');
  assert.equal(unknown, 1);
  assert.match(why, /^404: there is no such agent/);
  const [absent, , nowhere] = await ask('http://127.0.0.1:1', 'summarizer', 'x');
  assert.equal(absent, 1);
  assert.match(nowhere, /^not reached: /);
});
