import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getAt } from '../../src/deploy/edit.ts';
import type { Json, JsonObject } from '../../src/deploy/json.ts';
import { injectPod } from '../../src/deploy/kubernetes/inject-pod.ts';
import { makePlan } from '../../src/deploy/make-plan.ts';
import { ManifestError } from '../../src/deploy/target.ts';

/** Pods as Istio's injector leaves them: it asks in place of each container, and keeps what the container's own probes asked. */

const PLAN = makePlan(undefined, { version: '1.2.3' });
const ASKED: JsonObject = {
  '/app-health/agent/livez': { httpGet: { path: '/live', port: 8000, scheme: 'HTTP' }, timeoutSeconds: 2 },
  '/app-health/agent/readyz': { httpGet: { path: '/readyz', port: 8000, scheme: 'HTTP' }, timeoutSeconds: 1 },
  '/app-health/agent/startupz': { tcpSocket: { port: 8000 }, timeoutSeconds: 1 },
  '/app-health/web/livez': { httpGet: { path: '/', port: 80 }, timeoutSeconds: 1 },
};

const throughIstio = (container: string, word: string): JsonObject => ({
  httpGet: { path: `/app-health/${container}/${word}`, port: 15_020, scheme: 'HTTP' },
  timeoutSeconds: 1,
  periodSeconds: 7,
});

function podOf(agent: JsonObject = {}, asked: string = JSON.stringify(ASKED), native = false): JsonObject {
  const proxy = {
    name: 'istio-proxy',
    image: 'docker.io/istio/proxyv2:1.28.0',
    env: [
      { name: 'POD_NAME', value: 'a' },
      { name: 'ISTIO_KUBE_APP_PROBERS', value: asked },
    ],
    ports: [{ containerPort: 15_090 }],
  };
  const containers = [
    {
      name: 'agent',
      image: 'a:1',
      ports: [{ name: 'http', containerPort: 8000 }],
      livenessProbe: throughIstio('agent', 'livez'),
      readinessProbe: throughIstio('agent', 'readyz'),
      startupProbe: throughIstio('agent', 'startupz'),
      ...agent,
    },
    { name: 'web', image: 'w:1', livenessProbe: throughIstio('web', 'livez') },
  ];
  const init = { name: 'istio-init', image: 'docker.io/istio/proxyv2:1.28.0' };
  return {
    metadata: { name: 'a', annotations: { 'kubectl.kubernetes.io/default-container': 'agent' } },
    spec: native
      ? { initContainers: [init, { ...proxy, restartPolicy: 'Always' }], containers }
      : { initContainers: [init], containers: [...containers, proxy] },
  };
}

const containersOf = (pod: JsonObject): JsonObject[] =>
  // Lists of containers, as they are above.
  ['initContainers', 'containers'].flatMap((list) => getAt(pod, ['spec', list]) as unknown as JsonObject[]);

function named(pod: JsonObject, name: string): JsonObject {
  const found = containersOf(pod).find((one) => one['name'] === name);
  assert.ok(found);
  return found;
}

function variable(pod: JsonObject, container: string, name: string): Json | undefined {
  const env = named(pod, container)['env'] as unknown as JsonObject[];
  return env.find((one) => one['name'] === name)?.['value'];
}

function askedBy(pod: JsonObject): JsonObject {
  const text = variable(pod, 'istio-proxy', 'ISTIO_KUBE_APP_PROBERS');
  assert.ok(typeof text === 'string');
  return JSON.parse(text) as JsonObject;
}

for (const native of [false, true]) {
  const form = native ? 'a native sidecar' : 'a container';
  test(`Istio as ${form} asks the sidecar, in the agent's place, what the agent's probes asked`, () => {
    const { pod, notes } = injectPod(podOf({}, undefined, native), PLAN);
    assert.deepEqual(askedBy(pod), {
      '/app-health/agent/livez': { httpGet: { path: '/health/agent', port: 8000 }, timeoutSeconds: 2 },
      '/app-health/agent/startupz': { httpGet: { path: '/health/agent', port: 8000 }, timeoutSeconds: 1 },
      '/app-health/web/livez': ASKED['/app-health/web/livez'],
    });
    const agent = named(pod, 'agent');
    assert.deepEqual(agent['livenessProbe'], throughIstio('agent', 'livez'));
    assert.deepEqual(agent['startupProbe'], throughIstio('agent', 'startupz'));
    assert.equal(agent['readinessProbe'], undefined);
    assert.deepEqual(named(pod, 'web')['livenessProbe'], throughIstio('web', 'livez'));
    assert.equal(variable(pod, 'outrider', 'OUTRIDER_AGENT_HEALTH_PATH'), '/live');
    assert.equal(variable(pod, 'outrider', 'OUTRIDER_AGENT_READY_PATH'), '/readyz');
    assert.equal(variable(pod, 'istio-proxy', 'POD_NAME'), 'a');
    assert.doesNotMatch(JSON.stringify(notes), /15020|not the one behind the sidecar/);
    assert.deepEqual(injectPod(pod, PLAN), { pod, notes: [] });
  });
}

test('where the agent declares no port, what its probes asked says it, and not the port of Istio', () => {
  const { ports: _ports, ...undeclared } = named(podOf(), 'agent');
  const made = podOf();
  const web = named(made, 'web');
  const containers = [undeclared, web, named(made, 'istio-proxy')];
  const { pod } = injectPod({ ...made, spec: { containers } }, PLAN);
  assert.equal(variable(pod, 'outrider', 'OUTRIDER_INBOUND_ADDR'), ':8000');
});

test('a probe that asks another port goes on asking it', () => {
  const asked = { ...ASKED, '/app-health/agent/livez': { httpGet: { path: '/live', port: 9000 } } };
  const { pod } = injectPod(podOf({}, JSON.stringify(asked)), PLAN);
  const after = askedBy(pod);
  assert.deepEqual(after['/app-health/agent/livez'], asked['/app-health/agent/livez']);
  assert.deepEqual(named(pod, 'agent')['livenessProbe'], throughIstio('agent', 'livez'));
});

test('where Istio does not say what it asks, the pod is denied', () => {
  const broken: string[] = ['', '{', 'null', '[]', '{}', '{"/app-health/agent/livez":{"httpGet":{"port":"http"}}}'];
  for (const asked of broken) {
    assert.throws(
      () => injectPod(podOf({}, asked), PLAN),
      (error) => {
        assert.ok(error instanceof ManifestError);
        assert.deepEqual(error.faults[0]?.path, ['spec', 'containers', 0, 'readinessProbe']);
        assert.match(error.faults[0]?.message ?? '', /ISTIO_KUBE_APP_PROBERS of istio-proxy does not say what/);
        return true;
      },
      asked,
    );
  }
});
