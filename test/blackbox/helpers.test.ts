import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { networkInterfaces } from 'node:os';
import { after, before, describe, type TestContext, test } from 'node:test';
import { Role } from '@a2a-js/sdk';
import { ClientFactory, JsonRpcTransportFactory } from '@a2a-js/sdk/client';
import { startAgent, type TestAgent } from '../support/agent.ts';
import { http } from '../support/http.ts';
import { metric, parseMetrics } from '../support/metrics.ts';
import { type Outrider, outriderFor, startOutrider, TOKEN } from '../support/outrider.ts';
import { sdkPeerFor } from '../support/sdk-peer.ts';
import { smallPeerFor } from '../support/small-peer.ts';
import { until } from '../support/until.ts';

/** A port on which nobody listens. */
const NOBODY = 'http://127.0.0.1:1';
const PEER_TOKEN = 'peer-token-of-billing';
const OTHER_TOKEN = 'peer-token-of-legal';

describe('A2A peers of the tasks/send kind', () => {
  const setUp = async (t: TestContext) => {
    const billing = await smallPeerFor(t);
    const legal = await smallPeerFor(t);
    const open = await smallPeerFor(t);
    const odd = await smallPeerFor(t, ODD);
    const sidecar = await outriderFor(t, {
      env: { LEGAL_TOKEN: OTHER_TOKEN },
      config: `
limits: { body_bytes: 64KiB }
timeouts: { peer: 1s }
a2a_peers:
  billing: "${PEER_TOKEN}@@${billing.url}"
  legal: { url: "${legal.url}", path: /rpc, token_env: LEGAL_TOKEN }
  open: ${open.url}
  odd: ${odd.url}
  gone: ${NOBODY}
`,
    });
    const ask = (name: string, body: unknown, headers = {}) =>
      http(`${sidecar.helpers}/a2a/${name}`, { body, headers });
    return { sidecar, billing, legal, open, odd, ask };
  };

  test('params are enough; the whole response comes back; what went wrong has its code and status', async (t) => {
    const { sidecar, billing, ask } = await setUp(t);
    const short = await ask('billing', { params: { message: 'refund order 7' } });
    assert.equal(short.status, 200);
    assert.deepEqual(short.json['result'], { status: 'completed', echo: 'refund order 7' });
    assert.equal(short.json.jsonrpc, '2.0');
    const [asked] = billing.asked();
    assert.deepEqual(Object.keys(asked).sort(), ['id', 'jsonrpc', 'method', 'params']);
    assert.deepEqual([asked.jsonrpc, asked.method], ['2.0', 'tasks/send']);
    assert.ok(['string', 'number'].includes(typeof asked.id));
    assert.equal(short.json.id, asked.id);
    assert.equal(billing.seen[0]?.target, '/a2a');

    await ask('billing', { jsonrpc: '2.0', id: 'mine', method: 'tasks/get', params: { id: 't' } });
    assert.deepEqual(billing.asked()[1], { jsonrpc: '2.0', id: 'mine', method: 'tasks/get', params: { id: 't' } });

    const expected: [name: string, body: unknown, status: number, code: number][] = [
      ['nobody', { id: 3, params: {} }, 404, -32_010],
      ['__proto__', { id: 3, params: {} }, 404, -32_010],
      ['gone', { id: 3, params: {} }, 502, -32_011],
      ['odd', { id: 3, params: { how: 'html' } }, 502, -32_011],
      ['odd', { id: 3, params: { how: 'silent' } }, 504, -32_012],
      ['billing', { id: 3, params: { message: 'x'.repeat(70_000) } }, 413, -32_014],
      ['odd', { id: 3, params: { how: 'large' } }, 413, -32_014],
      ['billing', '{"params":', 400, -32_700],
      ['billing', '', 400, -32_700],
      ['billing', '[]', 400, -32_600],
    ];
    for (const [name, body, status, code] of expected) {
      const reply = await ask(name, body);
      assert.deepEqual(
        [reply.status, reply.json?.error?.code],
        [status, code],
        `${name} ${JSON.stringify(body).slice(0, 60)}`,
      );
      assert.equal(reply.json.jsonrpc, '2.0');
      assert.equal(typeof reply.json.error.message, 'string');
      assert.match(String(reply.headers['content-type']), /^application\/json/);
      assert.doesNotMatch(reply.text, /127\.0\.0\.1|ECONN|internal secret/);
      // What was too large or no JSON was not read for its id.
      assert.equal(reply.json.id, typeof body === 'object' && name !== 'billing' ? 3 : null);
    }
    const metrics = parseMetrics((await http(`${sidecar.helpers}/metrics`)).text);
    const errors = (peer: string, code: string) => metric(metrics, 'outrider_upstream_errors_total', { peer, code });
    assert.deepEqual(
      [errors('gone', 'unreachable'), errors('odd', 'unreachable'), errors('odd', 'timeout')],
      [1, 1, 1],
    );
    const get = await http(`${sidecar.helpers}/a2a/billing`);
    assert.deepEqual([get.status, get.headers.allow], [405, 'POST']);
  });

  test('a token goes to its peer alone, and that of the inbound callers to none', async (t) => {
    const { sidecar, billing, legal, open, ask } = await setUp(t);
    const headers = { Authorization: `Bearer ${TOKEN}`, Cookie: 'session=1', 'X-Api-Key': 'k' };
    for (const name of ['billing', 'legal', 'open'])
      assert.equal((await ask(name, { params: {} }, headers)).status, 200);
    assert.deepEqual(billing.header('authorization'), [`Bearer ${PEER_TOKEN}`]);
    assert.deepEqual(legal.header('authorization'), [`Bearer ${OTHER_TOKEN}`]);
    assert.deepEqual(open.header('authorization'), [undefined]);
    assert.equal(legal.seen[0]?.target, '/rpc');
    for (const peer of [billing, legal, open]) {
      const sent = JSON.stringify(peer.seen.map((seen) => seen.headers));
      assert.ok(!sent.includes(TOKEN) && !sent.includes('session=1') && !sent.includes('x-api-key'));
    }
    const { stdout, stderr } = sidecar.process;
    for (const secret of [PEER_TOKEN, OTHER_TOKEN, TOKEN]) assert.ok(!(stdout + stderr).includes(secret));
  });
});

/** Misbehaves as it is asked to. */
const ODD = (response: ServerResponse, body: Buffer): void => {
  const { how } = JSON.parse(body.toString()).params;
  if (how === 'html') response.writeHead(500, { 'Content-Type': 'text/html' }).end('<p>internal secret</p>');
  if (how === 'large') response.end(JSON.stringify({ jsonrpc: '2.0', id: 3, result: 'x'.repeat(70_000) }));
};

test('events of a peer arrive one by one, and a reader that leaves ends its request', async (t) => {
  let next: () => void = () => undefined;
  let left = 0;
  const peer = await smallPeerFor(t, (response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    let sent = 0;
    next = () => {
      response.write(`data: ${++sent}\n\n`);
    };
    next();
    response.on('close', () => left++);
  });
  const { helpers } = await outriderFor(t, { config: `a2a_peers: { it: "${peer.url}" }` });
  const leave = new AbortController();
  const reply = await fetch(`${helpers}/a2a/it`, {
    method: 'POST',
    body: '{"method":"tasks/sendSubscribe","params":{"message":"go"}}',
    signal: AbortSignal.any([leave.signal, AbortSignal.timeout(10_000)]),
  });
  assert.equal(reply.headers.get('content-type'), 'text/event-stream');
  const reader = reply.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.ok(reader);
  for (const n of [1, 2, 3]) {
    // The next one is sent when this one is here: whoever buffered would wait for ever.
    assert.deepEqual(await reader.read(), { done: false, value: `data: ${n}\n\n` });
    next();
  }
  leave.abort();
  await reader.read().catch(() => undefined);
  await until(() => left === 1, 'the peer seeing that the reader has left');
});

describe('a peer of the official A2A SDK', () => {
  test('its client works through the sidecar, event by event', async (t) => {
    const peer = await sdkPeerFor(t, { stepwise: true });
    const { helpers } = await outriderFor(t, { config: `a2a_peers: { parrot: { url: "${peer.url}", path: /rpc } }` });
    const supportedInterfaces = peer.card.supportedInterfaces
      .filter(({ protocolVersion }) => protocolVersion === '1.0')
      .map((one) => ({ ...one, url: `${helpers}/a2a/parrot` }));
    const factory = new ClientFactory({ transports: [new JsonRpcTransportFactory()] });
    const client = await factory.createFromAgentCard({ ...peer.card, supportedInterfaces });
    const kinds: string[] = [];
    for await (const { payload } of client.sendMessageStream(messageOf('hello'), {
      signal: AbortSignal.timeout(10_000),
    })) {
      kinds.push(payload?.$case ?? '');
      peer.next();
    }
    assert.deepEqual(kinds, ['task', 'artifactUpdate', 'artifactUpdate', 'statusUpdate']);
    assert.equal(peer.headers[0]?.['a2a-version'], '1.0');
  });

  test('its methods in plain JSON-RPC, of A2A 1.0 and of 0.3', async (t) => {
    const peer = await sdkPeerFor(t);
    const { helpers } = await outriderFor(t, { config: `a2a_peers: { parrot: { url: "${peer.url}", path: /rpc } }` });
    const url = `${helpers}/a2a/parrot`;
    const sent = await http(url, {
      headers: { 'A2A-Version': '1.0' },
      body: {
        method: 'SendMessage',
        params: { message: { messageId: 'm', role: 'ROLE_USER', parts: [{ text: 'hello' }] } },
      },
    });
    assert.equal(sent.json.result.task.status.state, 'TASK_STATE_COMPLETED', sent.text);
    const parts = sent.json.result.task.artifacts[0].parts.map(({ text }: { text: string }) => text);
    assert.equal(parts.join(''), 'you said hello');
    const unknown = await http(url, {
      headers: { 'A2A-Version': '1.0' },
      body: { id: 8, method: 'GetTask', params: { id: 'nope' } },
    });
    assert.deepEqual([unknown.json.id, unknown.json.error.code], [8, -32_001]);
    const old = await http(url, {
      body: {
        method: 'message/send',
        params: { message: { kind: 'message', messageId: 'm', role: 'user', parts: [{ kind: 'text', text: 'hi' }] } },
      },
    });
    assert.equal(old.json.result?.status?.state, 'completed', old.text);
  });
});

function messageOf(text: string) {
  const part = {
    content: { $case: 'text' as const, value: text },
    metadata: undefined,
    filename: '',
    mediaType: 'text/plain',
  };
  return {
    tenant: '',
    message: {
      messageId: 'm',
      contextId: '',
      taskId: '',
      role: Role.ROLE_USER,
      parts: [part],
      metadata: undefined,
      extensions: [],
      referenceTaskIds: [],
    },
    configuration: undefined,
    metadata: undefined,
  };
}

describe('who is answered where', () => {
  let agent: TestAgent;
  let sidecar: Outrider;
  before(async () => {
    agent = await startAgent((_request, response) => {
      response.setHeader('Content-Type', 'application/json');
      response.end('{"jsonrpc":"2.0","id":1,"result":"here"}');
    });
    sidecar = await startOutrider({ agentUrl: agent.url, config: `a2a_peers: { it: "${agent.url}" }` });
  });
  after(async () => {
    await agent.close();
    await sidecar.stop();
  });
  const cost = { model: 'm', input_tokens: 1, output_tokens: 1, cost_usd: 0.1 };

  test('9090 has all helpers, 9091 /mcp alone, 9092 /cost alone; none asks for a token', async () => {
    const statusOf = async (base: string, path: string, body?: unknown) => (await http(base + path, { body })).status;
    const { helpers, mcp, cost: costs } = sidecar;
    // An MCP server that is not configured is 404 as well, but as a JSON-RPC error, from the one that serves /mcp.
    const servesMcp = async (base: string) =>
      (await http(`${base}/mcp/none`, { body: { method: 'ping' } })).json?.error?.code === -32_010;
    assert.deepEqual(
      [await statusOf(helpers, '/a2a/it', {}), await statusOf(helpers, '/cost', cost), await servesMcp(helpers)],
      [200, 202, true],
    );
    assert.deepEqual([await statusOf(helpers, '/health'), await statusOf(helpers, '/metrics')], [200, 200]);
    assert.deepEqual(
      [await statusOf(mcp, '/a2a/it', {}), await statusOf(mcp, '/cost', cost), await servesMcp(mcp)],
      [404, 404, true],
    );
    assert.deepEqual(
      [await statusOf(costs, '/a2a/it', {}), await statusOf(costs, '/cost', cost), await servesMcp(costs)],
      [404, 202, false],
    );
    for (const base of [mcp, costs]) assert.equal(await statusOf(base, '/metrics'), 404);
    for (const base of [helpers, mcp, costs]) {
      for (const path of [
        '/',
        '/x',
        '/A2A/it',
        '/%612a/it',
        '/openapi.json',
        '/ready',
        '/costs',
        '/cost/',
        '/a2a',
        '/mcp',
      ]) {
        const reply = await http(base + path, { body: {} });
        assert.equal(reply.status, 404, `${base}${path}`);
        assert.equal(reply.json.code, 'not_found');
      }
    }
    // And the helpers are not to be had from outside.
    for (const path of ['/a2a/it', '/mcp/it', '/cost', '/metrics']) {
      assert.equal((await http(sidecar.inbound + path, { body: cost })).status, 401);
    }
  });

  test('a foreign Host or any Origin is refused with 403 on all three, by every path', async () => {
    const before = agent.seen.length;
    const paths: [string, string][] = [
      ...['/a2a/it', '/mcp/it', '/cost', '/health', '/metrics', '/nothing'].map((path): [string, string] => [
        sidecar.helpers,
        path,
      ]),
      [sidecar.mcp, '/mcp/it'],
      [sidecar.mcp, '/nothing'],
      [sidecar.cost, '/cost'],
      [sidecar.cost, '/nothing'],
    ];
    const hostile: Record<string, string>[] = [
      { Host: 'evil.example' },
      { Host: 'localhost.evil.example' },
      { Host: '127.0.0.1.evil.example:9090' },
      { Host: '10.0.0.1' },
      { Host: '0.0.0.0' },
      { Origin: 'https://evil.example' },
      { Origin: 'null' },
      { Origin: 'http://localhost:9090' },
    ];
    for (const [base, path] of paths) {
      for (const headers of hostile) {
        const reply = await http(base + path, { body: cost, headers });
        assert.equal(reply.status, 403, `${path} ${JSON.stringify(headers)}`);
        assert.doesNotMatch(reply.text, /"result"/);
      }
    }
    assert.equal(agent.seen.length, before);
    for (const Host of ['localhost', 'LOCALHOST:9090', '127.0.0.1', '127.8.9.1:1', '[::1]:9090']) {
      assert.equal((await http(`${sidecar.helpers}/a2a/it`, { body: {}, headers: { Host } })).status, 200, Host);
    }
    const health = await http(`${sidecar.helpers}/health`);
    assert.equal(health.json.ledger.store.costs_recorded_total, 2, 'of the refused events none was recorded');
  });

  const outside = Object.values(networkInterfaces())
    .flat()
    .find((face) => face?.family === 'IPv4' && !face.internal)?.address;

  test('all listeners but inbound are on loopback; inbound by default on every address', {
    skip: outside === undefined && 'needs a second address',
  }, async (t) => {
    const open = await outriderFor(t, { agentUrl: agent.url, env: { OUTRIDER_INBOUND_ADDR: ':0' } });
    const from = (url: string) => http(`${url.replace('127.0.0.1', outside ?? '')}/health`, { timeoutMs: 3_000 });
    assert.equal((await from(open.inbound)).status, 200);
    for (const url of [open.helpers, open.mcp, open.cost]) await assert.rejects(from(url), { code: 'ECONNREFUSED' });
  });

  test('a helper is not to be put on an address that others reach', async () => {
    for (const [variable, address] of [
      ['OUTRIDER_LOCAL_ADDR', ':0'],
      ['OUTRIDER_MCP_ADDR', '0.0.0.0:0'],
      ['OUTRIDER_COST_ADDR', '[::]:0'],
      ['AGENTBREEDER_SIDECAR_A2A_ADDR', '10.1.2.3:0'],
    ] as const) {
      const refused = await startOutrider({
        wait: false,
        env: { OUTRIDER_LOCAL_ADDR: undefined, [variable]: address },
      });
      const { code } = await refused.process.exited;
      await refused.stop();
      assert.equal(code, 1, `${variable}=${address}`);
      assert.match(refused.process.stderr, /loopback/, address);
    }
  });

  test('another spelling of the name of a peer finds none', async () => {
    for (const name of ['it/', 'it/x', 'IT', '%69t', 'it%00']) {
      const reply = await http(`${sidecar.helpers}/a2a/${name}`, { body: {} });
      assert.deepEqual([reply.status, reply.json.error.code], [404, -32_010], name);
    }
  });
});
