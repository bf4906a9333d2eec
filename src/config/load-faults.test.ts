import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { faults, load } from './load.fixtures.test.ts';

describe('YAML faults', () => {
  const cases: [string, string, string][] = [
    ['a list', '- a\n', '1:1: expected a mapping of keys to values'],
    ['a text', 'hello', '1:1: expected a mapping of keys to values'],
    ['two documents', 'team: a\n---\nteam: b\n', '2:1: invalid YAML: the file holds more than one document'],
    ['a duplicate key', 'team: a\nlimits: {burst: 1, burst: 2}\n', '2:20: limits.burst: the key stands here twice'],
    ['an open quote', 'team: "a\n', '2:1: invalid YAML: a closing quote, bracket, brace or colon is missing'],
    ['a tab', 'limits:\n\tburst: 1\n', '2:1: invalid YAML: tabs cannot indent'],
    ['an unknown alias', 'team: *x\n', '1:7: team: the alias has no anchor before it'],
    ['a cycle', 'limits: &a\n  burst: *a\n', '2:10: limits.burst: the alias stands inside its own anchor'],
    ['an unknown tag', 'team: !secret x\n', '1:7: invalid YAML: a tag that is not known, or does not fit its value'],
    ['a mapping as a key', '{a: b}: c\n', '1:1: expected text as a key'],
    ['a wrong merge', 'limits: {<<: 5}\n', '1:14: limits: expected a mapping, or a list of them, to merge'],
    ['a prototype', 'a2a_peers: {__proto__: http://x}\n', '1:13: a2a_peers.__proto__: not allowed as a key'],
  ];
  for (const [name, text, expected] of cases) {
    it(`names ${name}`, async () => assert.deepEqual(await faults(text), [expected]));
  }

  it('never quotes the text', async () => {
    for (const text of [
      'team: "hunter2" hunter2\n',
      '"hunter2\n',
      'a: b: hunter2\n',
      '%hunter2\n',
      'a: !hunter2 x\n',
    ]) {
      assert.doesNotMatch((await faults(text)).join('\n'), /hunter2/);
    }
  });

  it('bounds what aliases multiply into', async () => {
    const levels = Array.from(
      { length: 9 },
      (_, level) => `  l${level + 1}: &l${level + 1} [${`*l${level}, `.repeat(10)}]`,
    );
    const text = `limits:\n  l0: &l0 x\n${levels.join('\n')}\n`;
    const started = performance.now();
    assert.match((await faults(text))[0] ?? '', /too many values, with all aliases expanded/);
    assert.ok(performance.now() - started < 5000);
  });

  it('bounds depth', async () => {
    assert.match((await faults(`limits: ${'['.repeat(100)}${']'.repeat(100)}`))[0] ?? '', /nested too deeply/);
    assert.match((await faults(`limits: ${'['.repeat(20_000)}`))[0] ?? '', /invalid YAML/);
  });
});

describe('schema faults', () => {
  const URL = 'expected an http:// or https:// URL';
  const TEXT = 'expected URL or TOKEN@@URL, with an http:// or https:// URL';
  const SLUG = 'cannot be a name here: expected letters, digits, ".", "_" and "-", at most 128';
  const DURATION = 'expected a duration such as 250ms, 25s, 5m or 1h, or a number of seconds';
  const SIZE = 'expected a size such as 16KiB, 10MiB or 1GB, or a number of bytes';
  const rule = 'guardrails: [{name: a, type: regex, pattern: ';
  const cases: [string, ...string[]][] = [
    ['agent_nam: x', '1:1: agent_nam: unknown key (did you mean agent_name?)'],
    ['agentName: x', '1:1: agentName: unknown key (did you mean agent_name?)'],
    ['zzzzzzzz: x', '1:1: zzzzzzzz: unknown key'],
    ['"\\e[31m": x', '1:1: ["\\u001b[31m"]: unknown key'],
    ['limits: {header_byte: 1}', '1:10: limits.header_byte: unknown key (did you mean header_bytes?)'],
    ['limits: 5', '1:9: limits: expected a mapping, found a number'],
    ['limits: {burst: 1.5}', '1:17: limits.burst: expected a whole number, found a number'],
    ['limits: {body_bytes: lots}', `1:22: limits.body_bytes: ${SIZE}`],
    ['limits: {body_bytes: 99999999999GiB}', `1:22: limits.body_bytes: ${SIZE}`],
    ['drain_timeout: 5x', `1:16: drain_timeout: ${DURATION}`],
    ['drain_timeout: [5]', `1:16: drain_timeout: ${DURATION}`],
    ['drain_timeout: 30d', '1:16: drain_timeout: expected at most 596h'],
    ['timeouts: {idle: 0}', '1:18: timeouts.idle: expected at least 1ms'],
    ['log_level: debg', '1:12: log_level: expected one of debug, info, warn, error (did you mean debug?)'],
    ['forward_authorization: maybe', '1:24: forward_authorization: expected true or false, found text'],
    ['guardrails: {a: b}', '1:13: guardrails: expected a list, found a mapping'],
    ['guardrails: [{}]', ...['name', 'type', 'pattern'].map((key) => `1:14: guardrails[0].${key}: required`)],
    [`${rule}'(a'}]`, '1:46: guardrails[0].pattern: not an RE2 expression: missing closing ): `(a`'],
    [
      `${rule}'(?=a)'}]`,
      '1:46: guardrails[0].pattern: not an RE2 expression: invalid or unsupported Perl syntax: `(?=`',
    ],
    [
      'guardrails: [{name: a, type: keyword, pattern: ", ,"}]',
      '1:48: guardrails[0].pattern: expected comma-separated words',
    ],
    ['a2a_peers: {a: 42}', `1:16: a2a_peers.a: ${TEXT}`],
    ['a2a_peers: {a: }', '1:16: a2a_peers.a: expected URL, TOKEN@@URL, or a mapping with `url`'],
    ['a2a_peers: {a: ftp://x}', `1:16: a2a_peers.a: ${TEXT}`],
    ['a2a_peers: {a: "@@http://x"}', `1:16: a2a_peers.a: ${TEXT}`],
    ['a2a_peers: {a: "a b@@http://x"}', `1:16: a2a_peers.a: ${TEXT}`],
    ['a2a_peers: {a: {url: x}}', `1:22: a2a_peers.a.url: ${URL}`],
    [
      'a2a_peers: {a: {ulr: "http://x"}}',
      '1:16: a2a_peers.a.url: required',
      '1:17: a2a_peers.a.ulr: unknown key (did you mean url?)',
    ],
    ['a2a_peers: {"a b": "http://x"}', `1:13: a2a_peers["a b"]: ${SLUG}`],
    [
      'a2a_peers: {a: {url: "http://x", token: t, token_env: T}}',
      '1:55: a2a_peers.a.token_env: `token` and `token_env` exclude each other',
    ],
    [
      'a2a_peers: {a: {url: "http://x", token_env: NOPE}}',
      '1:45: a2a_peers.a.token_env: the environment variable NOPE is not set',
    ],
    ['mcp_servers: {a: {}}', '1:18: mcp_servers.a.transport: required'],
    [
      'mcp_servers: {a: {transport: htp}}',
      '1:30: mcp_servers.a.transport: expected one of http, streamable_http, sse, stdio (did you mean http?)',
    ],
    [
      'mcp_servers: {a: {transport: stdio, comand: x}}',
      '1:18: mcp_servers.a.command: required',
      '1:37: mcp_servers.a.comand: unknown key (did you mean command?)',
    ],
    ['mcp_servers: {a: {transport: http}}', '1:18: mcp_servers.a.url: required'],
    [
      'mcp_servers: {a: {transport: sse, url: "http://x", headers: {"a b": c}}}',
      '1:62: mcp_servers.a.headers["a b"]: cannot be a name here: expected a header\'s name',
    ],
    [
      'mcp_servers: {a: {transport: sse, url: "http://x", headers: {a: "b\\nc"}}}',
      '1:65: mcp_servers.a.headers.a: expected a header value: no line breaks, no control characters',
    ],
    ['agent_url: unix:/x', `1:12: agent_url: ${URL}`],
    ['inbound_addr: "8080"', '1:15: inbound_addr: expected HOST:PORT or :PORT'],
    ['inbound_addr: ":99999"', '1:15: inbound_addr: expected HOST:PORT or :PORT, with a port up to 65535'],
  ];
  for (const [text, ...expected] of cases) {
    it(`names ${text}`, async () => assert.deepEqual(await faults(text), expected));
  }

  it('reports everything together, in order of place', async () => {
    assert.deepEqual(
      await faults(
        'teem: x\nlimits: {burst: no}\ninbound_addr: ":9090"\na2a_peers: {a: 1, b: {url: "http://b", token_env: NOPE}}\n',
        {
          OUTRIDER_ALLOW_NO_AUTH: 'perhaps',
          OUTRIDER_MCP_SERVERS: '{"a": [1,]}',
          OUTRIDER_LOG_LEVEL: 'loud',
          OUTRIDER_LEDGER_TOKEN: 'a b',
        },
      ),
      [
        'agent_name: required: set AGENT_NAME, or this key in the file',
        '1:1: teem: unknown key (did you mean team?)',
        '2:17: limits.burst: expected a number, found text',
        '3:15: inbound_addr: the same port as a2a_addr',
        `4:16: a2a_peers.a: ${TEXT}`,
        '4:51: a2a_peers.b.token_env: the environment variable NOPE is not set',
        'env AGENT_AUTH_TOKEN: no bearer token: set AGENT_AUTH_TOKEN, or OUTRIDER_AUTH_TOKENS_FILE for several, or, to let every caller in, OUTRIDER_ALLOW_NO_AUTH=1',
        'env OUTRIDER_ALLOW_NO_AUTH: allow_no_auth: expected 1 or 0',
        'env OUTRIDER_LEDGER_TOKEN: expected a token of visible ASCII characters, without spaces',
        'env OUTRIDER_LOG_LEVEL: log_level: expected one of debug, info, warn, error',
        'env OUTRIDER_MCP_SERVERS:1:10: mcp_servers: malformed JSON: expected a value',
      ],
    );
  });

  it('does not miss keys in a file that could not be read', async () => {
    assert.deepEqual(await faults('agent_name: "x\n', {}), [
      '2:1: invalid YAML: a closing quote, bracket, brace or colon is missing',
    ]);
  });

  it('keeps a long list short', async () => {
    const text = Array.from({ length: 500 }, (_, index) => `zzzzzzzzz${index}: 1`).join('\n');
    const lines = await faults(text);
    assert.equal(lines.length, 101);
    assert.match(lines.at(-1) ?? '', /and 400 more$/);
  });
});

describe('listeners', () => {
  const LOOPBACK = 'helpers ask for no token, so they listen on loopback only: expected 127.0.0.1:PORT';
  const cases: [string, ...string[]][] = [
    ['a2a_addr: ":9095"', `1:11: a2a_addr: ${LOOPBACK}`],
    ['mcp_addr: "0.0.0.0:9095"', `1:11: mcp_addr: ${LOOPBACK}`],
    ['cost_addr: "10.0.0.1:9095"', `1:12: cost_addr: ${LOOPBACK}`],
    ['cost_addr: "example.com:9095"', `1:12: cost_addr: ${LOOPBACK}`],
    ['mcp_addr: "localhost:9090"', '1:11: mcp_addr: the same port as a2a_addr'],
    ['inbound_addr: ":9092"', '1:15: inbound_addr: the same port as cost_addr'],
    ['agent_url: http://localhost:8080', '1:12: agent_url: points at ourselves: inbound_addr is the same address'],
    ['agent_url: http://[::1]:8080/x', '1:12: agent_url: points at ourselves: inbound_addr is the same address'],
    ['agent_url: http://0.0.0.0:9090', '1:12: agent_url: points at ourselves: a2a_addr is the same address'],
    ['inbound_addr: "127.0.0.1:8081"', '1:15: inbound_addr: the same address as agent_url, where the agent listens'],
    [
      '{inbound_addr: ":80", agent_url: "http://127.0.0.1"}',
      '1:34: agent_url: points at ourselves: inbound_addr is the same address',
    ],
  ];
  for (const [text, ...expected] of cases) {
    it(`refuses ${text}`, async () => assert.deepEqual(await faults(text), expected));
  }

  for (const text of [
    '{inbound_addr: ":0", a2a_addr: "127.0.0.1:0", mcp_addr: "127.0.0.1:0", cost_addr: "127.0.0.1:0"}',
    '{a2a_addr: "[::1]:9090", mcp_addr: "localhost:9091", cost_addr: "127.0.0.2:9092"}',
    'agent_url: http://agent:8080',
    '{inbound_addr: "10.0.0.1:9090"}',
  ]) {
    it(`takes ${text}`, async () => void (await load(text)));
  }
});
