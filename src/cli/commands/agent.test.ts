import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { tempDir } from '../../../test/support/temp.ts';

const ROOT = join(import.meta.dirname, '../../..');
const BIN = join(ROOT, 'src/cli/bin.ts');

interface Run {
  readonly args: readonly string[];
  /** Content of `agent.yaml` in the working directory; none without it. */
  readonly file?: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the command as somebody would, in a directory of its own. */
function outrider(t: TestContext, { args, file, input = '', env = {} }: Run) {
  const cwd = tempDir(t);
  if (file !== undefined) writeFileSync(join(cwd, 'agent.yaml'), file);
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, 'agent', ...args], {
    cwd,
    input,
    env: { PATH: process.env['PATH'], NO_COLOR: '1', ...env },
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { status, stdout, stderr };
}

const GUARDED = 'name: support\nversion: 1.0.0\nguardrails: [pii_detection]\n';

describe('agent check', () => {
  it('says ok of ./agent.yaml, and what to be warned of', (t) => {
    const file = `${GUARDED}depoly: {}\n`;
    assert.deepEqual(outrider(t, { args: ['check'], file }), {
      status: 0,
      stdout: 'ok: agent.yaml\n',
      stderr: 'warning: agent.yaml:4:1: depoly: not read (did you mean deploy?)\n',
    });
  });

  it('prints every fault, a line each, and exits 1', (t) => {
    assert.deepEqual(outrider(t, { args: ['check', '-'], input: 'nmae: x\nversion: 1.0\n' }), {
      status: 1,
      stdout: '',
      stderr:
        '<stdin>: name: required\n' +
        '<stdin>:1:1: nmae: not read (did you mean name?)\n' +
        '<stdin>:2:10: version: expected a semantic version, such as 1.0.0\n',
    });
  });

  it('names a file that is not there', (t) => {
    const { status, stderr } = outrider(t, { args: ['check'] });
    assert.equal(status, 1);
    assert.match(stderr, /agent\.yaml: there is no such file/);
  });
});

describe('agent explain', () => {
  it('says what asks for the sidecar, what it carries, and which secrets it needs', (t) => {
    const file = readFileSync(join(ROOT, 'src/config/examples/agent.yaml'), 'utf8');
    const { status, stdout, stderr } = outrider(t, { args: ['explain'], file });
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    assert.equal(status, 0);
    assert.equal(stderr, '');
    assert.equal(
      stdout,
      `agent    support-agent 1.0.0
sidecar  yes
  agent.yaml:9: guardrails: guardrails are declared
  agent.yaml:16: tools[0].ref: the tool names an MCP server
  agent.yaml:19: mcp_servers: MCP servers are declared
  agent.yaml:28: a2a: A2A is declared

  image        outrider/outrider:${version}
  ports        8080: callers
               127.0.0.1:8081: the agent, told by PORT and HOST
               127.0.0.1:9090, 9091, 9092: helpers
  guardrails   pii_detection
               content_filter
               policy: https://policy.example.com/check
  A2A peers    research-agent: https://research.example.com
               finance-agent: https://finance.example.com, with the token in FINANCE_AGENT_TOKEN
  MCP servers  zendesk: http://127.0.0.1:3100/mcp (streamable_http)
               docs: https://docs.example.com/sse (sse), with the token in DOCS_MCP_TOKEN
  MCP images   mcp-zendesk: registry.example.com/zendesk-mcp:1.4.0, on port 3100
  traces       http://otel-collector.observability:4318
  ledger       none: costs stay in the database beside the agent; --ledger-url says where to ship them
  secrets      AGENT_AUTH_TOKEN, for the sidecar
               FINANCE_AGENT_TOKEN, for the sidecar
               DOCS_MCP_TOKEN, for the sidecar
               ZENDESK_API_KEY, for the agent
               ANTHROPIC_API_KEY, for the agent

target   kubernetes (cloud kubernetes): outrider deploy --target kubernetes agent.yaml
`,
    );
  });

  it('says which line or variable forbids it, and what would ask for it', (t) => {
    const file = `${GUARDED}deploy:\n  sidecar:\n    enabled: false\n`;
    const { stdout } = outrider(t, { args: ['explain'], file });
    const rest = '\ntarget   not said: outrider deploy --target TARGET agent.yaml\n';
    const would = '  without that, these would ask for one:\n  agent.yaml:3: guardrails: guardrails are declared\n';
    assert.equal(
      stdout,
      `agent    support 1.0.0\nsidecar  no: it is switched off\n  agent.yaml:6: deploy.sidecar.enabled: the sidecar is switched off\n${would}${rest}`,
    );
    const env = { AGENTBREEDER_SIDECAR: 'Disabled' };
    const why = 'the environment variable AGENTBREEDER_SIDECAR says that there is to be none';
    assert.equal(
      outrider(t, { args: ['explain'], file: GUARDED, env }).stdout,
      `agent    support 1.0.0\nsidecar  no: it is switched off\n  ${why}\n${would}${rest}`,
    );
  });

  it('says that nothing asks for one, and where the agent is to run', (t) => {
    const file = 'name: a\ndeploy: { cloud: aws, runtime: app-runner }\n';
    assert.deepEqual(outrider(t, { args: ['explain'], file }), {
      status: 0,
      stdout:
        'agent    a\nsidecar  no: nothing asks for one (no guardrails, no MCP server, no A2A peer)\n\n' +
        "target   one container (cloud aws, runtime app-runner): outrider wrap Dockerfile puts the sidecar into the agent's image\n",
      stderr: '',
    });
  });

  it('prints nothing that a terminal would obey, and no secret', (t) => {
    const file = `name: a
a2a: { peers: { p: "hunter2@@http://p" } }
deploy: { sidecar: { guardrails: [{ name: "g\\e[31m", type: keyword, pattern: x }] } }
mcp_servers: [{ name: m, command: x, args: ["\\e[31m\\u202e"] }]
`;
    const { stdout, stderr } = outrider(t, { args: ['explain'], file });
    assert.ok(stdout.includes('  g\\u001b[31m\n'), stdout);
    assert.ok(stdout.includes('x \\u001b[31m\\u202e (stdio)'), stdout);
    for (const never of ['\u001b', '\u202e', 'hunter2']) assert.ok(!(stdout + stderr).includes(never), never);
  });

  it('prints the faults of a file that cannot be used', (t) => {
    const { status, stdout, stderr } = outrider(t, { args: ['explain', '-'], input: '[]' });
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, /^<stdin>:1:1: expected a mapping of keys to values$/m);
  });
});

it('agent schema prints the schema that the package publishes', (t) => {
  const { status, stdout } = outrider(t, { args: ['schema'] });
  assert.equal(status, 0);
  assert.equal(stdout, readFileSync(join(ROOT, 'schema/outrider-agent-yaml.schema.json'), 'utf8'));
});
