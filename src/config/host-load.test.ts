import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { ConfigError, formatFault } from './faults.ts';
import { HOST_VARIABLES } from './host-environment.ts';
import { type HostLoadOptions, type HostLoadResult, loadHostConfig } from './host-load.ts';
import { hostSchema } from './host-schema.ts';
import { disk } from './load.fixtures.test.ts';
import { objectShape } from './shape-tree.ts';

const FILE = '/srv/conf/host.yaml';
const ENV = { AGENT_AUTH_TOKEN: 'tok' };

function load(
  text: string,
  env: Record<string, string> = ENV,
  more: Partial<HostLoadOptions> = {},
): Promise<HostLoadResult> {
  return loadHostConfig({ env, cwd: '/work', configPath: FILE, readFile: disk({ [FILE]: text }), ...more });
}

async function faults(text: string, env?: Record<string, string>, more?: Partial<HostLoadOptions>): Promise<string[]> {
  const error: unknown = await load(text, env, more).then(
    () => new Error('the configuration was accepted'),
    (thrown) => thrown,
  );
  assert.ok(error instanceof ConfigError, inspect(error));
  return error.faults.map((fault) => formatFault(fault).replace(`${FILE}:`, '').trimStart());
}

test('nothing but a credential is needed', async () => {
  const { config, warnings } = await load('');
  assert.equal(config.addr, '127.0.0.1:8085');
  assert.deepEqual(warnings, []);
  assert.equal(config.auth.required, true);
  assert.deepEqual(
    config.auth.keys.map(({ name, key, roles }) => [name, key.reveal(), roles]),
    [['admin', 'tok', ['admin']]],
  );
});

test('without a credential it takes explicit leave', async () => {
  assert.match((await faults('', {})).join(), /^env AGENT_AUTH_TOKEN: no credential for callers: set AGENT_AUTH_TOKEN/);
  const { config, warnings } = await load('', { OUTRIDER_ALLOW_NO_AUTH: '1' });
  assert.equal(config.auth.required, false);
  assert.match(warnings.join(), /every caller is let in/);
  const both = await load('', { ...ENV, OUTRIDER_ALLOW_NO_AUTH: '1' });
  assert.equal(both.config.auth.required, true);
  assert.match(both.warnings.join(), /allow_no_auth has no effect/);
  for (const auth of ['{ keys_file: k }', '{ jwt: { issuer: i, jwks_url: "https://i/" } }']) {
    assert.equal((await load(`auth: ${auth}`, {})).config.auth.required, true, auth);
  }
});

test('the command line wins over the environment, and that over the file', async () => {
  const text =
    'addr: 127.0.0.1:1\nmodules: [a.ts]\nauth: { keys_file: from-file, keys: [{ name: ci, key_env: CI }] }\n';
  assert.equal((await load(text, { ...ENV, CI: 'x' })).config.addr, '127.0.0.1:1');
  const env = { ...ENV, CI: 'x', OUTRIDER_HOST_ADDR: '127.0.0.1:2', OUTRIDER_HOST_KEYS_FILE: 'from-env' };
  const { config } = await load(text, env);
  assert.equal(config.addr, '127.0.0.1:2');
  // Of `auth` the environment says one key, and leaves the others.
  assert.equal(config.auth.keysFile, '/work/from-env');
  assert.deepEqual(
    config.auth.keys.map(({ name }) => name),
    ['admin', 'ci'],
  );
  const line = await load(text, env, { addr: '127.0.0.1:3', modules: ['b.ts'] });
  assert.equal(line.config.addr, '127.0.0.1:3');
  assert.deepEqual(line.config.modules, ['/srv/conf/a.ts', '/work/b.ts']);
});

test('paths in the file are relative to it, and others to the working directory', async () => {
  const { config } = await load(
    'auth: { keys_file: ./keys }\ndata_dir: state\nagents: { a: ./a.ts, b: { command: [x], cwd: sub } }',
  );
  assert.equal(config.auth.keysFile, '/srv/conf/keys');
  assert.deepEqual(config.dataDirs, ['/srv/conf/state']);
  const [a, b] = [config.agents.get('a'), config.agents.get('b')];
  assert.equal(a?.source === 'module' && a.file, '/srv/conf/a.ts');
  assert.equal(b?.source === 'command' && b.cwd, '/srv/conf/sub');
  assert.deepEqual((await load('', { ...ENV, OUTRIDER_DATA_DIR: 'd' })).config.dataDirs, ['/work/d']);
});

test('agents are told apart by what stands in them', async () => {
  const { config } = await load(
    `agents:
  text: ./x.ts
  address: https://h.example/base
  rpc: grpc://h:1
  module: { module: m.mjs, remote_id: other }
  child: { command: [python3, -u, a.py], env: { N: 1.10 }, timeout: 90s, queue: 0 }
  remote: { url: "grpcs://h", token_env: T, allowed_roles: [] }
  kept: { concurrency: 2 }
`,
    { ...ENV, T: 'remote-secret' },
  );
  const sources = Object.fromEntries([...config.agents].map(([id, { source }]) => [id, source]));
  assert.deepEqual(sources, {
    text: 'module',
    address: 'url',
    rpc: 'url',
    module: 'module',
    child: 'command',
    remote: 'url',
    kept: 'exported',
  });
  const child = config.agents.get('child');
  assert.ok(child?.source === 'command');
  assert.equal(child.env['N']?.reveal(), '1.10');
  assert.deepEqual([child.timeout, child.queue, child.concurrency, child.remoteId], [90_000, 0, 100, 'child']);
  assert.deepEqual(config.agents.get('remote')?.allowed_roles, []);
  assert.deepEqual(config.secretVariables, ['AGENT_AUTH_TOKEN', 'T']);
  assert.doesNotMatch(inspect(config, { depth: 10 }), /remote-secret|1\.10/);
});

test('every fault is said, with its place and what was probably meant', async () => {
  const text = `adr: 127.0.0.1:1
agents:
  a: { url: "ftp://x" }
  b: { comand: [x] }
  c: { command: run }
  d: { command: [], concurency: 3 }
  e: { concurrency: 0 }
  f: { url: "http://user:pass@h" }
  g: ftp://x
  h: { url: "http://h", module: x }
  "a b": ./x.ts
  i: { url: "http://h", token_env: NOT_SET }
auth:
  keys: [{ name: one, key_env: K }, { name: two, key_env: K, roles: ["a b"] }]
  jwt: { isuer: x, jwks_url: ftp, algorithms: [HS256] }
`;
  assert.deepEqual(await faults(text, { ...ENV, K: 'k' }), [
    '1:1: adr: unknown key (did you mean addr?)',
    '3:13: agents.a.url: expected an http://, https://, grpc:// or grpcs:// URL',
    '4:8: agents.b.comand: unknown key (did you mean command?)',
    '5:17: agents.c.command: expected a list, found text',
    '6:17: agents.d.command: expected a program',
    '6:21: agents.d.concurency: unknown key (did you mean concurrency?)',
    '7:21: agents.e.concurrency: expected a whole number from 1',
    '8:13: agents.f.url: credentials in an address are not sent: name a variable in `token_env`',
    '9:6: agents.g: expected a path, or an http://, https://, grpc:// or grpcs:// URL',
    '10:6: agents.h: expected a path, a URL, or a mapping with `module`, `command` or `url`',
    '11:3: agents["a b"]: cannot be a name here: expected letters, digits, ".", "_" and "-", at most 128',
    '12:36: agents.i.token_env: the environment variable NOT_SET is not set',
    '14:70: auth.keys[1].roles[0]: expected letters, digits, ".", "_", ":", "/" and "-", at most 128',
    '15:8: auth.jwt.issuer: required',
    '15:10: auth.jwt.isuer: unknown key (did you mean issuer?)',
    '15:30: auth.jwt.jwks_url: expected an http:// or https:// URL',
    '15:48: auth.jwt.algorithms[0]: expected one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519 (did you mean RS256?)',
  ]);
});

test('two keys that are one would have the roles of both', async () => {
  const text = 'auth: { keys: [{ name: one, key_env: K }, { name: two, key_env: K, roles: [admin] }] }';
  assert.deepEqual(await faults(text, { ...ENV, K: 'k' }), ['1:65: auth.keys[1].key_env: the same key as another one']);
  assert.match((await faults(text, { AGENT_AUTH_TOKEN: 'k', K: 'k' })).join(), /keys\[0\].key_env: the same key/);
});

test('the name of the administrator takes the role', async () => {
  const text = 'auth: { keys: [{ name: admin, key_env: K }] }';
  assert.deepEqual(await faults(text, { K: 'k' }), ['1:24: auth.keys[0].name: this name takes the role admin']);
});

test('what is wrong on the command line is said as of there', async () => {
  assert.deepEqual(await faults('', ENV, { addr: 'nowhere' }), ['--addr: addr: expected HOST:PORT or :PORT']);
  assert.deepEqual(await faults('', ENV, { modules: [''] }), ['command line: modules[0]: expected a path']);
});

test('tokens for others, and keys that come without TLS, are warned of', async () => {
  const jwt = (more: string): string => `auth: { jwt: { issuer: i, ${more} } }`;
  assert.match((await load(jwt('jwks_url: "https://i/"'))).warnings.join(), /audience is not set/);
  assert.match((await load(jwt('audience: a, jwks_url: "http://i/"'))).warnings.join(), /no TLS/);
  assert.deepEqual((await load(jwt('audience: a, jwks_url: "http://127.0.0.1:1/"'))).warnings, []);
});

test('the environment and the schema speak of the same keys, and the example loads', async () => {
  const { fields } = objectShape(hostSchema, 'in');
  for (const { key } of HOST_VARIABLES) {
    const [first = '', second] = key?.split('.') ?? ['addr'];
    const shape = fields.get(first)?.shape;
    assert.ok(
      shape !== undefined && (second === undefined || (shape.kind === 'object' && shape.fields.has(second))),
      first,
    );
  }
  const example = readFileSync(join(import.meta.dirname, 'examples/outrider-host.yaml'), 'utf8');
  const { config } = await load(example, { CI_KEY: 'a', LAB_KEY: 'b', TRANSLATOR_TOKEN: 'c' });
  assert.deepEqual([...config.agents.keys()], ['summarizer', 'researcher', 'translator']);
});
