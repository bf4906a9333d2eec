import { tellAgent } from '../container-spec.ts';
import { getAt, without } from '../edit.ts';
import { isObject, type JsonObject, textOf } from '../json.ts';
import { agentVariables, type Plan } from '../plan.ts';
import { moveProbes } from '../probes.ts';
import type { Note, Place } from '../target.ts';
import { startupTiming } from './startup.ts';

/** The agent's container, with its place in the file. */
export interface AgentContainer extends Place {
  readonly name: string;
  readonly index: number;
  readonly data: JsonObject;
}

/** The agent's container behind the sidecar, and what its probes asked of it, which the sidecar asks from now on. */
export interface MovedAgent {
  readonly name: string;
  readonly container: JsonObject;
  readonly readyPath?: string;
  readonly healthPath?: string;
  /** How its readiness probe was timed; undefined where it had none. */
  readonly readyTiming: JsonObject | undefined;
  readonly notes: readonly Note[];
}

/**
 * Without ports, on loopback, with probes that ask the sidecar: all containers of an instance share one network. `port`: where
 * callers reached it.
 */
export function behindSidecar(agent: AgentContainer, plan: Plan, port: number): MovedAgent {
  const { inboundPort } = plan;
  const name = agent.name === '' ? (plan.agentName ?? 'agent') : agent.name;
  const startup = isObject(agent.data['startupProbe']) ? agent.data['startupProbe'] : undefined;
  const rules = { at: agent, port, name: undefined, inboundPort };
  const probes = moveProbes(without(agent.data, 'startupProbe'), rules);
  const readyPath = probes.readyPath ?? textOf(getAt(startup, ['httpGet', 'path']));
  return {
    name,
    container: {
      name,
      ...without(probes.container, 'ports', 'name'),
      env: tellAgent(probes.container['env'], agentVariables(plan)),
      startupProbe: { httpGet: { path: '/ready', port: inboundPort }, ...startupTiming(startup) },
    },
    ...(readyPath !== undefined && { readyPath }),
    ...(probes.healthPath !== undefined && { healthPath: probes.healthPath }),
    readyTiming: agent.data['readinessProbe'] === undefined ? undefined : probes.readyTiming,
    notes: probes.notes,
  };
}
