import { MESH, tellAgent } from '../container-spec.ts';
import { without } from '../edit.ts';
import { asNumber, isObject, type Json, type JsonObject, listOf, objectsOf, textOf } from '../json.ts';
import {
  agentVariables,
  DATA_VOLUME,
  GRACE_EXTRA_SECONDS,
  OFF_BALANCERS_SECONDS,
  type Plan,
  SIDECAR_PROGRAM,
} from '../plan.ts';
import type { Note } from '../target.ts';
import { type ChangedSpec, inside, type PodContext, type PodParts } from './parts.ts';
import { dataVolume, mcpContainers, sidecarContainer } from './sidecar.ts';

/** What Kubernetes grants a pod that asks for nothing else. */
const DEFAULT_GRACE_SECONDS = 30;

/** A pod whose sidecar is a native one: an init container that goes on running (stable since Kubernetes 1.33). */
export function nativePod(spec: JsonObject, parts: PodParts): ChangedSpec {
  const { agent, plan, context } = parts;
  const containers = listOf(spec['containers']);
  const init = listOf(spec['initContainers']);
  const place = placeFor(init);
  const volumes = listOf(spec['volumes']);
  const servers = mcpContainers(plan).map(asNative);
  const told = { ...parts.container, env: tellAgent(parts.container['env'], agentVariables(plan)) };
  const grace = spec['terminationGracePeriodSeconds'];
  const hasVolume = context.claims.includes(DATA_VOLUME) || objectsOf(volumes).some(({ name }) => name === DATA_VOLUME);
  const changed: JsonObject = {
    initContainers: init.toSpliced(place, 0, nativeSidecar(parts, isBehindMesh(spec, agent.index)), ...servers),
    containers: containers.with(agent.index, context.nature === 'job' ? told : lingering(told, plan)),
    ...(!hasVolume && { volumes: [...volumes, dataVolume()] }),
    terminationGracePeriodSeconds: Math.max(
      typeof grace === 'number' ? grace : DEFAULT_GRACE_SECONDS,
      Math.max(plan.drainSeconds, OFF_BALANCERS_SECONDS) + GRACE_EXTRA_SECONDS,
    ),
  };
  const low = lowPorts(spec, plan, context);
  return { spec: inOrder(spec, { ...changed, ...low.changed }), notes: low.notes };
}

/** Where nobody says otherwise, the first port that is not root's alone. */
const FIRST_FREE_PORT = 1024;
const LOW_PORTS = 'net.ipv4.ip_unprivileged_port_start';

/** The sidecar's user is not root, and has no capability to listen below 1024: the pod's own network lets everybody. A safe sysctl. */
function lowPorts(
  spec: JsonObject,
  { inboundPort }: Plan,
  { at }: PodContext,
): { readonly changed: JsonObject; readonly notes: readonly Note[] } {
  const context = isObject(spec['securityContext']) ? spec['securityContext'] : {};
  const sysctls = listOf(context['sysctls']);
  const index = sysctls.findLastIndex((one) => isObject(one) && one['name'] === LOW_PORTS);
  const entry = sysctls[index];
  const withSysctls = (list: readonly Json[]): JsonObject => ({ securityContext: { ...context, sysctls: list } });
  if (!isObject(entry)) {
    const added = [...sysctls, { name: LOW_PORTS, value: '0' }];
    return { changed: inboundPort < FIRST_FREE_PORT ? withSysctls(added) : {}, notes: [] };
  }
  if (asNumber(entry['value']) <= inboundPort) return { changed: {}, notes: [] };
  const message = `${LOW_PORTS} was ${textOf(entry['value']) ?? 'no text'}, and the sidecar is not root: it is ${inboundPort} now, so that it may listen there`;
  return {
    changed: withSysctls(sysctls.with(index, { ...entry, value: String(inboundPort) })),
    notes: [{ ...inside(at, 'spec', 'securityContext', 'sysctls', index), message }],
  };
}

export function isNative(container: JsonObject): boolean {
  return container['restartPolicy'] === 'Always';
}

function nativeSidecar({ plan, facts, port, context }: PodParts, behindMesh: boolean): JsonObject {
  const probes = behindMesh ? commandProbes(facts.readyTiming) : httpProbes(plan.inboundPort, facts.readyTiming);
  // A port of the node, if there is one, leads to the sidecar now.
  const rest = without(port.declared ?? {}, 'containerPort', 'name');
  return {
    ...asNative(sidecarContainer(plan, facts, { name: port.name ?? 'http', containerPort: plan.inboundPort, ...rest })),
    startupProbe: probes.startup,
    livenessProbe: probes.liveness,
    // Nobody calls a Job; and its agent may never listen.
    ...(context.nature !== 'job' && {
      readinessProbe: probes.readiness,
      // Run when the pod begins to end, while the agent is held back: callers who keep connections open let go of them.
      lifecycle: { preStop: { exec: { command: [SIDECAR_PROGRAM, 'drain'] } } },
    }),
  };
}

type Probes = Readonly<Record<'startup' | 'liveness' | 'readiness', JsonObject>>;

function httpProbes(port: number, readyTiming: JsonObject): Probes {
  const get = (path: string): JsonObject => ({ path, port });
  return {
    startup: { httpGet: get('/health'), periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 60 },
    liveness: { httpGet: get('/health'), periodSeconds: 10, timeoutSeconds: 3 },
    readiness: { httpGet: get('/ready'), periodSeconds: 5, timeoutSeconds: 3, ...readyTiming },
  };
}

/** What `outrider healthcheck` takes at most (3 s), and what it takes to start it on a busy node. */
const COMMAND_SECONDS = 5;

/** Each probe starts a program, which no container should do every second. */
const COMMAND_PERIOD_SECONDS = 5;

/** Commands ask over loopback, which no mesh redirects. */
function commandProbes(readyTiming: JsonObject): Probes {
  const run = (...args: readonly string[]): JsonObject => ({
    exec: { command: [SIDECAR_PROGRAM, 'healthcheck', ...args] },
  });
  const asked = (key: string): number => asNumber(readyTiming[key]) || 0;
  return {
    startup: { ...run(), periodSeconds: 2, timeoutSeconds: COMMAND_SECONDS, failureThreshold: 30 },
    liveness: { ...run(), periodSeconds: 10, timeoutSeconds: COMMAND_SECONDS },
    readiness: {
      ...run('--ready'),
      ...readyTiming,
      periodSeconds: Math.max(asked('periodSeconds'), COMMAND_PERIOD_SECONDS),
      timeoutSeconds: Math.max(asked('timeoutSeconds'), COMMAND_SECONDS),
    },
  };
}

/**
 * True in a pod whose network a mesh redirects. The kubelet's requests would meet nobody while the proxy has not started (and an ordinary
 * container would not start before the sidecar's startup probe has passed), and be refused where the mesh demands certificates.
 */
function isBehindMesh(spec: JsonObject, agentIndex: number): boolean {
  return [...objectsOf(spec['initContainers']), ...listOf(spec['containers']).toSpliced(agentIndex, 1)].some(
    (one) => isObject(one) && REDIRECTS.test(textOf(one['name']) ?? ''),
  );
}

/**
 * The proxies of meshes, and the init containers that redirect to them or see to it: Istio, Linkerd, Kuma, Consul (`-SERVICE` where a pod
 * has several), Open Service Mesh, App Mesh. Others of the same makers, such as `consul-template`, redirect nothing.
 */
const REDIRECTS =
  /^(istio-(proxy|init|validation)|linkerd-(proxy|init|network-validator)|kuma-(sidecar|init|validation)|(consul-dataplane|consul-connect-inject-init|envoy-sidecar)(-.+)?|osm-init|proxyinit)$/;

function isOfMesh({ name }: JsonObject): boolean {
  return MESH.test(textOf(name) ?? '');
}

function asNative(container: JsonObject): JsonObject {
  const entries = Object.entries(container);
  const behindImage = entries.findIndex(([key]) => key === 'image') + 1;
  return Object.fromEntries(entries.toSpliced(behindImage, 0, ['restartPolicy', 'Always']));
}

/**
 * First, so that init containers that call the helpers find them; but behind native sidecars and a mesh's own containers that stand at the
 * front: they may be the way out of the pod, and of native sidecars the one that started last is stopped first.
 */
function placeFor(init: readonly Json[]): number {
  const index = init.findIndex((one) => isObject(one) && !isNative(one) && !isOfMesh(one));
  return index === -1 ? init.length : index;
}

/**
 * Kubernetes stops an agent before its native sidecars. Until the pod is off the load balancers, and for as long as requests under way are
 * granted, the agent is told nothing.
 */
function lingering(container: JsonObject, plan: Plan): JsonObject {
  const lifecycle = isObject(container['lifecycle']) ? container['lifecycle'] : {};
  if (lifecycle['preStop'] !== undefined) return container;
  const seconds = Math.max(plan.drainSeconds, OFF_BALANCERS_SECONDS);
  return { ...container, lifecycle: { ...lifecycle, preStop: { sleep: { seconds } } } };
}

/** What was there stays where it was; init containers that are new come before the containers, as people write them. */
function inOrder(spec: JsonObject, changed: JsonObject): JsonObject {
  const before = Object.entries({ ...spec, ...without(changed, 'initContainers') });
  const init: [string, Json] = ['initContainers', changed['initContainers'] ?? []];
  if (spec['initContainers'] !== undefined) return { ...spec, ...changed };
  return Object.fromEntries(
    before.toSpliced(
      before.findIndex(([key]) => key === 'containers'),
      0,
      init,
    ),
  );
}
