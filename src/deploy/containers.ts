import { type Command, openAddressInCommand, portInCommand } from './command.ts';
import { listeningPorts, namesPortVariable } from './listening.ts';
import { HELPER_PORTS, type Plan } from './plan.ts';
import type { Fault, Note, Place } from './target.ts';

export interface DeclaredPort extends Place {
  readonly port: number;
}

/** What a manifest says of where its agent listens. */
export interface AgentPorts {
  /** Where callers reach it, if the manifest says so. */
  readonly http?: DeclaredPort | undefined;
  /** Every other port of it. */
  readonly others: readonly DeclaredPort[];
  /** Its command and arguments: texts, or lists of them. */
  readonly commands: readonly Command[];
  /** True where its environment already had `PORT`: then it reads it. */
  readonly readsPort: boolean;
  /** Itself: where to say that nothing says where it listens. */
  readonly at?: Place;
}

/** What keeps the agent from being moved to `plan.agentPort`, and what whoever deploys should know when nothing does. */
export function moveAgent(
  plan: Plan,
  agent: AgentPorts,
): { readonly faults: readonly Fault[]; readonly notes: readonly Note[] } {
  const { http } = agent;
  const chosen = plan.agentPortChosen || http?.port === plan.agentPort;
  const ports = { ...plan, declared: chosen ? undefined : http?.port };
  const isKnown = chosen || agent.readsPort || http !== undefined;
  const { listens, faults: named, notes: seen } = commandFindings(ports, agent.commands, isKnown);
  const faults = [...named, ...portClashes(plan, agent.others)];
  const open = [...seen, ...agent.commands.flatMap(openAddressInCommand).map((place) => openNote(plan, place))];
  if (chosen || listens || agent.readsPort) return { faults, notes: open };
  const told = `it is told by PORT and HOST to listen on 127.0.0.1:${plan.agentPort} now; if it does not read them,`;
  if (http === undefined) {
    const message = `nothing here says where the agent listens: ${told} say --agent-port with the port that it has`;
    return { faults, notes: agent.at === undefined ? open : [{ ...placeOf(agent.at), message }, ...open] };
  }
  const instead = isReserved(plan, http.port)
    ? 'give it another port and say --agent-port'
    : `say --agent-port ${http.port}`;
  const message = `the agent listened on ${http.port}: ${told} ${instead}`;
  return { faults, notes: [{ ...placeOf(http), message }, ...open] };
}

/** Where the sidecar listens for callers, undefined where nobody can tell yet, and where it looks for the agent. */
interface TwoPorts {
  readonly inboundPort: number | undefined;
  readonly agentPort: number;
}

interface CommandPorts extends TwoPorts {
  /** A port of the agent's that commands may name in ways that are no flags of a server. */
  readonly declared: number | undefined;
}

/**
 * Where commands, those of one program, have it listen elsewhere than where the sidecar looks for it; `listens` where they have it
 * listen there. Flags of a server are a fault where they are all that says where the agent listens, and say one thing; where something
 * else says it, or several ports are named, they may be those of a program beside it.
 */
export function commandFindings(
  ports: CommandPorts,
  commands: readonly Command[],
  isKnown: boolean,
): { readonly faults: readonly Fault[]; readonly notes: readonly Note[]; readonly listens: boolean } {
  const { inboundPort, agentPort, declared } = ports;
  const named = [...new Set([declared, inboundPort])]
    .filter((port) => port !== undefined && port !== agentPort)
    .flatMap((port = 0) =>
      commands.flatMap((command) => portInCommand(command, port).map((place) => ({ ...place, port }))),
    );
  const listening = listeningPorts(commands);
  const listens = listening.some(({ port }) => port === agentPort);
  const others = listening.filter(({ port }) => named.every((one) => one.port !== port));
  const elsewhere = listens || namesPortVariable(commands) ? [] : others;
  const [first, ...more] = elsewhere;
  const isCertain = first?.isMain === true && more.length === 0 && !isKnown;
  return {
    listens,
    faults: [
      ...named.map(({ port, ...place }) => ({ ...place, message: commandMessage(ports, port) })),
      ...(isCertain ? [{ ...placeOf(first), message: mainPortMessage(ports, first.port) }] : []),
    ],
    notes:
      first === undefined || isCertain ? [] : [{ ...placeOf(first), message: otherPortsMessage(ports, elsewhere) }],
  };
}

function mainPortMessage(ports: TwoPorts, port: number): string {
  const message = commandMessage(ports, port);
  return isReserved(ports, port)
    ? message
    : `${message}; or --agent-port ${ports.agentPort}, if that is not the agent's own`;
}

function otherPortsMessage({ agentPort }: TwoPorts, named: readonly DeclaredPort[]): string {
  const which = named.map(({ port }) => port).join(', ');
  return `the command names port ${which}, and the sidecar looks for the agent on ${agentPort}: if the agent listens there, say so with --agent-port`;
}

function placeOf({ document, path }: Place): Place {
  return { document, path };
}

/** Every port that is taken in the agent's network namespace once the sidecar is there. */
export function plannedPorts(plan: Plan): number[] {
  return [plan.inboundPort, plan.agentPort, ...HELPER_PORTS, ...plan.mcpContainers.map(({ port }) => port)];
}

/** Faults of ports that another container of the same network namespace cannot have. */
export function portClashes(plan: Plan, ports: readonly DeclaredPort[]): Fault[] {
  return ports.flatMap(({ port, document, path }) => {
    const server = plan.mcpContainers.find((one) => one.port === port);
    const owner = ownerOf(plan, port) ?? (server && `that of the MCP server ${server.name}`);
    return owner === undefined ? [] : [{ document, path, message: `port ${port} is ${owner}: give this another one` }];
  });
}

/** A container, service or task beside the agent. */
export interface Named extends Place {
  readonly name: string;
}

/** Faults of what is called like an MCP server that is to be added. */
export function nameClashes(plan: Plan, others: readonly Named[]): Fault[] {
  const added = new Set(plan.mcpContainers.map(({ name }) => name));
  return others
    .filter(({ name }) => added.has(name))
    .map(({ name, document, path }) => {
      return { document, path, message: `${name} is the name of an MCP server of the agent's file: give this another` };
    });
}

/** What is wrong with the plan's own ports: the agent's, and those of the MCP servers beside it. Ask it first. */
export function planFaults(plan: Plan, at: Place): Fault[] {
  const taken =
    plan.agentPort === plan.inboundPort
      ? 'callers use that port, so the sidecar listens there'
      : "it is a port of the sidecar's";
  const agent = isReserved(plan, plan.agentPort)
    ? [`the agent cannot listen on ${plan.agentPort}: ${taken}; choose another with --agent-port`]
    : [];
  const servers = plan.mcpContainers.flatMap(({ name, port }, index) => {
    const twin = plan.mcpContainers.slice(0, index).find((other) => other.port === port);
    const owner = ownerOf(plan, port) ?? (twin && `that of ${twin.name}`);
    return owner === undefined
      ? []
      : [`the MCP server ${name} cannot listen on ${port}: it is ${owner}; change its port in the agent's file`];
  });
  const callers = HELPER_PORTS.includes(plan.inboundPort)
    ? [`callers cannot have port ${plan.inboundPort}: the helpers listen there; choose another with --inbound-port`]
    : [];
  return [...callers, ...agent, ...servers].map((message) => ({ ...at, message }));
}

function isReserved(plan: TwoPorts, port: number): boolean {
  return port === plan.inboundPort || HELPER_PORTS.includes(port);
}

function ownerOf(plan: Plan, port: number): string | undefined {
  if (HELPER_PORTS.includes(port)) return "the sidecar's (helpers)";
  if (port === plan.inboundPort) return "the sidecar's (callers)";
  return port === plan.agentPort ? "the agent's, behind the sidecar" : undefined;
}

function commandMessage(plan: TwoPorts, port: number): string {
  if (!isReserved(plan, port)) {
    return `the agent's command names port ${port}, but the sidecar has it listen on ${plan.agentPort}: change it, or say --agent-port ${port}`;
  }
  return `port ${port} is the sidecar's, but the agent's command names it: change it to ${plan.agentPort}`;
}

function openNote(plan: Plan, place: Place): Note {
  const message =
    `the agent's command has it listen on every address: whoever shares a network with it can reach port ${plan.agentPort} ` +
    'around the sidecar; have it listen on 127.0.0.1';
  return { ...place, message };
}
