import type { McpContainer } from '../agent-spec.ts';
import { without } from '../edit.ts';
import { isSameRegistry } from '../image.ts';
import { asNumber, type Json, type JsonObject } from '../json.ts';
import {
  agentVariables,
  DATA_DIR,
  FORCED_VARIABLES,
  type Plan,
  SIDECAR_NAME,
  SIDECAR_RESOURCES,
  SIDECAR_UID,
  sidecarVariables,
  type TargetFacts,
} from '../plan.ts';
import { blocksOf, configOf } from './job.ts';
import { environmentOf } from './ports.ts';
import { secretTemplate } from './variables.ts';

/** The API's durations are nanoseconds. */
export const SECOND = 1_000_000_000;

/** Starts before the main tasks, runs beside them, and is stopped after them. */
const BESIDE: JsonObject = { Hook: 'prestart', Sidecar: true };

/** Comes back at once, and never takes the allocation with it. */
const RESTART: JsonObject = { Attempts: 10, Interval: 300 * SECOND, Delay: SECOND, Mode: 'delay' };

const HARDENED: JsonObject = { cap_drop: ['all'], security_opt: ['no-new-privileges'] };

const RESOURCES: JsonObject = {
  // Of MHz there are about a thousand to a core.
  CPU: SIDECAR_RESOURCES.cpuRequest * 1000,
  MemoryMB: SIDECAR_RESOURCES.memoryRequestMib,
  MemoryMaxMB: SIDECAR_RESOURCES.memoryLimitMib,
};

export interface Beside {
  readonly agent: JsonObject;
  readonly facts: TargetFacts;
  readonly killSeconds: number;
  /** Where Nomad keeps the sidecar's secrets. */
  readonly variablePath: string;
}

export function sidecarTask(plan: Plan, beside: Beside): JsonObject {
  const variables = sidecarVariables(plan, beside.facts);
  const secrets = variables.flatMap((variable) => ('secret' in variable ? [variable.name] : []));
  return {
    Name: SIDECAR_NAME,
    Driver: 'docker',
    User: String(SIDECAR_UID),
    Lifecycle: BESIDE,
    Config: {
      image: plan.image,
      args: ['sidecar'],
      readonly_rootfs: true,
      ...HARDENED,
      // The task's own directory, which everybody in it may write to; it lives as long as the allocation.
      mount: [{ type: 'bind', source: 'local', target: DATA_DIR, readonly: false }],
      ...takenOver(plan.image, beside.agent),
    },
    Env: Object.fromEntries(
      variables.flatMap((variable) => ('value' in variable ? [[variable.name, variable.value]] : [])),
    ),
    ...(secrets.length > 0 && { Templates: [secretTemplate(beside.variablePath, secrets, 'outrider.env')] }),
    Resources: RESOURCES,
    RestartPolicy: RESTART,
    KillTimeout: beside.killSeconds * SECOND,
    ...logs(beside.agent),
  };
}

export function mcpTask({ name, image }: McpContainer, { agent }: Beside): JsonObject {
  return {
    Name: name,
    Driver: 'docker',
    Lifecycle: BESIDE,
    Config: { image, ...HARDENED, ...takenOver(image, agent) },
    Resources: RESOURCES,
    RestartPolicy: RESTART,
    ...logs(agent),
  };
}

export function agentTask(
  agent: JsonObject,
  plan: Plan,
  changes: {
    readonly label: string | undefined;
    readonly services: readonly Json[];
    readonly killSeconds: number;
    readonly serves: boolean;
  },
): JsonObject {
  const env = environmentOf(agent);
  const told = Object.entries(agentVariables(plan)).filter(
    ([name]) => FORCED_VARIABLES.has(name) || !Object.hasOwn(env, name),
  );
  const { ports } = configOf(agent);
  const left = Array.isArray(ports) ? ports.filter((port: Json) => port !== changes.label) : undefined;
  return {
    ...agent,
    ...(left !== undefined && {
      Config: left.length === 0 ? without(configOf(agent), 'ports') : { ...configOf(agent), ports: left },
    }),
    Env: { ...env, ...Object.fromEntries(told) },
    ...(changes.services.length > 0 && { Services: changes.services }),
    // Main tasks are told to stop first: until requests in flight have had their time, this one is told nothing.
    ...((asNumber(agent['ShutdownDelay']) || 0) === 0 &&
      changes.serves && { ShutdownDelay: changes.killSeconds * SECOND }),
    ...((asNumber(agent['KillTimeout']) || 0) < changes.killSeconds * SECOND && {
      KillTimeout: changes.killSeconds * SECOND,
    }),
  };
}

function logs({ LogConfig: config }: JsonObject): JsonObject {
  return config === undefined || config === null ? {} : { LogConfig: config };
}

/** Logs go where the agent's go, and an image of its registry is pulled as its own is. */
function takenOver(image: string, agent: JsonObject): JsonObject {
  const { logging, auth, image: theirs } = configOf(agent);
  const pulls = auth !== undefined && isSameRegistry(image, theirs) && !keepsPassword(image, agent);
  return { ...(logging !== undefined && { logging }), ...(pulls && { auth }) };
}

/** True where an image of the agent's registry could be pulled, were not its password written out in the job. */
export function keepsPassword(image: string, agent: JsonObject): boolean {
  const { auth, image: theirs } = configOf(agent);
  return (
    isSameRegistry(image, theirs) &&
    blocksOf(auth).some(({ password }) => typeof password === 'string' && !password.startsWith('${'))
  );
}
