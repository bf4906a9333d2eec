import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startAgent, type TestAgent } from '../support/agent.ts';
import { type Outrider, startOutrider, TOKEN } from '../support/outrider.ts';
import { raw } from '../support/raw.ts';

let agent: TestAgent;
let outrider: Outrider;

before(async () => {
  agent = await startAgent();
  outrider = await startOutrider({ agentUrl: agent.url });
});
after(async () => {
  await agent.close();
  await outrider.stop();
});

const status = async (authorization: string | undefined): Promise<number> => {
  const reply = await fetch(`${outrider.inbound}/x`, { headers: authorization === undefined ? {} : { authorization } });
  await reply.text();
  return reply.status;
};

test('the right bearer token lets a request through, in any case of the scheme', async () => {
  assert.equal(await status(`Bearer ${TOKEN}`), 200);
  assert.equal(await status(`bearer ${TOKEN}`), 200);
});

test('everything else is 401 with a challenge, and never reaches the agent', async () => {
  const seen = agent.seen.length;
  const wrong = [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(0, -1)}`,
    `Basic ${TOKEN}`,
    TOKEN,
    `Bearer ${TOKEN} ${TOKEN}`,
    `Bearer ${'a'.repeat(5_000)}`,
  ];
  for (const authorization of wrong) assert.equal(await status(authorization), 401, String(authorization));
  const reply = await fetch(`${outrider.inbound}/x`);
  assert.equal(reply.headers.get('www-authenticate'), 'Bearer');
  assert.equal(reply.headers.get('content-type'), 'application/problem+json');
  const problem = JSON.parse(await reply.text());
  assert.equal(problem.code, 'unauthenticated');
  assert.equal(typeof problem.error, 'string');
  assert.equal(agent.seen.length, seen);
});

test('two Authorization fields are no authorization', async () => {
  const reply = await raw(
    outrider.inbound,
    `GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${TOKEN}\r\nAuthorization: Bearer wrong\r\nConnection: close\r\n\r\n`,
  );
  assert.equal(reply.status, 401);
});

test('no other spelling of an open path opens anything', async () => {
  const seen = agent.seen.length;
  const spellings = [
    '/health/',
    '/HEALTH',
    '/Health',
    '//health',
    '/./health',
    '/x/../health',
    '/%68ealth',
    '/health%00',
    '/health;x',
    '/health/x',
    '/health%3f',
    '/ready/',
    '/openapi.json/',
    '/openapi%2ejson',
    '/health#x',
    '/health\\',
    '*',
  ];
  for (const path of spellings) {
    const reply = await raw(outrider.inbound, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    assert.ok(reply.status === 401 || reply.status === 400, `${path}: ${reply.status}`);
  }
  for (const method of ['POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE', 'QUERY']) {
    const reply = await raw(outrider.inbound, `${method} /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    assert.equal(reply.status, 401, method);
  }
  assert.equal(agent.seen.length, seen);
});

test('the open paths are open, with a query as well', async () => {
  for (const path of ['/health', '/ready', '/openapi.json', '/health?probe=1']) {
    const reply = await fetch(outrider.inbound + path);
    assert.equal(reply.status, 200, path);
    await reply.arrayBuffer();
  }
  assert.deepEqual(await (await fetch(`${outrider.inbound}/health`)).json(), {
    status: 'ok',
    agent: 'test-agent',
    version: '1.2.3',
  });
});

test('tokens of a file are rotated without a restart, and a bad file keeps those in force', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'outrider-tokens-'));
  const file = join(directory, 'tokens');
  await writeFile(file, '# callers\nalice alice-token-1\nbob-token-1\n');
  const sidecar = await startOutrider({
    agentUrl: agent.url,
    env: { AGENT_AUTH_TOKEN: undefined, OUTRIDER_AUTH_TOKENS_FILE: file },
  });
  try {
    const ask = async (token: string): Promise<number> =>
      (await fetch(`${sidecar.inbound}/x`, { headers: { authorization: `Bearer ${token}` } })).status;
    const until = async (token: string, wanted: number): Promise<void> => {
      for (let i = 0; i < 100 && (await ask(token)) !== wanted; i++) await delay(50);
      assert.equal(await ask(token), wanted);
    };
    assert.equal(await ask('alice-token-1'), 200);
    assert.equal(await ask('bob-token-1'), 200);
    await writeFile(file, 'alice alice-token-22\n');
    await until('alice-token-22', 200);
    await until('alice-token-1', 401);
    assert.equal(await ask('bob-token-1'), 401);
    await writeFile(file, '');
    await sidecar.process.waitFor((output) => (output.includes('holds no token') ? true : undefined), 'a warning');
    assert.equal(await ask('alice-token-22'), 200);
    assert.doesNotMatch(sidecar.process.stdout + sidecar.process.stderr, /alice-token|bob-token/);
  } finally {
    await sidecar.stop();
    await rm(directory, { recursive: true });
  }
});

test('without a token it does not start, unless that is allowed, and then says so', async () => {
  const refused = await startOutrider({ agentUrl: agent.url, env: { AGENT_AUTH_TOKEN: undefined }, wait: false });
  assert.notEqual((await refused.process.exited).code, 0);
  assert.match(refused.process.stderr, /AGENT_AUTH_TOKEN/);
  await refused.stop();
  for (const name of ['OUTRIDER_ALLOW_NO_AUTH', 'AGENTBREEDER_SIDECAR_ALLOW_NO_AUTH']) {
    const open = await startOutrider({ agentUrl: agent.url, env: { AGENT_AUTH_TOKEN: undefined, [name]: '1' } });
    try {
      assert.equal((await fetch(`${open.inbound}/x`)).status, 200);
      assert.ok(
        open
          .logs()
          .some(
            ({ msg, level }) =>
              level === 'warn' && /^no token for callers is configured, .*: every caller is let in$/.test(String(msg)),
          ),
      );
    } finally {
      await open.stop();
    }
  }
});
