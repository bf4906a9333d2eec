import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startAgent, type TestAgent } from '../support/agent.ts';
import { type Outrider, startOutrider, TOKEN } from '../support/outrider.ts';
import { raw } from '../support/raw.ts';

let agent: TestAgent;
let outrider: Outrider;

before(async () => {
  agent = await startAgent((_request, response) => {
    response.writeHead(200, [
      'X-Reply',
      'yes',
      'Keep-Alive',
      'timeout=99',
      'Connection',
      'keep-alive, X-Internal',
      'X-Internal',
      'secret',
      'Content-Length',
      '2',
    ]);
    response.end('ok');
  });
  outrider = await startOutrider({ agentUrl: agent.url });
});
after(async () => {
  await agent.close();
  await outrider.stop();
});

/** Sends raw header lines and gives the headers as the agent saw them, lower-case name to values. */
async function seenByAgent(lines: string, sidecar = outrider): Promise<Map<string, string[]>> {
  const count = agent.seen.length;
  const reply = await raw(
    sidecar.inbound,
    `GET /h?q=1 HTTP/1.1\r\nHost: public.example\r\nAuthorization: Bearer ${TOKEN}\r\n${lines}\r\n`,
    { until: /ok$/ },
  );
  assert.equal(reply.status, 200, reply.text);
  const seen = agent.seen[count];
  assert.ok(seen);
  const fields = new Map<string, string[]>();
  for (let i = 0; i < seen.headers.length; i += 2) {
    const name = String(seen.headers[i]).toLowerCase();
    fields.set(name, [...(fields.get(name) ?? []), String(seen.headers[i + 1])]);
  }
  return fields;
}

// One test for each row of the header-trust table in docs/security.md.

test('Authorization stays with the sidecar', async () => {
  assert.equal((await seenByAgent('')).has('authorization'), false);
});

test('Authorization goes on when forward_authorization says so', async () => {
  const sidecar = await startOutrider({ agentUrl: agent.url, config: 'forward_authorization: true' });
  try {
    assert.deepEqual((await seenByAgent('', sidecar)).get('authorization'), [`Bearer ${TOKEN}`]);
  } finally {
    await sidecar.stop();
  }
});

test('X-Outrider-* is taken from nobody', async () => {
  const fields = await seenByAgent('x-outrider-principal: admin\r\nX-OUTRIDER-Anything: 1\r\n');
  assert.deepEqual(
    [...fields.keys()].filter((name) => name.startsWith('x-outrider-')),
    [],
  );
});

test('X-Forwarded-*, Forwarded and X-Real-IP are replaced by what the sidecar saw', async () => {
  const fields = await seenByAgent(
    'X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n',
  );
  assert.deepEqual(fields.get('x-forwarded-for'), ['127.0.0.1']);
  assert.deepEqual(fields.get('x-forwarded-proto'), ['http']);
  assert.deepEqual(fields.get('x-forwarded-host'), ['public.example']);
  for (const name of ['x-forwarded-port', 'forwarded', 'x-real-ip']) assert.equal(fields.has(name), false, name);
});

test('hop-by-hop fields end here', async () => {
  const fields = await seenByAgent(
    'Keep-Alive: timeout=1\r\nProxy-Authorization: Basic x\r\nProxy-Connection: close\r\nTE: gzip\r\nUpgrade: h2c\r\n',
  );
  for (const name of ['keep-alive', 'proxy-authorization', 'proxy-connection', 'te', 'upgrade'])
    assert.equal(fields.has(name), false, name);
});

test('every field that Connection names is removed, and none of ours can be removed that way', async () => {
  const fields = await seenByAgent(
    'X-One: 1\r\nX-Two: 2\r\nX-Three: 3\r\nConnection: keep-alive, X-One, x-forwarded-for\r\nConnection: x-TWO\r\n',
  );
  assert.equal(fields.has('x-one'), false);
  assert.equal(fields.has('x-two'), false);
  assert.deepEqual(fields.get('x-three'), ['3']);
  assert.deepEqual(fields.get('x-forwarded-for'), ['127.0.0.1']);
});

test('everything else goes on as it came: Host, cookies, repeated and odd fields, in order and case', async () => {
  const fields = await seenByAgent(
    'Cookie: a=1\r\nX-Dup: 1\r\nX-dup: 2\r\nX-Empty:\r\nX-Latin: caf\xe9\r\nTE: trailers\r\n',
  );
  assert.deepEqual(fields.get('host'), ['public.example']);
  assert.deepEqual(fields.get('cookie'), ['a=1']);
  assert.deepEqual(fields.get('x-dup'), ['1', '2']);
  assert.deepEqual(fields.get('x-empty'), ['']);
  assert.deepEqual(fields.get('te'), ['trailers']);
  assert.ok(agent.seen.at(-1)?.headers.includes('X-dup'));
});

test("the agent's hop-by-hop fields and what its Connection names do not reach the caller", async () => {
  const reply = await fetch(`${outrider.inbound}/h`, { headers: { authorization: `Bearer ${TOKEN}` } });
  await reply.text();
  assert.equal(reply.headers.get('x-reply'), 'yes');
  assert.equal(reply.headers.get('x-internal'), null);
  assert.notEqual(reply.headers.get('keep-alive'), 'timeout=99');
});

test('h2c upgrades are not passed on', async () => {
  const fields = await seenByAgent(
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n',
  );
  assert.equal(fields.has('upgrade'), false);
  assert.equal(fields.has('http2-settings'), false);
});
