import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import type { AgentSpec } from './agent-spec.ts';
import { makePlan } from './make-plan.ts';

const VERSION = { version: '1.2.3' };
const CAUSE = { path: 'guardrails', line: 2, why: 'guardrails are declared' };
const SPEC: AgentSpec = {
  name: 'support',
  version: '2.0.0',
  team: 'cs',
  causes: [CAUSE],
  sidecar: { costTracking: true, config: {}, secrets: [], mcpContainers: [] },
  deploy: { scaling: {}, env: {}, secrets: ['OF_AGENT'] },
};
const withSidecar = (sidecar: Partial<AgentSpec['sidecar']>): AgentSpec => ({
  ...SPEC,
  sidecar: { ...SPEC.sidecar, ...sidecar },
});

describe('whether there is a plan', () => {
  it('none without a cause, and none where it is switched off', () => {
    assert.equal(makePlan({ ...SPEC, causes: [] }, VERSION), undefined);
    assert.equal(makePlan({ ...SPEC, switchedOff: CAUSE }, VERSION), undefined);
  });

  it('always one without a file', () => {
    assert.deepEqual(makePlan(undefined, VERSION), {
      image: 'outrider/outrider:1.2.3',
      inboundPort: 8080,
      agentPort: 8081,
      agentPortChosen: false,
      secrets: ['AGENT_AUTH_TOKEN'],
      mcpContainers: [],
      drainSeconds: 25,
      networkPolicy: false,
    });
  });
});

it('what the file says is in it', () => {
  const mcpContainers = [{ name: 'mcp-z', image: 'z:1', port: 3100 }];
  const sidecar = {
    image: 'acme/outrider:9',
    agentPort: 3000,
    otelEndpoint: 'http://o:4318',
    ledgerUrl: 'http://l',
    config: { guardrails: ['secrets'], a2a_peers: { p: { url: 'http://p', token_env: 'P' } } },
    secrets: ['P', 'AGENT_AUTH_TOKEN'],
    mcpContainers,
  };
  assert.deepEqual(makePlan(withSidecar(sidecar), VERSION), {
    agentName: 'support',
    agentVersion: '2.0.0',
    team: 'cs',
    image: 'acme/outrider:9',
    inboundPort: 8080,
    agentPort: 3000,
    agentPortChosen: true,
    otelEndpoint: 'http://o:4318',
    ledgerUrl: 'http://l',
    config: 'guardrails:\n  - secrets\na2a_peers:\n  p:\n    url: http://p\n    token_env: P\n',
    secrets: ['AGENT_AUTH_TOKEN', 'OUTRIDER_LEDGER_TOKEN', 'P'],
    mcpContainers,
    drainSeconds: 25,
    networkPolicy: false,
  });
});

it('options win over the file', () => {
  const options = {
    ...VERSION,
    image: 'i:1',
    agentPort: 1,
    inboundPort: 2,
    otelEndpoint: 'http://option',
    ledgerUrl: 'http://ledger',
    secretStore: 'store',
    drainSeconds: 3,
    workload: 'w',
    container: 'c',
    networkPolicy: true,
  };
  const { version: _, ...said } = options;
  const sidecar = { image: 'x:1', agentPort: 9, otelEndpoint: 'http://x', ledgerUrl: 'http://x', costTracking: false };
  const plan = makePlan(withSidecar(sidecar), options);
  assert.deepEqual({ ...plan, ...said }, plan);
  assert.equal(plan?.agentPortChosen, true);
  assert.deepEqual(plan?.secrets, ['AGENT_AUTH_TOKEN', 'OUTRIDER_LEDGER_TOKEN']);
});

it('without cost tracking nothing is shipped', () => {
  const plan = makePlan(withSidecar({ ledgerUrl: 'http://l', costTracking: false }), VERSION);
  assert.equal(plan?.ledgerUrl, undefined);
  assert.deepEqual(plan?.secrets, ['AGENT_AUTH_TOKEN']);
});

it('the text of the configuration has no anchors and no folded lines', () => {
  const rule = { name: 'r', type: 'keyword', pattern: 'x '.repeat(200) };
  const config = { guardrails: [rule, rule] };
  const text = makePlan(withSidecar({ config }), VERSION)?.config ?? '';
  assert.ok(!/[&*]/.test(text), text);
  assert.deepEqual(parse(text), config);
  assert.equal(text.split('\n').length, 8);
});
