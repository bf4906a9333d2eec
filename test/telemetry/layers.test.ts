import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBody } from '../../src/body.ts';
import type { InboundCall } from '../../src/call.ts';
import { getField } from '../../src/fields.ts';
import { clientSpan } from '../../src/layers/client-span.ts';
import { measure } from '../../src/layers/measure.ts';
import { trace } from '../../src/layers/trace.ts';
import { Stack } from '../../src/stack.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { startTracing } from '../../src/telemetry/tracing.ts';
import { logLines } from '../support/log-lines.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';

test('trace, measure and client span together, into a real receiver', async () => {
  const receiver = await startOtlpReceiver();
  const { log } = logLines();
  const tracing = await startTracing({ env: {}, endpoint: receiver.url, serviceName: 'weather', log });
  const metrics = createMetrics({ version: '1', log });
  let sent = '';
  const service = Stack.empty<InboundCall>()
    .add(trace({ tracing, surface: 'inbound' }))
    .add(measure({ meter: metrics.surface('inbound') }))
    .add(clientSpan({ name: 'agent' }))
    .serve(async (call) => {
      sent = getField(call.headers, 'traceparent') ?? '';
      const body = (async function* () {
        yield Buffer.from('data: 1\n\n');
        yield Buffer.from('data: 2\n\n');
      })();
      return { status: 200, headers: ['Content-Type', 'text/event-stream'], body };
    });
  const reply = await service({
    method: 'GET',
    target: '/stream?secret=1',
    headers: ['Host', 'h', 'traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
    body: null,
    signal: new AbortController().signal,
    remote: '127.0.0.1',
  });
  await readBody(reply.body, 1_000);
  await tracing?.shutdown(5_000);
  const text = Buffer.from((await metrics.render()).body as Uint8Array).toString();
  metrics.close();
  await receiver.close();

  const spans = receiver.spans();
  const server = spans.find(({ kind }) => kind === 'server');
  const client = spans.find(({ kind }) => kind === 'client');
  assert.ok(server && client && spans.length === 2);
  assert.equal(server.parentSpanId, 'b7ad6b7169203331');
  assert.equal(client.parentSpanId, server.spanId);
  assert.equal(sent, `00-${server.traceId}-${client.spanId}-01`);
  assert.equal(server.attributes['url.path'], '/stream');
  assert.equal(server.attributes['http.response.status_code'], 200);
  assert.doesNotMatch(
    JSON.stringify(receiver.requests[0]?.spans, (_, value) => (typeof value === 'bigint' ? '' : value)),
    /secret/,
  );
  assert.match(text, /^outrider_requests_total\{surface="inbound",method="GET",status="200"\} 1$/m);
  assert.match(text, /^outrider_requests_in_flight\{surface="inbound"\} 0$/m);
});
