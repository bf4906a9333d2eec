import { MESH, tellAgent } from '../container-spec.ts';
import { without } from '../edit.ts';
import { isObject, type Json, type JsonObject, listOf, objectsOf, textOf } from '../json.ts';
import {
  agentVariables,
  DATA_VOLUME,
  GRACE_EXTRA_SECONDS,
  OFF_BALANCERS_SECONDS,
  type Plan,
  SIDECAR_PROGRAM,
} from '../plan.ts';
import type { ChangedSpec, PodParts } from './parts.ts';
import { dataVolume, mcpContainers, sidecarContainer } from './sidecar.ts';

/** What Kubernetes grants a pod that asks for nothing else. */
const DEFAULT_GRACE_SECONDS = 30;

/** A pod whose sidecar is a native one: an init container that goes on running (stable since Kubernetes 1.33). */
export function nativePod(spec: JsonObject, parts: PodParts): ChangedSpec {
  const { agent, plan, context } = parts;
  const containers = listOf(spec['containers']);
  const init = listOf(spec['initContainers']);
  const volumes = listOf(spec['volumes']);
  const servers = mcpContainers(plan, spec).map(asNative);
  const told = { ...parts.container, env: tellAgent(parts.container['env'], agentVariables(plan)) };
  const grace = spec['terminationGracePeriodSeconds'];
  const hasVolume = context.claims.includes(DATA_VOLUME) || objectsOf(volumes).some(({ name }) => name === DATA_VOLUME);
  const changed: JsonObject = {
    initContainers: init.toSpliced(placeFor(init), 0, nativeSidecar(parts), ...servers),
    containers: containers.with(agent.index, context.nature === 'job' ? told : lingering(told, plan)),
    ...(!hasVolume && { volumes: [...volumes, dataVolume()] }),
    terminationGracePeriodSeconds: Math.max(
      typeof grace === 'number' ? grace : DEFAULT_GRACE_SECONDS,
      Math.max(plan.drainSeconds, OFF_BALANCERS_SECONDS) + GRACE_EXTRA_SECONDS,
    ),
  };
  return { spec: inOrder(spec, plan.inboundPort < 1024 ? { ...changed, ...withLowPorts(spec) } : changed), notes: [] };
}

const LOW_PORTS = 'net.ipv4.ip_unprivileged_port_start';

/** The sidecar's user is not root, and has no capability to listen below 1024: the pod's own network lets everybody. A safe sysctl. */
function withLowPorts(spec: JsonObject): JsonObject {
  const context = isObject(spec['securityContext']) ? spec['securityContext'] : {};
  const sysctls = listOf(context['sysctls']);
  if (objectsOf(sysctls).some(({ name }) => name === LOW_PORTS)) return {};
  return { securityContext: { ...context, sysctls: [...sysctls, { name: LOW_PORTS, value: '0' }] } };
}

export function isNative(container: JsonObject): boolean {
  return container['restartPolicy'] === 'Always';
}

function nativeSidecar({ plan, facts, port, context }: PodParts): JsonObject {
  const get = (path: string): JsonObject => ({ path, port: plan.inboundPort });
  // A port of the node, if there is one, leads to the sidecar now.
  const rest = without(port.declared ?? {}, 'containerPort', 'name');
  return {
    ...asNative(sidecarContainer(plan, facts, { name: port.name ?? 'http', containerPort: plan.inboundPort, ...rest })),
    startupProbe: { httpGet: get('/health'), periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 60 },
    livenessProbe: { httpGet: get('/health'), periodSeconds: 10, timeoutSeconds: 3 },
    // Nobody calls a Job; and its agent may never listen.
    ...(context.nature !== 'job' && {
      readinessProbe: { httpGet: get('/ready'), periodSeconds: 5, timeoutSeconds: 3, ...facts.readyTiming },
      // Run when the pod begins to end, while the agent is held back: callers who keep connections open let go of them.
      lifecycle: { preStop: { exec: { command: [SIDECAR_PROGRAM, 'drain'] } } },
    }),
  };
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
  const index = init.findIndex((one) => isObject(one) && !isNative(one) && !MESH.test(textOf(one['name']) ?? ''));
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
