import type { McpContainer } from '../agent-spec.ts';
import type { JsonObject } from '../json.ts';
import {
  DATA_DIR,
  DATA_VOLUME,
  GRACE_EXTRA_SECONDS,
  OFF_BALANCERS_SECONDS,
  type Plan,
  SIDECAR_NAME,
  sidecarVariables,
} from '../plan.ts';
import type { MovedProbes } from './probes.ts';
import { STEP } from './resources.ts';
import { reference } from './secrets.ts';

/** What the platform allows. */
const MOST_GRACE_SECONDS = 600;

export function graceSeconds(plan: Plan): number {
  return Math.min(plan.drainSeconds + GRACE_EXTRA_SECONDS, MOST_GRACE_SECONDS);
}

function drainSeconds(plan: Plan): number {
  return graceSeconds(plan) - GRACE_EXTRA_SECONDS;
}

/** The sidecar's container. The platform has no say in users, file systems and capabilities: they are the image's. */
export function sidecarContainer(plan: Plan, fallbackName: string, { readyPath, healthPath }: MovedProbes): JsonObject {
  const facts = {
    fallbackName,
    drainSeconds: drainSeconds(plan),
    drainDelaySeconds: Math.min(OFF_BALANCERS_SECONDS, Math.floor(drainSeconds(plan) / 3)),
    ...(readyPath !== undefined && { readyPath }),
    ...(healthPath !== undefined && { healthPath }),
  };
  const get = (path: string) => ({ path, port: plan.inboundPort });
  return {
    name: SIDECAR_NAME,
    image: plan.image,
    args: ['sidecar'],
    env: sidecarVariables(plan, facts).map((variable) =>
      'secret' in variable ? reference(variable.name) : { name: variable.name, value: variable.value },
    ),
    resources: STEP,
    // The first two ask whether the sidecar lives: it must not be killed for an agent that is slow.
    probes: [
      { type: 'Startup', httpGet: get('/health'), periodSeconds: 3, timeoutSeconds: 3, failureThreshold: 10 },
      { type: 'Liveness', httpGet: get('/health'), periodSeconds: 10, timeoutSeconds: 3, failureThreshold: 3 },
      { type: 'Readiness', httpGet: get('/ready'), periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 3 },
    ],
    volumeMounts: [{ volumeName: DATA_VOLUME, mountPath: DATA_DIR }],
  };
}

export function mcpContainer({ name, image }: McpContainer): JsonObject {
  return { name, image, resources: STEP };
}
