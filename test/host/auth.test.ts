import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { type AgentDefinition, AgentError } from '../../src/library/agent.ts';
import { grpcAgent } from '../../src/library/remote-agents.ts';
import { HOST_TOKEN, type HostInProcess, hostCommandFor, hostFor } from '../support/host.ts';
import { type HttpReply, http } from '../support/http.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';

const AGENTS: AgentDefinition[] = [
  { id: 'open', execute: (_request, { principal }) => `open to ${principal}` },
  { id: 'lab', execute: (_request, { principal }) => `lab to ${principal}` },
  { id: 'closed', execute: () => 'closed' },
];
const KEYS = `auth:
  keys:
    - { name: guest, key_env: GUEST }
    - { name: scientist, key_env: SCIENTIST, roles: [lab] }
agents:
  lab: { allowed_roles: [lab] }
  closed: { allowed_roles: [] }
`;
const ENV = { GUEST: 'guest-key', SCIENTIST: 'scientist-key' };

function call(url: string, agent: string, headers: Record<string, string | string[]>): Promise<HttpReply> {
  return http(`${url}/v1/agents/${agent}/execute`, { headers, body: { input: 'x' } });
}

const key = (text: string): Record<string, string> => ({ 'X-API-Key': text });
const bearer = (text: string): Record<string, string> => ({ Authorization: `Bearer ${text}` });

test('without a credential the host does not start, and says what to set', async (t) => {
  const { process } = await hostCommandFor(t, { env: { AGENT_AUTH_TOKEN: undefined }, wait: false });
  assert.equal((await process.exited).code, 1);
  assert.match(process.stderr, /no credential for callers: set AGENT_AUTH_TOKEN.*OUTRIDER_ALLOW_NO_AUTH=1/);
});

describe('keys', () => {
  const host = (t: TestContext): Promise<HostInProcess> => hostFor(t, { agents: AGENTS, config: KEYS, env: ENV });

  test('are taken as X-API-Key and as bearer token; none or another one is 401', async (t) => {
    const { url } = await host(t);
    for (const headers of [key('guest-key'), bearer('guest-key'), { ...key('guest-key'), ...bearer('guest-key') }]) {
      assert.equal((await call(url, 'open', headers)).json.output, 'open to guest');
    }
    const refused = [{}, key('other'), bearer('other'), key(''), { Authorization: 'guest-key' }];
    const twice = [
      { ...key('guest-key'), ...bearer('scientist-key') },
      { ...key('other'), ...bearer('guest-key') },
      { 'X-API-Key': ['guest-key', 'scientist-key'] },
      { Authorization: ['Bearer guest-key', 'Bearer guest-key'] },
    ];
    for (const headers of [...refused, ...twice]) {
      const reply = await call(url, 'open', headers);
      // A proxy's client may join two fields of a name into one, which is no key either.
      assert.equal(reply.status, 401, JSON.stringify(headers));
      assert.equal(reply.json.error.code, 'unauthenticated');
      assert.equal(reply.headers['www-authenticate'], 'Bearer');
      assert.ok(reply.headers['x-request-id']);
    }
  });

  test('have roles, and agents are seen and called by theirs alone', async (t) => {
    const { url } = await host(t);
    const seen = async (headers: Record<string, string>): Promise<string[]> =>
      (await http(`${url}/v1/agents`, { headers })).json.agents.map(({ id }: { id: string }) => id);
    assert.deepEqual(await seen(key('guest-key')), ['open']);
    assert.deepEqual(await seen(key('scientist-key')), ['open', 'lab']);
    assert.deepEqual(await seen(key(HOST_TOKEN)), ['open', 'lab', 'closed']);
    assert.equal((await call(url, 'lab', key('scientist-key'))).json.output, 'lab to scientist');
    assert.equal((await call(url, 'closed', key(HOST_TOKEN))).json.output, 'closed');
    for (const path of ['lab/execute', 'lab/execute/stream', 'lab/jobs', 'closed/execute']) {
      const reply = await http(`${url}/v1/agents/${path}`, { headers: key('guest-key'), body: { input: 'x' } });
      assert.deepEqual([reply.status, reply.json.error.code], [403, 'forbidden'], path);
    }
    assert.equal((await call(url, 'absent', key('guest-key'))).status, 404);
  });

  test('only an administrator registers and removes', async (t) => {
    const { url } = await host(t);
    const body = { id: 'new', url: 'http://127.0.0.1:1' };
    for (const [secret, status] of [
      ['scientist-key', 403],
      [HOST_TOKEN, 201],
    ] as const) {
      assert.equal((await http(`${url}/v1/agents`, { headers: key(secret), body })).status, status);
    }
    const remove = (secret: string): Promise<HttpReply> =>
      http(`${url}/v1/agents/new`, { method: 'DELETE', headers: key(secret) });
    assert.equal((await remove('scientist-key')).status, 403);
    assert.equal((await remove(HOST_TOKEN)).status, 204);
  });

  test('count in gRPC metadata as well', async (t) => {
    const { url } = await host(t);
    const agent = (token: string | undefined, id = 'open') => {
      const one = grpcAgent({ url, id, token });
      t.after(() => one.close());
      return one.execute({ input: 'x' });
    };
    assert.equal((await agent('guest-key')).output, 'open to guest');
    const code = (expected: string) => (error: unknown) => error instanceof AgentError && error.code === expected;
    await assert.rejects(agent('other'), code('unauthenticated'));
    await assert.rejects(agent(undefined), code('unauthenticated'));
    await assert.rejects(agent('guest-key', 'lab'), code('forbidden'));
  });

  test('of a file change with it, and a file that cannot be used changes nothing', async (t) => {
    const file = join(tempDir(t), 'keys');
    writeFileSync(file, 'old old-key lab\n');
    const { url, logs } = await hostFor(t, {
      agents: AGENTS,
      config: KEYS,
      env: { ...ENV, OUTRIDER_HOST_KEYS_FILE: file },
    });
    assert.equal((await call(url, 'lab', key('old-key'))).json.output, 'lab to old');
    writeFileSync(file, 'new new-key\nguest-too guest-key lab\n');
    await until(async () => (await call(url, 'open', key('new-key'))).status === 200, 'the new key is known');
    assert.equal((await call(url, 'open', key('old-key'))).status, 401);
    assert.equal((await call(url, 'lab', key('new-key'))).status, 403);
    // The configuration's own key stays what it is, whatever the file says of it.
    assert.equal((await call(url, 'lab', key('guest-key'))).status, 403);
    writeFileSync(file, 'one two three four\n');
    await until(
      () => logs().some(({ msg }) => String(msg).startsWith('the keys file cannot be used')),
      'the fault is told',
    );
    assert.equal((await call(url, 'open', key('new-key'))).status, 200);
    assert.doesNotMatch(JSON.stringify(logs()), /new-key|guest-key/);
  });

  test('a file of keys that is not there at the start ends it', async (t) => {
    const { process } = await hostCommandFor(t, { env: { OUTRIDER_HOST_KEYS_FILE: '/no/such/file' }, wait: false });
    assert.equal((await process.exited).code, 1);
    assert.match(process.stderr, /keys file \/no\/such\/file: /);
  });
});

test('with leave, everybody is let in as nobody: agents with roles and registering stay closed', async (t) => {
  const { url } = await hostFor(t, {
    agents: AGENTS,
    config: 'agents: { lab: { allowed_roles: [lab] } }',
    env: { AGENT_AUTH_TOKEN: undefined, OUTRIDER_ALLOW_NO_AUTH: '1' },
  });
  assert.equal((await call(url, 'open', {})).json.output, 'open to anonymous');
  assert.equal((await call(url, 'lab', {})).status, 403);
  assert.equal((await http(`${url}/v1/agents`, { body: { id: 'a', url: 'http://h/' } })).status, 403);

  // A page whose name was made to resolve to this machine.
  const rebound = { Host: 'evil.example', Origin: 'http://evil.example' };
  assert.equal((await call(url, 'open', rebound)).status, 403);
  assert.equal((await call(url, 'open', { Origin: url })).status, 200);
  const connect = `${url}/outrider.agent.v1.AgentService/Execute`;
  assert.equal((await http(connect, { headers: rebound, body: { agent_id: 'open', input: 'x' } })).status, 403);
});

describe('JWTs', () => {
  const ISSUER = 'https://login.example/';
  type Pair = Awaited<ReturnType<typeof generateKeyPair>>;
  let own: Pair;
  let second: Pair;

  before(async () => {
    [own, second] = await Promise.all([generateKeyPair('ES256'), generateKeyPair('RS256')]);
  });

  const sign = (
    claims: JWTPayload = {},
    { alg = 'ES256', kid = 'one', signer = own.privateKey } = {},
  ): Promise<string> =>
    new SignJWT({ iss: ISSUER, aud: 'agents', sub: 'ada', ...claims })
      .setProtectedHeader({ alg, kid })
      .setExpirationTime(claims.exp ?? '5m')
      .sign(signer);

  /** An issuer of keys, which counts how often it is asked. */
  async function issuer(t: TestContext): Promise<{ url: string; asked(): number; fail: boolean; both: boolean }> {
    let asked = 0;
    const state = { url: '', asked: () => asked, fail: false, both: false };
    const one = { ...(await exportJWK(own.publicKey)), kid: 'one', alg: 'ES256' };
    const two = { ...(await exportJWK(second.publicKey)), kid: 'two', alg: 'RS256' };
    const server = createServer((_request, response) => {
      asked++;
      if (state.fail) response.writeHead(500).end();
      else response.end(JSON.stringify({ keys: state.both ? [one, two] : [one] }));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    t.after(() => server.close());
    // Listening on TCP.
    state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks?v=1`;
    return state;
  }

  const host = (t: TestContext, jwks: string): Promise<HostInProcess> =>
    hostFor(t, {
      agents: AGENTS,
      config: `auth:
  jwt: { issuer: "${ISSUER}", jwks_url: "${jwks}", audience: agents, roles_claim: realm_access.roles }
agents: { lab: { allowed_roles: [lab] } }
`,
    });

  test('say who calls and in which roles, beside keys', async (t) => {
    const { url } = await host(t, (await issuer(t)).url);
    assert.equal((await call(url, 'open', bearer(await sign()))).json.output, 'open to jwt:ada');
    assert.equal((await call(url, 'lab', bearer(await sign()))).status, 403);
    const lab = await sign({ realm_access: { roles: ['lab'] } });
    assert.equal((await call(url, 'lab', bearer(lab))).json.output, 'lab to jwt:ada');
    assert.equal((await call(url, 'open', key(HOST_TOKEN))).json.output, 'open to admin');
    assert.equal((await call(url, 'open', key(lab))).status, 401);
  });

  test('that are wrong in any way are 401', async (t) => {
    const { url } = await host(t, (await issuer(t)).url);
    const now = Math.floor(Date.now() / 1000);
    const cases = {
      expired: await sign({ exp: now - 3_600 }),
      early: await sign({ nbf: now + 3_600, exp: now + 7_200 }),
      issuer: await sign({ iss: 'https://evil.example/' }),
      audience: await sign({ aud: 'others' }),
      signer: await sign({}, { alg: 'RS256', kid: 'one', signer: second.privateKey }),
      shared: await new SignJWT({ iss: ISSUER, aud: 'agents', sub: 'root', exp: now + 300 })
        .setProtectedHeader({ alg: 'HS256', kid: 'one' })
        .sign(new TextEncoder().encode(JSON.stringify(await exportJWK(own.publicKey)))),
      none: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify({ iss: ISSUER, aud: 'agents', sub: 'root', exp: now + 300 })).toString('base64url')}.`,
      malformed: 'a.b.c',
    };
    for (const [what, token] of Object.entries(cases)) {
      const reply = await call(url, 'open', bearer(token));
      assert.deepEqual([reply.status, reply.json.error.code], [401, 'unauthenticated'], what);
      assert.doesNotMatch(reply.text, /evil|root/);
    }
    assert.match((await call(url, 'open', bearer(cases.expired))).json.error.message, /expired/);
    assert.match(
      (await call(url, 'open', bearer(cases.early))).json.error.message,
      /not valid yet: do the clocks differ/,
    );
  });

  test('with a flood of invented keys do not make us hammer the issuer', async (t) => {
    const keys = await issuer(t);
    const { url } = await host(t, keys.url);
    assert.equal((await call(url, 'open', bearer(await sign()))).status, 200);
    const asked = keys.asked();
    const tokens = await Promise.all(Array.from({ length: 100 }, (_, i) => sign({}, { kid: `invented-${i}` })));
    const replies = await Promise.all(tokens.map((token) => call(url, 'open', bearer(token))));
    assert.deepEqual([...new Set(replies.map(({ status }) => status))], [401]);
    assert.equal(keys.asked(), asked);
    assert.equal((await call(url, 'open', bearer(await sign()))).status, 200);
  });

  test('cannot be checked without the keys: 503, and keys of the configuration go on', async (t) => {
    const keys = await issuer(t);
    keys.fail = true;
    const { url, logs } = await host(t, keys.url);
    const reply = await call(url, 'open', bearer(await sign()));
    assert.deepEqual([reply.status, reply.json.error.code], [503, 'not_ready']);
    assert.match(String(reply.headers['retry-after']), /^[1-5]$/);
    assert.equal((await call(url, 'open', key(HOST_TOKEN))).status, 200);
    assert.ok(logs().some(({ msg }) => String(msg).includes('could not be had')));
    keys.fail = false;
    await until(
      async () => (await call(url, 'open', bearer(await sign()))).status === 200,
      'the keys are had',
      15_000,
      200,
    );
  });
});

test('probes need no credential, and say nothing of agents', async (t) => {
  const { url } = await hostFor(t, { agents: AGENTS });
  for (const [path, status] of [
    ['/health', 200],
    ['/ready', 200],
    ['/openapi.json', 200],
    ['/v1/agents', 401],
    ['/nothing', 401],
  ] as const) {
    const reply = await http(`${url}${path}`);
    assert.equal(reply.status, status, path);
    assert.doesNotMatch(reply.text, /"lab"|"closed"/);
    assert.ok(reply.headers['x-request-id'], path);
    assert.equal(reply.headers['outrider-contract'], '1.0', path);
  }
});

test('metrics are for this machine, and for roles from elsewhere', async (t) => {
  const { url } = await hostFor(t, {
    agents: AGENTS,
    config: 'auth: { keys: [{ name: guest, key_env: GUEST }, { name: scraper, key_env: SCRAPER, roles: [metrics] }] }',
    env: { GUEST: 'guest-key', SCRAPER: 'scraper-key' },
  });
  await call(url, 'open', key('guest-key'));
  const near = await http(`${url}/metrics`);
  assert.equal(near.status, 200);
  assert.match(near.text, /outrider_agent_runs_total{agent="open",outcome="ok"} 1/);
  // Through a proxy on this machine, or by a page that a browser has open.
  for (const more of [
    { 'X-Forwarded-For': '203.0.113.7' },
    { Host: 'agents.example.com' },
    { Origin: 'https://evil.example' },
  ]) {
    assert.equal((await http(`${url}/metrics`, { headers: more })).status, 401, JSON.stringify(more));
    assert.equal((await http(`${url}/metrics`, { headers: { ...more, ...key('guest-key') } })).status, 403);
    assert.equal((await http(`${url}/metrics`, { headers: { ...more, ...key('scraper-key') } })).status, 200);
  }
});
