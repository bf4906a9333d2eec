import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCommand } from '../../../src/cli/deploy/local/start-command.ts';
import { tempDir } from '../../support/temp.ts';

function bench(t: { after(step: () => unknown): void }, programs: readonly string[] = ['python3', 'poetry']) {
  const folder = tempDir(t);
  mkdirSync(join(folder, 'path'));
  mkdirSync(join(folder, 'src'));
  for (const name of programs) writeFileSync(join(folder, 'path', name), '', { mode: 0o755 });
  for (const name of ['agent.py', 'src/agent.ts', 'agent.mjs', 'my agent.py', 'run.sh'])
    writeFileSync(join(folder, name), '');
  writeFileSync(join(folder, 'agent'), '', { mode: 0o755 });
  const env = { PATH: join(folder, 'path') };
  const start = (entrypoint: string | undefined, language?: string, more: Record<string, string> = {}) => {
    const runtime = { ...(entrypoint !== undefined && { entrypoint }), ...(language !== undefined && { language }) };
    const got = startCommand({ runtime }, { folder, env: { ...env, ...more } });
    return 'command' in got ? got.command : got.fault;
  };
  return { folder, start };
}

test('a script starts with what runs its kind', (t) => {
  const { start } = bench(t);
  assert.deepEqual(start('agent.py'), ['python3', 'agent.py']);
  assert.deepEqual(start('agent.py --verbose'), ['python3', 'agent.py', '--verbose']);
  assert.deepEqual(start('src/agent.ts'), [process.execPath, 'src/agent.ts']);
  assert.deepEqual(start('agent.mjs'), [process.execPath, 'agent.mjs']);
  assert.deepEqual(start('run.sh'), ['sh', 'run.sh']);
});

test("Python's: of the virtual environment beside it, of the one that is active, or the system's", (t) => {
  const { folder, start } = bench(t);
  assert.deepEqual(start('agent.py', undefined, { VIRTUAL_ENV: '/v' }), ['python', 'agent.py']);
  mkdirSync(join(folder, '.venv/bin'), { recursive: true });
  const python = join(folder, '.venv/bin/python');
  writeFileSync(python, '', { mode: 0o755 });
  assert.deepEqual(start('agent.py'), [python, 'agent.py']);
  assert.deepEqual(bench(t, []).start('agent.py'), ['python', 'agent.py']);
});

test('a command is taken as it is, with quotation marks as in a shell and nothing else of one', (t) => {
  const { start } = bench(t);
  assert.deepEqual(start('poetry run "my agent"'), ['poetry', 'run', 'my agent']);
  assert.deepEqual(start(`"my agent.py" 'a"b' c\\ d ""`), ['python3', 'my agent.py', 'a"b', 'c d', '']);
  assert.deepEqual(start('uvicorn app:app --port $PORT; rm x'), ['uvicorn', 'app:app', '--port', '$PORT;', 'rm', 'x']);
  assert.deepEqual(start('agent'), ['./agent']);
  assert.deepEqual(start('poetry'), ['poetry']);
  assert.deepEqual(start('/opt/agent'), ['/opt/agent']);
});

test("a module of Python's", (t) => {
  const { start } = bench(t);
  assert.deepEqual(start('support.agent', 'python'), ['python3', '-m', 'support.agent']);
  assert.equal(start('support.agent'), 'nobody can tell how to start what runtime.entrypoint names, support.agent');
});

test('what nobody can start', (t) => {
  const { start } = bench(t);
  assert.equal(start(undefined), 'it does not say how the agent starts (runtime.entrypoint)');
  assert.equal(start('none.py'), 'runtime.entrypoint: there is no none.py beside it');
  assert.equal(
    start('app.main:app', 'python'),
    'nobody can tell how to start what runtime.entrypoint names, app.main:app',
  );
  assert.equal(start('python "agent.py'), 'runtime.entrypoint has a quotation mark without its pair');
});
