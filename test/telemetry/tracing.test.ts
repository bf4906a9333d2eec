import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { getField } from '../../src/fields.ts';
import { startTracing, type Tracing } from '../../src/telemetry/tracing.ts';
import { logLines } from '../support/log-lines.ts';
import { type OtlpReceiver, type ReceiverOptions, startOtlpReceiver } from '../support/otlp-receiver.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const SAMPLED = `00-${TRACE}-${PARENT}-01`;
const UNSAMPLED = `00-${TRACE}-${PARENT}-00`;

async function started(
  env: Record<string, string>,
  more: { endpoint?: string; headers?: Record<string, string>; log?: ReturnType<typeof logLines>['log'] } = {},
): Promise<Tracing> {
  const tracing = await startTracing({
    env: { OTEL_BSP_SCHEDULE_DELAY: '20', ...env },
    serviceName: 'weather',
    serviceVersion: '1.2.3',
    log: logLines().log,
    ...more,
  });
  assert.ok(tracing, 'tracing has started');
  return tracing;
}

async function withReceiver(run: (receiver: OtlpReceiver) => Promise<void>, options?: ReceiverOptions): Promise<void> {
  const receiver = await startOtlpReceiver(options);
  try {
    await run(receiver);
  } finally {
    await receiver.close();
  }
}

describe('spans on the wire', () => {
  test('a server span, its child, and the headers that go on', () =>
    withReceiver(async (receiver) => {
      const tracing = await started({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
      const span = tracing.start('POST', 'server', ['Traceparent', SAMPLED, 'tracestate', 'a=1', 'X-Other', 'kept']);
      span.set({ 'http.request.method': 'POST', absent: undefined, list: ['x', 'y'] });
      span.event('guard', { 'outrider.guard.count': 2 });
      const child = span.child('agent', 'client', { deep: true });
      const headers = child.inject(['Host', 'agent', 'TraceParent', SAMPLED, 'tracestate', 'a=1']);
      child.fail('unreachable');
      child.end();
      span.rename('POST /a2a/{peer}');
      span.end();
      await tracing.shutdown(5_000);

      const [agent, server] = receiver.spans();
      assert.ok(agent && server);
      assert.equal(server.traceId, TRACE);
      assert.equal(server.parentSpanId, PARENT);
      assert.equal(server.traceState, 'a=1');
      assert.equal(server.name, 'POST /a2a/{peer}');
      assert.equal(server.kind, 'server');
      assert.equal(server.status, 'unset');
      assert.deepEqual(server.attributes, { 'http.request.method': 'POST', list: ['x', 'y'] });
      assert.deepEqual(server.events, [{ name: 'guard', attributes: { 'outrider.guard.count': 2 } }]);
      assert.ok(server.endNanos >= server.startNanos);
      assert.equal(agent.traceId, TRACE);
      assert.equal(agent.parentSpanId, server.spanId);
      assert.equal(agent.kind, 'client');
      assert.equal(agent.status, 'error');
      assert.deepEqual(agent.attributes, { deep: true, 'error.type': 'unreachable' });
      assert.deepEqual(headers, [
        'Host',
        'agent',
        'traceparent',
        `00-${TRACE}-${agent.spanId}-01`,
        'tracestate',
        'a=1',
      ]);
      assert.equal(server.resource['service.name'], 'weather');
      assert.equal(server.resource['service.version'], '1.2.3');
      assert.equal(server.resource['telemetry.sdk.language'], 'nodejs');
      assert.equal(receiver.requests[0]?.path, '/v1/traces');
      assert.equal(receiver.requests[0]?.headers['content-type'], 'application/x-protobuf');
      assert.deepEqual(tracing.status(), { exported: 2, failed: 0, dropped: 0, queued: 0 });
    }));

  test('what follows end changes nothing, and a span ends once', () =>
    withReceiver(async (receiver) => {
      const { log, lines } = logLines();
      const tracing = await started({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }, { log });
      const span = tracing.start('GET', 'server', []);
      assert.equal(span.recording, true);
      span.end();
      span.end();
      span.set({ late: 1 });
      span.event('late');
      span.fail('late');
      span.rename('late');
      assert.equal(span.recording, false);
      await tracing.shutdown(5_000);
      assert.equal(receiver.spans().length, 1);
      assert.equal(receiver.spans()[0]?.name, 'GET');
      assert.deepEqual(receiver.spans()[0]?.attributes, {});
      assert.deepEqual(lines, []);
    }));

  for (const [what, fields] of [
    ['none', []],
    ['garbage', ['traceparent', 'garbage']],
    ['zero trace id', ['traceparent', `00-${'0'.repeat(32)}-${PARENT}-01`]],
    ['zero span id', ['traceparent', `00-${TRACE}-${'0'.repeat(16)}-01`]],
    ['upper case', ['traceparent', SAMPLED.toUpperCase()]],
    ['version ff', ['traceparent', `ff-${TRACE}-${PARENT}-01`]],
    ['version 00 with more', ['traceparent', `${SAMPLED}-more`]],
    ['two lines', ['traceparent', SAMPLED, 'Traceparent', SAMPLED]],
  ] as const) {
    test(`a traceparent that is ${what} starts a new trace, without the old state`, () =>
      withReceiver(async (receiver) => {
        const tracing = await started({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
        const span = tracing.start('GET', 'server', [...fields, 'tracestate', 'a=1']);
        const out = span.inject([...fields, 'tracestate', 'a=1']);
        span.end();
        await tracing.shutdown(5_000);
        const [seen] = receiver.spans();
        assert.ok(seen);
        assert.match(seen.traceId, /^[0-9a-f]{32}$/);
        assert.notEqual(seen.traceId, TRACE);
        assert.equal(seen.parentSpanId, '');
        assert.equal(seen.traceState, '');
        assert.deepEqual(out, ['traceparent', `00-${seen.traceId}-${seen.spanId}-01`]);
      }));
  }

  test('a later version of traceparent is understood as far as it is known', () =>
    withReceiver(async (receiver) => {
      const tracing = await started({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
      tracing.start('GET', 'server', ['traceparent', `cc-${TRACE}-${PARENT}-01-what-comes`]).end();
      await tracing.shutdown(5_000);
      assert.equal(receiver.spans()[0]?.parentSpanId, PARENT);
    }));

  test('baggage is handed on, unless it is not among the propagators', () =>
    withReceiver(async (receiver) => {
      const fields = ['traceparent', SAMPLED, 'baggage', 'tenant=7'];
      const both = await started({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
      assert.equal(getField(both.start('GET', 'server', fields).inject([]), 'baggage'), 'tenant=7');
      const one = await started({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_PROPAGATORS: 'tracecontext' });
      assert.equal(getField(one.start('GET', 'server', fields).inject([]), 'baggage'), undefined);
      const none = await started({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_PROPAGATORS: 'none' });
      const span = none.start('GET', 'server', fields);
      assert.notEqual(span.traceId, TRACE);
      assert.equal(span.inject(fields), fields);
      await Promise.all([both, one, none].map((tracing) => tracing.shutdown(1_000)));
    }));
});

describe('samplers', () => {
  const cases: [string, Record<string, string>, string[], boolean][] = [
    ['default, root', {}, [], true],
    ['default, sampled parent', {}, ['traceparent', SAMPLED], true],
    ['default, unsampled parent', {}, ['traceparent', UNSAMPLED], false],
    ['always_on, unsampled parent', { OTEL_TRACES_SAMPLER: 'always_on' }, ['traceparent', UNSAMPLED], true],
    ['always_off, sampled parent', { OTEL_TRACES_SAMPLER: 'always_off' }, ['traceparent', SAMPLED], false],
    ['parentbased_always_off, root', { OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, [], false],
    [
      'parentbased_always_off, sampled parent',
      { OTEL_TRACES_SAMPLER: 'parentbased_always_off' },
      ['traceparent', SAMPLED],
      true,
    ],
    ['ratio 0', { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, ['traceparent', SAMPLED], false],
    [
      'ratio 1',
      { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '1' },
      ['traceparent', UNSAMPLED],
      true,
    ],
    [
      'parentbased ratio 0, root',
      { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' },
      [],
      false,
    ],
    [
      'parentbased ratio 0, sampled parent',
      { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' },
      ['traceparent', SAMPLED],
      true,
    ],
  ];
  for (const [name, env, fields, sampled] of cases) {
    test(`${name}: ${sampled ? 'sampled' : 'not sampled'}`, () =>
      withReceiver(async (receiver) => {
        const tracing = await started({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...env });
        const span = tracing.start('GET', 'server', fields);
        const child = span.child('agent', 'client');
        assert.equal(span.recording, sampled);
        assert.equal(child.recording, sampled);
        // The decision goes on even when nothing is recorded here.
        const flags = sampled ? '01' : '00';
        assert.match(
          getField(child.inject([]), 'traceparent') ?? '',
          new RegExp(`^00-${span.traceId}-[0-9a-f]{16}-${flags}$`),
        );
        child.end();
        span.end();
        await tracing.shutdown(5_000);
        assert.equal(receiver.spans().length, sampled ? 2 : 0);
      }));
  }

  test('ratio 0.25 takes about a quarter', () =>
    withReceiver(async (receiver) => {
      const tracing = await started({
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_TRACES_SAMPLER: 'traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '0.25',
      });
      for (let i = 0; i < 2_000; i++) tracing.start('GET', 'server', []).end();
      await tracing.shutdown(5_000);
      const { length } = receiver.spans();
      assert.ok(length > 380 && length < 620, `${length} of 2000`);
    }));
});

describe('what is configured', () => {
  test('resource, headers, compression and complete URL of the environment win over ours', () =>
    withReceiver(async (receiver) => {
      const tracing = await started(
        {
          OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1/never',
          OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.url}/custom/path`,
          OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc, X-General = g ',
          OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-traces=t',
          OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
          OTEL_RESOURCE_ATTRIBUTES: 'service.name=from-attributes,deployment.environment.name=pre%2Dprod',
          OTEL_SERVICE_NAME: 'from-name',
        },
        { endpoint: 'http://127.0.0.1:1', headers: { Authorization: 'ours', 'X-Ours': 'o' } },
      );
      tracing.start('GET', 'server', []).end();
      await tracing.shutdown(5_000);
      const [request] = receiver.requests;
      assert.ok(request);
      assert.equal(request.path, '/custom/path');
      assert.equal(request.headers['authorization'], 'Bearer abc');
      assert.equal(request.headers['x-general'], 'g');
      assert.equal(request.headers['x-traces'], 't');
      assert.equal(request.headers['x-ours'], 'o');
      assert.equal(request.headers['content-encoding'], 'gzip');
      assert.equal(request.spans[0]?.resource['service.name'], 'from-name');
      assert.equal(request.spans[0]?.resource['deployment.environment.name'], 'pre-prod');
    }));

  test('our endpoint is used when the environment names none, and service.name of the attributes before the agent', () =>
    withReceiver(async (receiver) => {
      const tracing = await started(
        { OTEL_RESOURCE_ATTRIBUTES: 'service.name=named' },
        { endpoint: `${receiver.url}/base/` },
      );
      tracing.start('GET', 'server', []).end();
      await tracing.shutdown(5_000);
      assert.equal(receiver.requests[0]?.path, '/base/v1/traces');
      assert.equal(receiver.spans()[0]?.resource['service.name'], 'named');
    }));

  test('limits are kept', () =>
    withReceiver(async (receiver) => {
      const tracing = await started({
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '2',
        OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '3',
        OTEL_SPAN_EVENT_COUNT_LIMIT: '1',
      });
      const span = tracing.start('GET', 'server', []);
      span.set({ a: 'abcdef', b: 1, c: 2 });
      span.event('one');
      span.event('two');
      span.end();
      await tracing.shutdown(5_000);
      assert.deepEqual(receiver.spans()[0]?.attributes, { a: 'abc', b: 1 });
      assert.equal(receiver.spans()[0]?.events.length, 1);
    }));

  test('a batch is as large as it is told to be', () =>
    withReceiver(async (receiver) => {
      const tracing = await started({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '3' });
      for (let i = 0; i < 10; i++) tracing.start('GET', 'server', []).end();
      await receiver.waitFor((spans) => spans.length === 10);
      assert.ok(receiver.requests.every(({ spans }) => spans.length <= 3));
      await tracing.shutdown(1_000);
    }));

  for (const [name, env] of [
    ['nothing set', {}],
    ['OTEL_SDK_DISABLED', { OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }],
    ['exporter none', { OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }],
    ['unusable endpoint', { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' }],
  ] as const) {
    test(`no tracing: ${name}`, async () => {
      assert.equal(await startTracing({ env, serviceName: 'weather', log: logLines().log }), undefined);
    });
  }

  test('a certificate that cannot be read is a warning, not an end', async () => {
    const { log, lines } = logLines();
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://127.0.0.1:1',
      OTEL_EXPORTER_OTLP_CERTIFICATE: '/nonexistent/ca.pem',
    };
    assert.equal(await startTracing({ env, serviceName: 'weather', log }), undefined);
    assert.equal(lines[0]?.level, 'warn');
    assert.match(lines[0]?.msg ?? '', /nothing is traced/);
  });
});

describe('a collector in trouble', () => {
  const leftOver: (() => void)[] = [];
  after(() => {
    for (const end of leftOver) end();
  });

  test('refused connections: requests do not notice, shutdown is bounded, every span is accounted for', async () => {
    const port = await unusedPort();
    const { log, lines } = logLines();
    const tracing = await started({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` }, { log });
    const began = performance.now();
    for (let i = 0; i < 100; i++) tracing.start('GET', 'server', []).end();
    assert.ok(performance.now() - began < 2_000);
    await sleep(100);
    const before = performance.now();
    await tracing.shutdown(200);
    assert.ok(performance.now() - before < 5_000);
    const { exported, failed, dropped, queued } = tracing.status();
    assert.deepEqual({ exported, sum: failed + dropped, queued }, { exported: 0, sum: 100, queued: 0 });
    assert.equal(lines.filter(({ msg }) => msg === 'traces are being lost').length, 1);
  });

  test('refused connections: a batch fails for good after the time allowed, with its reason', async () => {
    const port = await unusedPort();
    const tracing = await started({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_TIMEOUT: '300',
    });
    for (let i = 0; i < 7; i++) tracing.start('GET', 'server', []).end();
    await until(() => tracing.status().failed === 7);
    assert.deepEqual(tracing.status(), { exported: 0, failed: 7, dropped: 0, queued: 0, last_error: 'ECONNREFUSED' });
    await tracing.shutdown(500);
  });

  test('a collector that never answers: bounded in time and memory, and counted', async () => {
    const sockets: Socket[] = [];
    const silent = createTcpServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => {});
      socket.resume();
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    leftOver.push(() => {
      silent.close();
      for (const socket of sockets) socket.destroy();
    });
    const { port } = silent.address() as AddressInfo;
    const tracing = await started({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_TIMEOUT: '60000',
      OTEL_BSP_MAX_QUEUE_SIZE: '10',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '5',
    });
    for (let i = 0; i < 40; i++) tracing.start('GET', 'server', []).end();
    // The tenth and what follows found the queue full, but for those that a batch had taken out of it.
    const { dropped, queued } = tracing.status();
    assert.equal(dropped + queued, 40);
    assert.ok(queued >= 10 && queued <= 15, `${queued} queued`);
    const began = performance.now();
    await tracing.shutdown(300);
    const took = performance.now() - began;
    assert.ok(took >= 290 && took < 8_000, `${took} ms`);
    assert.deepEqual(tracing.status(), { exported: 0, failed: 0, dropped: 40, queued: 0 });
  });

  test('queue overflow is counted exactly', () =>
    withReceiver(async (receiver) => {
      const tracing = await started({
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_BSP_SCHEDULE_DELAY: '60000',
        OTEL_BSP_MAX_QUEUE_SIZE: '64',
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '64',
      });
      for (let i = 0; i < 1_000; i++) tracing.start(`span ${i}`, 'server', []).end();
      await tracing.shutdown(5_000);
      const { exported, dropped, failed, queued } = tracing.status();
      assert.equal(exported, receiver.spans().length);
      assert.deepEqual({ sum: exported + dropped, failed, queued }, { sum: 1_000, failed: 0, queued: 0 });
      assert.ok(exported >= 64 && exported <= 128, `${exported}`);
      assert.equal(receiver.spans()[0]?.name, 'span 0');
    }));

  for (const status of [400, 401, 500]) {
    test(`answer ${status}: failed at once, counted, and nothing of the reply in the log`, () =>
      withReceiver(
        async (receiver) => {
          const { log, text } = logLines();
          const tracing = await started(
            { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer hush-hush' },
            { log },
          );
          tracing.start('GET', 'server', []).end();
          await until(() => tracing.status().failed === 1);
          assert.equal(tracing.status().last_error, `HTTP ${status}`);
          assert.equal(receiver.requests.length, 1);
          assert.doesNotMatch(text(), /hush-hush|echoed/);
          await tracing.shutdown(500);
        },
        {
          answer: (response, request) =>
            void response.writeHead(status).end(`echoed ${String(request.headers['authorization'])}`),
        },
      ));
  }

  test('answer 503 with Retry-After, then 200: sent again, nothing lost', async () => {
    let asked = 0;
    await withReceiver(
      async (receiver) => {
        const tracing = await started({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
        tracing.start('GET', 'server', []).end();
        await until(() => tracing.status().exported === 1, 8_000);
        assert.equal(asked, 2);
        assert.equal(tracing.status().failed, 0);
        await tracing.shutdown(500);
      },
      {
        answer(response) {
          asked++;
          if (asked === 1) response.writeHead(503, { 'retry-after': '1' }).end();
          else response.writeHead(200).end();
        },
      },
    );
  });

  test('recovery is told once, and clears the reason', async () => {
    let broken = true;
    await withReceiver(
      async (receiver) => {
        const { log, lines } = logLines();
        const tracing = await started({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }, { log });
        tracing.start('one', 'server', []).end();
        await until(() => tracing.status().failed === 1);
        broken = false;
        tracing.start('two', 'server', []).end();
        tracing.start('three', 'server', []).end();
        await until(() => tracing.status().exported === 2);
        assert.equal(tracing.status().last_error, undefined);
        assert.deepEqual(
          lines.map(({ msg }) => msg),
          ['traces are being lost', 'traces are exported again'],
        );
        await tracing.shutdown(500);
        tracing.start('late', 'server', []).end();
        assert.equal(tracing.status().dropped, 1);
      },
      { answer: (response) => void response.writeHead(broken ? 400 : 200).end() },
    );
  });

  test('a redirect is not followed: headers with secrets go to one place', async () => {
    let elsewhere = 0;
    const other = createServer((_request, response) => {
      elsewhere++;
      response.end();
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    leftOver.push(() => other.close());
    const { port } = other.address() as AddressInfo;
    await withReceiver(
      async (receiver) => {
        const tracing = await started({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
        tracing.start('GET', 'server', []).end();
        await until(() => tracing.status().failed === 1);
        assert.equal(elsewhere, 0);
        await tracing.shutdown(500);
      },
      { answer: (response) => void response.writeHead(307, { location: `http://127.0.0.1:${port}/` }).end() },
    );
  });
});

async function until(condition: () => boolean, timeoutMs = 5_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    assert.ok(performance.now() < deadline, 'in time');
    await sleep(5);
  }
}

async function unusedPort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
