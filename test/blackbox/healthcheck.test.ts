import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { startAgent } from '../support/agent.ts';
import { outriderFor, runOutrider } from '../support/outrider.ts';
import { freePort } from '../support/ports.ts';
import { tempDir } from '../support/temp.ts';

const check = (args: readonly string[], env: Record<string, string> = {}, cwd?: string) =>
  runOutrider(['healthcheck', ...args], { env, ...(cwd !== undefined && { cwd }) });
const OK = { code: 0, stdout: '', stderr: '' };

test('finds the sidecar as the sidecar finds its own address: environment, text, file', async (t) => {
  const port = await freePort();
  await outriderFor(t, { env: { OUTRIDER_INBOUND_ADDR: `:${port}` } });
  const directory = tempDir(t);
  const file = join(directory, 'x.yaml');
  // Nothing else of it needs to be right.
  writeFileSync(file, `inbound_addr: ":${port}"\nagent_name: "not a name"\nno_such_key: 1\n`);

  assert.deepEqual(await check([], { OUTRIDER_INBOUND_ADDR: `:${port}` }), OK);
  assert.deepEqual(await check([], { OUTRIDER_INBOUND_ADDR: '0.0.0.0:$PORT', PORT: String(port) }), OK);
  assert.deepEqual(await check([], { OUTRIDER_CONFIG_YAML: `inbound_addr: 127.0.0.1:${port}` }), OK);
  assert.deepEqual(await check([], { OUTRIDER_CONFIG: file }), OK);
  assert.deepEqual(await check(['--config', file]), OK);
  writeFileSync(join(directory, 'outrider.yaml'), `inbound_addr: :${port}`);
  assert.deepEqual(await check([], {}, directory), OK);
  assert.deepEqual(await check(['--url', `http://127.0.0.1:${port}`]), OK);
  assert.deepEqual(await check(['--url', `http://127.0.0.1:${port}/health`]), OK);
});

test('--ready wants the agent to be ready too', async (t) => {
  const agent = await startAgent();
  const port = await freePort();
  await outriderFor(t, { agentUrl: agent.url, env: { OUTRIDER_INBOUND_ADDR: `127.0.0.1:${port}` } });
  const env = { OUTRIDER_INBOUND_ADDR: `127.0.0.1:${port}` };
  assert.deepEqual(await check(['--ready'], env), OK);
  await agent.close();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const stderr = `outrider: http://127.0.0.1:${port}/ready: answered 503\n`;
  assert.deepEqual(await check(['--ready'], env), { code: 1, stdout: '', stderr });
  assert.deepEqual(await check([], env), OK);
});

test('everything but 200 is 1, with one line that says why, in time', async (t) => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.after(() => silent.close());
  const address = silent.address();
  assert.ok(typeof address === 'object' && address !== null);
  const other = await startAgent((_request, response) => void response.writeHead(204).end());
  t.after(() => other.close());
  const closed = await freePort();
  for (const [args, env, says] of [
    [[], { OUTRIDER_INBOUND_ADDR: `:${address.port}` }, /\/health: no answer within 2500 ms/],
    [[], { OUTRIDER_INBOUND_ADDR: `:${closed}` }, /ECONNREFUSED/],
    [[], { OUTRIDER_INBOUND_ADDR: ':0' }, /inbound_addr \(OUTRIDER_INBOUND_ADDR\) has port 0.*--url/],
    [[], { OUTRIDER_INBOUND_ADDR: 'x' }, /inbound_addr \(OUTRIDER_INBOUND_ADDR\) is no address/],
    [['--url', other.url], {}, /answered 204/],
    [['--url', 'localhost:8080'], {}, /--url: expected an http:\/\/ or https:\/\/ URL/],
  ] as const) {
    const begun = performance.now();
    const { code, stdout, stderr } = await check(args, env);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^outrider: [^\n]+\n$/);
    assert.match(stderr, says);
    assert.ok(performance.now() - begun < 5_000, says.source);
  }
});

test('where the sidecar is switched off there is nothing to be well or not', async () => {
  assert.deepEqual(await check([], { OUTRIDER: 'off', OUTRIDER_INBOUND_ADDR: '127.0.0.1:1' }), OK);
});
