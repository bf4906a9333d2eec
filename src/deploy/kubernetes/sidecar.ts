import type { McpContainer } from '../agent-spec.ts';
import { type Json, type JsonObject } from '../json.ts';
import {
  DATA_DIR,
  DATA_VOLUME,
  type Plan,
  RECORD_VARIABLE,
  SIDECAR_NAME,
  SIDECAR_RESOURCES,
  SIDECAR_UID,
  type SidecarVariable,
  sidecarVariables,
  type TargetFacts,
} from '../plan.ts';
import { kubernetesCpu, kubernetesMemory } from '../quantity.ts';

/** More than the outbox's bound of 1 GiB and its write-ahead log: a pod that exceeds it is evicted, and loses its rows. */
const DATA_VOLUME_SIZE = '1100Mi';

/** What the sidecar's container is made from, besides the plan. */
export interface SidecarFacts extends TargetFacts {
  /** The Secret that holds its secrets. */
  readonly secretName: string;
  /** How the agent's own readiness probe was timed. */
  readonly readyTiming: JsonObject;
}

/** What the `restricted` Pod Security Standard asks of a container, but for the user. */
export const HARDENED: JsonObject = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

export function dataVolume(): JsonObject {
  return { name: DATA_VOLUME, emptyDir: { sizeLimit: DATA_VOLUME_SIZE } };
}

/** The sidecar's container without probes. `extra` are variables besides those of the plan. */
export function sidecarContainer(
  plan: Plan,
  facts: SidecarFacts,
  port: JsonObject,
  extra: readonly SidecarVariable[] = [],
): JsonObject {
  const { cpuRequest, cpuLimit, memoryRequestMib, memoryLimitMib } = SIDECAR_RESOURCES;
  const variables = sidecarVariables(plan, facts);
  return {
    name: SIDECAR_NAME,
    image: plan.image,
    args: ['sidecar'],
    ports: [port],
    env: [...variables.filter((one) => !isRecord(one)), ...extra, ...variables.filter(isRecord)].map((variable) =>
      envEntry(variable, facts.secretName),
    ),
    resources: {
      requests: { cpu: kubernetesCpu(cpuRequest), memory: kubernetesMemory(memoryRequestMib) },
      limits: { cpu: kubernetesCpu(cpuLimit), memory: kubernetesMemory(memoryLimitMib) },
    },
    securityContext: {
      runAsNonRoot: true,
      runAsUser: SIDECAR_UID,
      runAsGroup: SIDECAR_UID,
      readOnlyRootFilesystem: true,
      ...HARDENED,
    },
    volumeMounts: [{ name: DATA_VOLUME, mountPath: DATA_DIR }],
  };
}

/** What `eject` needs comes last. */
function isRecord({ name }: SidecarVariable): boolean {
  return name === RECORD_VARIABLE;
}

function envEntry(variable: SidecarVariable, secretName: string): Json {
  if ('value' in variable) return { name: variable.name, value: literal(variable.value) };
  return { name: variable.name, valueFrom: { secretKeyRef: { name: secretName, key: variable.name } } };
}

/** A text that Kubernetes gives to a container as it is: it puts other variables in for `$(NAME)`, and `$` for `$$`. */
export function literal(text: string): string {
  return text.replaceAll(/\$(?=[$(])/g, '$$$$');
}

/** MCP servers that are images. */
export function mcpContainers(plan: Plan): JsonObject[] {
  return plan.mcpContainers.map(mcpContainer);
}

/** Its user is its own business: not every image has one that is not root. */
function mcpContainer(server: McpContainer): JsonObject {
  return {
    name: server.name,
    image: server.image,
    resources: {
      requests: { cpu: kubernetesCpu(0.05), memory: kubernetesMemory(64) },
      limits: { cpu: kubernetesCpu(0.5), memory: kubernetesMemory(256) },
    },
    securityContext: HARDENED,
  };
}
