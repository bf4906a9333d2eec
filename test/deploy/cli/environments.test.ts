import assert from 'node:assert/strict';
import { test } from 'node:test';
import { madeUpToken, sidecarEnvironment } from '../../../src/cli/deploy/local/environments.ts';
import { makePlan } from '../../../src/deploy/make-plan.ts';

const PLAN = makePlan(undefined, { version: '1.2.3', inboundPort: 8000, otelEndpoint: 'http://collector:4318' });
assert.ok(PLAN);
const plan = { ...PLAN, config: 'guardrails: []\n' };
const common = { plan, name: 'support-agent', token: undefined, said: [] };

test('loopback, a folder here, and what the file says, where the environment says nothing', () => {
  const env = sidecarEnvironment({ ...common, env: { PATH: '/bin' } });
  assert.equal(env['PATH'], '/bin');
  assert.equal(env['AGENT_NAME'], 'support-agent');
  assert.equal(env['OUTRIDER_INBOUND_ADDR'], '127.0.0.1:8000');
  assert.equal(env['OUTRIDER_DATA_DIR'], '.outrider');
  assert.equal(env['OUTRIDER_CONFIG_YAML'], 'guardrails: []\n');
  assert.equal(env['OTEL_EXPORTER_OTLP_ENDPOINT'], 'http://collector:4318');
});

test('the environment wins for where things are, under either name of a variable; the command line over it', () => {
  const mine = {
    AGENTBREEDER_SIDECAR_INBOUND_ADDR: ':7000',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://mine:4318',
    OUTRIDER_DATA_DIR: '/tmp/mine',
  };
  const env = sidecarEnvironment({ ...common, env: mine, said: ['OTEL_EXPORTER_OTLP_ENDPOINT'] });
  assert.equal(env['OUTRIDER_INBOUND_ADDR'], undefined);
  assert.equal(env['AGENTBREEDER_SIDECAR_INBOUND_ADDR'], ':7000');
  assert.equal(env['OUTRIDER_DATA_DIR'], '/tmp/mine');
  assert.equal(env['OTEL_EXPORTER_OTLP_ENDPOINT'], 'http://collector:4318');
});

test('who the agent is, and what guards it, its file says; no other configuration is read', () => {
  const other = { AGENT_NAME: 'other', OUTRIDER_CONFIG: '/etc/other.yaml', OUTRIDER_CONFIG_YAML: 'guardrails: [x]' };
  const env = sidecarEnvironment({ ...common, env: other });
  assert.equal(env['AGENT_NAME'], 'support-agent');
  assert.equal(env['OUTRIDER_CONFIG_YAML'], 'guardrails: []\n');
  assert.equal('OUTRIDER_CONFIG' in env, false);
});

test('a token is made up where callers need one, another each time, and only there', () => {
  const [one, other] = [madeUpToken({}), madeUpToken({ AGENT_AUTH_TOKEN: '' })];
  assert.match(`${one}`, /^[0-9a-f]{32}$/);
  assert.notEqual(one, other);
  assert.equal(madeUpToken({ AGENT_AUTH_TOKEN: 'x' }), undefined);
  assert.equal(madeUpToken({ OUTRIDER_AUTH_TOKENS_FILE: '/tokens' }), undefined);
  assert.equal(madeUpToken({ AGENTBREEDER_SIDECAR_ALLOW_NO_AUTH: '1' }), undefined);
});
