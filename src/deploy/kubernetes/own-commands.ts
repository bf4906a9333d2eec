import { getAt, setAt } from '../edit.ts';
import { type Json, type JsonObject, listOf, type Path } from '../json.ts';
import type { Plan } from '../plan.ts';
import type { PublicPort } from '../public-port.ts';
import type { Fault, Note } from '../target.ts';
import { asksAgent } from './hook-request.ts';
import { asksOutside, moveOwnPort, namesNumber } from './own-port.ts';
import { type AgentContainer, inside } from './parts.ts';

export interface MovedCommands {
  /** The agent's container. */
  readonly container: JsonObject;
  readonly faults: readonly Fault[];
  readonly notes: readonly Note[];
}

/** What the kubelet runs in a container; where it fails again and again, the container is killed, or the pod gets no traffic. */
const PROBES: readonly Path[] = [['readinessProbe'], ['livenessProbe'], ['startupProbe']];
const HOOKS: readonly Path[] = [
  ['lifecycle', 'postStart'],
  ['lifecycle', 'preStop'],
];
const COMMAND: Path = ['exec', 'command'];

/**
 * Commands by which the agent's container asks itself (`exec` of probes and hooks) follow the agent to its new port, where it is certain
 * that they do. A probe that is certain to ask in vain is a fault; whatever else names the old port may mean another host, or no port at
 * all, and is only noted.
 */
export function moveCommands(agent: AgentContainer, port: PublicPort, plan: Plan): MovedCommands {
  const from = port.http?.port ?? plan.inboundPort;
  const faults: Fault[] = [];
  const notes: Note[] = [];
  let container = agent.data;
  for (const path of [...PROBES, ...HOOKS]) {
    const words = listOf(getAt(agent.data, [...path, ...COMMAND]));
    const at = inside(agent, ...path, ...COMMAND);
    const isProbe = PROBES.includes(path);
    const moved = from === plan.agentPort ? words : moveOwnPort(words, from, plan.agentPort, isProbe);
    if (moved.some((word, index) => word !== words[index])) {
      container = setAt(container, [...path, ...COMMAND], moved) as JsonObject;
    }
    if (isProbe && from !== plan.agentPort && asksOutside(words, from)) {
      faults.push({ ...at, message: `${path.join('.')} asks the pod's own address: ${askMessage(plan)}` });
    } else if (isProbe && plan.inboundPort !== plan.agentPort && asksItself(words, plan.inboundPort, from)) {
      faults.push({
        ...at,
        message: `${path.join('.')} asks port ${plan.inboundPort}, the sidecar's: ${askMessage(plan)}`,
      });
    } else if (from !== plan.agentPort && namesNumber(moved, from)) {
      const message = `the command of ${path.join('.')} names ${from}: if that is the agent's port, ${askMessage(plan)}`;
      notes.push({ ...at, message });
    }
  }
  return { container, faults: [...faults, ...startHookFaults(agent, port)], notes };
}

/** Another port of itself than the one that moves. */
function asksItself(words: readonly Json[], port: number, from: number): boolean {
  return port !== from && moveOwnPort(words, port, 0, false).some((word, index) => word !== words[index]);
}

function askMessage({ agentPort }: Plan): string {
  return `the agent listens on 127.0.0.1:${agentPort} alone now; have it ask there`;
}

/** The kubelet asks from outside of the pod, and kills a container whose `postStart` hook fails. */
function startHookFaults(agent: AgentContainer, port: PublicPort): Fault[] {
  const path = ['lifecycle', 'postStart'];
  if (port.http === undefined || !asksAgent(getAt(agent.data, path), port)) return [];
  const message =
    'the postStart hook asks the agent from outside of the pod, where it does not listen any longer, and the kubelet kills a container whose hook fails: make it a command (exec)';
  return [{ ...inside(agent, ...path), message }];
}
