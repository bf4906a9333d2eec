import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json, JsonObject } from '../../src/deploy/json.ts';
import { workloadName } from '../../src/deploy/kubernetes/inject-pod.ts';
import { injectPod } from '../../src/deploy/kubernetes.ts';
import { makePlan } from '../../src/deploy/make-plan.ts';
import type { Plan } from '../../src/deploy/plan.ts';
import { ManifestError } from '../../src/deploy/target.ts';
import { kubernetesFaults } from './schemas/kubernetes.ts';

const POD: JsonObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'support-agent-6d4f5b7c9-', labels: { 'pod-template-hash': '6d4f5b7c9' } },
  spec: {
    containers: [
      {
        name: 'agent',
        image: 'a:1',
        ports: [{ name: 'web', containerPort: 3000 }],
        readinessProbe: { httpGet: { path: '/readyz', port: 'web' } },
      },
    ],
  },
};

test('the sidecar takes over the number and the name of the port that Services know', () => {
  const { pod } = injectPod(POD, planOf({}));
  const [sidecar] = containersOf(pod, 'initContainers');
  const [agent] = containersOf(pod, 'containers');
  assert.deepEqual(sidecar?.['ports'], [{ name: 'web', containerPort: 3000 }]);
  assert.equal(variable(sidecar, 'OUTRIDER_INBOUND_ADDR'), ':3000');
  assert.equal(variable(sidecar, 'OUTRIDER_AGENT_URL'), 'http://127.0.0.1:8081');
  assert.equal(variable(sidecar, 'OUTRIDER_AGENT_READY_PATH'), '/readyz');
  assert.equal(agent?.['ports'], undefined);
  assert.equal(agent?.['readinessProbe'], undefined);
  assert.equal(variable(agent, 'PORT'), '8081');
  assert.deepEqual(kubernetesFaults([pod]), []);
});

test('injecting twice changes nothing', () => {
  const once = injectPod(POD, planOf({}));
  assert.deepEqual(injectPod(once.pod, planOf({})), { pod: once.pod, notes: [] });
});

test('the Secret is that of the workload, whatever made the pod', () => {
  const named = (metadata: JsonObject): string => workloadName({ metadata });
  const hash = { 'pod-template-hash': 'abc12' };
  assert.equal(named({ generateName: 'support-agent-abc12-', labels: hash }), 'support-agent');
  assert.equal(named({ name: 'web-0', generateName: 'web-' }), 'web');
  assert.equal(named({ name: 'alone' }), 'alone');
  const job = { 'batch.kubernetes.io/job-name': 'report-29012345' };
  assert.equal(named({ generateName: 'report-29012345-', labels: job }), 'report');
  assert.equal(named({ generateName: 'migrate-', labels: { 'job-name': 'migrate' } }), 'migrate');
  assert.equal(named({}), 'agent');
  const [sidecar] = containersOf(injectPod(POD, planOf({})).pod, 'initContainers');
  assert.match(JSON.stringify(sidecar), /"secretKeyRef":\{"name":"support-agent-outrider","key":"AGENT_AUTH_TOKEN"\}/);
});

test('nobody waits for the sidecar of a Job to be ready, nor for its agent to linger', () => {
  const metadata = { generateName: 'report-', labels: { 'batch.kubernetes.io/job-name': 'report' } };
  const { pod } = injectPod({ ...POD, metadata }, planOf({}));
  assert.equal(containersOf(pod, 'initContainers')[0]?.['readinessProbe'], undefined);
  assert.equal(containersOf(pod, 'containers')[0]?.['lifecycle'], undefined);
});

test('what cannot be has a fault that says what to do', () => {
  const at = (port: number, options: Partial<Parameters<typeof makePlan>[1]> = {}): string[] =>
    faultsOf(
      { ...POD, spec: { containers: [{ name: 'agent', image: 'a:1', ports: [{ containerPort: port }] }] } },
      options,
    );
  assert.match(at(8081).join(), /the agent cannot listen on 8081: it is a port of the sidecar's; choose another/);
  assert.deepEqual(at(8081, { agentPort: 8082 }), []);
  assert.match(at(3000, { agentPort: 3000 }).join(), /the agent cannot listen on 3000/);
  const knative = { ...POD, metadata: { labels: { 'serving.knative.dev/revision': 'a-00001' } } };
  assert.match(faultsOf(knative).join(), /inject into its manifest instead/);
  assert.match(faultsOf({ metadata: {}, spec: {} }).join(), /no container/);
});

function planOf(options: Partial<Parameters<typeof makePlan>[1]>): Plan {
  const plan = makePlan(undefined, { version: '1.2.3', ...options });
  assert.ok(plan);
  return plan;
}

function containersOf(pod: JsonObject, list: string): JsonObject[] {
  // What is injected into is a pod.
  return (pod['spec'] as JsonObject)[list] as unknown as JsonObject[];
}

function variable(container: JsonObject | undefined, name: string): Json | undefined {
  // Variables are objects with a name.
  const env = (container?.['env'] ?? []) as readonly JsonObject[];
  return env.find((one) => one['name'] === name)?.['value'];
}

function faultsOf(pod: JsonObject, options: Partial<Parameters<typeof makePlan>[1]> = {}): string[] {
  try {
    injectPod(pod, planOf(options));
    return [];
  } catch (error) {
    if (error instanceof ManifestError) return error.faults.map(({ message }) => message);
    throw error;
  }
}
