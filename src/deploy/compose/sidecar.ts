import type { McpContainer } from '../agent-spec.ts';
import { isObject, type JsonObject } from '../json.ts';
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
import { composeCpu, composeMemory } from '../quantity.ts';
import { ownedByNetwork } from './networks.ts';
import { namesOf } from './others.ts';
import type { Ports } from './ports.ts';
import type { Service } from './services.ts';
import { literal, secretReference } from './variables.ts';

/** The sidecar's service: it owns the network that the agent joins. */
export function sidecarService(agent: Service, plan: Plan, ports: Ports, grace: number): JsonObject {
  const variables = sidecarVariables(plan, { fallbackName: agent.name, agentStartSeconds: AGENT_START_SECONDS });
  return {
    image: plan.image,
    command: ['sidecar'],
    environment: Object.fromEntries(
      variables.map((variable) => [
        variable.name,
        'secret' in variable ? secretReference(variable.name) : literal(variable.value),
      ]),
    ),
    ...(ports.published.length > 0 && { ports: ports.published }),
    ...(ports.exposed.length > 0 && { expose: ports.exposed }),
    ...ownedByNetwork(agent.own, namesOf(agent)),
    // Whether it lives, not whether the agent is ready: the agent starts only when this is well.
    healthcheck: {
      test: ['CMD', SIDECAR_PROGRAM, 'healthcheck'],
      interval: '10s',
      timeout: '3s',
      retries: 3,
      start_period: '30s',
      start_interval: '1s',
    },
    stop_grace_period: `${grace}s`,
    init: true,
    user: `${SIDECAR_UID}:${SIDECAR_UID}`,
    read_only: true,
    tmpfs: ['/tmp'],
    volumes: [`${DATA_VOLUME}:${DATA_DIR}`],
    ...HARDENED,
    ...inKind(agent),
  };
}

/** An MCP server that is an image, in the same network: at a port that only the loopback interface needs. */
export function mcpService({ image }: McpContainer, agent: Service): JsonObject {
  return {
    image,
    network_mode: `service:${SIDECAR_NAME}`,
    depends_on: { [SIDECAR_NAME]: { condition: 'service_healthy', restart: true } },
    ...HARDENED,
    ...inKind(agent),
  };
}

const HARDENED: JsonObject = { cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] };

/** What those beside an agent have like it: when they run, how they come back, where their logs go; and their own bounds. */
function inKind({ whole }: Service): JsonObject {
  const { deploy, restart = 'unless-stopped', profiles, logging } = whole;
  const policy = isObject(deploy) ? deploy['restart_policy'] : undefined;
  const { cpuLimit, memoryLimitMib, cpuRequest, memoryRequestMib } = SIDECAR_RESOURCES;
  return {
    ...(policy === undefined && { restart }),
    ...(profiles !== undefined && { profiles }),
    ...(logging !== undefined && { logging }),
    deploy: {
      resources: {
        limits: { cpus: composeCpu(cpuLimit), memory: composeMemory(memoryLimitMib) },
        reservations: { cpus: composeCpu(cpuRequest), memory: composeMemory(memoryRequestMib) },
      },
      ...(policy !== undefined && { restart_policy: policy }),
    },
  };
}
