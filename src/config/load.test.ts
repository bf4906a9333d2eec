import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { disk, ENV, FILE, load } from './load.fixtures.test.ts';
import { loadConfig } from './load.ts';

describe('a file of the Go sidecar', () => {
  const agentbreeder = readFileSync(join(import.meta.dirname, 'examples/agentbreeder.yaml'), 'utf8');

  it('loads unchanged from where it lies', async () => {
    const readFile = disk({ '/etc/agentbreeder/sidecar.yaml': agentbreeder });
    const { config, warnings, file } = await loadConfig({
      env: { AGENT_AUTH_TOKEN: 'tok', AGENTBREEDER_API_TOKEN: 'api-tok' },
      readFile,
    });
    assert.equal(file, '/etc/agentbreeder/sidecar.yaml');
    assert.deepEqual(warnings, []);
    assert.equal(config.agent_name, 'my-agent');
    assert.equal(config.agent_version, '1.0.0');
    assert.deepEqual(config.guard.rules, [
      {
        name: 'ssn-block',
        type: 'regex',
        pattern: String.raw`\b\d{3}-\d{2}-\d{4}\b`,
        action: 'block',
      },
      { name: 'profanity', type: 'keyword', pattern: 'darn,heck', action: 'redact', replace: '[CENSORED]' },
    ]);
    const finance = config.a2a_peers.get('finance-agent');
    assert.equal(finance?.url, 'https://finance.run.app');
    assert.equal(finance?.path, '/a2a');
    assert.equal(finance?.token?.reveal(), 'finance-tok');
    assert.deepEqual(config.a2a_peers.get('research-agent'), { url: 'https://research.run.app', path: '/a2a' });
    assert.deepEqual(config.mcp_servers.get('docs'), {
      transport: 'http',
      url: 'https://docs.example.com/mcp',
      headers: {},
    });
    assert.deepEqual(config.mcp_servers.get('filesystem'), {
      transport: 'stdio',
      command: 'node',
      args: ['/srv/fs-server.js'],
      env: {},
    });
    assert.equal(config.ledger?.url, 'https://api.example.com');
    assert.equal(config.ledger?.token?.reveal(), 'api-tok');
    assert.deepEqual(config.otelEnvironment(), {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-team=eng',
    });
  });

  it('reads unquoted values as a typed reader does', async () => {
    const { config } = await load(
      [
        'agent_version: 1.10',
        'agent_name: 007',
        'forward_authorization: yes',
        'allow_no_auth: OFF',
        'a2a_peers:',
        'otlp_endpoint: ""',
        'guardrails:',
        '  - {name: no, type: keyword, pattern: 5, action: "", replace: }',
      ].join('\n'),
      { AGENT_AUTH_TOKEN: 'tok' },
    );
    assert.equal(config.agent_version, '1.10');
    assert.equal(config.agent_name, '007');
    assert.equal(config.forward_authorization, true);
    assert.equal(config.allow_no_auth, false);
    assert.equal(config.a2a_peers.size, 0);
    assert.deepEqual(config.guard.rules, [{ name: 'no', type: 'keyword', pattern: '5', action: 'redact' }]);
  });

  it('takes anchors, aliases and merge keys, own keys first', async () => {
    const { config } = await load(
      'guardrails:\n  - &base {name: a, type: keyword, pattern: x, action: warn}\n  - {<<: *base, name: b}\n  - *base\n',
    );
    assert.deepEqual(
      config.guard.rules.map(({ name, action }) => [name, action]),
      [
        ['a', 'warn'],
        ['b', 'warn'],
        ['a', 'warn'],
      ],
    );
  });
});

describe('the file', () => {
  it('is searched in order, and none is needed', async () => {
    const texts = {
      [FILE]: 'team: a',
      '/etc/agentbreeder/sidecar.yaml': 'team: b',
      '/srv/outrider.yaml': 'team: c',
      '/srv/named.yaml': 'team: d',
      '/elsewhere.yaml': 'team: e',
    };
    const team = async (files: string[], env = {}, configPath?: string): Promise<string | undefined> => {
      const readFile = disk(Object.fromEntries(Object.entries(texts).filter(([path]) => files.includes(path))));
      const { config } = await loadConfig({ env: { ...ENV, ...env }, configPath, cwd: '/srv', readFile });
      return config.team;
    };
    const all = Object.keys(texts);
    assert.equal(await team(all), 'a');
    assert.equal(await team(all.slice(1)), 'b');
    assert.equal(await team(all.slice(2)), 'c');
    assert.equal(await team([]), undefined);
    assert.equal(await team(all, { OUTRIDER_CONFIG: '/elsewhere.yaml' }), 'e');
    assert.equal(await team(all, { OUTRIDER_CONFIG: '/elsewhere.yaml' }, 'named.yaml'), 'd');
  });

  it('is read from the disk, bounded', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'outrider-config-'));
    try {
      const path = join(directory, 'a.yaml');
      writeFileSync(path, `team: ${'x'.repeat(100)}\n${'# filler\n'.repeat(20_000)}agent_version: v1\n`);
      const { config } = await loadConfig({ env: ENV, configPath: path });
      assert.equal(config.agent_version, 'v1');
      writeFileSync(path, '#'.repeat(2 ** 20 + 1));
      await assert.rejects(loadConfig({ env: ENV, configPath: path }), /a\.yaml: larger than 1 MiB/);
      await assert.rejects(loadConfig({ env: ENV, configPath: '/dev/zero' }), /larger than 1 MiB/);
      await assert.rejects(loadConfig({ env: ENV, configPath: directory }), /cannot be read: EISDIR/);
      await assert.rejects(loadConfig({ env: ENV, configPath: `${path}.not` }), /there is no such file/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('must be UTF-8', async () => {
    const readFile = disk({ [FILE]: new Uint8Array([0x61, 0xff]) });
    await assert.rejects(loadConfig({ env: ENV, readFile }), /not UTF-8 text/);
  });

  for (const text of ['', '# nothing\n', '---\n', 'null', '\uFEFFteam: x\n']) {
    it(`may be ${JSON.stringify(text)}`, async () => {
      await load(text);
    });
  }
});
