import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cloudrun } from '../../src/deploy/cloudrun.ts';
import { setAt } from '../../src/deploy/edit.ts';
import type { Json, Path } from '../../src/deploy/json.ts';
import { injectPod } from '../../src/deploy/kubernetes/inject-pod.ts';
import { kubernetes } from '../../src/deploy/kubernetes.ts';
import { makePlan } from '../../src/deploy/make-plan.ts';
import { ManifestError } from '../../src/deploy/target.ts';

const POD_SPEC = {
  terminationGracePeriodSeconds: 10,
  initContainers: [{ name: 'init', image: 'i:1' }],
  containers: [
    {
      name: 'agent',
      image: 'a:1',
      command: ['run'],
      env: [{ name: 'PORT', value: '3000' }],
      ports: [{ name: 'http', containerPort: 3000 }],
      readinessProbe: { httpGet: { path: '/', port: 'http' } },
      livenessProbe: { tcpSocket: { port: 3000 } },
      lifecycle: { postStart: { exec: { command: ['true'] } } },
    },
  ],
  volumes: [{ name: 'v', emptyDir: {} }],
};
const METADATA = { name: 'a', labels: { app: 'a' }, annotations: { 'prometheus.io/port': '3000' } };
const FILE: Json[] = [
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: METADATA,
    spec: { selector: { matchLabels: { app: 'a' } }, template: { metadata: METADATA, spec: POD_SPEC } },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: METADATA,
    spec: { selector: { app: 'a' }, ports: [{ port: 80, targetPort: 'http' }] },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: METADATA,
    spec: { podSelector: { matchLabels: { app: 'a' } }, ingress: [{ ports: [{ port: 3000 }] }] },
  },
  {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'ServiceMonitor',
    metadata: METADATA,
    spec: { selector: { matchLabels: { app: 'a' } }, endpoints: [{ port: 'http' }] },
  },
];
const KNATIVE: Json = {
  apiVersion: 'serving.knative.dev/v1',
  kind: 'Service',
  metadata: METADATA,
  spec: {
    template: { metadata: METADATA, spec: { timeoutSeconds: 60, containers: POD_SPEC.containers, volumes: [] } },
  },
};
const plan = makePlan(undefined, { version: '1.2.3', networkPolicy: true });

test('a manifest with anything in any place is injected into, once, or refused with a fault', () => {
  assert.ok(plan);
  const cases: readonly (readonly [file: Json, inject: (file: Json) => Json])[] = [
    [FILE, (file) => kubernetes.inject(listOf(file), plan).documents],
    [[KNATIVE], (file) => kubernetes.inject(listOf(file), plan).documents],
    [[KNATIVE], (file) => cloudrun.inject(listOf(file), plan).documents],
    [{ apiVersion: 'v1', kind: 'Pod', metadata: METADATA, spec: POD_SPEC }, (pod) => injectPod(Object(pod), plan).pod],
  ];
  let injected = 0;
  for (const [file, inject] of cases) {
    const places = fc.constantFrom(...pathsOf(file));
    fc.assert(
      fc.property(places, fc.jsonValue({ maxDepth: 2 }), (path, value) => {
        const changed = setAt(file, path, value as Json);
        try {
          const once = inject(changed);
          assert.deepEqual(inject(once), once);
          injected++;
        } catch (error) {
          if (!(error instanceof ManifestError)) throw error;
          assert.ok(error.faults.length > 0);
        }
      }),
      { numRuns: 300 },
    );
  }
  assert.ok(injected > 300, `${injected} of them could be injected into`);
});

function pathsOf(value: Json, path: Path = []): Path[] {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  const keys = inner.map(([key, one]) => [Array.isArray(value) ? Number(key) : key, one] as const);
  return [...(path.length === 0 ? [] : [path]), ...keys.flatMap(([key, one]) => pathsOf(one, [...path, key]))];
}

function listOf(value: Json): readonly Json[] {
  assert.ok(Array.isArray(value));
  return value;
}
