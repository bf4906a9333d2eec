import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { startAgent } from '../support/agent.ts';
import { grpcClient } from '../support/grpc.ts';
import { hostCommandFor } from '../support/host.ts';
import { http } from '../support/http.ts';
import { outriderFor, runOutrider, TOKEN } from '../support/outrider.ts';
import { tempDir } from '../support/temp.ts';

/** Writes down every module that the main thread of a process loads. */
const HOOK = `
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
const file = process.env.LOADED_TO;
if (file !== undefined) registerHooks({
  load(url, context, next) {
    appendFileSync(file, url + '\\n');
    return next(url, context);
  },
});
`;

interface Watch {
  env: Record<string, string>;
  /** Whether a module with this in its address has been loaded. */
  has: (part: string) => boolean;
}

function watch(t: TestContext): Watch {
  const directory = tempDir(t);
  mkdirSync(directory, { recursive: true });
  const hook = join(directory, 'hook.mjs');
  const list = join(directory, 'loaded');
  writeFileSync(hook, HOOK);
  writeFileSync(list, '');
  return {
    env: { NODE_OPTIONS: `--import=${pathToFileURL(hook).href}`, LOADED_TO: list },
    has: (part) => readFileSync(list, 'utf8').includes(part),
  };
}

const PROTOBUF = '/@bufbuild/protobuf/';
const AUTH = { Authorization: `Bearer ${TOKEN}` };
const CONTRACT = '/outrider.agent.v1.AgentService/Execute';

test('a sidecar loads what speaks gRPC with the first caller who does', async (t) => {
  const { env, has } = watch(t);
  const agent = await startAgent();
  t.after(() => agent.close());
  const { inbound } = await outriderFor(t, { agentUrl: agent.url, env });
  assert.equal((await http(`${inbound}/x`, { headers: AUTH, body: { text: 'mail@example.com' } })).status, 200);
  assert.equal((await http(`${inbound}/x`)).status, 401);
  assert.equal(has('/src/layers/guard.ts'), true);
  for (const part of [PROTOBUF, '/contract/codec', '/net/http2-server', '/net/http2-client', '/guard-grpc.ts']) {
    assert.equal(has(part), false, part);
  }

  const connect = { method: 'POST', body: Buffer.of(0, 0, 0, 0, 0) };
  const type = { 'Content-Type': 'application/connect+proto' };
  const refused = await http(inbound + CONTRACT, { ...connect, headers: type });
  assert.equal(refused.status, 200);
  assert.match(refused.text, /"code":"unauthenticated"/);
  assert.deepEqual(
    [has('/layers/rpc-error.ts'), has('/guard-grpc.ts'), has('/net/http2-server')],
    [true, false, false],
  );

  assert.equal((await http(inbound + CONTRACT, { ...connect, headers: { ...AUTH, ...type } })).status, 200);
  assert.equal(has('/guard-grpc.ts'), true);

  const callers = Array.from({ length: 5 }, () => grpcClient(inbound));
  for (const caller of callers) t.after(() => caller.close());
  const codes = await Promise.all(callers.map(async (caller) => (await caller.unary('x')).code));
  // UNAUTHENTICATED.
  assert.deepEqual(codes, [16, 16, 16, 16, 16]);
  assert.deepEqual([has('/net/http2-server'), has('/net/http2-client')], [true, false]);
});

test('a host loads gRPC, clients and what checks tokens when they are needed', async (t) => {
  const { env, has } = watch(t);
  const file = join(tempDir(t), 'agents.mjs');
  writeFileSync(file, `export const agents = [{ id: 'echo', execute: ({ input }) => input }];`);
  const { url, token } = await hostCommandFor(t, { args: [file], env });
  const headers = { 'X-API-Key': token };
  const execute = { headers, body: { input: 'hello' } };
  assert.equal((await http(`${url}/v1/agents/echo/execute`, execute)).json.output, 'hello');
  for (const part of ['/@connectrpc/', '/node_modules/undici/', '/cockatiel/', '/jose/', '/net/http2-server']) {
    assert.equal(has(part), false, part);
  }

  const connect = await http(url + CONTRACT, { headers, body: { agent_id: 'echo', input: 'hello' } });
  assert.equal(connect.json.output, 'hello');
  assert.deepEqual([has('/@connectrpc/'), has('/cockatiel/')], [true, false]);

  const agent = { id: 'far', url: 'http://127.0.0.1:9' };
  assert.equal((await http(`${url}/v1/agents`, { headers, body: agent })).status, 201);
  assert.equal(has('/cockatiel/'), true);
});

test('a health check loads what asks one question, and no schema', async (t) => {
  const { env, has } = watch(t);
  const { code, stderr } = await runOutrider(['healthcheck'], {
    env: { ...env, OUTRIDER_INBOUND_ADDR: '127.0.0.1:1' },
  });
  assert.equal(code, 1, stderr);
  assert.equal(has('/net/status-of.ts'), true);
  for (const part of ['/zod/', '/yaml/', '/undici/', '/src/net/server', '/src/config/load.ts', '/src/sidecar.ts']) {
    assert.equal(has(part), false, part);
  }
});

test('commands that only say something load nothing of what serves', async (t) => {
  const settings = { AGENT_NAME: 'a', AGENT_AUTH_TOKEN: TOKEN };
  for (const [args, own] of [
    [['--help'], '/cli/main.ts'],
    [['--version'], '/cli/main.ts'],
    [['config', 'check'], '/config/load.ts'],
  ] as const) {
    const { env, has } = watch(t);
    const { code, stderr } = await runOutrider(args, { env: { ...env, ...settings } });
    assert.equal(code, 0, stderr);
    assert.equal(has(own), true, own);
    for (const part of ['/src/net/', PROTOBUF, '/@connectrpc/', '/src/host.ts', '/src/sidecar.ts', '/undici/']) {
      assert.equal(has(part), false, `${args.join(' ')} loads ${part}`);
    }
  }
});
