import type { DeclaredPort } from '../containers.ts';
import { movePort } from '../health-command.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import { agentVariables, type Plan, SIDECAR_NAME } from '../plan.ts';
import type { Fault, Note } from '../target.ts';
import { withEntries } from './depends-on.ts';
import { atLeast } from './duration.ts';
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
    ...healthcheck(own, whole, plan, http),
    stop_grace_period: atLeast(whole['stop_grace_period'], grace),
    network_mode: `service:${SIDECAR_NAME}`,
    depends_on: withEntries(own['depends_on'], [
      // Whoever shares a network namespace that has been made anew is in a dead one until it starts again.
      [SIDECAR_NAME, { condition: 'service_healthy', restart: true }],
      ...servers,
    ]),
  };
}

function healthcheck(own: JsonObject, whole: JsonObject, plan: Plan, http: DeclaredPort | undefined): JsonObject {
  const { healthcheck: check } = whole;
  if (!isObject(check) || http === undefined) return {};
  const test = movePort(check['test'], http.port, plan.agentPort);
  if (test === undefined || JSON.stringify(test) === JSON.stringify(check['test'])) return {};
  const before = own['healthcheck'];
  return { healthcheck: { ...(isObject(before) && before), test } };
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
  return [
    ...faults,
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
  const secrets = plan.secrets.filter((name) => readEnvironment(whole['environment']).has(name));
  return [
    ...(labels.some((name) => /^(traefik|caddy)([._]|$)/.test(name))
      ? [
          note(
            'labels',
            `a proxy finds the agent by these labels: move them to the service ${SIDECAR_NAME}, with port ${plan.inboundPort}`,
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
