import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { wrapCommand } from '../../../src/cli/commands/wrap.ts';
import { command, TOKEN } from '../../support/outrider.ts';
import { freePort } from '../../support/ports.ts';
import { Process } from '../../support/process.ts';
import { tempDir } from '../../support/temp.ts';
import { until } from '../../support/until.ts';
import { runCommand } from './commands.ts';

const DOCKERFILE = 'FROM debian:13\nENTRYPOINT ["node", "agent.js"]\nCMD ["--greeting", "hello $USER"]\n';

function folder(t: TestContext, text: string, name = 'Dockerfile'): string {
  const cwd = tempDir(t);
  writeFileSync(join(cwd, name), text);
  return cwd;
}

test('wrap prints what becomes of Dockerfile, and leaves it alone', async (t) => {
  const cwd = folder(t, DOCKERFILE);
  const { code, stdout, stderr } = await runCommand(wrapCommand, [], { cwd });
  assert.equal(code, 0);
  assert.match(stdout, /^COPY --from=outrider\/outrider:1\.2\.3 \/usr\/local\/bin\/outrider /m);
  assert.match(stderr, /^Dockerfile: note: .*AGENT_AUTH_TOKEN/m);
  assert.equal(readFileSync(join(cwd, 'Dockerfile'), 'utf8'), DOCKERFILE);
});

test('wrap --write changes the file as a whole; twice is once', async (t) => {
  const cwd = folder(t, DOCKERFILE, 'Agent.dockerfile');
  const read = () => readFileSync(join(cwd, 'Agent.dockerfile'), 'utf8');
  assert.equal((await runCommand(wrapCommand, ['--write', 'Agent.dockerfile'], { cwd })).code, 0);
  const once = read();
  assert.notEqual(once, DOCKERFILE);
  assert.deepEqual(readdirSync(cwd), ['Agent.dockerfile']);
  assert.equal((await runCommand(wrapCommand, ['--write', 'Agent.dockerfile'], { cwd })).code, 0);
  assert.equal(read(), once);
  assert.equal((await runCommand(wrapCommand, ['--check', 'Agent.dockerfile'], { cwd })).code, 0);
  const other = ['--check', '--image', 'outrider/outrider:9.9.9', 'Agent.dockerfile'];
  assert.equal((await runCommand(wrapCommand, other, { cwd })).code, 1);
});

test('wrap reads standard input, and names file and line of what is wrong', async (t) => {
  const cwd = tempDir(t);
  const piped = await runCommand(wrapCommand, ['-'], { cwd, input: DOCKERFILE });
  assert.match(piped.stdout, /"run", "--", "node", "agent\.js"\]\nCMD /);
  const alpine = await runCommand(wrapCommand, ['-'], { cwd, input: '# x\nFROM alpine:3\nCMD ["a"]\n' });
  assert.equal(alpine.code, 1);
  assert.equal(alpine.stdout, '');
  assert.match(alpine.stderr, /^<stdin>:2: .*glibc/);
  const bad = await runCommand(wrapCommand, ['--entrypoint', 'python app.py'], { cwd });
  assert.match(bad.stderr, /a list of words in JSON/);
  const missing = await runCommand(wrapCommand, ['nothing'], { cwd });
  assert.match(missing.stderr, /nothing: there is no such file/);
});

const AGENT = `
require('node:http').createServer((request, response) => response.end(JSON.stringify({
  words: process.argv.slice(2), host: process.env.HOST, token: process.env.AGENT_AUTH_TOKEN ?? null,
}))).listen(Number(process.env.PORT), process.env.HOST);`;

test('what a wrapped image starts, started: the sidecar on the port of the platform, the agent behind it', async (t) => {
  const cwd = folder(t, DOCKERFILE);
  writeFileSync(join(cwd, 'agent.js'), AGENT);
  mkdirSync(join(cwd, 'data'));
  const { stdout } = await runCommand(wrapCommand, [], { cwd });
  const words = (keyword: string) =>
    JSON.parse(new RegExp(`^${keyword} (.*)$`, 'm').exec(stdout)?.[1] ?? '') as string[];
  const [executable, ...args] = [...words('ENTRYPOINT'), ...words('CMD')];
  assert.equal(executable, '/usr/local/bin/outrider');
  const [, address = ''] = /^ENV OUTRIDER_INBOUND_ADDR='(.*)'$/m.exec(stdout) ?? [];
  const [port, agentPort, helpers] = [await freePort(), await freePort(), await freePort()];
  const child = new Process(
    ...command(...args),
    {
      PATH: `${join(process.execPath, '..')}:${process.env['PATH']}`,
      PORT: String(port),
      OUTRIDER_INBOUND_ADDR: address,
      OUTRIDER_AGENT_URL: `http://127.0.0.1:${agentPort}`,
      OUTRIDER_LOCAL_ADDR: `127.0.0.1:${helpers}`,
      OUTRIDER_MCP_ADDR: '127.0.0.1:0',
      OUTRIDER_COST_ADDR: '127.0.0.1:0',
      OUTRIDER_DATA_DIR: join(cwd, 'data'),
      AGENT_NAME: 'wrapped',
      AGENT_AUTH_TOKEN: TOKEN,
    },
    cwd,
  );
  t.after(() => child.stop());
  const url = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(`${url}/ready`).catch(() => undefined))?.status === 200, 'it is ready');
  assert.equal((await fetch(`${url}/`)).status, 401);
  const reply = await fetch(`${url}/`, { headers: { authorization: `Bearer ${TOKEN}` } });
  assert.deepEqual(await reply.json(), { words: ['--greeting', 'hello $USER'], host: '127.0.0.1', token: null });
  assert.deepEqual(await child.stop('SIGTERM'), { code: 0, signal: null });
});
