import type { McpContainer } from '../agent-spec.ts';
import { isSameRegistry } from '../image.ts';
import type { JsonObject } from '../json.ts';
import {
  AGENT_START_SECONDS,
  DATA_DIR,
  DATA_VOLUME,
  type Plan,
  SIDECAR_NAME,
  SIDECAR_PROGRAM,
  SIDECAR_RESOURCES,
  SIDECAR_UID,
  sidecarVariables,
} from '../plan.ts';
import { ecsCpu } from '../quantity.ts';
import { references, type SecretSource } from './secrets.ts';

const CPU = ecsCpu(SIDECAR_RESOURCES.cpuRequest);

/** What the containers beside the agent take over from it, and from the task. */
export interface Beside {
  readonly agent: JsonObject;
  readonly family: string;
  readonly mapping: JsonObject;
  readonly drainSeconds: number;
  readonly stopTimeout: number;
  readonly secrets: SecretSource;
  /** True where every container of the task says what CPU it has: then so must these. */
  readonly reserveCpu: boolean;
  /** MiB of the task, if it says. */
  readonly taskMemory: number | undefined;
}

export function sidecarContainer(plan: Plan, beside: Beside): JsonObject {
  const variables = sidecarVariables(plan, {
    fallbackName: beside.family,
    drainSeconds: beside.drainSeconds,
    agentStartSeconds: AGENT_START_SECONDS,
  });
  const secrets = variables.flatMap((variable) => ('secret' in variable ? [variable.name] : []));
  return {
    name: SIDECAR_NAME,
    image: plan.image,
    ...credentials(plan.image, beside.agent),
    essential: true,
    command: ['sidecar'],
    ...(plan.mcpContainers.length > 0 && {
      dependsOn: plan.mcpContainers.map(({ name }) => ({ containerName: name, condition: 'START' })),
    }),
    ...resources(beside),
    portMappings: [beside.mapping],
    environment: variables.flatMap((variable) =>
      'value' in variable ? [{ name: variable.name, value: variable.value }] : [],
    ),
    ...(secrets.length > 0 && { secrets: references(secrets, beside.secrets) }),
    healthCheck: {
      command: ['CMD', SIDECAR_PROGRAM, 'healthcheck'],
      interval: 5,
      timeout: 3,
      retries: 3,
      startPeriod: 15,
    },
    user: String(SIDECAR_UID),
    readonlyRootFilesystem: true,
    linuxParameters: { capabilities: { drop: ['ALL'] }, initProcessEnabled: true },
    mountPoints: [{ sourceVolume: DATA_VOLUME, containerPath: DATA_DIR, readOnly: false }],
    ulimits: [{ name: 'nofile', softLimit: 65_535, hardLimit: 65_535 }],
    restartPolicy: { enabled: true, restartAttemptPeriod: 60 },
    stopTimeout: beside.stopTimeout,
    ...logs(beside.agent),
  };
}

export function mcpContainer({ name, image }: McpContainer, beside: Beside): JsonObject {
  return {
    name,
    image,
    ...credentials(image, beside.agent),
    essential: false,
    ...resources(beside),
    linuxParameters: { capabilities: { drop: ['ALL'] }, initProcessEnabled: true },
    restartPolicy: { enabled: true, restartAttemptPeriod: 60 },
    ...logs(beside.agent),
  };
}

function resources({ reserveCpu, taskMemory }: Beside): JsonObject {
  return {
    ...(reserveCpu && { cpu: CPU }),
    memory: Math.min(SIDECAR_RESOURCES.memoryLimitMib, taskMemory ?? Number.POSITIVE_INFINITY),
    memoryReservation: SIDECAR_RESOURCES.memoryRequestMib,
  };
}

/** The agent's, so that all logs of the task arrive at one place; streams have the container's name in theirs. */
function logs({ logConfiguration }: JsonObject): JsonObject {
  return logConfiguration === undefined ? {} : { logConfiguration };
}

/** An image of the agent's own registry is pulled as the agent's is. */
function credentials(image: string, { image: theirs, repositoryCredentials }: JsonObject): JsonObject {
  return repositoryCredentials !== undefined && isSameRegistry(image, theirs) ? { repositoryCredentials } : {};
}
