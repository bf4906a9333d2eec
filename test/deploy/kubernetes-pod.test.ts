import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setAt } from '../../src/deploy/edit.ts';
import type { Json, JsonObject } from '../../src/deploy/json.ts';
import { injectPod, workloadName } from '../../src/deploy/kubernetes/inject-pod.ts';
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
  // A date is no minute of a CronJob's, and the index of a pod is not the Job's.
  const dated = { 'job-name': 'import-20261121' };
  assert.equal(named({ generateName: 'import-20261121-', labels: dated }), 'import-20261121');
  assert.equal(named({ generateName: 'report-34999999-', labels: { 'job-name': 'report-34999999' } }), 'report');
  assert.equal(named({ generateName: 'train-0-', labels: { 'batch.kubernetes.io/job-name': 'train' } }), 'train');
  const rollout = { 'rollouts-pod-template-hash': '7c9d5f8b6' };
  assert.equal(named({ generateName: 'support-agent-7c9d5f8b6-', labels: rollout }), 'support-agent');
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
  assert.match(
    at(8081).join(),
    /the agent cannot listen on 8081: callers use that port, so the sidecar listens there; choose another/,
  );
  assert.deepEqual(at(8081, { agentPort: 8082 }), []);
  assert.match(at(3000, { agentPort: 3000 }).join(), /the agent cannot listen on 3000/);
  const knative = { ...POD, metadata: { labels: { 'serving.knative.dev/revision': 'a-00001' } } };
  assert.match(faultsOf(knative).join(), /inject into its manifest instead/);
  assert.match(faultsOf({ metadata: {}, spec: {} }).join(), /no container/);
});

test('what only looks like the sidecar denies the pod, and does not switch injection off', () => {
  const ours = planOf({}).image;
  const sleeper = { name: 'outrider', image: ours, command: ['sleep', '1'] };
  const cases: readonly (readonly [pod: JsonObject, said: RegExp])[] = [
    [beside('containers', sleeper), /restartPolicy Always; .*no command|expected an init container/],
    [beside('initContainers', { name: 'outrider', image: ours, args: ['--version'] }), /expected args \["sidecar"\]/],
    [beside('containers', { name: 'x', image: 'evil.io/outrider/outrider:1.2.3' }), /expected the name outrider/],
    [beside('containers', { name: 'x', image: 'evil.io/outrider/outrider:1.2.3' }), /expected an image of outrider\//],
    [beside('initContainers', { ...sidecarOf(), image: 'evil.io/outrider/outrider:1.2.3' }), /expected an image of/],
    [beside('containers', sidecarOf(), injectPod(POD, planOf({})).pod), /there is a sidecar already: leave one/],
    [withSidecar({ restartPolicy: 'OnFailure' }), /init container with restartPolicy Always/],
    [withSidecar({ args: ['sidecar', '--help'] }), /args/],
    [withSidecar({ command: ['/bin/sleep'] }), /no command/],
    [withSidecar({ workingDir: '/evil' }), /no workingDir/],
    [withSidecar({ envFrom: [{ configMapRef: { name: 'evil' } }] }), /no envFrom/],
    [withSidecar({ lifecycle: { postStart: { exec: { command: ['/evil'] } } } }), /no hook but outrider drain/],
    [withSidecar({ volumeMounts: [{ name: 'v', mountPath: '/usr/local/bin' }] }), /mounted at \/usr\/local\/bin/],
    [withSidecar({ volumeMounts: [{ name: 'v', mountPath: 'usr/local/bin' }] }), /mounted at usr\/local\/bin/],
    [withSidecar({ volumeMounts: [{ name: 'v', mountPath: '/etc/outrider' }] }), /mounted at \/etc\/outrider/],
    [withSidecar({ volumeMounts: [{ name: 'v', mountPath: '/tmp/../usr/local/bin' }] }), /mounted at/],
    [withSidecar({ volumeMounts: [{ name: 'v', mountPath: '/var/lib/outrider/' }] }), /mounted at/],
    [withVariable({ name: 'OUTRIDER_ALLOW_NO_AUTH', value: 'true' }), /OUTRIDER_ALLOW_NO_AUTH is not one/],
    [withVariable({ name: 'NODE_OPTIONS', value: '--require=/evil.js' }), /NODE_OPTIONS is not one/],
    [withVariable({ name: 'AGENT_AUTH_TOKEN', value: 'known' }), /AGENT_AUTH_TOKEN is expected from a Secret/],
    [withVariable(optionalToken()), /AGENT_AUTH_TOKEN is expected from a Secret/],
    [
      withVariable({ name: 'OUTRIDER_CONFIG_YAML', value: 'auth: none' }),
      /OUTRIDER_CONFIG_YAML is not what the platform/,
    ],
    [
      withVariable({ name: 'OUTRIDER_LEDGER_URL', value: 'http://evil' }),
      /OUTRIDER_LEDGER_URL is not what the platform/,
    ],
    [withVariable({ name: 'OUTRIDER_AGENT_URL', value: 'http://evil.io:80' }), /OUTRIDER_AGENT_URL http:/],
    [withVariable({ name: 'OUTRIDER_INBOUND_ADDR', value: '127.0.0.1:3000' }), /OUTRIDER_INBOUND_ADDR :PORT/],
    [withSidecar({ env: [] }), /AGENT_AUTH_TOKEN is missing/],
    [declaring(8081), /port 8081 is the agent's/],
    [declaring(3000), /port 3000 is the sidecar's/],
    [declaring(9090), /port 9090 is the sidecar's \(helpers\)/],
    [withSpec({ hostNetwork: true }), /hostNetwork/],
    [withSidecar({ livenessProbe: { exec: { command: ['/bin/sh', '-c', 'x'] } } }), /outrider healthcheck/],
    [withSidecar({ startupProbe: { exec: { command: [...HEALTHCHECK, '--url', 'http://evil'] } } }), /healthcheck/],
    [withSidecar({ readinessProbe: { httpGet: { path: '/ready', port: 8081 } } }), /a probe that asks port 3000/],
    [withSidecar({ readinessProbe: { httpGet: { path: '/', port: 3000, host: 'evil.io' } } }), /asks port 3000/],
    [
      withSidecar({ securityContext: {} }),
      /securityContext\.runAsNonRoot: true; .*readOnlyRootFilesystem: true; .*PrivilegeEscalation: false; .*seccompProfile: type Runtime/,
    ],
    [hardened({ privileged: true }), /securityContext\.privileged: false, or none$/],
    [hardened({ runAsUser: 0, runAsNonRoot: false }), /runAsNonRoot: true; .*runAsUser: a number above 0/],
    [hardened({ capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] } }), /capabilities: drop \[ALL\], and no add/],
    [hardened({ seLinuxOptions: { type: 'spc_t' } }), /seLinuxOptions: a level alone/],
    [hardened({ invented: true }), /securityContext\.invented: none/],
    [hardened({ windowsOptions: { hostProcess: true } }), /securityContext\.windowsOptions: none/],
    [inPod({ runAsNonRoot: false }, { runAsNonRoot: null }), /runAsNonRoot: true/],
    [inPod({ runAsNonRoot: true }, { runAsNonRoot: false }), /runAsNonRoot: true/],
    [inPod({ seccompProfile: { type: 'Unconfined' } }, { seccompProfile: null }), /seccompProfile: type Runtime/],
    [inPod({ allowPrivilegeEscalation: false }, { allowPrivilegeEscalation: null }), /allowPrivilegeEscalation: false/],
    [withSidecar({ livenessProbe: { httpGet: { path: '/health', port: 8012 } } }), /asks port 3000/],
    [asAgentToo({}), /container x is told of the sidecar as if it were the agent, which agent is/],
    [asAgentToo({ env: [{ name: 'OUTRIDER_LOCAL_URL', value: '' }] }), /port 7000 of container x/],
    [withSpec({ volumes: [{ name: 'outrider-data', configMap: { name: 'evil' } }] }), /outrider-data/],
  ];
  for (const [pod, said] of cases) assert.match(faultsOf(pod).join('; '), said, JSON.stringify(pod));
  const twice = withSidecar({ env: [...envOf(sidecarOf()), { name: 'AGENT_AUTH_TOKEN', value: '' }] });
  assert.match(faultsOf(twice).join(), /AGENT_AUTH_TOKEN is there twice/);
});

test('what API servers and other webhooks add leaves the sidecar a sound one', () => {
  const { pod } = injectPod(POD, planOf({}));
  const [before] = containersOf(pod, 'initContainers');
  const sidecar = {
    ...before,
    imagePullPolicy: 'IfNotPresent',
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    resources: {},
    ports: [{ name: 'web', containerPort: 3000, protocol: 'TCP' }],
    env: [...envOf(before), { name: 'AWS_REGION', value: 'eu-central-1' }],
    volumeMounts: [
      { name: 'outrider-data', mountPath: '/var/lib/outrider' },
      { name: 'kube-api-access-x', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
    ],
  };
  const proxy = { name: 'istio-proxy', image: 'istio/proxyv2:1', ports: [{ containerPort: 15_090 }] };
  const containers = [...containersOf(pod, 'containers'), proxy];
  const spec = Object(pod['spec']) as JsonObject;
  const reviewed = { ...pod, spec: { ...spec, containers, initContainers: [sidecar] } };
  assert.deepEqual(injectPod(reviewed, planOf({})), { pod: reviewed, notes: [] });
  const [newer] = containersOf(injectPod(reviewed, planOf({ image: 'outrider/outrider:2.0.0' })).pod, 'initContainers');
  assert.deepEqual(newer, { ...sidecar, image: 'outrider/outrider:2.0.0' });
});

test('probes that run its own command, and users of the platform, leave the sidecar a sound one', () => {
  const sound = [
    withSidecar({ livenessProbe: { exec: { command: HEALTHCHECK } } }),
    withSidecar({ readinessProbe: { exec: { command: [...HEALTHCHECK, '--ready'] }, periodSeconds: 5 } }),
    withSidecar({ livenessProbe: { httpGet: { path: '/health', port: 'web', scheme: 'HTTP' } } }),
    withSidecar({ livenessProbe: { httpGet: { path: '/app-health/outrider/livez', port: 15_020 } } }),
    hardened({ runAsUser: 1_000_680_000, runAsGroup: 0, seLinuxOptions: { level: 's0:c26,c15' } }),
    hardened({ windowsOptions: null, invented: null }),
    inPod({ runAsNonRoot: true }, { runAsNonRoot: null }),
    inPod({ seccompProfile: { type: 'RuntimeDefault' } }, { seccompProfile: null }),
    // What the pod says is another container's to follow.
    inPod({ runAsNonRoot: false, seccompProfile: { type: 'Unconfined' } }, {}),
  ];
  for (const pod of sound) assert.deepEqual(injectPod(pod, planOf({})), { pod, notes: [] });
});

test('the sidecar of a Knative revision is left alone, in the form that Knative gives it', () => {
  const { lifecycle: _hook, restartPolicy: _policy, ...sidecar } = sidecarOf();
  const serving = {
    ...sidecar,
    image: 'index.docker.io/outrider/outrider@sha256:0123',
    env: [
      ...envOf(sidecarOf()),
      { name: 'OUTRIDER_LOCAL_ADDR', value: '127.0.0.1:9190' },
      { name: 'PORT', value: '3000' },
      { name: 'K_SERVICE', value: 'a' },
    ],
    lifecycle: { preStop: { httpGet: { port: 8022, path: '/wait-for-drain', scheme: 'HTTP' } } },
  };
  const proxy = { name: 'queue-proxy', image: 'q:1', ports: [{ containerPort: 9090 }] };
  const made = withSpec({ initContainers: [], containers: [serving, { name: 'agent', image: 'a:1' }, proxy] });
  const metadata = { labels: { 'serving.knative.dev/revision': 'a-00001' } };
  assert.deepEqual(faultsOf({ ...made, metadata }), []);
  assert.match(faultsOf(made).join(), /restartPolicy Always/);
  const throughProxy = {
    ...serving,
    env: [...serving.env, { name: 'K_REVISION', value: 'a-00001' }],
    livenessProbe: {
      httpGet: { path: '/health', port: 8012, httpHeaders: [{ name: 'K-Kubelet-Probe', value: 'queue' }] },
    },
  };
  const older = withSpec({ initContainers: [], containers: [throughProxy, { name: 'agent', image: 'a:1' }, proxy] });
  assert.deepEqual(faultsOf({ ...older, metadata }), []);
  assert.match(faultsOf(older).join(), /K_REVISION is not one/);
  const open = {
    ...serving,
    env: serving.env.map((one) => (one['value'] === '127.0.0.1:9190' ? { ...one, value: ':9190' } : one)),
  };
  const opened = withSpec({ initContainers: [], containers: [open, { name: 'agent', image: 'a:1' }, proxy] });
  assert.match(faultsOf({ ...opened, metadata }).join(), /OUTRIDER_LOCAL_ADDR is expected on 127/);
  const sleeping = withSpec({ initContainers: [], containers: [{ ...serving, command: ['sleep'] }] });
  assert.match(faultsOf({ ...sleeping, metadata }).join(), /no command/);
});

test('a sidecar with a configuration is sound where the platform lets pods say it, with the secrets that it names', () => {
  const config = 'a2a_peers: { r: { token_env: R_TOKEN } }';
  const token = { name: 'R_TOKEN', valueFrom: { secretKeyRef: { name: 's', key: 'R_TOKEN' } } };
  const env = [...envOf(sidecarOf()), { name: 'OUTRIDER_CONFIG_YAML', value: config }, token];
  const pod = withSidecar({ env });
  assert.match(faultsOf(pod).join(), /OUTRIDER_CONFIG_YAML is not what the platform says/);
  assert.deepEqual(injectPod(pod, planOf({}), new Set(['config'])).pod, pod);
  const evil = env.map(
    (entry) => JSON.parse(JSON.stringify(entry).replaceAll('R_TOKEN', 'NODE_OPTIONS')) as JsonObject,
  );
  assert.throws(
    () => injectPod(withSidecar({ env: evil }), planOf({}), new Set(['config'])),
    /NODE_OPTIONS is not one/,
  );
});

test('ports beside the agent are named, but for those of a mesh; one of the node denies the pod', () => {
  const chosen = planOf({ container: 'agent' });
  const noted = (container: JsonObject): string =>
    injectPod(beside('containers', container), chosen)
      .notes.map(({ message }) => message)
      .join();
  assert.match(
    noted({ name: 'web', image: 'w:1', ports: [{ containerPort: 5000 }] }),
    /port 5000 of container web is not behind the sidecar/,
  );
  const mesh = (name: string, port: number): string => noted({ name, image: 'm:1', ports: [{ containerPort: port }] });
  assert.doesNotMatch(mesh('istio-proxy', 15_090), /not behind/);
  assert.doesNotMatch(mesh('linkerd-proxy', 4_143), /not behind/);
  assert.match(mesh('istio-proxy', 5000), /port 5000 of container istio-proxy is not behind/);
  const node = beside('containers', { name: 'web', image: 'w:1', ports: [{ containerPort: 5000, hostPort: 80 }] });
  assert.throws(() => injectPod(node, chosen), /port 5000 of container web .* it cannot have a port of the node/);
});

test("the sidecar's volume is its own", () => {
  const hostPath = { volumes: [{ name: 'outrider-data', hostPath: { path: '/' } }] };
  assert.match(faultsOf({ ...POD, spec: { ...Object(POD['spec']), ...hostPath } }).join(), /nothing that others write/);
  const reader = { name: 'r', image: 'r:1', volumeMounts: [{ name: 'outrider-data', mountPath: '/x' }] };
  assert.match(faultsOf(beside('containers', reader), { container: 'agent' }).join(), /is the sidecar's alone/);
  assert.match(faultsOf(beside('initContainers', reader)).join(), /is the sidecar's alone/);
});

test('who makes a pod is told of annotations, not of flags', () => {
  const two = beside('containers', { name: 'other', image: 'o:1' });
  assert.match(faultsOf(two).join(), /choose with the annotation outrider\.dev\/container/);
  const command = {
    ...POD,
    spec: { containers: [{ name: 'agent', image: 'a:1', command: ['run', '--port', '3001'] }] },
  };
  const port = { ...POD, spec: { containers: [{ ...command.spec.containers[0], ports: [{ containerPort: 3001 }] }] } };
  const helper = { ...POD, spec: { containers: [{ name: 'agent', image: 'a:1', ports: [{ containerPort: 9090 }] }] } };
  assert.match(faultsOf(helper).join(), /have the agent declare another port/);
  const told = injectPod(POD, planOf({})).notes.map(({ message }) => message);
  assert.match(told.join(), /outrider\.dev\/agent-port/);
  for (const message of [...told, ...faultsOf(two), ...faultsOf(port), ...faultsOf(helper)]) {
    assert.doesNotMatch(message, /--(container|agent-port|inbound-port)/);
  }
});

test('behind a mesh the probes are commands, and such a pod is a sound one', () => {
  const native = { restartPolicy: 'Always' };
  const asks = (init: readonly JsonObject[], beside: readonly JsonObject[]): unknown => {
    const image = 'm:1';
    const initContainers = init.map((one) => ({ image, ...one }));
    const containers = [...containersOf(POD, 'containers'), ...beside.map((one) => ({ image, ...one }))];
    const { pod } = injectPod({ ...POD, spec: { containers, initContainers } }, planOf({ container: 'agent' }));
    assert.deepEqual(injectPod(pod, planOf({ container: 'agent' })).pod, pod);
    const sidecar = containersOf(pod, 'initContainers').find(({ name }) => name === 'outrider');
    const probes = ['startupProbe', 'livenessProbe', 'readinessProbe'].map(
      (key) => Object(sidecar?.[key]) as JsonObject,
    );
    const commands = probes.map(({ exec }) => (Object(exec) as JsonObject)['command']);
    const program = '/usr/local/bin/outrider';
    if (probes.every(({ httpGet }) => httpGet !== undefined)) return 'requests';
    assert.deepEqual(commands, [
      [program, 'healthcheck'],
      [program, 'healthcheck'],
      [program, 'healthcheck', '--ready'],
    ]);
    return 'commands';
  };
  assert.equal(asks([], []), 'requests');
  assert.equal(asks([{ name: 'istio-init' }], [{ name: 'istio-proxy' }]), 'commands');
  for (const name of ['consul-template', 'cilium-wait', 'istio-cert-copy', 'my-istio-proxy', 'queue-proxy']) {
    assert.equal(asks([{ name }], []), 'requests', `${name} redirects nothing`);
    assert.equal(asks([], [{ name }]), 'requests', `${name} redirects nothing`);
  }
  for (const name of ['istio-validation', 'kuma-init', 'linkerd-network-validator', 'consul-connect-inject-init']) {
    assert.equal(asks([{ name }], []), 'commands', name);
  }
  for (const name of ['kuma-sidecar', 'consul-dataplane', 'consul-dataplane-web', 'envoy-sidecar']) {
    assert.equal(asks([], [{ name }]), 'commands', name);
  }
  assert.equal(
    asks([], [{ name: 'linkerd-proxy' }]),
    'commands',
    'a plugin of the network redirects without a container',
  );
  const strict = [{ name: 'istio-init' }, { name: 'istio-proxy', ...native }];
  assert.equal(asks(strict, []), 'commands', 'a mesh that demands certificates lets no request of the kubelet through');
});

test('a hook that asks the agent from outside has a note, and one that asks another host or port has none', () => {
  const told = (hook: JsonObject, ports: Json = [{ name: 'web', containerPort: 3000 }]): string => {
    const agent = { name: 'agent', image: 'a:1', ports, lifecycle: { preStop: hook } };
    const { notes } = injectPod({ ...POD, spec: { containers: [agent] } }, planOf({}));
    return notes.map(({ message }) => message).join();
  };
  const outside = /the preStop hook asks the agent from outside/;
  for (const port of [3000, 'web', '3000']) {
    assert.match(told({ httpGet: { path: '/drain', port } }), outside);
    assert.match(told({ tcpSocket: { port, host: '' } }), outside);
    assert.doesNotMatch(told({ httpGet: { path: '/v2', port, host: 'registry.example.com' } }), outside);
  }
  assert.doesNotMatch(told({ httpGet: { path: '/drain', port: 9464 } }), outside);
  assert.doesNotMatch(told({ exec: { command: ['true'] } }), outside);
  assert.match(told({ httpGet: { path: '/drain', port: 7000 } }, []), outside, 'nobody knows where the agent listened');
});

test('a sidecar on a port below 1024 may listen there, and an entry that is there stays where it lets it', () => {
  const low = { containers: [{ name: 'agent', image: 'a:1', ports: [{ containerPort: 80 }] }] };
  const sysctlsOf = (spec: JsonObject): unknown =>
    Object(Object(injectPod({ ...POD, spec }, planOf({})).pod['spec']).securityContext).sysctls;
  const name = 'net.ipv4.ip_unprivileged_port_start';
  assert.deepEqual(sysctlsOf(low), [{ name, value: '0' }]);
  assert.deepEqual(sysctlsOf({ ...low, securityContext: { sysctls: [{ name, value: '80' }] } }), [
    { name, value: '80' },
  ]);
  assert.deepEqual(sysctlsOf({ ...low, securityContext: { sysctls: [{ name, value: '1024' }] } }), [
    { name, value: '80' },
  ]);
  assert.equal(sysctlsOf(Object(POD['spec'])), undefined);
});

function beside(list: string, container: JsonObject, pod = POD): JsonObject {
  const spec = Object(pod['spec']) as JsonObject;
  return { ...pod, spec: { ...spec, [list]: [...((spec[list] as unknown as JsonObject[]) ?? []), container] } };
}

function sidecarOf(): JsonObject {
  const [sidecar] = containersOf(injectPod(POD, planOf({})).pod, 'initContainers');
  assert.ok(sidecar);
  return sidecar;
}

/** A pod with a sound sidecar, and this of it changed. */
function withSidecar(change: JsonObject): JsonObject {
  return withSpec({ initContainers: [{ ...sidecarOf(), ...change }] });
}

const HEALTHCHECK = ['/usr/local/bin/outrider', 'healthcheck'];

/** A pod with a sound sidecar, and this of its `securityContext` changed. */
function hardened(change: JsonObject): JsonObject {
  return withSidecar({ securityContext: { ...Object(sidecarOf()['securityContext']), ...change } });
}

/** A pod whose own `securityContext` is this, with a sidecar whose `securityContext` is changed by that. */
function inPod(own: JsonObject, change: JsonObject): JsonObject {
  return setAt(hardened(change), ['spec', 'securityContext'], own) as JsonObject;
}

/** A pod with a sidecar and its agent, and another container that is told as much, with a port of the node. */
function asAgentToo(change: JsonObject): JsonObject {
  const { pod } = injectPod(POD, planOf({}));
  const [agent] = containersOf(pod, 'containers');
  return beside(
    'containers',
    { ...agent, name: 'x', ports: [{ containerPort: 7000, hostPort: 7000 }], ...change },
    pod,
  );
}

function withSpec(change: JsonObject): JsonObject {
  const { pod } = injectPod(POD, planOf({}));
  return { ...pod, spec: { ...Object(pod['spec']), ...change } };
}

function withVariable(entry: JsonObject): JsonObject {
  const others = envOf(sidecarOf()).filter(({ name }) => name !== entry['name']);
  return withSidecar({ env: [...others, entry] });
}

function optionalToken(): JsonObject {
  const secretKeyRef = { name: 's', key: 'AGENT_AUTH_TOKEN', optional: true };
  return { name: 'AGENT_AUTH_TOKEN', valueFrom: { secretKeyRef } };
}

function declaring(containerPort: number): JsonObject {
  const [agent] = containersOf(injectPod(POD, planOf({})).pod, 'containers');
  return withSpec({ containers: [{ ...agent, ports: [{ containerPort }] }] });
}

function envOf(container: JsonObject | undefined): JsonObject[] {
  // Variables are objects with a name.
  return (container?.['env'] ?? []) as unknown as JsonObject[];
}

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
