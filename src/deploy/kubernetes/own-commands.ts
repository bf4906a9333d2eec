import { portInCommand } from '../command.ts';
import { getAt, setAt } from '../edit.ts';
import { movePort } from '../health-command.ts';
import { isObject, type Json, type JsonObject, listOf, type Path } from '../json.ts';
import type { Plan } from '../plan.ts';
import type { PublicPort } from '../public-port.ts';
import type { Fault } from '../target.ts';
import { type AgentContainer, inside } from './parts.ts';

export interface MovedCommands {
  /** The agent's container. */
  readonly container: JsonObject;
  readonly faults: readonly Fault[];
}

/** What the kubelet runs in a container. */
const PROBES: readonly Path[] = [['readinessProbe'], ['livenessProbe'], ['startupProbe']];
const HOOKS: readonly Path[] = [
  ['lifecycle', 'postStart'],
  ['lifecycle', 'preStop'],
];
const COMMAND: Path = ['exec', 'command'];

/**
 * Commands by which the agent's container asks itself (`exec` of probes and hooks) follow the agent to its new port. A fault where one
 * names the old port, or the sidecar's, and it is not certain what would have to be changed: it would fail, and the kubelet would kill the
 * container again and again.
 */
export function moveCommands(agent: AgentContainer, port: PublicPort, plan: Plan): MovedCommands {
  const from = port.http?.port ?? plan.inboundPort;
  const faults: Fault[] = [];
  let container = agent.data;
  for (const path of [...PROBES, ...HOOKS]) {
    const words = getAt(agent.data, [...path, ...COMMAND]);
    if (words === undefined) continue;
    const moved = from === plan.agentPort ? words : (movePort(words, from, plan.agentPort) ?? words);
    const left = new Set([from, plan.inboundPort].filter((one) => one !== plan.agentPort));
    const at = inside(agent, ...path, ...COMMAND);
    const named = [...left].flatMap((one) => portInCommand({ ...at, words: moved }, one).slice(0, 1));
    const elsewhere = from === plan.agentPort ? [] : outsideAddress(words, from).map((index) => inside(at, index));
    for (const place of [...named, ...elsewhere].slice(0, 1))
      faults.push({ ...place, message: askMessage(path, plan) });
    if (moved !== words) container = setAt(container, [...path, ...COMMAND], moved) as JsonObject;
  }
  return { container, faults: [...faults, ...startHookFaults(agent, port)] };
}

function askMessage(path: Path, plan: Plan): string {
  return `the command of ${path.join('.')} names a port that the agent does not have any longer: have it ask 127.0.0.1:${plan.agentPort}, where the agent listens`;
}

/** The words that ask this port of an address which a shell puts in, such as the pod's own: the agent does not listen there any longer. */
function outsideAddress(words: Json, port: number): number[] {
  return listOf(words).flatMap((word, index) => (typeof word === 'string' && isOutside(word, port) ? [index] : []));
}

/** Long enough for every name of a variable; it bounds the work. */
const LOOK_BACK = 64;
/** `HOST` is what the agent is told: loopback. */
const PUT_IN = /(?:\$(?!HOST$)\w+|\$\{(?!HOST\b)\w[^{}]*\}|\)|`)$/;

function isOutside(text: string, port: number): boolean {
  const mark = `:${port}`;
  for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + 1)) {
    const isWhole = !/\d/.test(text[at + mark.length] ?? '');
    if (isWhole && PUT_IN.test(text.slice(Math.max(0, at - LOOK_BACK), at))) return true;
  }
  return false;
}

/** The kubelet asks from outside of the pod, and kills a container whose `postStart` hook fails. */
function startHookFaults(agent: AgentContainer, port: PublicPort): Fault[] {
  const path = ['lifecycle', 'postStart'];
  const action = getAt(agent.data, [...path, 'httpGet']) ?? getAt(agent.data, [...path, 'tcpSocket']);
  if (!isObject(action) || action['host'] !== undefined || port.http === undefined) return [];
  const asked = action['port'];
  if (asked !== port.http.port && (port.name === undefined || asked !== port.name)) return [];
  const message =
    'the postStart hook asks the agent from outside of the pod, where it does not listen any longer, and the kubelet kills a container whose hook fails: make it a command (exec)';
  return [{ ...inside(agent, ...path), message }];
}
