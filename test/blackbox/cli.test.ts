import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { startAgent } from '../support/agent.ts';
import { http } from '../support/http.ts';
import { LEDGER_TOKEN, ledgerFor } from '../support/ledger.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { outriderFor, runOutrider, startOutrider, TOKEN } from '../support/outrider.ts';
import { freePort } from '../support/ports.ts';
import { Process, ROOT } from '../support/process.ts';
import { fieldOf, smallPeerFor } from '../support/small-peer.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';

function file(t: TestContext, name: string, text: string): string {
  const path = join(tempDir(t), name);
  writeFileSync(path, text);
  return path;
}

test('--help everywhere, also as help COMMAND; it says what the command takes, and exits 0', async () => {
  const expected: [args: string, shows: RegExp][] = [
    ['--help', /sidecar[\s\S]*run[\s\S]*config[\s\S]*ledger[\s\S]*costs[\s\S]*audit/],
    ['sidecar --help', /--config <file>/],
    ['run --help', /run \[options\] -- COMMAND/],
    ['config --help', /check[\s\S]*show[\s\S]*schema/],
    ['config check --help', /--config <file>/],
    ['config schema --help', /JSON Schema/],
    ['ledger --help', /--addr <host:port>[\s\S]*127\.0\.0\.1:8090[\s\S]*--database <url>[\s\S]*OUTRIDER_LEDGER_TOKEN/],
    ['costs --help', /--agent[\s\S]*--model[\s\S]*--since[\s\S]*--group-by[\s\S]*"day"[\s\S]*--json/],
    ['audit --help', /--type[\s\S]*verify/],
    ['audit verify --help', /--head <seq:hash>/],
    ['help costs', /--group-by/],
    ['costs -h', /--group-by/],
  ];
  for (const [args, shows] of expected) {
    const { code, stdout, stderr } = await runOutrider(args.split(' '));
    assert.deepEqual([code, stderr], [0, ''], args);
    assert.match(stdout, /^Usage: outrider/, args);
    assert.match(stdout, shows, args);
  }
});

test('--version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  for (const flag of ['--version', '-V']) {
    assert.deepEqual(await runOutrider([flag]), { code: 0, stdout: `${version}\n`, stderr: '' });
  }
});

test('what is unknown or missing is named, on stderr, with a code that is not 0', async () => {
  const expected: [args: string[], says: RegExp][] = [
    [['sidcar'], /unknown command 'sidcar'[\s\S]*sidecar/],
    [['sidecar', '--colour'], /unknown option '--colour'/],
    [['sidecar', 'extra'], /too many arguments|unexpected/i],
    [['config', 'chek'], /unknown command 'chek'[\s\S]*check/],
    [['run'], /missing required argument/],
    [['costs', '--group-by'], /argument missing/],
    [[], /Usage: outrider/],
    [['sidecar', '--config', '/nonexistent/outrider.yaml'], /\/nonexistent\/outrider\.yaml/],
  ];
  for (const [args, says] of expected) {
    const { code, stdout, stderr } = await runOutrider(args, { env: { AGENT_NAME: 'a', AGENT_AUTH_TOKEN: TOKEN } });
    assert.equal(code, 1, args.join(' '));
    assert.match(stderr, says);
    assert.equal(stdout, '');
    assert.doesNotMatch(stderr, /\n\s+at /, 'no stack');
  }
});

describe('outrider config', () => {
  const SECRETS = {
    AGENT_AUTH_TOKEN: 'inbound-secret-1',
    OUTRIDER_LEDGER_TOKEN: 'ledger-secret-2',
    LEGAL_TOKEN: 'peer-secret-3',
  };
  const env = { AGENT_NAME: 'from-env', ...SECRETS };

  test('check: every fault with its line and column, and what was probably meant; the start says the same', async (t) => {
    const path = file(
      t,
      'bad.yaml',
      [
        'agent_name: x',
        'guardrail: []',
        'limits:',
        '  body_byte: 3MiB',
        '  header_bytes: lots',
        'guardrails:',
        "  - { name: a, type: regex, pattern: '(?=x)' }",
        '  - { name: b, type: regexp, pattern: x }',
        'mcp_servers:',
        '  a: { transport: stdo, command: x }',
        'a2a_peers: { p: "not a url" }',
        'mcp_addr: 0.0.0.0:9091',
        '',
      ].join('\n'),
    );
    const { code, stderr } = await runOutrider(['config', 'check', '--config', path]);
    assert.equal(code, 1);
    const lines = stderr.trim().split('\n');
    for (const expected of [
      `${path}:2:1: guardrail: unknown key (did you mean guardrails?)`,
      `${path}:4:3: limits.body_byte: unknown key (did you mean body_bytes?)`,
    ]) {
      assert.ok(lines.includes(expected), `${expected} is not in\n${stderr}`);
    }
    for (const [line, says] of [
      [5, /limits\.header_bytes: expected a size/],
      [7, /guardrails\[0\]\.pattern: .*RE2/],
      [8, /guardrails\[1\]\.type: .*regex/],
      [10, /mcp_servers\.a\.transport: .*did you mean stdio/],
      [11, /a2a_peers\.p/],
      [12, /mcp_addr: .*loopback/],
    ] as const) {
      assert.ok(
        lines.some((one) => one.startsWith(`${path}:${line}:`) && says.test(one)),
        `line ${line} in\n${stderr}`,
      );
    }
    assert.ok(
      lines.some((one) => /AGENT_AUTH_TOKEN/.test(one)),
      'the missing token is a fault, too',
    );
    assert.equal(lines.length, 9, stderr);
    const started = await runOutrider(['sidecar', '--config', path]);
    assert.equal(started.code, 1);
    for (const line of lines) assert.ok(started.stderr.includes(line), line);
  });

  test('check: a sound file is ok; broken YAML and JSON in a variable say where', async (t) => {
    const sound = file(t, 'outrider.yaml', 'agent_name: x\n');
    assert.deepEqual(
      await runOutrider(['config', 'check', '--config', sound], { env: { AGENT_NAME: 'a', AGENT_AUTH_TOKEN: TOKEN } }),
      { code: 0, stdout: `ok: ${sound}\n`, stderr: '' },
    );
    const broken = file(t, 'outrider.yaml', 'agent_name: x\nlimits: {\n');
    const yaml = await runOutrider(['config', 'check', '--config', broken], { env });
    assert.equal(yaml.code, 1);
    assert.match(yaml.stderr, new RegExp(`^${broken}:\\d+:\\d+: `));
    const json = await runOutrider(['config', 'check', '--config', sound], {
      env: { ...env, OUTRIDER_MCP_SERVERS: '{"a":{"url":"x"' },
    });
    assert.equal(json.code, 1);
    assert.match(json.stderr, /OUTRIDER_MCP_SERVERS/);
    const typo = await runOutrider(['config', 'check', '--config', sound], {
      env: { ...env, OUTRIDER_INBOUND_ADDR: 'eighty' },
    });
    assert.equal(typo.code, 1);
    assert.match(typo.stderr, /OUTRIDER_INBOUND_ADDR/);
  });

  test('show: what is in force, from where, as YAML, and no secret', async (t) => {
    const path = file(
      t,
      'outrider.yaml',
      'agent_name: from-file\nlimits: { body_bytes: 4MiB }\na2a_peers: { p: "peer-secret-4@@https://p.example", q: { url: "https://q.example", token_env: LEGAL_TOKEN } }\n',
    );
    const { code, stdout } = await runOutrider(['config', 'show', '--config', path], {
      env: {
        ...env,
        OUTRIDER_LEDGER_URL: 'https://user:password-5@ledger.example',
        OUTRIDER_MCP_SERVERS:
          '{"m":{"transport":"http","url":"https://m.example","headers":{"authorization":"header-secret-6"}}}',
      },
    });
    assert.equal(code, 0);
    const shown = parse(stdout);
    assert.equal(shown.agent_name, 'from-env');
    assert.equal(shown.limits.body_bytes, '4MiB');
    assert.equal(shown.inbound_addr, ':8080');
    assert.equal(shown.a2a_peers.p.url, 'https://p.example');
    assert.match(stdout, /agent_name: from-env # env AGENT_NAME/);
    assert.match(stdout, new RegExp(`body_bytes: 4MiB # ${path}:2:`));
    assert.doesNotMatch(stdout, /secret|password-5/);
  });

  test('schema: JSON Schema, the one that the package carries', async () => {
    const { code, stdout } = await runOutrider(['config', 'schema']);
    assert.equal(code, 0);
    const schema = JSON.parse(stdout);
    assert.match(schema.$schema, /json-schema\.org/);
    assert.deepEqual(schema, JSON.parse(readFileSync(join(ROOT, 'schema/outrider.schema.json'), 'utf8')));
  });

  test('--config, OUTRIDER_CONFIG and ./outrider.yaml, in that order', async (t) => {
    const directory = tempDir(t);
    writeFileSync(join(directory, 'outrider.yaml'), 'team: here');
    writeFileSync(join(directory, 'named.yaml'), 'team: named');
    writeFileSync(join(directory, 'option.yaml'), 'team: option');
    const team = async (args: string[], more: Record<string, string>) =>
      parse((await runOutrider(['config', 'show', ...args], { cwd: directory, env: { ...env, ...more } })).stdout).team;
    assert.equal(await team([], {}), 'here');
    assert.equal(await team([], { OUTRIDER_CONFIG: 'named.yaml' }), 'named');
    assert.equal(await team(['--config', 'option.yaml'], { OUTRIDER_CONFIG: 'named.yaml' }), 'option');
  });
});

/** A Node older than the one needed, if this machine has one. */
function oldNode(): string | undefined {
  const places = ['/usr/bin', '/usr/local/bin', ...(process.env['PATH'] ?? '').split(delimiter)];
  for (const place of places) {
    try {
      const node = realpathSync(join(place, 'node'));
      const version = execFileSync(node, ['--version'], { encoding: 'utf8', timeout: 5_000 });
      if (Number(/^v(\d+)/.exec(version)?.[1]) < 24) return node;
    } catch {
      // None here.
    }
  }
  return undefined;
}

test('on an older Node the published command says in one line which one it needs', {
  skip: oldNode() === undefined && 'no Node older than 24 here',
}, async () => {
  for (const args of [[], ['--version'], ['sidecar', '--config', 'x']]) {
    const child = new Process(oldNode() ?? '', [join(ROOT, 'bin/outrider.js'), ...args], {});
    assert.equal((await child.exited).code, 1);
    assert.equal(child.stdout, '');
    assert.match(child.stderr, /^outrider needs Node\.js 24 or newer; this is v\d+\.\d+\.\d+\n$/);
  }
});

describe("an operator of AgentBreeder's sidecar changes the image and nothing else", () => {
  /** None of our own names. */
  const THEIRS_ONLY = {
    OUTRIDER_CONFIG: undefined,
    OUTRIDER_AGENT_URL: undefined,
    OUTRIDER_INBOUND_ADDR: undefined,
    OUTRIDER_LOCAL_ADDR: undefined,
    OUTRIDER_MCP_ADDR: undefined,
    OUTRIDER_COST_ADDR: undefined,
  };

  test('every AGENTBREEDER_ variable and the sidecar.yaml are read as they are', async (t) => {
    const agent = await startAgent();
    const collector = await startOtlpReceiver();
    t.after(() => Promise.all([agent.close(), collector.close()]));
    const research = await smallPeerFor(t);
    const finance = await smallPeerFor(t);
    const ledger = await ledgerFor(t, {
      directory: tempDir(t),
      env: { OUTRIDER_LEDGER_TOKEN: undefined, AGENTBREEDER_API_TOKEN: LEDGER_TOKEN },
    });
    const [inbound, a2a, mcp, cost] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
    const sidecarYaml = file(
      t,
      'sidecar.yaml',
      String.raw`
agent_version: 1.0.0
guardrails:
  - name: ssn-block
    type: regex
    pattern: '\b\d{3}-\d{2}-\d{4}\b'
    action: block # block | redact | warn (default redact)
  - name: profanity
    type: keyword
    pattern: "darn,heck"
    action: redact
    replace: "[CENSORED]"
a2a_peers:
  research-agent: ${research.url}
  # Per-peer bearer token: peer-token@@<url>
  finance-agent: finance-tok@@${finance.url}
`,
    );
    await outriderFor(t, {
      args: ['sidecar', '--config', sidecarYaml],
      env: {
        ...THEIRS_ONLY,
        AGENT_NAME: 'support-agent',
        AGENT_VERSION: '2.0.0',
        AGENTBREEDER_SIDECAR: 'enabled',
        AGENTBREEDER_SIDECAR_AGENT_URL: agent.url,
        AGENTBREEDER_SIDECAR_INBOUND_ADDR: `127.0.0.1:${inbound}`,
        AGENTBREEDER_SIDECAR_A2A_ADDR: `127.0.0.1:${a2a}`,
        AGENTBREEDER_SIDECAR_MCP_ADDR: `127.0.0.1:${mcp}`,
        AGENTBREEDER_SIDECAR_COST_ADDR: `127.0.0.1:${cost}`,
        AGENTBREEDER_SIDECAR_MCP_SERVERS: JSON.stringify({
          docs: { transport: 'http', url: 'http://127.0.0.1:1/mcp' },
        }),
        AGENTBREEDER_API_URL: ledger.url,
        AGENTBREEDER_API_TOKEN: LEDGER_TOKEN,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-team=eng',
        OTEL_BSP_SCHEDULE_DELAY: '50',
      },
    });
    const base = (port: number): string => `http://127.0.0.1:${port}`;
    const ask = (body: unknown) =>
      http(`${base(inbound)}/chat`, { body, headers: { Authorization: `Bearer ${TOKEN}` } });
    assert.equal((await ask({ q: 'what the heck' })).json.q, 'what the [CENSORED]');
    assert.equal((await ask({ q: '123-45-6789' })).status, 403);
    assert.equal((await http(`${base(inbound)}/chat`, { body: {} })).status, 401);
    assert.deepEqual((await http(`${base(inbound)}/health`)).json, {
      status: 'ok',
      agent: 'support-agent',
      version: '2.0.0',
    });

    // As their documentation has it, word by word.
    const result = await http(`${base(a2a)}/a2a/research-agent`, {
      body: { method: 'tasks/send', params: { message: 'summarise X' } },
    });
    assert.deepEqual(result.json['result'], { status: 'completed', echo: 'summarise X' });
    await http(`${base(a2a)}/a2a/finance-agent`, { body: { method: 'tasks/send', params: { message: 'x' } } });
    assert.deepEqual(
      [finance.header('authorization'), research.header('authorization')],
      [['Bearer finance-tok'], [undefined]],
    );
    assert.equal(
      (await http(`${base(mcp)}/mcp/docs`, { body: { method: 'tools/list', params: {} } })).json.error.code,
      -32_011,
    );
    const event = { model: 'claude-sonnet-4', input_tokens: 1024, output_tokens: 256, cost_usd: 0.0038, trace_id: 't' };
    assert.equal((await http(`${base(cost)}/cost`, { body: event })).status, 202);
    const row = await until(async () => (await ledger.ask('/api/v1/costs')).json.costs[0], 'the cost in their API');
    assert.deepEqual(
      [row.agent, row.agent_version, row.cost_usd, row.trace_id],
      ['support-agent', '2.0.0', 0.0038, 't'],
    );
    assert.equal((await ledger.ask('/api/v1/audit?event_type=cost.recorded')).json.audit.length, 1);
    await collector.waitFor((spans) => spans.length > 0);
    assert.equal(collector.requests[0]?.headers['x-team'], 'eng');
    assert.equal(fieldOf(agent.seen[0]?.headers ?? [], 'authorization'), undefined);
  });

  test('AGENTBREEDER_SIDECAR_ALLOW_NO_AUTH lets every caller in, and AGENTBREEDER_SIDECAR switches off', async (t) => {
    const open = await outriderFor(t, {
      env: { AGENT_AUTH_TOKEN: undefined, AGENTBREEDER_SIDECAR_ALLOW_NO_AUTH: '1' },
    });
    assert.equal((await http(`${open.inbound}/x`)).status, 502);
    assert.ok(open.logs().some(({ level, msg }) => level === 'warn' && /let in/.test(String(msg))));
    const off = await startOutrider({ wait: false, env: { AGENTBREEDER_SIDECAR: 'disabled' } });
    assert.equal((await off.process.exited).code, 0);
    await off.stop();
  });

  test('where both names are set, ours wins, with a warning', async (t) => {
    const agent = await startAgent();
    t.after(() => agent.close());
    const sidecar = await outriderFor(t, {
      agentUrl: agent.url,
      endWith: 'SIGKILL',
      env: {
        AGENTBREEDER_SIDECAR_AGENT_URL: 'http://127.0.0.1:1',
        AGENTBREEDER_API_URL: 'http://127.0.0.1:1',
        OUTRIDER_LEDGER_URL: agent.url,
      },
    });
    assert.equal((await http(`${sidecar.inbound}/x`, { headers: { Authorization: `Bearer ${TOKEN}` } })).status, 200);
    const warnings = sidecar
      .logs()
      .filter(({ level }) => level === 'warn')
      .map(({ msg }) => String(msg));
    for (const name of ['AGENTBREEDER_SIDECAR_AGENT_URL', 'AGENTBREEDER_API_URL']) {
      assert.ok(
        warnings.some((warning) => warning.includes(name)),
        `${name}: ${warnings.join('; ')}`,
      );
    }
  });
});

test("costs and audit look where the sidecar's own file puts its state", async (t) => {
  const directory = tempDir(t);
  const config = join(directory, 'outrider.yaml');
  writeFileSync(config, `data_dir: ${join(directory, 'state')}\n`);
  // In the same folder the file is found by itself, elsewhere by --config; neither needs what a sidecar needs to start.
  const none = await runOutrider(['costs'], { cwd: directory });
  assert.equal(none.code, 1);
  assert.ok(none.stderr.includes(join(directory, 'state')), none.stderr);
  const sidecar = await outriderFor(t, { dataDir: join(directory, 'state') });
  const cost = { model: 'in-the-file', input_tokens: 1, output_tokens: 1, cost_usd: 0.1 };
  assert.equal((await http(`${sidecar.helpers}/cost`, { body: cost })).status, 202);
  assert.match((await runOutrider(['costs'], { cwd: directory })).stdout, /"model":"in-the-file"/);
  const byFlag = await runOutrider(['audit', '--config', config], { cwd: tempDir(t) });
  assert.match(byFlag.stdout, /"event_type":"cost.recorded"/);
});

test('the ledger reads OUTRIDER_ALLOW_NO_AUTH as the sidecar does: yes is yes, and an empty one is none', async (t) => {
  const directory = tempDir(t);
  for (const env of [
    { OUTRIDER_ALLOW_NO_AUTH: 'yes' },
    { OUTRIDER_ALLOW_NO_AUTH: '', AGENTBREEDER_SIDECAR_ALLOW_NO_AUTH: '1' },
  ]) {
    const ledger = await ledgerFor(t, { directory, env: { OUTRIDER_LEDGER_TOKEN: undefined, ...env } });
    assert.equal((await http(`${ledger.url}/api/v1/costs`)).status, 200);
    await ledger.process.stop();
  }
  const refused = await runOutrider(['ledger', '--addr', '127.0.0.1:0'], {
    cwd: directory,
    env: { OUTRIDER_ALLOW_NO_AUTH: 'no' },
  });
  assert.notEqual(refused.code, 0);
});
