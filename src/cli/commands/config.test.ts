import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadConfig } from '../../config/load.ts';
import { configCommand } from './config.ts';

const ROOT = join(import.meta.dirname, '../../..');
const EXAMPLES = join(ROOT, 'src/config/examples');
const ENV = { AGENT_NAME: 'demo', AGENT_AUTH_TOKEN: 'hunter2' };

async function run(args: string[], files: Record<string, string> = {}, env: Record<string, string> = ENV) {
  const ended = { stdout: '', stderr: '', code: 0 };
  const command = configCommand({
    env,
    cwd: '/srv',
    stdout: { write: (text) => (ended.stdout += text) },
    stderr: { write: (text) => (ended.stderr += text) },
    setExitCode: (code) => {
      ended.code = code;
    },
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error('absent'), { code: 'ENOENT' });
      return new TextEncoder().encode(text);
    },
  });
  await command.parseAsync(args, { from: 'user' });
  return ended;
}

describe('config check', () => {
  it('says ok, which file, and what to be warned of', async () => {
    const files = { '/srv/a.yaml': 'allow_no_auth: true\n' };
    assert.deepEqual(await run(['check', '--config', 'a.yaml'], files), {
      stdout: 'ok: a.yaml\n',
      stderr: 'warning: allow_no_auth has no effect: a token is configured, and callers must send it\n',
      code: 0,
    });
    assert.equal((await run(['check'])).stdout, 'ok: no configuration file, environment only\n');
  });

  it('prints every fault, a line each, and exits 1', async () => {
    const files = { '/srv/outrider.yaml': 'agent_nam: x\nlog_level: loud\n' };
    assert.deepEqual(await run(['check'], files), {
      stdout: '',
      stderr:
        '/srv/outrider.yaml:1:1: agent_nam: unknown key (did you mean agent_name?)\n' +
        '/srv/outrider.yaml:2:12: log_level: expected one of debug, info, warn, error\n',
      code: 1,
    });
  });
});

describe('config show', () => {
  it('prints each value with its origin, and no secret', async () => {
    const file = [
      'a2a_peers: {p: hunter2@@http://p}',
      'otlp_headers: {authorization: hunter2}',
      'otlp_endpoint: http://user:hunter2@collector:4318/?key=hunter2',
      'mcp_servers:',
      '  h: {transport: http, url: "http://h", headers: {key: hunter2}}',
      '  s: {transport: stdio, command: x, env: {KEY: hunter2}}',
      'retention: 3600',
    ].join('\n');
    const env = { ...ENV, OUTRIDER_LEDGER_URL: 'http://l', OUTRIDER_LEDGER_TOKEN: 'hunter2' };
    const { stdout, code } = await run(['show', '--config', '/f.yaml'], { '/f.yaml': file }, env);
    assert.equal(code, 0);
    assert.doesNotMatch(stdout, /hunter2/);
    for (const line of [
      '# configuration file: /f.yaml',
      'agent_name: demo # env AGENT_NAME',
      'inbound_addr: :8080 # default',
      '  body_bytes: 10MiB # default',
      'retention: 1h # /f.yaml:7:12',
      'guardrails: [] # default',
      'api_base_url: http://l # env OUTRIDER_LEDGER_URL',
      'otlp_endpoint: http://***@collector:4318/?*** # /f.yaml:3:16',
      '  authorization: "***" # /f.yaml:2:31',
      '    url: http://p # /f.yaml:1:16',
      '    token: "***" # /f.yaml:1:16',
      '      KEY: "***" # /f.yaml:6:48',
    ]) {
      assert.ok(stdout.split('\n').includes(line), `${line}\n--\n${stdout}`);
    }
    assert.equal(stdout.match(/\*\*\*.*\(env /g)?.length, 2, 'both tokens are named');
  });

  it('prints guardrails with all their defaults, and nothing of what an address may hide', async () => {
    const file =
      'guardrails:\n  - secrets\n  - {name: h, endpoint: "https://h/x?key=hunter2", token_env: HOOK, timeout: 1s}\n';
    const env = { ...ENV, HOOK: 'hunter2', OUTRIDER_GUARD_HASH_KEY: 'hunter2-hunter2-hunter2' };
    const { stdout } = await run(['show', '--config', '/f.yaml'], { '/f.yaml': file }, env);
    assert.doesNotMatch(stdout, /hunter2/);
    for (const line of [
      '  - preset: secrets # /f.yaml:2:5',
      '    endpoint: https://h/x?*** # /f.yaml:3:25',
      '    timeout: 1s # /f.yaml:3:78',
      '    on_error: block # default',
      '    token_env: HOOK # /f.yaml:3:63',
      'stream_hold: 250ms # default',
    ]) {
      assert.ok(stdout.split('\n').includes(line), `${line}\n--\n${stdout}`);
    }
    assert.match(stdout, /Key of the hash .*: \*\*\* \(env OUTRIDER_GUARD_HASH_KEY\)/);
  });

  it('prints what loads again as the same configuration', async () => {
    const text = readFileSync(join(EXAMPLES, 'outrider.yaml'), 'utf8');
    const env = { FINANCE_AGENT_TOKEN: 'f', DOCS_MCP_TOKEN: 'd', POLICY_TOKEN: 'p' };
    const { stdout } = await run(['show'], { '/srv/outrider.yaml': text }, env);
    const load = (content: string) =>
      loadConfig({ env, configPath: '/f', readFile: () => new TextEncoder().encode(content) });
    assert.deepEqual((await load(stdout)).values, (await load(text)).values);
  });

  it('prints the faults of a configuration that cannot be used', async () => {
    const { stdout, stderr, code } = await run(['show'], {}, { AGENT_NAME: 'x' });
    assert.equal(stdout, '');
    assert.match(stderr, /^env AGENT_AUTH_TOKEN: no bearer token: set AGENT_AUTH_TOKEN/);
    assert.equal(code, 1);
  });
});

describe('config schema', () => {
  it('prints the schema that the package publishes', async () => {
    const { stdout } = await run(['schema']);
    assert.equal(stdout, readFileSync(join(ROOT, 'schema/outrider.schema.json'), 'utf8'));
    const schema = JSON.parse(stdout);
    assert.equal(schema.$schema, 'http://json-schema.org/draft-07/schema#');
    const config = schema.definitions.OutriderConfig;
    assert.equal(config.required, undefined, 'the environment may say what is required');
    assert.equal(config.additionalProperties, false);
    assert.equal(config.properties.drain_timeout.default, '25s');
    assert.match(config.properties.inbound_addr.description, /listener/);
  });
});

it('the generated files are what the schema says', () => {
  const script = join(ROOT, 'scripts/generate-docs.ts');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});
