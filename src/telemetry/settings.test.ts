import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { Environment } from '../environment.ts';
import { type TracingSettings, tracingSettings } from './settings.ts';

const ON = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

function read(env: Environment, defaults = {}): { settings: TracingSettings | undefined; warnings: string[] } {
  const warnings: string[] = [];
  return { settings: tracingSettings(env, defaults, (message) => warnings.push(message)), warnings };
}

describe('when to trace', () => {
  const cases: [string, Environment, object, readonly string[] | undefined][] = [
    ['nothing', {}, {}, undefined],
    ['blank is unset', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }, {}, undefined],
    ['endpoint', ON, {}, ['otlp']],
    ['our endpoint', {}, { endpoint: 'http://ours' }, ['otlp']],
    ['disabled', { ...ON, OTEL_SDK_DISABLED: 'TRUE' }, {}, undefined],
    ['not disabled', { ...ON, OTEL_SDK_DISABLED: 'false' }, {}, ['otlp']],
    ['otlp alone means localhost', { OTEL_TRACES_EXPORTER: 'otlp' }, {}, ['otlp']],
    ['console', { OTEL_TRACES_EXPORTER: 'console' }, {}, ['console']],
    ['both', { ...ON, OTEL_TRACES_EXPORTER: 'console, otlp,otlp' }, {}, ['console', 'otlp']],
    ['none', { ...ON, OTEL_TRACES_EXPORTER: 'none' }, {}, undefined],
    ['unknown', { ...ON, OTEL_TRACES_EXPORTER: 'zipkin' }, {}, undefined],
    [
      'console with a bad endpoint',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'x:1', OTEL_TRACES_EXPORTER: 'otlp,console' },
      {},
      ['console'],
    ],
  ];
  for (const [name, env, defaults, exporters] of cases) {
    test(name, () => assert.deepEqual(read(env, defaults).settings?.exporters, exporters));
  }
});

test('the URL: a base gets the path of the signal, a complete one stays, the environment wins', () => {
  const url = (env: Environment, endpoint?: string): string | undefined => read(env, { endpoint }).settings?.url;
  assert.equal(url({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }), 'http://c:4318/v1/traces');
  assert.equal(url({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318/' }), 'http://c:4318/v1/traces');
  assert.equal(url({ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c/a/b?k=v' }), 'https://c/a/b/v1/traces?k=v');
  assert.equal(url({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318' }), 'http://c:4318/');
  assert.equal(url({ ...ON, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t/x' }), 'http://t/x');
  assert.equal(url(ON, 'http://ours'), 'http://collector:4318/v1/traces');
  assert.equal(url({}, 'http://ours'), 'http://ours/v1/traces');
  assert.equal(url({ OTEL_TRACES_EXPORTER: 'otlp' }), 'http://localhost:4318/v1/traces');
});

test('the defaults are those of the specification', () => {
  const { settings, warnings } = read(ON);
  assert.deepEqual(warnings, []);
  assert.deepEqual(settings, {
    exporters: ['otlp'],
    url: 'http://collector:4318/v1/traces',
    headers: {},
    timeoutMs: 10_000,
    compression: 'none',
    tls: { ca: undefined, cert: undefined, key: undefined },
    serviceName: undefined,
    resource: {},
    sampler: { root: 'always_on', ratio: 1, parentBased: true },
    batch: { delayMs: 5_000, timeoutMs: 30_000, queue: 2048, size: 512 },
    limits: {
      attributeCountLimit: undefined,
      attributeValueLengthLimit: undefined,
      eventCountLimit: undefined,
      linkCountLimit: undefined,
      attributePerEventCountLimit: undefined,
      attributePerLinkCountLimit: undefined,
    },
    propagators: ['tracecontext', 'baggage'],
    diagnostics: 'warn',
  });
});

test('what is for traces wins over what is for all signals', () => {
  const { settings } = read({
    ...ON,
    OTEL_EXPORTER_OTLP_TIMEOUT: '1',
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '2',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'none',
    OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'gzip',
    OTEL_EXPORTER_OTLP_CERTIFICATE: '/all.pem',
    OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: '/traces.pem',
    OTEL_EXPORTER_OTLP_CLIENT_KEY: '/key.pem',
    OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=1',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'B=2',
    OTEL_ATTRIBUTE_COUNT_LIMIT: '9',
    OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '8',
  });
  assert.ok(settings);
  assert.equal(settings.timeoutMs, 2);
  assert.equal(settings.compression, 'gzip');
  assert.deepEqual(settings.tls, { ca: '/traces.pem', cert: undefined, key: '/key.pem' });
  assert.deepEqual(settings.headers, { a: '1', b: '2' });
  assert.equal(settings.limits.attributeCountLimit, 8);
  assert.equal(settings.limits.attributePerEventCountLimit, 9);
});

test('a batch is never larger than the queue', () => {
  assert.deepEqual(read({ ...ON, OTEL_BSP_MAX_QUEUE_SIZE: '100' }).settings?.batch.size, 100);
});

const faults: [string, Environment, Partial<TracingSettings>][] = [
  ['protocol', { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, {}],
  ['protocol for traces', { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' }, {}],
  ['compression', { OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd' }, { compression: 'none' }],
  ['timeout', { OTEL_EXPORTER_OTLP_TIMEOUT: '10s' }, { timeoutMs: 10_000 }],
  ['timeout of none', { OTEL_EXPORTER_OTLP_TIMEOUT: '0' }, { timeoutMs: 10_000 }],
  ['header without value', { OTEL_EXPORTER_OTLP_HEADERS: 'hush,a=1' }, { headers: { a: '1' } }],
  ['header with a line break', { OTEL_EXPORTER_OTLP_HEADERS: 'a=hush%0d%0ab:c' }, { headers: {} }],
  ['header with a bad name', { OTEL_EXPORTER_OTLP_HEADERS: 'hush :=1' }, { headers: {} }],
  ['header with a bad escape', { OTEL_EXPORTER_OTLP_HEADERS: 'a=%hush' }, { headers: {} }],
  ['resource', { OTEL_RESOURCE_ATTRIBUTES: 'a=1,hush' }, { resource: {} }],
  ['resource with =', { OTEL_RESOURCE_ATTRIBUTES: 'a=hush=2' }, { resource: {} }],
  ['resource with a bad escape', { OTEL_RESOURCE_ATTRIBUTES: 'a=1,b=%hush' }, { resource: {} }],
  [
    'sampler',
    { OTEL_TRACES_SAMPLER: 'jaeger_remote' },
    { sampler: { root: 'always_on', ratio: 1, parentBased: true } },
  ],
  [
    'ratio',
    { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' },
    { sampler: { root: 'traceidratio', ratio: 1, parentBased: false } },
  ],
  ['propagator', { OTEL_PROPAGATORS: 'b3,tracecontext' }, { propagators: ['tracecontext'] }],
  ['disabled', { OTEL_SDK_DISABLED: 'yes' }, {}],
];
for (const [name, env, expected] of faults) {
  test(`what is not understood is told and left out, without its value: ${name}`, () => {
    const { settings, warnings } = read({ ...ON, ...env });
    assert.ok(settings);
    for (const [key, value] of Object.entries(expected))
      assert.deepEqual(settings[key as keyof TracingSettings], value);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /^OTEL_[A-Z_]+: /);
    assert.doesNotMatch(warnings[0] ?? '', /hush/);
  });
}

test('property: any environment gives settings or none, and never throws', () => {
  const names = [
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    'OTEL_EXPORTER_OTLP_HEADERS',
    'OTEL_RESOURCE_ATTRIBUTES',
    'OTEL_TRACES_SAMPLER',
    'OTEL_TRACES_SAMPLER_ARG',
    'OTEL_BSP_MAX_QUEUE_SIZE',
    'OTEL_PROPAGATORS',
    'OTEL_TRACES_EXPORTER',
    'OTEL_EXPORTER_OTLP_TIMEOUT',
  ];
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), fc.string()), (env) => {
      const { settings } = read({ ...ON, ...env });
      if (settings === undefined) return;
      assert.ok(settings.batch.size >= 1 && settings.batch.size <= settings.batch.queue);
      assert.ok(settings.timeoutMs >= 1);
      for (const value of Object.values(settings.headers)) assert.doesNotMatch(value, /[\r\n\0]/);
    }),
  );
});
