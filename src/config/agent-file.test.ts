import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AgentSpec } from '../deploy/agent-spec.ts';
import { readAgentFile } from './agent-file.ts';
import { ConfigError, formatFault } from './faults.ts';

const read = (text: string, env: Record<string, string> = {}) => readAgentFile({ file: 'a.yaml', text, env });

async function specOf(text: string, env?: Record<string, string>): Promise<AgentSpec> {
  return (await read(text, env)).spec;
}

async function warningsOf(text: string): Promise<readonly string[]> {
  return (await read(text)).warnings;
}

async function faultsOf(text: string): Promise<string[]> {
  try {
    await read(text);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.faults.map(formatFault);
  }
  return [];
}

/** Where what asks for a sidecar stands. */
async function causesOf(text: string, env?: Record<string, string>): Promise<string[]> {
  return (await specOf(text, env)).causes.map(({ path, line }) => `${line}: ${path}`);
}

describe('what is read', () => {
  it('a file that says everything', async () => {
    const spec = await specOf(`name: support-agent
version: 1.0.0-rc.1+build.7
team: customer-success
owner: alice@company.com
framework: langgraph
model: { primary: claude-sonnet-4, fallback: gpt-4o, gateway: litellm, temperature: 0.7 }
guardrails: [pii_detection, { name: policy, endpoint: "https://policy.example.com", timeout: 3s, on_error: pass, token_env: POLICY }]
mcp_servers:
  - { ref: mcp/zendesk, image: "acme/zendesk:1", port: 4000, path: /rpc }
  - { ref: mcp/docs, transport: sse, url: "https://docs.example.com/sse", token_env: DOCS }
  - { name: files, command: node, args: [server.js, --root, /srv] }
a2a: { peers: { research: "https://research.example.com", fin: { url: "https://fin.example.com", token_env: FIN, path: /rpc } } }
deploy:
  cloud: aws
  runtime: ecs-fargate
  region: eu-central-1
  scaling: { min: 1, max: 3, target_cpu: 70 }
  resources: { cpu: 0.5, memory: 1Gi }
  env_vars: { LOG_LEVEL: info, N: 1.0, ON: yes, EMPTY: "" }
  secrets: [ZENDESK_API_KEY, ZENDESK_API_KEY]
  sidecar: { image: "acme/outrider:2", agent_port: 3000, otel_endpoint: "http://otel:4318", cost_tracking: false, secrets: [OTEL_EXPORTER_OTLP_HEADERS] }
`);
    assert.deepEqual(spec, {
      name: 'support-agent',
      version: '1.0.0-rc.1+build.7',
      team: 'customer-success',
      owner: 'alice@company.com',
      causes: [
        { path: 'guardrails', line: 7, why: 'guardrails are declared' },
        { path: 'mcp_servers', line: 8, why: 'MCP servers are declared' },
        { path: 'a2a', line: 12, why: 'A2A is declared' },
      ],
      runtime: { framework: 'langgraph' },
      sidecar: {
        image: 'acme/outrider:2',
        agentPort: 3000,
        otelEndpoint: 'http://otel:4318',
        costTracking: false,
        config: {
          guardrails: [
            'pii_detection',
            {
              name: 'policy',
              endpoint: 'https://policy.example.com',
              timeout: '3s',
              on_error: 'pass',
              token_env: 'POLICY',
            },
          ],
          a2a_peers: {
            research: { url: 'https://research.example.com' },
            fin: { url: 'https://fin.example.com', path: '/rpc', token_env: 'FIN' },
          },
          mcp_servers: {
            zendesk: { transport: 'streamable_http', url: 'http://127.0.0.1:4000/rpc' },
            docs: { transport: 'sse', url: 'https://docs.example.com/sse', token_env: 'DOCS' },
            files: { transport: 'stdio', command: 'node', args: ['server.js', '--root', '/srv'] },
          },
        },
        secrets: ['POLICY', 'FIN', 'DOCS', 'OTEL_EXPORTER_OTLP_HEADERS'],
        mcpContainers: [{ name: 'mcp-zendesk', image: 'acme/zendesk:1', port: 4000 }],
      },
      deploy: {
        cloud: 'aws',
        runtime: 'ecs-fargate',
        region: 'eu-central-1',
        cpu: '0.5',
        memory: '1Gi',
        scaling: { min: 1, max: 3, targetCpu: 70 },
        env: { LOG_LEVEL: 'info', N: '1.0', ON: 'yes', EMPTY: '' },
        secrets: ['ZENDESK_API_KEY'],
      },
    });
  });

  it('a name alone is enough', async () => {
    assert.deepEqual(await read('name: a\n'), {
      spec: {
        name: 'a',
        causes: [],
        sidecar: { costTracking: true, config: {}, secrets: [], mcpContainers: [] },
        deploy: { scaling: {}, env: {}, secrets: [] },
      },
      warnings: [],
    });
  });

  it('a runtime in place of a framework', async () => {
    const { runtime } = await specOf(
      'name: a\nruntime: { language: node, framework: vercel-ai, version: 20, entrypoint: a.ts }\n',
    );
    assert.deepEqual(runtime, { language: 'node', framework: 'vercel-ai', version: '20', entrypoint: 'a.ts' });
  });

  it('guardrails of the sidecar: rules as in outrider.yaml, which win over a preset of the same name', async () => {
    const { sidecar } = await specOf(`name: a
guardrails: [pii_detection, secrets, { name: content_filter }]
deploy:
  sidecar:
    guardrails:
      - { preset: pii_detection, action: block }
      - secrets
      - { name: ticket, type: regex, pattern: 'T-\\d+', style: hash }
`);
    assert.deepEqual(sidecar.config['guardrails'], [
      'content_filter',
      { preset: 'pii_detection', action: 'block' },
      'secrets',
      { name: 'ticket', type: 'regex', pattern: 'T-\\d+', style: 'hash' },
    ]);
    assert.deepEqual(sidecar.secrets, ['OUTRIDER_GUARD_HASH_KEY']);
  });

  it('a preset in a mapping can say what is done', async () => {
    const { sidecar } = await specOf(
      'name: a\nguardrails: [{ name: secrets, action: block }, { name: content_filter }]\n',
    );
    assert.deepEqual(sidecar.config['guardrails'], [{ preset: 'secrets', action: 'block' }, 'content_filter']);
  });

  it('what the agent is told of traces and the ledger holds for the sidecar', async () => {
    const vars = (text: string) => specOf(`name: a\nguardrails: [secrets]\ndeploy: { env_vars: { ${text} } }\n`);
    const told = await vars('OTEL_EXPORTER_OTLP_ENDPOINT: "http://o:4318", AGENTBREEDER_API_URL: "http://l"');
    assert.equal(told.sidecar.otelEndpoint, 'http://o:4318');
    assert.equal(told.sidecar.ledgerUrl, 'http://l');
    const both = await vars('OUTRIDER_LEDGER_URL: "http://ours", AGENTBREEDER_API_URL: "http://l"');
    assert.equal(both.sidecar.ledgerUrl, 'http://ours');
    assert.equal((await vars('OUTRIDER_LEDGER_URL: "http://u:p@l"')).sidecar.ledgerUrl, undefined);
  });

  it('what only the sidecar may know does not go to the agent', async () => {
    const text = 'name: a\ndeploy: { secrets: [AGENT_AUTH_TOKEN, KEY] }\n';
    assert.deepEqual((await specOf(`${text}guardrails: [secrets]\n`)).deploy.secrets, ['KEY']);
    assert.deepEqual((await specOf(text)).deploy.secrets, ['AGENT_AUTH_TOKEN', 'KEY'], 'alone, it asks for it itself');
  });
});

describe('what asks for a sidecar', () => {
  const CASES: [string, string[]][] = [
    ['', []],
    ['guardrails: [pii_detection]', ['2: guardrails']],
    ['guardrails: [hallucination_check]', ['2: guardrails']],
    ['guardrails: []', []],
    ['guardrails:', []],
    ['deploy: { sidecar: { guardrails: [secrets] } }', ['2: deploy.sidecar.guardrails']],
    ['deploy: { sidecar: { enabled: true } }', []],
    ['mcp_servers: [{ ref: mcp/zendesk }]', ['2: mcp_servers']],
    ['mcp_servers: []', []],
    ['tools: []', []],
    ['tools: [{ ref: tools/order-lookup }, { name: search, type: function }]', []],
    ['tools: [{ ref: tools/zendesk-mcp }]', ['2: tools[0].ref']],
    ['tools: [{ ref: tools/mcp-filesystem@1.2.0 }]', ['2: tools[0].ref']],
    ['tools: [{ ref: mcp/zendesk }]', ['2: tools[0].ref']],
    ['tools: [{ ref: mcp-servers/zendesk }]', ['2: tools[0].ref']],
    ['tools: [{ ref: tools/zendesk-MCP:2 }]', ['2: tools[0].ref']],
    ['tools: [{ ref: tools/mcphee }, { ref: tools/tmcp }, { ref: "tools/x@mcp/1" }]', []],
    ['tools: [{ name: x, type: mcp }, { name: y, type: A2A }]', ['2: tools[0].type', '2: tools[1].type']],
    ['tools: [{ ref: a2a/research }]', ['2: tools[0].ref']],
    ['tools: [{ ref: tools/x }]\nmcp_servers: [{ ref: acme/x }]', ['2: tools[0].ref', '3: mcp_servers']],
    ['a2a: { peers: { p: "http://p" } }', ['2: a2a']],
    ['a2a: { peers: {} }', []],
    ['a2a: {}', []],
    ['a2a: { card: { skills: [] } }', []],
    ['a2a: { server: true }', ['2: a2a']],
    ['subagents: [{ ref: agents/x }]\nmemory: {}\nprompts: { system: x }', []],
  ];
  for (const [text, causes] of CASES) {
    it(JSON.stringify(text), async () => assert.deepEqual(await causesOf(`name: a\n${text}\n`), causes));
  }

  it('is found through anchors and merge keys', async () => {
    const text = 'name: a\ndefaults: &d\n  guardrails: [secrets]\n<<: *d\ntools: [&t { ref: mcp/x }, *t]\n';
    assert.deepEqual(await causesOf(text), ['3: guardrails', '5: tools[0].ref', '5: tools[1].ref']);
  });
});

describe('what forbids a sidecar', () => {
  const GUARDED = 'name: a\nguardrails: [secrets]\n';

  it('the file', async () => {
    for (const no of ['false', 'no', 'off', 'False']) {
      const { switchedOff, causes } = await specOf(`${GUARDED}deploy:\n  sidecar:\n    enabled: ${no}\n`);
      const why = 'the sidecar is switched off';
      assert.deepEqual(switchedOff, { path: 'deploy.sidecar.enabled', line: 5, why }, no);
      assert.equal(causes.length, 1, 'what asks for it is told all the same');
    }
  });

  it('the environment, under both names and in any case', async () => {
    for (const value of ['disabled', 'OFF', 'False', '0', ' no ']) {
      for (const name of ['OUTRIDER', 'AGENTBREEDER_SIDECAR']) {
        const { switchedOff } = await specOf(GUARDED, { [name]: value });
        assert.equal(switchedOff?.path, name);
        assert.equal(switchedOff?.line, 0);
        assert.match(switchedOff?.why ?? '', new RegExp(name));
      }
    }
    assert.equal((await specOf(GUARDED, { OUTRIDER: 'enabled', AGENTBREEDER_SIDECAR: 'off' })).switchedOff, undefined);
    assert.equal((await specOf(GUARDED, { OUTRIDER: 'maybe' })).switchedOff, undefined);
  });
});

describe('faults', () => {
  it('every one at once, each with its place', async () => {
    const text = `nmae: support
version: 1.0
team: "x\\e[31m"
framework: langgraph
runtime: { language: node }
guardrails: [pii_detecton, { endpoint: "https://h" }, { name: b, endpoint: nope }, { name: c, endpoint: "https://h/?api_key=s3cr3t" }]
tools: [tools/x]
mcp_servers:
  - {}
  - { ref: "mcp/a b" }
  - { ref: mcp/z, image: i:1, port: 8080 }
  - { ref: acme/z, url: "https://h", image: i:1 }
  - { ref: mcp/q, transport: grpc }
  - { ref: mcp/w, url: "https://u:s3cr3t@h/" }
  - { ref: mcp/v, url: "https://h", token_env: AGENT_NAME }
a2a: { peers: { p: "s3cr3t@@ftp://x", q: "https://s3cr3t:x@h", r: "s3cr3t@@https://h?token=s3cr3t", "t u": "https://x" } }
deploy:
  cloud: kuberntes
  scaling: { min: 5, max: 2, target_cpu: 700 }
  resources: { cpu: 1024, memory: 512 }
  env_vars: { A-B: 1, BOTH: 1 }
  secrets: [a b, BOTH]
  sidecar: { enabled: disabled, agent_port: 9090, otel_endpoint: "http://u:s3cr3t@o", secrets: [PORT] }
`;
    const faults = await faultsOf(text);
    const token = 'would stand in the manifest: take them out, and name a variable in `token_env`';
    const parameter =
      'a parameter of the address looks like a credential, and would stand in the manifest: take it out, and name a variable in `token_env`';
    assert.deepEqual(faults, [
      'a.yaml: name: required',
      'a.yaml:1:1: nmae: not read (did you mean name?)',
      'a.yaml:2:10: version: expected a semantic version, such as 1.0.0',
      'a.yaml:3:7: team: expected text on one line, without control characters',
      'a.yaml:4:12: framework: `framework` and `runtime` exclude each other',
      'a.yaml:6:14: guardrails[0]: not a guardrail (did you mean pii_detection?)',
      'a.yaml:6:28: guardrails[1].name: required',
      'a.yaml:6:76: guardrails[2].endpoint: expected an http:// or https:// URL',
      `a.yaml:6:105: guardrails[3].endpoint: ${parameter}`,
      'a.yaml:7:9: tools[0]: expected a mapping, found text',
      'a.yaml:9:5: mcp_servers[0]: expected `ref` or `name`',
      'a.yaml:10:5: mcp_servers[1]: the last part of `ref` cannot be a name here: give it a `name`',
      "a.yaml:11:37: mcp_servers[2].port: this port is the sidecar's: give it another one",
      'a.yaml:12:5: mcp_servers[3]: the same name as mcp_servers[2]: give it a `name` of its own',
      'a.yaml:12:5: mcp_servers[3]: `url` and `image` exclude each other: they say where it is',
      'a.yaml:13:30: mcp_servers[4].transport: expected one of stdio, sse, streamable_http, http',
      `a.yaml:14:24: mcp_servers[5].url: credentials in an address ${token}`,
      'a.yaml:15:48: mcp_servers[6].token_env: this variable says something else to the sidecar: name another one',
      'a.yaml:16:20: a2a.peers.p: expected URL or TOKEN@@URL, with an http:// or https:// URL',
      `a.yaml:16:42: a2a.peers.q: credentials in an address ${token}`,
      `a.yaml:16:67: a2a.peers.r: ${parameter}`,
      'a.yaml:16:101: a2a.peers["t u"]: cannot be a name here: expected letters, digits, ".", "_" and "-", at most 128',
      'a.yaml:18:10: deploy.cloud: expected one of aws, azure, gcp, kubernetes, local, claude-managed (did you mean kubernetes?)',
      'a.yaml:19:19: deploy.scaling.min: more than `max`',
      'a.yaml:19:42: deploy.scaling.target_cpu: expected a percentage up to 100',
      'a.yaml:20:21: deploy.resources.cpu: expected a number of cores, at most 256',
      'a.yaml:20:35: deploy.resources.memory: expected a size such as 512Mi: a number alone counts bytes',
      'a.yaml:21:15: deploy.env_vars.A-B: cannot be a name here: expected the name of an environment variable',
      'a.yaml:22:13: deploy.secrets[0]: expected the name of an environment variable',
      'a.yaml:22:18: deploy.secrets[1]: this variable has a value under `deploy.env_vars` too: leave one out',
      'a.yaml:23:23: deploy.sidecar.enabled: expected true or false, found text',
      "a.yaml:23:45: deploy.sidecar.agent_port: this port is the sidecar's",
      'a.yaml:23:66: deploy.sidecar.otel_endpoint: credentials in an address would stand in the manifest: take them out, and list OTEL_EXPORTER_OTLP_HEADERS under `deploy.sidecar.secrets`',
      'a.yaml:23:97: deploy.sidecar.secrets[0]: this variable says something else to the sidecar: name another one',
    ]);
    assert.ok(!faults.join().includes('s3cr3t'), 'no fault holds a secret');
  });

  it('names that no platform takes', async () => {
    for (const name of ['Support', 'a_b', '-a', 'a-', 'a.b', `a${'b'.repeat(63)}`, '""', '[a]']) {
      assert.match((await faultsOf(`name: ${name}\n`)).join(), /name: (expected|required)/, name);
    }
  });

  it('versions that are none', async () => {
    for (const version of ['1', '1.0', 'v1.0.0', '1.0.0.0', '01.0.0', 'latest']) {
      assert.match(
        (await faultsOf(`name: a\nversion: ${version}\n`)).join(),
        /2:10: version: expected a semantic/,
        version,
      );
    }
  });

  it('what would go into addresses', async () => {
    const text =
      'name: a\na2a: { peers: { p: { url: "http://p", path: "/\\e[31m" }, q: "http://${HOST}/" } }\nmcp_servers: [{ name: m, image: "i:1", path: "/a b" }]\n';
    assert.deepEqual(await faultsOf(text), [
      'a.yaml:2:20: a2a.peers.p: expected an address without blanks and control characters',
      'a.yaml:2:61: a2a.peers.q: expected the address itself: nothing may fill in `${…}` or `$(…)` later',
      'a.yaml:3:46: mcp_servers[0].path: expected an absolute path',
    ]);
  });

  it('a guardrail that is misspelt in a mapping', async () => {
    assert.deepEqual(await faultsOf('name: a\nguardrails: [{ name: pii_detecton }]\n'), [
      'a.yaml:2:14: guardrails[0]: not a guardrail (did you mean pii_detection?)',
    ]);
    assert.deepEqual(await faultsOf('name: a\nguardrails: [{ name: secret, endpoint: "http://h" }]\n'), []);
  });

  it('a guardrail that nobody knows: it would be missing, and nobody would notice', async () => {
    const expected =
      'not a guardrail that is known: expected one of pii_detection, secrets, content_filter, or a mapping with `name` and `endpoint`';
    assert.deepEqual(await faultsOf('name: a\nguardrails: [toxicity, { name: tone }, 1]\n'), [
      `a.yaml:2:14: guardrails[0]: ${expected}`,
      `a.yaml:2:24: guardrails[1]: ${expected}`,
      `a.yaml:2:40: guardrails[2]: ${expected}`,
    ]);
  });

  it('rules of the sidecar are checked as in outrider.yaml', async () => {
    const text = `name: a
deploy:
  sidecar:
    guardrails:
      - { preset: secrets, actoin: block }
      - { name: z, type: regex, pattern: "(" }
      - { builtin: jwtt }
`;
    const faults = await faultsOf(text);
    assert.equal(faults.length, 3);
    assert.match(faults[0] ?? '', /^a\.yaml:5:28: .*\.actoin: unknown key \(did you mean action\?\)$/);
    assert.match(faults[1] ?? '', /^a\.yaml:6:42: .*not an RE2 expression/);
    assert.match(faults[2] ?? '', /^a\.yaml:7:20: .*did you mean jwt\?/);
  });
});

describe('warnings', () => {
  const CASES: [string, string[]][] = [
    ['guardrail: [pii_detection]', ['2:1: guardrail: not read (did you mean guardrails?)']],
    ['mcp_server: []', ['2:1: mcp_server: not read (did you mean mcp_servers?)']],
    ['depoly: {}', ['2:1: depoly: not read (did you mean deploy?)']],
    ['sidecar: {}', ['2:1: sidecar: not read (did you mean deploy.sidecar?)']],
    ['deploy: { env: {} }', ['2:11: deploy.env: not read (did you mean env_vars?)']],
    ['deploy: { memory: 1Gi }', ['2:11: deploy.memory: not read (did you mean deploy.resources.memory?)']],
    ['deploy: { scaling: { maximum: 3 } }', ['2:22: deploy.scaling.maximum: not read']],
    ['tools: [{ rfe: mcp/x }]', ['2:11: tools[0].rfe: not read (did you mean ref?)']],
    [
      'guardrails: [hitl_approve, { name: c, endpoint: "http://h", action: warn, x: 1 }]',
      [
        '2:14: guardrails[0]: not done here: nothing waits for a person. Give an endpoint that blocks',
        '2:69: guardrails[1].action: not done here: what the endpoint replies decides',
        '2:75: guardrails[1].x: not read',
      ],
    ],
    [
      'mcp_servers: [{ ref: mcp/a }, { ref: mcp/b, transport: stdio, image: "i:1" }, { ref: mcp/c, image: i, retries: 1 }]',
      [
        "2:15: mcp_servers[0]: not carried: nothing says where it is. Give `url` for a server that runs elsewhere, `image` and `port` for one to run beside the agent, or `command` for a program in the sidecar's image",
        '2:31: mcp_servers[1]: not carried: the sidecar cannot speak stdio to another container. Give `transport: streamable_http` or `sse`, and `port`',
        '2:79: mcp_servers[2]: no `port` is given, and 3100 is assumed: give the one at which the image listens',
        '2:100: mcp_servers[2].image: the image is not pinned: give it a tag, or a digest',
        '2:103: mcp_servers[2].retries: not read',
      ],
    ],
    [
      'tools: [{ ref: tools/zendesk-mcp }, { name: x, type: a2a }, { ref: tools/mcp-docs }]\nmcp_servers: [{ ref: mcp/docs, url: "http://d" }]',
      [
        '2:9: tools[0]: nothing says where this MCP server is: add it to `mcp_servers`, with `url`, `image` or `command`',
        '2:37: tools[1]: nothing says where this peer is: add it to `a2a.peers`',
      ],
    ],
    [
      'a2a: { peers: { p: "s3cr3t@@http://p", q: { url: "http://q", token: s3cr3t } } }',
      [
        '2:20: a2a.peers.p: the token that stands here is not copied: put it into the secret OUTRIDER_PEER_P_TOKEN, and take it out of the file',
        '2:43: a2a.peers.q: the token that stands here is not copied: put it into the secret OUTRIDER_PEER_Q_TOKEN, and take it out of the file',
      ],
    ],
    [
      'a2a: { research: "http://r" }',
      [
        '2:6: a2a: no peer is declared: give their URLs under `a2a.peers`',
        '2:8: a2a.research: not read (did you mean a2a.peers?)',
      ],
    ],
    [
      'deploy: { sidecar: { enabled: true, image: "acme/outrider", otel_endpoint: "http://o:4317", agent_port: 8080 } }',
      [
        '2:20: deploy.sidecar: nothing asks for a sidecar, so there is none: declare `guardrails`, `mcp_servers` or `a2a`',
        '2:44: deploy.sidecar.image: the image is not pinned: give it a tag, or a digest',
        '2:105: deploy.sidecar.agent_port: the sidecar itself listens on 8080, unless --inbound-port says otherwise',
      ],
    ],
    [
      'guardrails: [{ name: secrets, action: block, timeout: 1s }, { name: pii_detection, action: hitl_approve }]',
      [
        '2:55: guardrails[0].timeout: not read: it is for an `endpoint`',
        '2:92: guardrails[1].action: not done here: expected one of block, redact, warn',
      ],
    ],
    [
      'guardrails: [secrets]\ndeploy: { sidecar: { otel_endpoint: "http://o:4317" } }',
      [
        '3:37: deploy.sidecar.otel_endpoint: the sidecar sends traces by OTLP over HTTP, whose usual port is 4318; 4317 is that of gRPC',
      ],
    ],
    [
      'guardrails: [secrets]\ndeploy: { env_vars: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://o:4317" } }',
      [
        '3:52: deploy.env_vars.OTEL_EXPORTER_OTLP_ENDPOINT: the sidecar sends traces by OTLP over HTTP, whose usual port is 4318; 4317 is that of gRPC: give `deploy.sidecar.otel_endpoint` another one',
      ],
    ],
    [
      'deploy: { env_vars: { OPENAI_API_KEY: s3cr3t, MAX_TOKENS: 4096, AGENTBREEDER_SIDECAR: disabled } }',
      [
        '2:39: deploy.env_vars.OPENAI_API_KEY: this looks like a secret, and will stand in the manifest: list its name under `deploy.secrets` instead',
        '2:87: deploy.env_vars.AGENTBREEDER_SIDECAR: this does not switch the sidecar off: `deploy.sidecar.enabled: false` does, or the variable where Outrider is called',
      ],
    ],
    ['description: x\ntags: [a]\nmemory: {}\ngateways: {}\ntype: agent\nprompts: {}\nx-anything: 1', []],
  ];
  for (const [text, expected] of CASES) {
    it(text, async () => {
      const warnings = await warningsOf(`name: a\n${text}\n`);
      assert.deepEqual(
        warnings,
        expected.map((warning) => `a.yaml:${warning}`),
      );
      assert.ok(!warnings.join().includes('s3cr3t'));
    });
  }
});

it('no token that is written in the file comes out of it', async () => {
  const text = 'name: a\na2a: { peers: { p: "s3cr3t@@http://p", q: { url: "http://q", token: s3cr3t } } }\n';
  assert.ok(!JSON.stringify(await read(text)).includes('s3cr3t'));
});
