import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { aca } from '../../src/deploy/aca.ts';
import { getAt } from '../../src/deploy/edit.ts';
import type { Json } from '../../src/deploy/json.ts';
import { makePlan } from '../../src/deploy/make-plan.ts';
import { assertExamples } from './example.ts';
import { goldenTests } from './golden.ts';
import { onlyManifestErrors } from './odd-input.ts';
import { ACA_SCHEMA, acaFaults } from './schemas/aca.ts';
import { skippedWithout } from './schemas/closed.ts';

goldenTests(aca, acaFaults);

test('aca: Dapr is understood in every spelling that `az` takes', () => {
  const inject = (dapr: Record<string, Json>) => {
    const configuration = { dapr, ingress: { targetPort: 8000 } };
    const containers = [{ name: 'agent', image: 'agent:1' }];
    const app = { name: 'desk', properties: { configuration, template: { containers } } };
    const { documents, notes } = aca.inject([app], makePlan(undefined, { version: '1.2.3' }));
    const said = notes.map(({ message }) => message).find((message) => message.startsWith('Dapr'));
    return { port: getAt(documents[0], ['properties', 'configuration', 'dapr', 'appPort']), said };
  };
  for (const enabled of [true, 'true', 'yes', 'on']) {
    for (const [appPort, after, said] of [
      ['8000', 8080, /^Dapr calls the sidecar/],
      [8080, 8080, /^Dapr calls the sidecar/],
      ['9000', '9000', /^Dapr calls the agent on port 9000, around the sidecar/],
    ] as const) {
      const result = inject({ enabled, appPort });
      assert.deepEqual(result.port, after);
      assert.match(result.said ?? '', said);
    }
  }
  for (const enabled of [false, 'false', 'no', 'off']) {
    assert.deepEqual(inject({ enabled, appPort: 8000 }), { port: 8080, said: undefined });
    assert.deepEqual(inject({ enabled, appPort: 9000 }), { port: 9000, said: undefined });
  }
});

test("aca: the platform's schema refuses what it does not name", skippedWithout(ACA_SCHEMA), () => {
  const app = (container: object, rest: object = {}) => [
    {
      name: 'agent',
      properties: { template: { containers: [{ name: 'agent', image: 'agent:1', ...container }] }, ...rest },
    },
  ];
  assert.deepEqual(acaFaults(app({ resources: { cpu: 0.25, memory: '0.5Gi' } })), []);
  for (const wrong of [
    app({ ports: [8080] }),
    app({ env: [{ name: 'A', valueFrom: 'x' }] }),
    app({ resources: { cpu: 'half', memory: '0.5Gi' } }),
    app({}, { configuration: { ingress: { targetPort: "[parameters('port')]" } } }),
    app({}, { template: { containers: [], restartPolicy: 'Always' } }),
  ]) {
    assert.notDeepEqual(acaFaults(wrong), []);
  }
});

test('aca: the rules that no schema says', () => {
  const app = (...containers: object[]) => [{ name: 'agent', properties: { template: { containers } } }];
  const probe = { type: 'Startup', tcpSocket: { port: 80 } };
  const cases: [RegExp, unknown[]][] = [
    [/two containers/, app({ name: 'a' }, { name: 'a' })],
    [/two Startup probes/, app({ name: 'a', probes: [probe, probe] })],
    [/failureThreshold must be 1 to 10/, app({ name: 'a', probes: [{ ...probe, failureThreshold: 11 }] })],
    [/httpGet or by tcpSocket/, app({ name: 'a', probes: [{ type: 'Startup' }] })],
    [/no volume data/, app({ name: 'a', volumeMounts: [{ volumeName: 'data', mountPath: '/data' }] })],
    [/no step/, app({ name: 'a', resources: { cpu: 0.5, memory: '2Gi' } })],
  ];
  for (const [expected, documents] of cases) assert.match(acaFaults(documents).join('\n'), expected);
});

test('aca: the blocks of the documentation are those of the golden files', () => {
  assertExamples('aca', 'docs/deploy/aca.md');
});

test('aca: whatever a file holds is injected into or refused, and never changed in place', () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  const port = fc.constantFrom(80, 3000, 8000, '8000');
  const probe = fc.record({
    type: fc.constantFrom('Liveness', 'Readiness'),
    httpGet: fc.oneof(fc.record({ port }), value),
  });
  const container = fc.record(
    {
      env: fc.oneof(fc.array(fc.record({ name: fc.constantFrom('PORT', 'A'), value: fc.oneof(port, value) })), value),
      probes: fc.oneof(fc.array(fc.oneof(probe, value)), value),
      resources: fc.oneof(fc.constant({ cpu: 0.5, memory: '1Gi' }), value),
      args: value,
    },
    { requiredKeys: [] },
  );
  const mapping = fc.record({ targetPort: fc.oneof(port, value) });
  const ingress = fc.record({
    targetPort: fc.oneof(port, value),
    additionalPortMappings: fc.oneof(fc.array(mapping), value),
  });
  const template = fc.record({
    containers: fc.tuple(
      container.map((own) => ({ ...own, name: 'agent' })),
      fc.oneof(container, value),
    ),
    volumes: value,
  });
  const configuration = fc.record({ ingress: fc.oneof(ingress, value), secrets: value, dapr: value });
  const file = fc.record({ identity: value, properties: fc.record({ configuration, template }) });
  const secretStore = 'https://v.vault.azure.net';
  onlyManifestErrors(aca, file, makePlan(undefined, { version: '1.2.3', secretStore, container: 'agent' }));
});
