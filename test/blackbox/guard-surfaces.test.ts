import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, type TestContext, test } from 'node:test';
import zlib from 'node:zlib';
import { EVERYTHING } from '../peers/support.ts';
import { type Seen, startAgent, type TestAgent } from '../support/agent.ts';
import { type HttpReply, http } from '../support/http.ts';
import { metric, parseMetrics } from '../support/metrics.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { type Outrider, outriderFor, startOutrider, TOKEN } from '../support/outrider.ts';
import { fieldOf } from '../support/small-peer.ts';
import { until } from '../support/until.ts';

const MAIL = 'ada.planted@secret-mail.example';
const CARD = '4111111111111111';
const AUTH = { Authorization: `Bearer ${TOKEN}` };
const RULES = String.raw`
guardrails:
  - { name: watch, type: keyword, pattern: "nightjar", action: warn }
  - { name: no-bluebirds, type: keyword, pattern: "bluebird", action: block }
`;

/** What each rule finds, spelt so that the caller's words alone do not hold it: the peer puts the halves together. */
const HALVES: Record<string, [string, string]> = {
  redact: ['ada.planted', '@secret-mail.example'],
  block: ['blue', 'bird'],
  warn: ['night', 'jar'],
};
const WHOLE = { redact: MAIL, block: 'bluebird', warn: 'nightjar' } as const;
const RULE = { redact: 'email', block: 'no-bluebirds', warn: 'watch' } as const;
const EVENT = { redact: 'guardrail.redacted', block: 'guardrail.blocked', warn: 'guardrail.warned' } as const;
const ACTIONS = ['redact', 'block', 'warn'] as const;

interface AuditRow {
  event_type: string;
  resource: string;
  metadata: string;
}

function auditRows(dataDir: string): (AuditRow & { facts: Record<string, unknown> })[] {
  const db = new DatabaseSync(join(dataDir, 'ledger.db'), { readOnly: true, timeout: 5_000 });
  try {
    // The columns are those of the interface, and the table is STRICT.
    const rows = db.prepare('SELECT * FROM audit_log ORDER BY seq').all() as unknown as AuditRow[];
    return rows.map((row) => ({ ...row, facts: JSON.parse(row.metadata) }));
  } finally {
    db.close();
  }
}

async function counted(sidecar: Outrider, name: string, labels: Record<string, string>): Promise<number> {
  return metric(parseMetrics((await http(`${sidecar.helpers}/metrics`)).text), name, labels);
}

describe('every surface, every action', () => {
  let agent: TestAgent;
  let peer: TestAgent;
  let collector: OtlpReceiver;
  let sidecar: Outrider;

  before(async () => {
    // Puts together what it is given in halves.
    agent = await startAgent((_request, response, body) => {
      const { halves } = JSON.parse(body.toString() || '{}');
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ text: (halves ?? []).join('') }));
    });
    peer = await startAgent((_request, response, body) => answerRpc(response, JSON.parse(body.toString())));
    collector = await startOtlpReceiver();
    sidecar = await startOutrider({
      agentUrl: agent.url,
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '50' },
      config: `${RULES}
a2a_peers: { it: "${peer.url}" }
mcp_servers:
  tools: { transport: stdio, command: "${process.execPath}", args: ["${EVERYTHING}", stdio] }
`,
    });
  });
  after(async () => {
    await sidecar.stop();
    await Promise.all([agent.close(), peer.close(), collector.close()]);
  });

  interface Way {
    surface: string;
    path: string;
    /** Sends the whole text, or lets the other side make it of its halves. */
    send: (action: (typeof ACTIONS)[number]) => Promise<HttpReply>;
    /** What came out at the other end. */
    text: (reply: HttpReply) => string;
    seen: () => Seen[];
    id: unknown;
  }
  const rpc = (path: string, params: object, method = 'message/send'): Promise<HttpReply> =>
    http(sidecar.helpers + path, { body: { jsonrpc: '2.0', id: 'my-id', method, params } });
  const ways = (): Way[] => [
    {
      surface: 'request',
      path: '$.text',
      send: (action) => http(`${sidecar.inbound}/x`, { body: { text: WHOLE[action] }, headers: AUTH }),
      text: () => JSON.parse(agent.seen.at(-1)?.body.toString() ?? '{}').text,
      seen: () => agent.seen,
      id: undefined,
    },
    {
      surface: 'response',
      path: '$.text',
      send: (action) => http(`${sidecar.inbound}/x`, { body: { halves: HALVES[action] }, headers: AUTH }),
      text: (reply) => reply.json.text,
      seen: () => [],
      id: undefined,
    },
    {
      surface: 'a2a',
      path: '$.params.message',
      send: (action) => rpc('/a2a/it', { message: WHOLE[action] }),
      text: () => JSON.parse(peer.seen.at(-1)?.body.toString() ?? '{}').params.message,
      seen: () => peer.seen,
      id: 'my-id',
    },
    {
      surface: 'a2a',
      path: '$.result.echo',
      send: (action) => rpc('/a2a/it', { halves: HALVES[action] }),
      text: (reply) => reply.json.result.echo,
      seen: () => [],
      id: 'my-id',
    },
    {
      surface: 'mcp',
      path: '$.params.arguments.message',
      send: (action) => rpc('/mcp/tools', { name: 'echo', arguments: { message: WHOLE[action] } }, 'tools/call'),
      text: (reply) => reply.json.result.content[0].text.replace('Echo: ', ''),
      seen: () => [],
      id: 'my-id',
    },
  ];

  for (const [index, name] of [
    'requests to the agent',
    'its replies',
    'requests to peers',
    'their replies',
    'MCP, there and back',
  ].entries()) {
    for (const action of ACTIONS) {
      test(`${name}: ${action}`, async () => {
        const way = ways()[index] ?? assert.fail();
        const { surface } = way;
        const labels = { rule: RULE[action], action, surface };
        const before = await counted(sidecar, 'outrider_guard_hits_total', labels);
        const rowsBefore = auditRows(sidecar.dataDir).length;
        const seenBefore = way.seen().length;
        const reply = await way.send(action);
        assert.equal(reply.json.id, way.id);
        if (action === 'block') {
          const { code, rule } = reply.json.error?.data ?? reply.json;
          assert.deepEqual([reply.status, code, rule], [403, 'blocked', 'no-bluebirds']);
          if (way.id !== undefined) assert.deepEqual([reply.json.jsonrpc, reply.json.error.code], ['2.0', -32_013]);
          assert.doesNotMatch(reply.text, /bluebird(?!s)/i);
          assert.equal(way.seen().length, seenBefore, 'nobody was asked');
        } else {
          assert.equal(reply.status, 200, reply.text);
          assert.equal(way.text(reply), action === 'redact' ? '[REDACTED-EMAIL]' : 'nightjar');
        }
        // What peers and servers give back of what they were sent is seen again.
        const times = surface !== 'request' && index !== 1 && index !== 3 && action === 'warn' ? 2 : 1;
        assert.equal(await counted(sidecar, 'outrider_guard_hits_total', labels), before + times);
        const rows = await until(() => {
          const found = auditRows(sidecar.dataDir).slice(rowsBefore);
          return found.length >= times && found;
        }, 'the audit row');
        const { event_type, resource, facts } = rows[0] ?? assert.fail();
        assert.deepEqual([event_type, resource], [EVENT[action], `guardrail/${RULE[action]}`]);
        assert.deepEqual(facts, { rule: RULE[action], action, count: 1, path: way.path, surface });
        await collector.waitFor((spans) =>
          spans.some(({ events }) =>
            events.some(
              ({ name, attributes }) =>
                name === 'guard' &&
                attributes['outrider.guard.rule'] === RULE[action] &&
                attributes['outrider.guard.surface'] === surface &&
                attributes['outrider.guard.path'] === way.path,
            ),
          ),
        );
      });
    }
  }

  test('nothing of it is in a log, an audit row or a span', () => {
    const logs = sidecar.process.stdout + sidecar.process.stderr;
    const spans = JSON.stringify(collector.spans(), (_key, value) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    for (const text of [logs, spans, JSON.stringify(auditRows(sidecar.dataDir))]) {
      assert.doesNotMatch(text, /secret-mail|nightjar|bluebird(?!s)/i);
    }
  });
});

/** A peer that puts halves together, and streams when it is asked to. */
function answerRpc(response: ServerResponse, { id, params }: { id: unknown; params: Record<string, unknown> }): void {
  const result = (text: string): string =>
    JSON.stringify({ jsonrpc: '2.0', id, result: { kind: 'message', parts: [{ text }] } });
  if (Array.isArray(params['stream'])) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    for (const text of params['stream']) response.write(`data: ${result(String(text))}\n\n`);
    // One that is left open cannot be at hand as a whole.
    if (params['open'] !== true) response.end();
    return;
  }
  const halves = params['halves'];
  const echo = Array.isArray(halves) ? halves.join('') : params['message'];
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { echo } }));
}

describe('JSON-RPC', () => {
  const setUp = async (t: TestContext) => {
    const peer = await startAgent((_request, response, body) => answerRpc(response, JSON.parse(body.toString())));
    t.after(() => peer.close());
    const sidecar = await outriderFor(t, {
      config: `${RULES}
a2a_peers: { it: "${peer.url}" }
mcp_servers:
  tools: { transport: stdio, command: "${process.execPath}", args: ["${EVERYTHING}", stdio] }
`,
    });
    const ask = (body: unknown, path = '/a2a/it'): Promise<HttpReply> => http(sidecar.helpers + path, { body });
    return { peer, sidecar, ask };
  };

  test('a peer that streams: a card in six events, and a block in the middle under the id of the request', async (t) => {
    const { ask } = await setUp(t);
    const stream = ['pay ', '4111', ' 1111', ' 11', '11 1', '111', ' now '];
    const reply = await ask({ jsonrpc: '2.0', id: 7, method: 'message/stream', params: { stream } });
    const events = reply.text.split('\n\n').filter((event) => event !== '');
    assert.equal(events.length, stream.length);
    const text = events.map((event) => JSON.parse(event.slice(6)).result.parts[0].text).join('');
    assert.equal(text, 'pay [REDACTED-CC] now ');

    const blocked = await ask({
      id: '\u00fc-9',
      method: 'message/stream',
      params: { open: true, stream: ['a ', 'blue', 'bird', ' b '] },
    });
    const last = JSON.parse(blocked.text.trim().split('\n\n').at(-1)?.slice(6) ?? '');
    assert.deepEqual([last.jsonrpc, last.id, last.error.code], ['2.0', '\u00fc-9', -32_013]);
    assert.deepEqual([last.error.data.code, last.error.data.rule], ['blocked', 'no-bluebirds']);
    assert.doesNotMatch(blocked.text, /" b "/);
  });

  test('the id of a reply is the caller\u2019s own, also when a rule finds something in it; the peer does not get it', async (t) => {
    const { peer, ask } = await setUp(t);
    for (const id of [MAIL, Number(CARD), `x ${MAIL}`]) {
      for (const params of [{ message: 'hi' }, { stream: ['a', 'b'] }]) {
        const reply = await ask({ jsonrpc: '2.0', id, method: 'message/send', params });
        const ids =
          'stream' in params ? reply.text.match(/"id":("[^"]*"|\d+)/g) : [`"id":${JSON.stringify(reply.json.id)}`];
        for (const found of ids ?? assert.fail()) assert.equal(found, `"id":${JSON.stringify(id)}`);
        const asked = peer.seen.at(-1)?.body.toString() ?? '';
        assert.ok(!asked.includes(MAIL) && !asked.includes(CARD), asked);
      }
    }
    const tools = await ask({ id: MAIL, method: 'tools/list' }, '/mcp/tools');
    assert.equal(tools.json.id, MAIL);
    const missing = await ask({ id: MAIL, method: 'x' }, '/a2a/nobody');
    assert.deepEqual([missing.status, missing.json.id], [404, MAIL]);
  });

  test('what is no JSON is a parse error, whatever it calls itself', async (t) => {
    const { sidecar } = await setUp(t);
    for (const type of ['application/json', 'text/plain', 'image/png']) {
      const headers = { 'Content-Type': type };
      const reply = await http(`${sidecar.helpers}/a2a/it`, {
        body: `{"id":1,"params":{"message":"${MAIL}"}`,
        headers,
      });
      assert.deepEqual([reply.status, reply.json.error.code, reply.json.id], [400, -32_700, null]);
      const read = await http(`${sidecar.helpers}/a2a/it`, {
        body: `{"id":1,"params":{"message":"${MAIL}"}}`,
        headers,
      });
      assert.equal(read.json.result.echo, '[REDACTED-EMAIL]');
    }
  });
});

describe('requests beyond their bodies', () => {
  let agent: TestAgent;
  let sidecar: Outrider;
  before(async () => {
    agent = await startAgent((_request, response) => {
      response.setHeader('X-Note', `from ${MAIL}`);
      response.setHeader('X-Other', MAIL);
      response.setHeader('Content-Type', 'application/json');
      response.end('{}');
    });
    sidecar = await startOutrider({
      agentUrl: agent.url,
      config: `${RULES}\nguard_headers: [X-Note, x-more]\n`,
    });
  });
  after(async () => {
    await sidecar.stop();
    await agent.close();
  });
  const send = async (target: string, options: Parameters<typeof http>[1] = {}) => {
    const count = agent.seen.length;
    const reply = await http(sidecar.inbound + target, { ...options, headers: { ...AUTH, ...options.headers } });
    return { reply, seen: agent.seen[count] };
  };

  test('path and query: decoded, redacted, encoded again; all else stays as it was written', async () => {
    const redacted = encodeURIComponent('[REDACTED-EMAIL]');
    for (const [target, expected] of [
      [`/users/${MAIL}/x`, `/users/${redacted}/x`],
      [`/%75sers/${encodeURIComponent(MAIL)}`, `/%75sers/${redacted}`],
      [`/a+b/x%3A${CARD}?q=1&q=2`, `/a+b/x%3A${encodeURIComponent('[REDACTED-CC]')}?q=1&q=2`],
      [`/x?a=%41&mail=${MAIL}&b=+%2B`, `/x?a=%41&mail=${redacted}&b=+%2B`],
      [`/x?${encodeURIComponent(MAIL)}=1`, `/x?${redacted}=1`],
      ['/x?n=4111+1111+1111+1111', `/x?n=${encodeURIComponent('[REDACTED-CC]')}`],
      ['/clean/%E2%82%AC?a=b%20c&&=&d', '/clean/%E2%82%AC?a=b%20c&&=&d'],
      ['/odd/%zz%4?%&=%', '/odd/%zz%4?%&=%'],
    ] as const) {
      const { seen } = await send(target);
      assert.equal(seen?.target, expected);
    }
    for (const target of ['/blue%62ird', '/x?q=b%6Cuebird', '/x?bluebird']) {
      const { reply, seen } = await send(target);
      assert.deepEqual([reply.status, reply.json.rule, seen], [403, 'no-bluebirds', undefined], target);
    }
  });

  test('chosen headers, in requests and replies; others are not looked at', async () => {
    const { reply, seen } = await send('/x', { headers: { 'x-note': `by ${MAIL}`, 'X-Else': MAIL } });
    assert.equal(fieldOf(seen?.headers ?? [], 'x-note'), 'by [REDACTED-EMAIL]');
    assert.equal(fieldOf(seen?.headers ?? [], 'x-else'), MAIL);
    assert.deepEqual([reply.headers['x-note'], reply.headers['x-other']], ['from [REDACTED-EMAIL]', MAIL]);
    const blocked = await send('/x', { headers: { 'X-More': 'a Bluebird' } });
    assert.deepEqual([blocked.reply.status, blocked.seen], [403, undefined]);
  });

  test('one row for each rule, for all of a request together', async () => {
    await send(`/${MAIL}?a=${MAIL}`, { body: { a: MAIL, b: [MAIL] }, headers: { 'X-Note': MAIL } });
    const rows = await until(() => {
      const found = auditRows(sidecar.dataDir).filter(({ facts }) => facts['path'] === '$.a');
      return found.length > 0 && found;
    }, 'the row');
    const own = rows.filter(({ facts }) => facts['surface'] === 'request');
    assert.deepEqual(
      own.map(({ facts }) => facts),
      [{ rule: 'email', action: 'redact', count: 5, path: '$.a', surface: 'request' }],
    );
  });

  test('NDJSON requests stream through, a match may be in several lines; a block stops them', async () => {
    const lines = (...parts: string[]): ReadableStream =>
      new ReadableStream({
        start(controller) {
          for (const text of parts) controller.enqueue(Buffer.from(`${JSON.stringify({ text })}\n`));
          controller.close();
        },
      });
    const post = (body: ReadableStream): Promise<Response> =>
      fetch(`${sidecar.inbound}/x`, {
        method: 'POST',
        headers: { ...AUTH, 'Content-Type': 'application/x-ndjson' },
        body,
        duplex: 'half',
        signal: AbortSignal.timeout(15_000),
      });
    assert.equal((await post(lines('to ada.plan', 'ted@secret-mail.ex', 'ample now'))).status, 200);
    const texts = (agent.seen.at(-1)?.body.toString() ?? '').trim().split('\n');
    assert.deepEqual(
      texts.map((line) => JSON.parse(line).text),
      ['to [REDACTED-EMAIL]', '', ' now'],
    );
    const count = agent.seen.length;
    const blocked = await post(lines('one', 'blue', 'bird'));
    assert.deepEqual([blocked.status, ((await blocked.json()) as { rule: string }).rule], [403, 'no-bluebirds']);
    assert.equal(agent.seen.length, count, 'the agent got no whole request');
  });

  test('what is signed is refused, digests are made anew', async () => {
    const body = `{"a":"${MAIL}"}`;
    const signed = await send('/x', { body, headers: { 'X-Hub-Signature-256': 'sha256=00' } });
    assert.deepEqual([signed.reply.status, signed.reply.json.rule, signed.seen], [403, 'email', undefined]);
    const path = await send(`/${MAIL}`, {
      headers: { 'Signature-Input': 'sig1=("@method" "@path");created=1', Signature: 'sig1=:AA==:' },
    });
    assert.deepEqual([path.reply.status, path.reply.json.reason], [403, 'signed']);
    const field = await send('/x', {
      headers: { 'X-Note': MAIL, 'Signature-Input': 'sig1=("x-note");created=1', Signature: 'sig1=:AA==:' },
    });
    assert.equal(field.reply.status, 403);
    const other = await send('/x', {
      body,
      headers: {
        'Signature-Input': 'sig1=("@method");created=1',
        Signature: 'sig1=:AA==:',
        'Content-Digest': 'sha-256=:AA==:',
      },
    });
    const sum = createHash('sha256').update('{"a":"[REDACTED-EMAIL]"}').digest('base64');
    assert.equal(fieldOf(other.seen?.headers ?? [], 'content-digest'), `sha-256=:${sum}:`);
  });
});

describe('what cannot be read', () => {
  const setUp = async (t: TestContext, policy: string) => {
    const agent = await startAgent();
    t.after(() => agent.close());
    const sidecar = await outriderFor(t, {
      agentUrl: agent.url,
      config: `${RULES}\n${policy}\nlimits: { body_bytes: 64KiB }\n`,
    });
    const send = async (body: string | Buffer, headers: Record<string, string>) => {
      const count = agent.seen.length;
      const reply = await http(`${sidecar.inbound}/x`, { body, headers: { ...AUTH, ...headers } });
      return { reply, seen: agent.seen[count] };
    };
    return { sidecar, send };
  };
  const JSON_TYPE = { 'Content-Type': 'application/json' };
  const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 7]);
  const CASES: [reason: string, status: number, headers: Record<string, string>, body: string | Buffer][] = [
    ['invalid_json', 400, JSON_TYPE, '{"a":"x"'],
    ['unknown_encoding', 415, { ...JSON_TYPE, 'Content-Encoding': 'rot13' }, '{}'],
    ['malformed_encoding', 400, { ...JSON_TYPE, 'Content-Encoding': 'gzip' }, '{}'],
    ['unknown_charset', 415, { 'Content-Type': 'text/plain; charset=shift_jis' }, 'abc'],
    ['ambiguous', 400, { 'Content-Type': 'multipart/form-data; boundary=a; boundary=b' }, 'abc'],
    ['too_large', 413, JSON_TYPE, JSON.stringify('x'.repeat(70_000))],
    ['too_large', 413, { ...JSON_TYPE, 'Content-Encoding': 'gzip' }, zlib.gzipSync(Buffer.alloc(2 ** 20, 32))],
  ];

  for (const policy of ['', 'on_unreadable: block', 'on_unreadable: pass']) {
    test(`${policy === '' ? 'unset' : policy}: refused or passed, always with a count and a row`, async (t) => {
      const { sidecar, send } = await setUp(t, policy);
      const passes = policy.endsWith('pass');
      const cases: typeof CASES = [...CASES, ['binary', 415, { 'Content-Type': 'image/png' }, PNG]];
      for (const [reason, status, headers, body] of cases) {
        const action = passes || (reason === 'binary' && policy === '') ? 'passed' : 'blocked';
        const requests = { surface: 'request', reason, action };
        const before = await counted(sidecar, 'outrider_guard_unreadable_total', requests);
        const rowsBefore = auditRows(sidecar.dataDir).length;
        const { reply, seen } = await send(body, headers);
        if (action === 'blocked') {
          assert.deepEqual([reply.status, reply.json.reason, seen], [status, reason, undefined], reason);
        } else {
          // The agent sends back what it got: neither direction has changed it.
          assert.equal(reply.status, 200, `${reason} ${reply.text.slice(0, 200)}`);
          assert.ok(seen?.body.equals(Buffer.from(body)), reason);
        }
        assert.equal(await counted(sidecar, 'outrider_guard_unreadable_total', requests), before + 1, reason);
        const row = await until(
          () =>
            auditRows(sidecar.dataDir)
              .slice(rowsBefore)
              .find(({ facts }) => facts['surface'] === 'request'),
          'the row',
        );
        assert.equal(row.event_type, 'guardrail.unreadable');
        assert.deepEqual(row.facts, { reason, action, surface: 'request' });
      }
    });
  }

  test('what passes is scanned as text all the same', async (t) => {
    const { send } = await setUp(t, 'on_unreadable: pass');
    for (const headers of [JSON_TYPE, { 'Content-Type': 'text/plain; charset=shift_jis' }]) {
      const { seen } = await send(`{"a":"${MAIL}"`, headers);
      assert.equal(seen?.body.toString(), '{"a":"[REDACTED-EMAIL]"');
      assert.equal((await send('{"a":"bluebird"', headers)).reply.status, 403);
    }
  });
});
