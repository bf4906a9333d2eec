import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { serve, startAgent, type TestAgent } from '../support/agent.ts';
import { http } from '../support/http.ts';
import { metric, parseMetrics } from '../support/metrics.ts';
import { type DecodedSpan, type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { type Outrider, outriderFor, startOutrider, TOKEN } from '../support/outrider.ts';
import { freePort } from '../support/ports.ts';
import { fieldOf } from '../support/small-peer.ts';
import { until } from '../support/until.ts';

const AUTH = { Authorization: `Bearer ${TOKEN}` };
let traces = 0;
/** A caller's context; each has a trace of its own. */
const callerContext = (): { traceId: string; parent: string; headers: Record<string, string> } => {
  const traceId = (++traces).toString(16).padStart(32, 'a');
  const parent = 'b7ad6b7169203331';
  return { traceId, parent, headers: { traceparent: `00-${traceId}-${parent}-01`, tracestate: 'vendor=1,other=x' } };
};

describe('spans of a sidecar with a collector', () => {
  let agent: TestAgent;
  let peer: TestAgent;
  let mcp: Awaited<ReturnType<typeof serve>>;
  // oxlint-disable-next-line typescript/no-explicit-any -- JSON that the assertions take apart
  const metas: any[] = [];
  let collector: OtlpReceiver;
  let sidecar: Outrider;
  before(async () => {
    agent = await startAgent();
    peer = await startAgent((_request, response) => {
      response.setHeader('Content-Type', 'application/json').end('{"jsonrpc":"2.0","id":1,"result":{}}');
    });
    mcp = await serve(mcpServer((params) => metas.push(params._meta)));
    collector = await startOtlpReceiver();
    sidecar = await startOutrider({
      agentUrl: agent.url,
      config: `
a2a_peers: { colleague: "${peer.url}" }
mcp_servers: { tools: { transport: http, url: "${mcp.url}/mcp" } }
`,
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-team=eng,authorization=Basic%20abc',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
        OTEL_BSP_SCHEDULE_DELAY: '50',
      },
    });
  });
  after(async () => {
    await sidecar.stop();
    await Promise.all([agent.close(), peer.close(), mcp.close(), collector.close()]);
  });

  /** The spans of a trace, once its server span is there: it ends last. */
  const trace = async (traceId: string): Promise<DecodedSpan[]> => {
    const own = (spans: DecodedSpan[]) => spans.filter((span) => span.traceId === traceId);
    return own(await collector.waitFor((spans) => own(spans).some(({ kind }) => kind === 'server')));
  };
  const spanOf = (spans: DecodedSpan[], kind: DecodedSpan['kind']): DecodedSpan => {
    const [span, ...others] = spans.filter((one) => one.kind === kind);
    assert.ok(span && others.length === 0, `one ${kind} span of ${spans.map(({ name }) => name).join(', ')}`);
    return span;
  };

  test("one server span under the caller's, one child for the agent, whose context the agent gets", async () => {
    const caller = callerContext();
    const before = agent.seen.length;
    await http(`${sidecar.inbound}/chat/7?q=private`, {
      body: { private: 1 },
      headers: { ...AUTH, ...caller.headers, 'User-Agent': 'ua/1' },
    });
    const spans = await trace(caller.traceId);
    assert.equal(spans.length, 2);
    const server = spanOf(spans, 'server');
    const client = spanOf(spans, 'client');
    assert.deepEqual([server.parentSpanId, client.parentSpanId], [caller.parent, server.spanId]);
    assert.ok(client.startNanos >= server.startNanos && client.endNanos <= server.endNanos);
    assert.deepEqual([server.traceState, server.status], ['vendor=1,other=x', 'unset']);
    const { attributes } = server;
    assert.equal(attributes['http.request.method'], 'POST');
    assert.equal(attributes['http.response.status_code'], 200);
    assert.equal(attributes['url.path'], '/chat/7');
    assert.doesNotMatch(JSON.stringify(spans.map((span) => [span.name, span.attributes])), /private|token/);
    assert.equal(server.resource['service.name'], 'test-agent');
    assert.equal(server.resource['service.version'], '1.2.3');
    assert.equal(server.resource['deployment.environment.name'], 'test');
    const got = agent.seen[before]?.headers ?? [];
    assert.equal(fieldOf(got, 'traceparent'), `00-${caller.traceId}-${client.spanId}-01`);
    assert.equal(fieldOf(got, 'tracestate'), 'vendor=1,other=x');
    const [request] = collector.requests;
    assert.deepEqual([request?.path, request?.headers['content-type']], ['/v1/traces', 'application/x-protobuf']);
    assert.deepEqual([request?.headers['x-team'], request?.headers['authorization']], ['eng', 'Basic abc']);
  });

  test('without a context, or with a broken one, a trace begins here', async () => {
    for (const traceparent of [undefined, '00-zz-11-01', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, 'ff']) {
      const before = agent.seen.length;
      await http(`${sidecar.inbound}/fresh`, { headers: { ...AUTH, ...(traceparent && { traceparent }) } });
      const [, traceId = '', spanId] =
        /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/.exec(fieldOf(agent.seen[before]?.headers ?? [], 'traceparent') ?? '') ??
        [];
      const spans = await trace(traceId);
      assert.equal(spanOf(spans, 'server').parentSpanId, '');
      assert.equal(spanOf(spans, 'client').spanId, spanId);
    }
  });

  test('refusals are traced, without a child', async () => {
    for (const [headers, status] of [
      [{}, 401],
      [{ Authorization: 'Bearer wrong' }, 401],
      [{ ...AUTH, 'Content-Encoding': 'rot13' }, 415],
    ] as const) {
      const caller = callerContext();
      assert.equal(
        (await http(`${sidecar.inbound}/x`, { body: {}, headers: { ...caller.headers, ...headers } })).status,
        status,
      );
      const spans = await trace(caller.traceId);
      assert.equal(spans.length, 1);
      assert.equal(spanOf(spans, 'server').attributes['http.response.status_code'], status);
    }
  });

  test('A2A: the context goes to the peer, and the spans name it', async () => {
    const caller = callerContext();
    const before = peer.seen.length;
    await http(`${sidecar.helpers}/a2a/colleague`, { body: { params: {} }, headers: caller.headers });
    const spans = await trace(caller.traceId);
    const server = spanOf(spans, 'server');
    const client = spanOf(spans, 'client');
    assert.deepEqual(
      [server.name, server.parentSpanId, client.parentSpanId],
      ['POST /a2a/{peer}', caller.parent, server.spanId],
    );
    const got = peer.seen[before]?.headers ?? [];
    assert.equal(fieldOf(got, 'traceparent'), `00-${caller.traceId}-${client.spanId}-01`);
    assert.equal(fieldOf(got, 'tracestate'), 'vendor=1,other=x');
    const unknown = callerContext();
    await http(`${sidecar.helpers}/a2a/nobody`, { body: { params: {} }, headers: unknown.headers });
    assert.equal(spanOf(await trace(unknown.traceId), 'server').attributes['http.response.status_code'], 404);
  });

  test('MCP: the context goes into params._meta, beside what is there', async () => {
    const caller = callerContext();
    metas.length = 0;
    const params = { name: 'echo', arguments: {}, _meta: { own: 1 } };
    const reply = await http(`${sidecar.helpers}/mcp/tools`, {
      body: { method: 'tools/call', params },
      headers: caller.headers,
    });
    assert.equal(reply.status, 200, reply.text);
    const spans = await trace(caller.traceId);
    const server = spanOf(spans, 'server');
    const client = spanOf(spans, 'client');
    assert.deepEqual([server.name, client.parentSpanId], ['POST /mcp/{server}', server.spanId]);
    const [{ own, traceparent, tracestate }] = metas;
    assert.deepEqual(
      [own, traceparent, tracestate],
      [1, `00-${caller.traceId}-${client.spanId}-01`, 'vendor=1,other=x'],
    );
    assert.equal(client.attributes['mcp.method.name'], 'tools/call');
  });

  test('/cost: the event carries the trace, and its writing is a span', async () => {
    const caller = callerContext();
    const body = { model: 'm', input_tokens: 1, output_tokens: 1, cost_usd: 0.1 };
    const { json } = await http(`${sidecar.cost}/cost`, { body, headers: caller.headers });
    const spans = await trace(caller.traceId);
    const server = spanOf(spans, 'server');
    assert.equal(server.name, 'POST /cost');
    assert.ok(
      spans.some(({ parentSpanId }) => parentSpanId === server.spanId),
      'a child',
    );
    const db = new DatabaseSync(join(sidecar.dataDir, 'ledger.db'), { readOnly: true, timeout: 5_000 });
    const row = db.prepare('SELECT trace_id FROM costs WHERE event_id = ?').get(json.event_id);
    db.close();
    assert.equal(row?.['trace_id'], caller.traceId);
  });

  test('a failure of the agent marks the spans; log lines carry the trace id', async (t) => {
    const nobody = `http://127.0.0.1:${await freePort()}`;
    const alone = await outriderFor(t, {
      agentUrl: nobody,
      env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/custom`, OTEL_BSP_SCHEDULE_DELAY: '50' },
    });
    const caller = callerContext();
    assert.equal((await http(`${alone.inbound}/x`, { headers: { ...AUTH, ...caller.headers } })).status, 502);
    const spans = await trace(caller.traceId);
    assert.deepEqual([spanOf(spans, 'server').status, spanOf(spans, 'client').status], ['error', 'error']);
    assert.ok(collector.requests.some(({ path }) => path === '/custom'));
    const line = await until(() => alone.logs().find(({ msg }) => msg === 'request'), 'the log line');
    assert.equal(line['trace_id'], caller.traceId);
    assert.doesNotMatch(
      JSON.stringify(spans.map(({ attributes, events }) => [attributes, events])),
      /127\.0\.0\.1:\d+.*ECONN/,
    );
  });
});

test('without an endpoint nothing is traced: no connection is tried, and trace headers pass untouched', async (t) => {
  const agent = await startAgent();
  t.after(() => agent.close());
  // Where the SDK would look by default; whoever holds the port already is left alone.
  let connections = 0;
  const usual = createTcpServer((socket) => {
    connections++;
    socket.destroy();
  });
  const listening = await new Promise<boolean>((resolve) => {
    usual.once('error', () => resolve(false)).listen(4318, '127.0.0.1', () => resolve(true));
  });
  t.after(() => usual.close());
  const sidecar = await outriderFor(t, { agentUrl: agent.url, env: { OTEL_BSP_SCHEDULE_DELAY: '20' } });
  const { headers } = callerContext();
  for (let n = 0; n < 5; n++) await http(`${sidecar.inbound}/x`, { headers: { ...AUTH, ...headers } });
  const got = agent.seen.at(-1)?.headers ?? [];
  assert.deepEqual(
    [fieldOf(got, 'traceparent'), fieldOf(got, 'tracestate')],
    [headers['traceparent'], headers['tracestate']],
  );
  assert.deepEqual((await http(`${sidecar.helpers}/health`)).json.traces, { enabled: false });
  await sidecar.stop();
  if (listening) assert.equal(connections, 0);
  else t.diagnostic('port 4318 is taken here: that nobody calls it could not be seen');
});

for (const [what, serveCollector] of [
  ['is down', async () => ({ url: `http://127.0.0.1:${await freePort()}`, close: async () => undefined })],
  ['accepts and hangs', hangingCollector],
  ['answers 500', () => startOtlpReceiver({ answer: (response) => response.writeHead(500).end() })],
] as const) {
  test(`a collector that ${what}: requests are not slowed, and what is lost is counted`, async (t) => {
    const agent = await startAgent();
    const collector = await serveCollector();
    t.after(() => Promise.all([agent.close(), collector.close()]));
    const sidecar = await outriderFor(t, {
      agentUrl: agent.url,
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_TIMEOUT: '500',
        OTEL_BSP_SCHEDULE_DELAY: '20',
        OTEL_BSP_MAX_QUEUE_SIZE: '20',
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10',
      },
    });
    const times: number[] = [];
    for (let n = 0; n < 60; n++) {
      const begun = performance.now();
      assert.equal((await http(`${sidecar.inbound}/x`, { headers: AUTH })).status, 200);
      times.push(performance.now() - begun);
    }
    // Waiting for the collector once would be 500 ms; the bound leaves room for a busy machine.
    assert.ok((times.toSorted((a, b) => a - b)[30] ?? 250) < 250, times.join());
    const { traces } = await until(async () => {
      const { json } = await http(`${sidecar.helpers}/health`);
      return json.traces.dropped + json.traces.failed > 0 && json;
    }, 'the loss in /health');
    assert.deepEqual([traces.enabled, traces.exported], [true, 0]);
    const metrics = parseMetrics((await http(`${sidecar.helpers}/metrics`)).text);
    const lost = (outcome: string): number => metric(metrics, 'outrider_spans_total', { outcome });
    assert.ok(lost('dropped') + lost('failed') > 0);
    assert.equal(lost('exported'), 0);
    const lines = await until(() => {
      const found = sidecar.logs().filter(({ level, msg }) => level === 'warn' && /traces/.test(String(msg)));
      return found.length > 0 && found;
    }, 'a warning in the log');
    assert.ok(lines.length <= 2, 'and not one for each batch');
    const begun = performance.now();
    assert.equal((await sidecar.stop()).code, 0);
    assert.ok(performance.now() - begun < 7_000);
  });
}

test('SIGTERM sends the spans that have not been sent yet', async (t) => {
  const agent = await startAgent();
  const collector = await startOtlpReceiver();
  t.after(() => Promise.all([agent.close(), collector.close()]));
  const sidecar = await outriderFor(t, {
    agentUrl: agent.url,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: '600000',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    },
  });
  for (let n = 0; n < 20; n++) await http(`${sidecar.inbound}/x`, { headers: AUTH });
  assert.equal(collector.spans().length, 0);
  assert.equal((await http(`${sidecar.helpers}/health`)).json.traces.queued, 40);
  assert.deepEqual(await sidecar.stop(), { code: 0, signal: null });
  assert.equal(collector.spans().length, 40);
  assert.equal(collector.requests[0]?.headers['content-encoding'], 'gzip');
});

test('the switches of the standard: a sampler that takes none, the SDK disabled, the name of the service', async (t) => {
  const agent = await startAgent();
  const collector = await startOtlpReceiver();
  t.after(() => Promise.all([agent.close(), collector.close()]));
  const base = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '20' };
  for (const [env, spans] of [
    [{ OTEL_SDK_DISABLED: 'true' }, 0],
    [{ OTEL_TRACES_EXPORTER: 'none' }, 0],
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, 0],
    [{ OTEL_SERVICE_NAME: 'renamed' }, 2],
  ] as const) {
    const sidecar = await outriderFor(t, { agentUrl: agent.url, env: { ...base, ...env } });
    await http(`${sidecar.inbound}/x`, { headers: AUTH });
    await sidecar.stop();
    assert.equal(collector.spans().length, spans, JSON.stringify(env));
  }
  assert.equal(collector.spans()[0]?.resource['service.name'], 'renamed');
});

async function hangingCollector(): Promise<{ url: string; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A streamable-HTTP server that answers every request, and shows the params of tool calls. */
// oxlint-disable-next-line typescript/no-explicit-any -- JSON that the assertions take apart
function mcpServer(onCall: (params: any) => void): Server {
  return createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString() || '{}');
      if (id === undefined) {
        response.writeHead(request.method === 'POST' ? 202 : 405).end();
        return;
      }
      if (method === 'tools/call') onCall(params);
      const result =
        method === 'initialize'
          ? {
              protocolVersion: params.protocolVersion,
              capabilities: { tools: {} },
              serverInfo: { name: 'small', version: '1' },
            }
          : { content: [] };
      response
        .writeHead(200, { 'Content-Type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    });
  });
}
