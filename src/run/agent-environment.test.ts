import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { VARIABLES } from '../config/variables.ts';
import { agentEnvironment, hostOfUrl, portOfUrl } from './agent-environment.ts';

const helpers = { local: 'http://127.0.0.1:9090/', mcp: 'http://127.0.0.1:9091', cost: 'http://[::1]:9092' };
const agent = { name: 'scribe', version: '1.2.3' };

test('the agent finds its port, its name and its helpers', () => {
  assert.deepEqual(agentEnvironment({ base: { PATH: '/bin', PORT: '8080' }, port: 8081, agent, helpers }), {
    PATH: '/bin',
    PORT: '8081',
    AGENT_NAME: 'scribe',
    AGENT_VERSION: '1.2.3',
    OUTRIDER_LOCAL_URL: 'http://127.0.0.1:9090',
    OUTRIDER_A2A_URL: 'http://127.0.0.1:9090',
    OUTRIDER_MCP_URL: 'http://127.0.0.1:9091',
    OUTRIDER_COST_URL: 'http://[::1]:9092',
  });
});

test('the agent is told to listen where nobody but we can reach it, whatever the image said', () => {
  const base = { HOST: '0.0.0.0', PORT: '8080' };
  const env = agentEnvironment({ base, port: 8081, host: '127.0.0.1', agent: {}, helpers });
  assert.deepEqual([env['HOST'], env['PORT']], ['127.0.0.1', '8081']);
  assert.equal(agentEnvironment({ base, port: 8080, agent: {} })['HOST'], '0.0.0.0');
});

test("the loopback address of the agent's URL", () => {
  for (const [url, host] of [
    ['http://127.0.0.1:8081', '127.0.0.1'],
    ['http://127.0.0.7:8081', '127.0.0.7'],
    ['http://[::1]:8081/x', '::1'],
    ['http://localhost:8081', '127.0.0.1'],
    ['http://agent.internal', '127.0.0.1'],
  ] as const) {
    assert.equal(hostOfUrl(url), host, url);
  }
});

test('helpers without a listener of their own are found on the one for all', () => {
  const env = agentEnvironment({ base: {}, port: 1, agent, helpers: { local: 'http://127.0.0.1:7000' } });
  assert.equal(env['OUTRIDER_MCP_URL'], 'http://127.0.0.1:7000');
  assert.equal(env['OUTRIDER_COST_URL'], 'http://127.0.0.1:7000');
});

const secrets = {
  AGENT_AUTH_TOKEN: 's',
  OUTRIDER_AUTH_TOKENS_FILE: 's',
  OUTRIDER_LEDGER_TOKEN: 's',
  AGENTBREEDER_API_TOKEN: 's',
  OUTRIDER_MCP_SERVERS: 's',
  OUTRIDER_CONFIG_YAML: 's',
  AGENTBREEDER_SIDECAR_MCP_SERVERS: 's',
  FINANCE_TOKEN: 's',
};

describe('secrets', () => {
  test('of the sidecar are not in it, nor those the configuration names', () => {
    const env = agentEnvironment({ base: secrets, port: 1, agent, helpers, secretNames: ['FINANCE_TOKEN'] });
    assert.deepEqual(
      Object.keys(env).filter((name) => env[name] === 's'),
      [],
    );
  });

  test("that the configuration reads from the environment are not in it, OpenTelemetry's excepted", () => {
    const secret = VARIABLES.filter((variable) => 'secret' in variable && !variable.name.startsWith('OTEL_'));
    const names = secret.flatMap((variable) =>
      'alias' in variable ? [variable.name, variable.alias] : [variable.name],
    );
    assert.ok(names.length >= 5);
    const base = Object.fromEntries(names.map((name) => [name, 's']));
    const env = agentEnvironment({ base, port: 1, agent, helpers });
    assert.deepEqual(
      names.filter((name) => name in env),
      [],
    );
  });

  test('of the agent itself stay, and so do the settings of OpenTelemetry', () => {
    const base = { OPENAI_API_KEY: 'k', OTEL_EXPORTER_OTLP_HEADERS: 'h', OTEL_EXPORTER_OTLP_ENDPOINT: 'e' };
    const env = agentEnvironment({ base, port: 1, agent, helpers });
    assert.deepEqual({ ...env, ...base }, env);
  });

  test("an agent that stands alone keeps its callers' token, and gets no helper that is not there", () => {
    const base = { ...secrets, OUTRIDER_LOCAL_URL: 'http://127.0.0.1:1', AGENT_VERSION: 'old' };
    const env = agentEnvironment({ base, port: 8080, agent: { name: 'solo' }, secretNames: ['FINANCE_TOKEN'] });
    assert.deepEqual(env, { AGENT_AUTH_TOKEN: 's', PORT: '8080', AGENT_NAME: 'solo' });
  });
});

test('the base is left as it was; variables without a value are left out', () => {
  const base = Object.freeze({ A: undefined, B: '' });
  assert.deepEqual(agentEnvironment({ base, port: 1, agent: {} }), { B: '', PORT: '1' });
});

test("the port of the agent's URL", () => {
  assert.equal(portOfUrl('http://127.0.0.1:8081'), 8081);
  assert.equal(portOfUrl('http://[::1]:9/path'), 9);
  assert.equal(portOfUrl('http://localhost'), 80);
  assert.equal(portOfUrl('https://localhost/'), 443);
  assert.throws(() => portOfUrl('8081'), TypeError);
});
