import { parseDocument } from 'yaml';
import type { McpContainer } from '../agent-spec.ts';
import type { Json, JsonObject } from '../json.ts';
import {
  DATA_DIR,
  DATA_VOLUME,
  type Plan,
  SIDECAR_NAME,
  SIDECAR_RESOURCES,
  type SidecarVariable,
  sidecarVariables,
  type TargetFacts,
} from '../plan.ts';
import { limitsOf } from './resources.ts';

/** In memory, which is the sidecar's own 512 MiB: Cloud Run has no disk. */
const DATA_VOLUME_SIZE = '128Mi';
/** Below the volume's size: the outbox refuses with 507 what does not fit, before the volume fails. */
const OUTBOX_BYTES = '112MiB';
/** As long as the agent's own startup probe gives it. */
const AGENT_START_SECONDS = 240;
/** Its `resources`. */
export const SIDECAR_LIMITS: JsonObject = {
  limits: limitsOf({ cores: SIDECAR_RESOURCES.cpuLimit, mib: SIDECAR_RESOURCES.memoryLimitMib }),
};
/** Cloud Run kills an instance 10 s after it was told to stop. */
const DRAIN_SECONDS = 8;

export interface SidecarFacts extends TargetFacts {
  /** Its entry of `ports`: what the agent had, but for the number. */
  readonly port: JsonObject;
  /** Names of secrets in Secret Manager, by variable. */
  readonly secretName: (variable: string) => string;
  /** How the agent's own readiness probe was timed, where it had one. */
  readonly readyTiming: JsonObject | undefined;
}

export function dataVolume(): JsonObject {
  return { name: DATA_VOLUME, emptyDir: { medium: 'Memory', sizeLimit: DATA_VOLUME_SIZE } };
}

/** The container that takes the requests: the only one with `ports`. */
export function ingressContainer(plan: Plan, facts: SidecarFacts): JsonObject {
  const get = (path: string): JsonObject => ({ path, port: plan.inboundPort });
  const bounded = { ...plan, config: withBound(plan.config) };
  const drainSeconds = Math.min(plan.drainSeconds, DRAIN_SECONDS);
  return {
    name: SIDECAR_NAME,
    image: plan.image,
    args: ['sidecar'],
    ports: [{ ...facts.port, containerPort: plan.inboundPort }],
    env: sidecarVariables(bounded, { ...facts, drainSeconds, agentStartSeconds: AGENT_START_SECONDS }).map((variable) =>
      envEntry(variable, facts),
    ),
    resources: SIDECAR_LIMITS,
    startupProbe: { httpGet: get('/health'), periodSeconds: 2, timeoutSeconds: 1, failureThreshold: 60 },
    livenessProbe: { httpGet: get('/health'), periodSeconds: 10, timeoutSeconds: 3 },
    ...(facts.readyTiming && { readinessProbe: { httpGet: get('/ready'), ...facts.readyTiming } }),
    volumeMounts: [{ name: DATA_VOLUME, mountPath: DATA_DIR }],
  };
}

/** Cloud Run gives `PORT` to the container that takes the requests, and refuses it among its variables. */
function envEntry(variable: SidecarVariable, facts: SidecarFacts): Json {
  const { name } = variable;
  if (!('value' in variable))
    return { name, valueFrom: { secretKeyRef: { name: facts.secretName(name), key: 'latest' } } };
  return { name, value: name === 'OUTRIDER_INBOUND_ADDR' ? '0.0.0.0:$PORT' : variable.value };
}

/** A configuration in which the outbox fits into the volume, unless it says itself how large it may be. */
function withBound(config: string | undefined): string {
  const document = parseDocument(config ?? '');
  if (document.has('outbox_max_bytes')) return config ?? '';
  document.set('outbox_max_bytes', OUTBOX_BYTES);
  return document.toString({ lineWidth: 0 });
}

/** An MCP server that is an image. */
export function mcpContainer(server: McpContainer): JsonObject {
  return {
    name: server.name,
    image: server.image,
    resources: { limits: limitsOf({ cores: 1, mib: 256 }) },
  };
}
