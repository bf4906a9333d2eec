import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { ENV, faults, load } from './load.fixtures.test.ts';
import { revealAll } from './secret.ts';

describe('the environment', () => {
  it('wins over the file, and an empty variable is not set', async () => {
    const file = 'agent_name: file\nteam: file\nagent_url: http://file:1\n';
    const { config } = await load(file, {
      ...ENV,
      AGENT_NAME: 'env',
      OUTRIDER_TEAM: '',
      OUTRIDER_AGENT_URL: 'http://env:2',
    });
    assert.equal(config.agent_name, 'env');
    assert.equal(config.team, 'file');
    assert.equal(config.agent_url, 'http://env:2');
  });

  it('sets every key it has a variable for, under both names', async () => {
    const both = {
      OUTRIDER_AGENT_URL: ['AGENTBREEDER_SIDECAR_AGENT_URL', 'http://a:1', 'agent_url'],
      OUTRIDER_INBOUND_ADDR: ['AGENTBREEDER_SIDECAR_INBOUND_ADDR', ':1', 'inbound_addr'],
      OUTRIDER_LOCAL_ADDR: ['AGENTBREEDER_SIDECAR_A2A_ADDR', '127.0.0.1:2', 'a2a_addr'],
      OUTRIDER_MCP_ADDR: ['AGENTBREEDER_SIDECAR_MCP_ADDR', '127.0.0.1:3', 'mcp_addr'],
      OUTRIDER_COST_ADDR: ['AGENTBREEDER_SIDECAR_COST_ADDR', '127.0.0.1:4', 'cost_addr'],
      OUTRIDER_LEDGER_URL: ['AGENTBREEDER_API_URL', 'http://l', 'api_base_url'],
    } as const;
    for (const [name, [alias, value, key]] of Object.entries(both)) {
      assert.equal((await load(undefined, { ...ENV, [name]: value })).values[key], value);
      assert.equal((await load(undefined, { ...ENV, [alias]: value })).values[key], value);
      const { values, warnings } = await load(undefined, { ...ENV, [name]: value, [alias]: 'http://ignored:9' });
      assert.equal(values[key], value);
      assert.deepEqual(warnings, [`${name} and ${alias} are both set; ${name} is used`]);
    }
    const { values, config } = await load(undefined, {
      AGENT_NAME: 'n',
      AGENT_VERSION: '1.0',
      OUTRIDER_AUTH_TOKENS_FILE: 'tokens',
      OUTRIDER_TEAM: 't',
      OUTRIDER_DATA_DIR: 'd',
      OUTRIDER_LOG_LEVEL: 'debug',
      OUTRIDER_LOG_FORMAT: 'json',
    });
    assert.equal(values.agent_version, '1.0');
    assert.equal(values.team, 't');
    assert.equal(values.log_level, 'debug');
    assert.equal(values.log_format, 'json');
    assert.equal(config.authTokensFile, '/srv/tokens');
    assert.equal(config.authToken, undefined);
    assert.deepEqual(config.dataDirs, ['/srv/d']);
  });

  it('lays MCP servers over those of the file, name by name', async () => {
    const file =
      'mcp_servers:\n  a: {transport: http, url: "http://file-a"}\n  b: {transport: http, url: "http://file-b", headers: {x: y}}\n';
    const { config } = await load(file, {
      ...ENV,
      OUTRIDER_MCP_SERVERS:
        '{"b": {"transport": "sse", "url": "http://env-b"}, "c": {"transport": "stdio", "command": "c", "args": null}}',
    });
    assert.deepEqual([...config.mcp_servers.keys()], ['a', 'b', 'c']);
    assert.deepEqual(config.mcp_servers.get('b'), { transport: 'sse', url: 'http://env-b', headers: {} });
    assert.deepEqual(config.mcp_servers.get('c'), { transport: 'stdio', command: 'c', args: [], env: {} });
  });

  it('names the place where JSON is malformed, and what is wrong inside', async () => {
    const mcp = async (text: string): Promise<string[]> => faults(undefined, { ...ENV, OUTRIDER_MCP_SERVERS: text });
    assert.deepEqual(await mcp('{"a":\n  {"transport": hunter2}}'), [
      'env OUTRIDER_MCP_SERVERS:2:17: mcp_servers: malformed JSON: expected a value',
    ]);
    assert.deepEqual(await mcp('{"a": {"transport": "http", "url": "hunter2"}}'), [
      'env OUTRIDER_MCP_SERVERS: mcp_servers.a.url: expected an http:// or https:// URL',
    ]);
    assert.deepEqual(await mcp('{"__proto__": {}}'), [
      'env OUTRIDER_MCP_SERVERS: mcp_servers.__proto__: not allowed as a key',
    ]);
    assert.deepEqual(await mcp('[]'), ['env OUTRIDER_MCP_SERVERS: mcp_servers: expected a mapping, found a list']);
    assert.match((await mcp(`{"a": ${'['.repeat(50_000)}${']'.repeat(50_000)}}`))[0] ?? '', /nested too deeply/);
  });

  it('reads OTLP headers as the standard says, over those of the file', async () => {
    const { config, warnings } = await load('otlp_headers: {a: file, b: file}\notlp_endpoint: http://file:4318\n', {
      ...ENV,
      OTEL_EXPORTER_OTLP_HEADERS: 'a=x%20y%2C, c = z ,hunter2,=v,',
      OTEL_SERVICE_NAME: 'svc',
    });
    assert.deepEqual(config.otelEnvironment(), {
      OTEL_SERVICE_NAME: 'svc',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://file:4318',
      OTEL_EXPORTER_OTLP_HEADERS: 'a=x%20y%2C,b=file,c=z',
    });
    assert.deepEqual(warnings, [
      'env OTEL_EXPORTER_OTLP_HEADERS: otlp_headers: entry 3 is not NAME=VALUE, and is left out',
      'env OTEL_EXPORTER_OTLP_HEADERS: otlp_headers: entry 4 is not NAME=VALUE, and is left out',
    ]);
  });

  it('warns of a misspelt variable, not of those of an orchestrator', async () => {
    const env = {
      ...ENV,
      OUTRIDER_LOG_LEVL: 'debug',
      OUTRIDER_SERVICE_HOST: '10.0.0.1',
      OUTRIDER_PORT: 'tcp://10.0.0.1:80',
    };
    assert.deepEqual((await load(undefined, env)).warnings, [
      'OUTRIDER_LOG_LEVL is not read; did you mean OUTRIDER_LOG_LEVEL?',
    ]);
  });
});

describe('tokens', () => {
  it('can be left out only by explicit leave, with a warning', async () => {
    for (const name of ['OUTRIDER_ALLOW_NO_AUTH', 'AGENTBREEDER_SIDECAR_ALLOW_NO_AUTH']) {
      const { config, warnings } = await load(undefined, { AGENT_NAME: 'x', [name]: '1' });
      assert.equal(config.authToken, undefined);
      assert.deepEqual(warnings, [
        'no token for callers is configured, and allow_no_auth is set: every caller is let in',
      ]);
    }
    const both = await load('allow_no_auth: true');
    assert.equal(both.config.authToken?.reveal(), 'tok');
    assert.match(both.warnings.join(), /allow_no_auth has no effect/);
  });

  it('lose the line break that a secret store put behind them', async () => {
    const { config, warnings } = await load(undefined, { AGENT_NAME: 'x', AGENT_AUTH_TOKEN: 'tok\n' });
    assert.equal(config.authToken?.reveal(), 'tok');
    assert.deepEqual(warnings, ['env AGENT_AUTH_TOKEN: white space around the token is left out']);
  });

  it('come from the variables that token_env names', async () => {
    const file =
      'a2a_peers: {p: {url: "http://p", token_env: P_TOKEN, path: ""}}\nmcp_servers: {s: {transport: http, url: "http://s", token_env: S_TOKEN}}\n';
    const { config } = await load(file, { ...ENV, P_TOKEN: 'p-tok', S_TOKEN: 's-tok' });
    assert.equal(config.a2a_peers.get('p')?.token?.reveal(), 'p-tok');
    assert.equal(config.a2a_peers.get('p')?.path, '');
    const server = config.mcp_servers.get('s');
    assert.ok(server !== undefined && server.transport !== 'stdio');
    assert.equal(server.token?.reveal(), 's-tok');
  });

  it('and all other secrets stay out of whatever prints the configuration', async () => {
    const file = [
      'a2a_peers: {p: hunter2@@http://p}',
      'otlp_headers: {authorization: hunter2}',
      'mcp_servers:',
      '  h: {transport: http, url: "http://h", headers: {key: hunter2}}',
      '  s: {transport: stdio, command: x, env: {KEY: hunter2}}',
    ].join('\n');
    const { config } = await load(file, {
      AGENT_NAME: 'x',
      AGENT_AUTH_TOKEN: 'hunter2',
      OUTRIDER_LEDGER_URL: 'http://l',
      OUTRIDER_LEDGER_TOKEN: 'hunter2',
    });
    const printed = [
      JSON.stringify(config),
      inspect(config, { depth: 9 }),
      String(config.authToken),
      JSON.stringify([...config.mcp_servers]),
    ];
    for (const text of printed) assert.doesNotMatch(text, /hunter2/);
    const server = config.mcp_servers.get('h');
    assert.ok(server !== undefined && server.transport !== 'stdio');
    assert.deepEqual(revealAll(server.headers), { key: 'hunter2' });
  });
});
