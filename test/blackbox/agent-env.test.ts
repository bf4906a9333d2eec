import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outriderFor, runOutrider, startOutrider } from '../support/outrider.ts';
import { freePort } from '../support/ports.ts';

/** Prints what it finds, and ends. */
const PRINTS = `
  const { PORT, HOST, OUTRIDER_CONFIG_YAML } = process.env;
  console.log(JSON.stringify({ PORT, HOST, OUTRIDER_CONFIG_YAML }));`;
const AGENT = [process.execPath, '-e', PRINTS];

test('the agent is told to listen on loopback, and never sees the text of the configuration', async (t) => {
  const port = await freePort();
  const sidecar = await startOutrider({
    args: ['run', '--', ...AGENT],
    agentUrl: `http://127.0.0.1:${port}`,
    wait: false,
    env: {
      OUTRIDER_CONFIG: undefined,
      OUTRIDER_CONFIG_YAML: 'a2a_peers: { p: hunter2@@http://peer.example }',
      HOST: '0.0.0.0',
      PORT: '8080',
    },
  });
  t.after(() => sidecar.stop());
  assert.equal((await sidecar.process.exited).code, 0, sidecar.process.stderr);
  assert.equal(sidecar.process.stdout, `{"PORT":"${port}","HOST":"127.0.0.1"}\n`);
  assert.doesNotMatch(sidecar.process.stderr, /hunter2/);
});

test('an agent alone listens where the platform sends its callers', async () => {
  const run = async (env: Record<string, string>): Promise<unknown> => {
    const { code, stdout } = await runOutrider(['run', '--', ...AGENT], { env: { OUTRIDER: 'off', ...env } });
    assert.equal(code, 0);
    return JSON.parse(stdout);
  };
  assert.deepEqual(await run({ PORT: '3000', HOST: '0.0.0.0' }), { PORT: '3000', HOST: '0.0.0.0' });
  assert.deepEqual(await run({ PORT: 'x' }), { PORT: '8081' });
  assert.deepEqual(await run({ PORT: '3000', OUTRIDER_AGENT_URL: 'http://127.0.0.1:9' }), { PORT: '9' });
});

test('a sidecar that has its whole configuration in its environment listens where the platform says', async (t) => {
  const port = await freePort();
  const { inbound, process } = await outriderFor(t, {
    args: ['sidecar'],
    env: {
      OUTRIDER_CONFIG: undefined,
      OUTRIDER_CONFIG_YAML: 'guardrails: [{ name: no-birds, type: keyword, pattern: bluebird, action: block }]',
      OUTRIDER_INBOUND_ADDR: '0.0.0.0:$PORT',
      PORT: String(port),
    },
  });
  assert.equal(inbound, `http://127.0.0.1:${port}`);
  const reply = await fetch(`${inbound}/x`, {
    method: 'POST',
    headers: { Authorization: 'Bearer test-token-0123456789', 'Content-Type': 'application/json' },
    body: '{"a":"bluebird"}',
  });
  assert.equal(reply.status, 403);
  assert.equal(process.child.exitCode, null);
});
