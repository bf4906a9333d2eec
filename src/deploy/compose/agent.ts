import type { DeclaredPort } from '../containers.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import { agentVariables, type Plan, SIDECAR_NAME } from '../plan.ts';
import type { Fault, Note } from '../target.ts';
import { withEntries } from './depends-on.ts';
import { atLeast } from './duration.ts';
import { movedCheck } from './healthcheck.ts';
import { MOVED_KEYS } from './networks.ts';
import type { Service } from './services.ts';
import { numberOf, readEnvironment, tellAgent, textOf } from './variables.ts';

/** The agent's service behind the sidecar: without a network of its own. */
export function behindSidecar(
  { own, whole }: Service,
  plan: Plan,
  http: DeclaredPort | undefined,
  grace: number,
): JsonObject {
  const kept = Object.fromEntries(Object.entries(own).filter(([key]) => !MOVED_KEYS.includes(key)));
  const servers = plan.mcpContainers.map(({ name }): [string, JsonObject] => [name, { condition: 'service_started' }]);
  return {
    ...kept,
    environment: tellAgent(own['environment'], agentVariables(plan)),
    ...movedCheck(own, whole, plan, http),
    stop_grace_period: atLeast(whole['stop_grace_period'], grace),
    network_mode: `service:${SIDECAR_NAME}`,
    depends_on: withEntries(own['depends_on'], [
      // Whoever shares a network namespace that has been made anew is in a dead one until it starts again.
      [SIDECAR_NAME, { condition: 'service_healthy', restart: true }],
      ...servers,
    ]),
  };
}

/** What makes a service one that nobody can ride beside. */
export function agentFaults({ at, whole, faults }: Service): Fault[] {
  const fault = (key: string, message: string): Fault => ({ ...at, path: [...at.path, key], message });
  const { network_mode: mode, scale, deploy } = whole;
  const replicas = isObject(deploy) ? deploy['replicas'] : undefined;
  const several = [
    { key: 'scale', count: scale, path: ['scale'] },
    { key: 'deploy', count: replicas, path: ['deploy', 'replicas'] },
  ].filter(({ count }) => count !== undefined && numberOf(count) !== 1);
  const texts = (['depends_on', 'environment', 'networks'] as const).filter((key) => isNeither(whole[key]));
  return [
    ...faults,
    ...texts.map((key) => fault(key, `${key} must be a list or a mapping`)),
    ...(mode === undefined || mode === 'bridge' ? [] : [fault('network_mode', modeMessage(mode))]),
    ...several.map(({ count, path }) => ({
      ...at,
      path: [...at.path, ...path],
      message:
        `the agent and its sidecar share one network, so that Compose can run one of each, not ${textOf(count)}: ` +
        'write 1, or use a platform that scales both together',
    })),
  ];
}

/** Neither a list nor a mapping: Compose refuses it, and nobody can tell what it should be. */
function isNeither(value: Json | undefined): boolean {
  return value !== undefined && value !== null && !Array.isArray(value) && !isObject(value);
}

function modeMessage(mode: Json): string {
  const is = `the agent has network_mode ${textOf(mode)}`;
  if (mode === 'host')
    return `${is}: on the network of the host nothing keeps callers from going around the sidecar; remove it`;
  if (mode === 'none') return `${is}: nobody can call it, with or without a sidecar; remove it`;
  return `${is}: it must share the network of its sidecar; remove it, and attach what it shares a network with to one of its networks`;
}

/** What is elsewhere and may still name the agent. */
export function agentNotes({ at, own, whole }: Service, plan: Plan): Note[] {
  const labels = Object.keys(Object.fromEntries(readEnvironment(own['labels'])));
  const note = (key: string, message: string): Note => ({ ...at, path: [...at.path, key], message });
  const variables = readEnvironment(whole['environment']);
  const secrets = plan.secrets.filter((name) => variables.has(name));
  return [
    ...(labels.some((name) => /^(traefik|caddy)([._]|$)/.test(name))
      ? [
          note(
            'labels',
            `a proxy finds the agent by these labels: move them to the service ${SIDECAR_NAME}, with port ${plan.inboundPort}`,
          ),
        ]
      : []),
    ...(variables.has('VIRTUAL_HOST')
      ? [
          note(
            'environment',
            `a proxy finds the agent by VIRTUAL_HOST: move it and what is with it (VIRTUAL_…, LETSENCRYPT_…) to the service ${SIDECAR_NAME}, with VIRTUAL_PORT ${plan.inboundPort}`,
          ),
        ]
      : []),
    ...(own['env_file'] === undefined
      ? []
      : [
          note(
            'env_file',
            `the agent alone reads this file: ${plan.secrets.join(', ')} must be in .env or in the environment, for the sidecar, and not in this file`,
          ),
        ]),
    ...secrets.map((name) =>
      note('environment', `${name} is the sidecar's: remove it here, unless the agent needs it as well`),
    ),
  ];
}
