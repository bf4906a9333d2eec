import { tellAgent } from '../container-spec.ts';
import { getAt, without } from '../edit.ts';
import { type Json, type JsonObject, listOf, objectsOf } from '../json.ts';
import { agentVariables, DATA_VOLUME, type Plan } from '../plan.ts';
import type { Fault, Place } from '../target.ts';
import { type ChangedSpec, inside, type PodContext, type PodParts } from './parts.ts';
import { dataVolume, mcpContainers, sidecarContainer } from './sidecar.ts';

/**
 * Knative puts a proxy of its own into each pod, which listens on these ports (knative/serving, `pkg/networking/constants.go`): the helpers
 * cannot have their usual ones.
 */
const QUEUE_PROXY_PORTS: ReadonlySet<number> = new Set([8008, 8012, 8013, 8022, 8112, 9090, 9091]);
/** Of those, what callers, the activator, the autoscaler (9090) and Prometheus (9091) reach; all of it is Knative's proxy. */
export const SERVING_PORTS: readonly number[] = [8012, 8013, 8112, 9090, 9091];
/** Knative gives it to every pod of a Service: the Service's name. */
export const SERVICE_LABEL = 'serving.knative.dev/service';
const HELPERS = { local: 9190, mcp: 9191, cost: 9192 } as const;
/** What remains of the grace period, which is the revision's `timeoutSeconds`, to flush. */
const FLUSH_SECONDS = 5;
const DEFAULT_TIMEOUT_SECONDS = 300;

const REVISION = ['metadata', 'labels', 'serving.knative.dev/revision'];

/** A webhook meets pods of Knative with its proxy in them already, which expects the agent where it is. */
export function knativePodFaults(pod: JsonObject, { at, takeOver }: PodContext): Fault[] {
  if (!takeOver || !isKnativePod(pod)) return [];
  const message =
    'the pod is of a Knative Service: inject into its manifest instead (outrider inject --target kubernetes)';
  return [{ ...inside(at, ...REVISION), message }];
}

export function isKnativePod(pod: JsonObject): boolean {
  return getAt(pod, REVISION) !== undefined;
}

/** What the container with the port has in Knative besides: from here, and from Knative itself. */
export const KNATIVE_VARIABLES: ReadonlySet<string> = new Set([
  'OUTRIDER_LOCAL_ADDR',
  'OUTRIDER_MCP_ADDR',
  'OUTRIDER_COST_ADDR',
  'PORT',
  'K_REVISION',
  'K_CONFIGURATION',
  'K_SERVICE',
]);

export function knativeFaults(plan: Plan, at: Place): Fault[] {
  return [
    { port: plan.inboundPort, option: '--inbound-port' },
    { port: plan.agentPort, option: '--agent-port' },
  ]
    .filter(({ port }) => QUEUE_PROXY_PORTS.has(port) || Object.values<number>(HELPERS).includes(port))
    .map(({ port, option }) => ({
      ...at,
      message: `port ${port} is taken in pods of Knative: choose another with ${option}`,
    }));
}

/**
 * A revision whose sidecar is the container with the port. Knative allows no init containers unless a feature flag says so, no probes in
 * them, no hooks, and by default probes of that container alone.
 */
export function knativePod(spec: JsonObject, parts: PodParts): ChangedSpec {
  const { agent, plan, facts, port } = parts;
  const containers = listOf(spec['containers']);
  const volumes = listOf(spec['volumes']);
  const timeout = typeof spec['timeoutSeconds'] === 'number' ? spec['timeoutSeconds'] : DEFAULT_TIMEOUT_SECONDS;
  const drainSeconds = Math.min(plan.drainSeconds, Math.max(1, timeout - FLUSH_SECONDS));
  const asked = ['livenessProbe', 'startupProbe'].filter((probe) => agent.data[probe] !== undefined);
  const told = { ...parts.container, env: tellAgent(parts.container['env'], helperVariables(plan)) };
  const hasVolume = objectsOf(volumes).some(({ name }) => name === DATA_VOLUME);
  const changed: Json[] = containers.with(
    agent.index,
    without(told, 'readinessProbe', 'livenessProbe', 'startupProbe'),
  );
  const sidecar = {
    ...sidecarContainer(plan, { ...facts, drainSeconds }, portEntry(port.name, plan), [
      { name: 'OUTRIDER_LOCAL_ADDR', value: `127.0.0.1:${HELPERS.local}` },
      { name: 'OUTRIDER_MCP_ADDR', value: `127.0.0.1:${HELPERS.mcp}` },
      { name: 'OUTRIDER_COST_ADDR', value: `127.0.0.1:${HELPERS.cost}` },
    ]),
    readinessProbe: { httpGet: { path: '/ready' }, ...facts.readyTiming },
    livenessProbe: { httpGet: { path: '/health' }, periodSeconds: 10, timeoutSeconds: 3 },
  };
  return {
    spec: {
      ...spec,
      containers: [sidecar, ...changed, ...mcpContainers(plan)],
      ...(!hasVolume && { volumes: [...volumes, dataVolume()] }),
    },
    notes: [
      ...asked.map((probe) => ({
        ...inside(agent, probe),
        message: `Knative takes probes of the container with the port only: this one is gone; the sidecar's /ready asks the agent`,
      })),
      {
        ...inside(agent),
        message: `Knative itself uses 9090 and 9091: the helpers listen on ${Object.values(HELPERS).join(', ')}, as OUTRIDER_LOCAL_URL, OUTRIDER_MCP_URL and OUTRIDER_COST_URL tell the agent`,
      },
    ],
  };
}

/** The name of a Knative port chooses the protocol and nothing else. */
function portEntry(name: string | undefined, plan: Plan): JsonObject {
  return { ...(name !== undefined && { name }), containerPort: plan.inboundPort };
}

function helperVariables(plan: Plan): Record<string, string> {
  return {
    ...agentVariables(plan),
    OUTRIDER_LOCAL_URL: `http://127.0.0.1:${HELPERS.local}`,
    OUTRIDER_A2A_URL: `http://127.0.0.1:${HELPERS.local}`,
    OUTRIDER_MCP_URL: `http://127.0.0.1:${HELPERS.mcp}`,
    OUTRIDER_COST_URL: `http://127.0.0.1:${HELPERS.cost}`,
  };
}
