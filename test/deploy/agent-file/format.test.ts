import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { readAgentFile } from '../../../src/config/agent-file.ts';
import { agentFileJsonSchema } from '../../../src/config/agent-file-schema.ts';

const ROOT = join(import.meta.dirname, '../../..');
const EXAMPLE = readFileSync(join(ROOT, 'src/config/examples/agent.yaml'), 'utf8');

const read = (text: string) => readAgentFile({ file: 'agent.yaml', text, env: {} });

/** Every key that AgentBreeder's documentation names, with what it says that can stand there. */
const AGENTBREEDER = `spec_version: v1
type: agent
name: order-desk
version: 2.3.1
description: "Answers questions about orders"
team: sales
owner: bob@example.com
tags: [orders, production]
framework: claude_sdk
entrypoint: agent.py
model:
  primary: claude-sonnet-4
  fallback: gpt-4o
  gateway: litellm
  temperature: 0.2
  max_tokens: 2048
tools:
  - ref: tools/order-lookup
  - name: refund
    type: function
    description: "Pays back"
    schema: { type: object, properties: { id: { type: string } }, required: [id] }
  - ref: tools/send-mail
    approval: { require: true, timeout: 30m, notify: [{ slack: "#desk" }, { email: desk@example.com }] }
knowledge_bases: [{ ref: kb/orders }]
prompts: { system: prompts/desk-v1 }
guardrails:
  - pii_detection
  - hallucination_check
  - hitl_approve
  - name: tone
    endpoint: https://tone.example.com/check
    action: warn
subagents: [{ ref: agents/billing, name: billing, description: "Bills" }]
mcp_servers:
  - ref: mcp/orders
    transport: sse
memory: { stores: [short, long] }
gateways: { litellm: { url: "http://litellm:4000", api_key_env: LITELLM_KEY } }
access: { visibility: team, allowed_callers: ["team:sales"], require_approval: false }
claude_sdk: { thinking: { enabled: true, effort: high }, prompt_caching: true, routing: { provider: anthropic } }
deploy:
  cloud: aws
  runtime: ecs-fargate
  region: us-east-1
  scaling: { min: 1, max: 10, target_cpu: 70 }
  resources: { cpu: "1", memory: "2Gi" }
  env_vars: { LOG_LEVEL: info }
  secrets: [ORDERS_KEY]
  identity: { create: true, permissions: ["s3:GetObject:arn:aws:s3:::orders/*"] }
  sidecar:
    enabled: true
    guardrails: [content_filter]
    otel_endpoint: "http://collector:4317"
    cost_tracking: true
`;

describe("a file in AgentBreeder's format", () => {
  it('is read as it is, and what will not be done is said', async () => {
    const { spec, warnings } = await read(AGENTBREEDER);
    assert.deepEqual(spec.sidecar.config, {
      guardrails: ['pii_detection', { name: 'tone', endpoint: 'https://tone.example.com/check' }, 'content_filter'],
    });
    assert.deepEqual(
      warnings.map((warning) => warning.split(': ').slice(0, 2).join(' ')),
      [
        'agent.yaml:29:5 guardrails[1]',
        'agent.yaml:30:5 guardrails[2]',
        'agent.yaml:33:13 guardrails[3].action',
        'agent.yaml:36:5 mcp_servers[0]',
        'agent.yaml:54:20 deploy.sidecar.otel_endpoint',
      ],
    );
  });

  it('needs no sidecar for what is left alone', async () => {
    const text = AGENTBREEDER.replace(/^guardrails:[^]*?(?=^subagents)/m, '')
      .replace(/^mcp_servers:[^]*?(?=^memory)/m, '')
      .replace(/ {2}sidecar:[^]*/m, '');
    const { spec, warnings } = await read(text);
    assert.deepEqual([spec.causes, warnings], [[], []]);
  });
});

describe('the published JSON Schema', () => {
  const published = JSON.parse(readFileSync(join(ROOT, 'schema/outrider-agent-yaml.schema.json'), 'utf8'));
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(published);

  it('is what the schema says, and the package hands it out', () => {
    assert.deepEqual(published, JSON.parse(JSON.stringify(agentFileJsonSchema())));
    const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const path = './schema/outrider-agent-yaml.schema.json';
    assert.equal(exports[path], path);
  });

  it('takes what is taken', async () => {
    const unquoted =
      'name: a\nversion: 1.0.0\nruntime: { version: 20 }\ndeploy: { env_vars: { A: 1, B: true }, resources: { cpu: 2, memory: 1073741824 } }\n';
    for (const text of [AGENTBREEDER, EXAMPLE, unquoted, 'name: a\na2a: { peers: { p: "t@@http://p" } }\n']) {
      await read(text);
      assert.ok(validate(parse(text)), JSON.stringify(validate.errors));
    }
  });

  it('refuses what is refused', async () => {
    for (const text of [
      'version: 1.0.0',
      'name: A B',
      'name: a\nversion: 1.0',
      'name: a\nguardrails: pii_detection',
      'name: a\nguardrails: [{ endpoint: "http://h" }]',
      'name: a\ntools: [x]',
      'name: a\nmcp_servers: [{ ref: mcp/a, transport: grpc }]',
      'name: a\nmcp_servers: [{ ref: mcp/a, port: 0 }]',
      'name: a\na2a: { peers: { p: { path: /x } } }',
      'name: a\ndeploy: { cloud: mars }',
      'name: a\ndeploy: { secrets: ["a b"] }',
      'name: a\ndeploy: { sidecar: { agent_port: 70000 } }',
      'name: a\ndeploy: { sidecar: { guardrails: [{ builtin: jwt, actoin: block }] } }',
    ]) {
      await assert.rejects(read(`${text}\n`), /the configuration cannot be used/, text);
      assert.equal(validate(parse(text)), false, text);
    }
  });
});
