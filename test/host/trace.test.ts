import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { grpcAgent } from '../../src/library/remote-agents.ts';
import { HOST_TOKEN, hostCommandFor } from '../support/host.ts';
import { http } from '../support/http.ts';
import { type DecodedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { until } from '../support/until.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const AGENTS = join(FIXTURES, 'agents.ts');
const CHILD = JSON.stringify([process.execPath, join(FIXTURES, 'child.mjs')]);

test('a span for each call and one for each run, in the trace of the caller, and on to the agent', async (t) => {
  const collector = await startOtlpReceiver();
  t.after(() => collector.close());
  const { url, stop } = await hostCommandFor(t, {
    args: [AGENTS],
    config: `agents: { kid: { command: ${CHILD}, model: small } }`,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '50' },
  });
  const parent = 'b7ad6b7169203331';
  let traces = 0;
  /** Calls over HTTP in a trace of its own; gives the output and the spans, outermost first. */
  const traced = async (
    path: string,
    input: string,
  ): Promise<{ output: string; spans: DecodedSpan[]; text: string }> => {
    const traceId = (++traces).toString(16).padStart(32, 'a');
    const reply = await http(`${url}${path}`, {
      headers: { 'X-API-Key': HOST_TOKEN, traceparent: `00-${traceId}-${parent}-01` },
      body: { input },
    });
    const own = (all: DecodedSpan[]) => all.filter((span) => span.traceId === traceId);
    const spans = own(await collector.waitFor((all) => own(all).some(({ kind }) => kind === 'server')));
    return {
      output: reply.json?.output,
      spans: spans.toSorted((a, b) => b.kind.localeCompare(a.kind)),
      text: reply.text,
    };
  };

  const local = await traced('/v1/agents/context/execute', 'x');
  const [server, run, ...others] = local.spans;
  assert.ok(server !== undefined && run !== undefined && others.length === 0);
  assert.deepEqual([server.kind, server.name], ['server', 'POST /v1/agents/{agent_id}/execute']);
  assert.equal(server.parentSpanId, parent);
  assert.equal(server.attributes['outrider.surface'], 'host');
  assert.deepEqual([run.kind, run.name, run.parentSpanId], ['internal', 'invoke_agent context', server.spanId]);
  assert.equal(run.attributes['gen_ai.agent.id'], 'context');
  assert.equal(JSON.parse(local.output).trace.traceparent, `00-${run.traceId}-${run.spanId}-01`);

  await until(
    async () =>
      (await http(`${url}/v1/agents/kid/execute`, { headers: { 'X-API-Key': HOST_TOKEN }, body: { input: 'x' } }))
        .status === 200,
    'the child is up',
  );
  const child = await traced('/agents/kid/execute', 'traceparent');
  const client = child.spans.find(({ kind }) => kind === 'client');
  assert.equal(child.spans.find(({ kind }) => kind === 'server')?.name, 'POST /agents/{agent_id}/execute');
  assert.equal(client?.attributes['gen_ai.request.model'], 'small');
  assert.equal(child.output, `00-${client?.traceId}-${client?.spanId}-01`);

  const failed = await traced('/v1/agents/thrower/execute', 'x');
  assert.deepEqual(
    failed.spans.map(({ status, attributes }) => [status, attributes['error.type']]),
    [
      ['error', '502'],
      ['error', 'agent_failed'],
    ],
  );

  const stream = await traced('/v1/agents/slow/execute/stream', 'a b c');
  assert.match(stream.text, /event: done/);
  assert.deepEqual(
    stream.spans.map(({ name, status }) => [name, status]),
    [
      ['POST /v1/agents/{agent_id}/execute/stream', 'unset'],
      ['invoke_agent slow', 'unset'],
    ],
  );

  const agent = grpcAgent({ url, id: 'context', token: HOST_TOKEN });
  t.after(() => agent.close());
  const traceId = 'c'.repeat(32);
  const reply = await agent.execute({ input: 'x' }, { trace: { traceparent: `00-${traceId}-${parent}-01` } });
  assert.ok(JSON.parse(reply.output).trace.traceparent.startsWith(`00-${traceId}-`));
  const rpc = (await collector.waitFor((all) => all.some((span) => span.traceId === traceId && span.kind === 'server')))
    .filter((span) => span.traceId === traceId)
    .map(({ name }) => name);
  assert.deepEqual(rpc.sort(), ['invoke_agent context', 'outrider.agent.v1.AgentService/Execute']);

  const stranger = grpcAgent({ url, id: 'context', token: 'other', retry: false });
  t.after(() => stranger.close());
  const refusedId = 'd'.repeat(32);
  await assert.rejects(stranger.execute({ input: 'x' }, { trace: { traceparent: `00-${refusedId}-${parent}-01` } }));
  const refused = (await collector.waitFor((all) => all.some(({ traceId }) => traceId === refusedId))).find(
    ({ traceId }) => traceId === refusedId,
  );
  assert.equal(refused?.attributes['rpc.response.status_code'], 'UNAUTHENTICATED');
  assert.equal(refused?.status, 'unset');
  assert.match(
    (await http(`${url}/metrics`)).text,
    /outrider_grpc_replies_total{surface="host",grpc_status="UNAUTHENTICATED"} 1/,
  );

  await stop();
  // Neither what was asked nor what was answered is in any of them.
  assert.doesNotMatch(
    JSON.stringify(collector.spans(), (_, value) => (typeof value === 'bigint' ? '' : value)),
    /secret|slept|a b c/,
  );
});
