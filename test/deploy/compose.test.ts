import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compose } from '../../src/deploy/compose.ts';
import { makePlan } from '../../src/deploy/make-plan.ts';
import { assertExamples } from './example.ts';
import { goldenTests } from './golden.ts';
import { onlyManifestErrors } from './odd-input.ts';
import { skippedWithout } from './schemas/closed.ts';
import { COMPOSE_SCHEMA, composeFaults } from './schemas/compose.ts';

goldenTests(compose, composeFaults);

test("compose: the platform's schema refuses what it does not name", skippedWithout(COMPOSE_SCHEMA), () => {
  const file = (service: object, rest: object = {}) => [
    { services: { agent: { image: 'agent:1', ...service } }, ...rest },
  ];
  assert.deepEqual(composeFaults(file({ 'x-team': 'desk' }, { 'x-notes': [1] })), []);
  for (const wrong of [
    file({ prots: ['80:80'] }),
    file({ deploy: { resources: { limits: { cores: '1' } } } }),
    file({ healthcheck: { test: ['NONE'], delay: '1s' } }),
    file({ depends_on: { agent: { condition: 'healthy' } } }),
    file({}, { service: {} }),
  ]) {
    assert.notDeepEqual(composeFaults(wrong), []);
  }
});

test('compose: the rules that no schema says', () => {
  const cases: [RegExp, object][] = [
    [
      /networks beside network_mode/,
      { services: { a: { network_mode: 'service:b', networks: ['n'] }, b: {} }, networks: { n: {} } },
    ],
    [/ports beside network_mode/, { services: { a: { network_mode: 'service:b', ports: ['1:1'] }, b: {} } }],
    [/hostname beside network_mode/, { services: { a: { network_mode: 'service:b', hostname: 'h' }, b: {} } }],
    [/which is no service/, { services: { a: { network_mode: 'service:b' } } }],
    [/b is no service/, { services: { a: { depends_on: ['b'] } } }],
    [/volumes has no data/, { services: { a: { volumes: ['data:/data'] } } }],
    [/networks has no n/, { services: { a: { networks: ['n'] } } }],
    [/several replicas/, { services: { a: { container_name: 'x', scale: 2 } } }],
    [/depends on itself/, { services: { a: { depends_on: ['b'] }, b: { network_mode: 'service:a' } } }],
    [/publishes 80\/tcp, as a does/, { services: { a: { ports: ['80:80'] }, b: { ports: ['80:8080/tcp'] } } }],
  ];
  for (const [expected, document] of cases) assert.match(composeFaults([document]).join('\n'), expected);
  assert.deepEqual(composeFaults([{ services: { a: { volumes: ['./here:/data', '/etc:/etc'], ports: ['80'] } } }]), []);
});

test('compose: the blocks of the documentation are those of the golden files', () => {
  assertExamples('compose');
});

test('compose: whatever a file holds is injected into or refused, and never changed in place', () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  const forms = fc.constantFrom<unknown>('80:80', '[::1]:1:${A:-3}', '1-3:4-6/udp', '5000', 8000, { target: 80 });
  const port = fc.oneof({ arbitrary: forms, weight: 20 }, { arbitrary: value, weight: 1 });
  const others = fc.dictionary(fc.constantFrom('agent', 'web', 'cache'), value);
  const service = fc.record(
    {
      image: value,
      ports: fc.array(port),
      expose: fc.array(port),
      networks: fc.oneof(others, value),
      environment: fc.oneof(others, value),
      command: value,
      healthcheck: value,
      depends_on: fc.oneof(others, value),
      links: value,
      deploy: fc.oneof(others, value),
      labels: value,
      profiles: value,
      stop_grace_period: value,
      extends: fc.constantFrom('web', ...Array<undefined>(9)),
      network_mode: fc.constantFrom('bridge', 'service:agent', ...Array<undefined>(9)),
    },
    { requiredKeys: [] },
  );
  const file = fc.record({
    services: fc.record({ agent: service, web: service }),
    volumes: fc.jsonValue({ maxDepth: 1 }),
  });
  onlyManifestErrors(compose, file, makePlan(undefined, { version: '1.2.3', workload: 'agent' }));
});
