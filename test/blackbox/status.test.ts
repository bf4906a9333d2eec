import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startAgent } from '../support/agent.ts';
import { grpcClient } from '../support/grpc.ts';
import { http } from '../support/http.ts';
import { documentedFamilies, metric, parseMetrics } from '../support/metrics.ts';
import { type Outrider, outriderFor, TOKEN } from '../support/outrider.ts';
import { freePort } from '../support/ports.ts';
import { raw } from '../support/raw.ts';
import { smallPeerFor } from '../support/small-peer.ts';
import { until } from '../support/until.ts';

const AUTH = { Authorization: `Bearer ${TOKEN}` };
const EVENT = { model: 'm', input_tokens: 1, output_tokens: 1, cost_usd: 0.1 };

/** A sidecar in which everything is configured, and nothing but its agent and one peer answers. */
async function busySidecar(
  t: Parameters<typeof outriderFor>[0],
): Promise<{ sidecar: Outrider; stopAgent: () => Promise<void> }> {
  const agent = await startAgent();
  const peer = await smallPeerFor(t);
  t.after(() => agent.close());
  const nobody = `http://127.0.0.1:${await freePort()}`;
  const sidecar = await outriderFor(t, {
    agentUrl: agent.url,
    // It would take its time to tell nobody what is left.
    endWith: 'SIGKILL',
    env: { OUTRIDER_LEDGER_URL: nobody, OUTRIDER_LEDGER_TOKEN: 'ledger-secret', OTEL_EXPORTER_OTLP_ENDPOINT: nobody },
    config: `
limits: { header_timeout: 2s }
guardrails:
  - { name: no-bluebirds, type: keyword, pattern: bluebird, action: block }
  - { name: asks-nobody, endpoint: "${nobody}/", on_error: pass, on: [response] }
a2a_peers: { peer: "peer-secret@@${peer.url}", gone: "${nobody}" }
mcp_servers:
  gone: { transport: http, url: "${nobody}/mcp" }
  child: { transport: stdio, command: node }
`,
  });
  return { sidecar, stopAgent: () => agent.close() };
}

test('GET /health of the helpers says everything that an operator wants to know, and no secret', async (t) => {
  const { sidecar, stopAgent } = await busySidecar(t);
  const health = async () => (await http(`${sidecar.helpers}/health`)).json;
  assert.equal((await http(`${sidecar.helpers}/a2a/peer`, { body: {} })).status, 200);
  assert.equal((await http(`${sidecar.helpers}/a2a/gone`, { body: {} })).status, 502);
  assert.equal((await http(`${sidecar.helpers}/mcp/gone`, { body: { method: 'ping' } })).status, 502);
  assert.equal((await http(`${sidecar.helpers}/cost`, { body: EVENT })).status, 202);
  const now = await until(async () => {
    const json = await health();
    return json.ledger.outbox.oldest_age_seconds > 0 && json.ledger.outbox.last_error !== null && json;
  }, 'the age of what waits');

  assert.equal(now.status, 'ok');
  assert.match(now.version, /^\d+\.\d+\.\d+/);
  assert.ok(Number.isInteger(now.uptime_seconds));
  assert.deepEqual(now.agent, { name: 'test-agent', version: '1.2.3', reachable: true });
  assert.deepEqual(now.guardrails, [
    { name: 'ssn', action: 'redact' },
    { name: 'credit_card', action: 'redact' },
    { name: 'email', action: 'redact' },
    { name: 'no-bluebirds', action: 'block' },
  ]);
  assert.deepEqual(
    [now.a2a_peers.peer.requests, now.a2a_peers.peer.errors, now.a2a_peers.peer.last_error],
    [1, 0, null],
  );
  assert.deepEqual(
    [now.a2a_peers.gone.requests, now.a2a_peers.gone.errors, now.a2a_peers.gone.last_error],
    [1, 1, 'unreachable'],
  );
  assert.deepEqual(
    [now.mcp_servers.gone.transport, now.mcp_servers.gone.state, now.mcp_servers.gone.errors],
    ['http', 'idle', 1],
  );
  assert.deepEqual([now.mcp_servers.child.transport, now.mcp_servers.child.state], ['stdio', 'idle']);
  assert.equal(now.traces.enabled, true);
  for (const name of ['exported', 'failed', 'dropped', 'queued']) assert.equal(typeof now.traces[name], 'number', name);
  assert.equal(now.ledger.shipping, true);
  assert.deepEqual([now.ledger.outbox.reachable, now.ledger.outbox.pending], [false, 2]);
  assert.ok(now.ledger.store.used_bytes > 0 && now.ledger.store.max_bytes === 2 ** 30);
  assert.doesNotMatch(JSON.stringify(now), /secret|127\.0\.0\.1|bluebird\b/);

  await stopAgent();
  await until(async () => (await health()).agent.reachable === false, 'the loss of the agent', 5_000);
  // What the world may ask says nothing of all this.
  const open = await http(`${sidecar.inbound}/health`);
  assert.deepEqual(open.json, { status: 'ok', agent: 'test-agent', version: '1.2.3' });
});

test('without peers, ledger and traces, /health says so', async (t) => {
  const sidecar = await outriderFor(t);
  const { json } = await http(`${sidecar.helpers}/health`);
  assert.deepEqual(
    [json.a2a_peers, json.mcp_servers, json.traces, json.ledger.shipping],
    [{}, {}, { enabled: false }, false],
  );
  assert.equal(json.agent.reachable, false);
});

test('GET /metrics is Prometheus text that has every documented family, and moves with every request', async (t) => {
  const { sidecar } = await busySidecar(t);
  const scrape = async () => {
    const reply = await http(`${sidecar.helpers}/metrics`);
    assert.equal(reply.status, 200);
    assert.match(String(reply.headers['content-type']), /^text\/plain; version=0\.0\.4/);
    return parseMetrics(reply.text);
  };
  const before = await scrape();
  const body = { text: 'bluebird' };
  assert.equal((await http(`${sidecar.inbound}/x`, { headers: AUTH })).status, 200);
  assert.equal((await http(`${sidecar.inbound}/x`)).status, 401);
  assert.equal((await http(`${sidecar.inbound}/x`, { headers: AUTH, body })).status, 403);
  assert.equal((await http(`${sidecar.inbound}/x`, { method: 'PURGE', headers: AUTH })).status, 200);
  assert.equal((await http(`${sidecar.inbound}/x`, { headers: AUTH, body: '{' })).status, 400);
  assert.equal((await http(`${sidecar.inbound}/x`, { headers: AUTH, body: { text: 'x' } })).status, 200);
  assert.equal((await http(`${sidecar.helpers}/a2a/peer`, { body: {} })).status, 200);
  assert.equal((await http(`${sidecar.helpers}/a2a/gone`, { body: {} })).status, 502);
  assert.equal((await http(`${sidecar.helpers}/mcp/gone`, { body: { method: 'ping' } })).status, 502);
  assert.equal((await http(`${sidecar.cost}/cost`, { body: EVENT })).status, 202);
  assert.equal((await http(`${sidecar.cost}/cost`, { body: {} })).status, 400);
  assert.equal((await raw(sidecar.inbound, 'GET / HTTP/1.1\r\n\r\n')).status, 400);
  const stranger = grpcClient(sidecar.inbound);
  t.after(() => stranger.close());
  await stranger.unary('x');
  const after = await scrape();

  const moved = (name: string, labels: Record<string, string> = {}): number =>
    metric(after, name, labels) - metric(before, name, labels);
  const requests = (surface: string, method: string, status: string): number =>
    moved('outrider_requests_total', { surface, method, status });
  assert.deepEqual(
    [
      requests('inbound', 'GET', '200'),
      requests('inbound', 'GET', '401'),
      requests('inbound', 'POST', '403'),
      requests('a2a', 'POST', '200'),
      requests('a2a', 'POST', '502'),
      requests('mcp', 'POST', '502'),
      requests('cost', 'POST', '202'),
      requests('cost', 'POST', '400'),
    ],
    [1, 1, 1, 1, 1, 1, 1, 1],
  );
  assert.equal(moved('outrider_requests_total', { surface: 'inbound' }), 7);
  assert.equal(moved('outrider_reply_head_seconds_count', { surface: 'inbound' }), 7);
  assert.equal(moved('outrider_request_duration_seconds_count', { surface: 'inbound' }), 7);
  assert.equal(moved('outrider_reply_ends_total', { surface: 'inbound', end: 'complete' }), 7);
  assert.equal(moved('outrider_guard_hits_total', { rule: 'no-bluebirds', action: 'block', surface: 'request' }), 1);
  const unreadable = { surface: 'request', reason: 'invalid_json', action: 'blocked' };
  assert.equal(moved('outrider_guard_unreadable_total', unreadable), 1);
  assert.equal(moved('outrider_guard_webhook_failures_total', { rule: 'asks-nobody', action: 'passed' }), 1);
  assert.equal(moved('outrider_upstream_errors_total', { peer: 'gone' }), 2);
  assert.equal(moved('outrider_refused_requests_total', { code: 'bad_request' }), 1);
  assert.equal(moved('outrider_grpc_replies_total', { surface: 'inbound', grpc_status: 'UNAUTHENTICATED' }), 1);
  assert.equal(moved('outrider_costs_recorded_total'), 1);
  assert.ok(metric(after, 'outrider_outbox_pending_rows') >= 2);
  assert.ok(moved('outrider_spans_queued') > 0);
  assert.equal(metric(after, 'outrider_requests_in_flight'), 0);
  assert.ok(metric(after, 'process_resident_memory_bytes') > 20e6);
  assert.ok(moved('process_cpu_seconds_total') > 0);
  assert.ok(metric(after, 'outrider_event_loop_delay_seconds', { quantile: '0.99' }) >= 0);

  const { sidecar: documented } = await documentedFamilies();
  assert.ok(documented.length > 20);
  for (const [name, type] of documented) assert.equal(after.get(name)?.type, type, name);
  for (const name of after.keys())
    assert.ok(
      documented.some(([known]) => known === name),
      `${name} is not documented`,
    );
  for (const [name, { help, samples }] of after) {
    assert.ok(help.length > 5, `${name} has no help`);
    assert.ok(samples.length > 0, name);
  }
});

test('what the helpers refuse is counted, and said in the language of the path', async (t) => {
  const { helpers } = await outriderFor(t);
  const headers = { Origin: 'https://evil.example' };
  for (const surface of ['a2a', 'mcp'] as const) {
    const refused = await http(`${helpers}/${surface}/x`, { body: {}, headers });
    assert.equal(refused.status, 403);
    assert.equal(refused.json.error.code, -32_013);
  }
  assert.equal((await http(`${helpers}/cost`, { body: {}, headers })).json.code, 'forbidden');
  const families = parseMetrics((await http(`${helpers}/metrics`)).text);
  for (const surface of ['a2a', 'mcp', 'cost']) {
    assert.equal(metric(families, 'outrider_requests_total', { surface, status: '403' }), 1, surface);
  }
});
