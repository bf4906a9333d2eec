import { type Command, openAddressInCommand, portInCommand } from './command.ts';
import type { Json, JsonObject } from './json.ts';
import { HELPER_PORTS, type Plan, SIDECAR_NAME } from './plan.ts';
import { type Fault, ManifestError, type Note, type Place } from './target.ts';

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A container, service or task that could be the agent. */
export interface Candidate extends Place {
  readonly name: string;
}

export interface Choice {
  /** Where a fault goes when there is no candidate. */
  readonly at: Place;
  /** What a candidate is called on the platform, such as `container`. */
  readonly what: string;
  /** The flag that names one, such as `--container`. */
  readonly option: string;
  /** What that flag says. */
  readonly chosen: string | undefined;
  readonly agentName: string | undefined;
}

/** The agent: the one that was chosen, else the only one, else the one of the agent's name. Throws `ManifestError`. */
export function chooseAgent<T extends Candidate>(candidates: readonly T[], choice: Choice): T {
  const { at, what, option, chosen, agentName } = choice;
  const names = listed(candidates.map(({ name }) => name));
  const [first] = candidates;
  if (first === undefined) throw new ManifestError([{ ...at, message: `there is no ${what} that could be the agent` }]);
  if (chosen !== undefined) {
    const found = candidates.find(({ name }) => name === chosen);
    if (found !== undefined) return found;
    throw new ManifestError([{ ...at, message: `there is no ${what} ${chosen}: ${option} can name ${names}` }]);
  }
  if (candidates.length === 1) return first;
  const named = candidates.filter(({ name }) => name === agentName);
  if (named.length === 1 && named[0] !== undefined) return named[0];
  const count = candidates.length === 2 ? 'two' : candidates.length;
  const message = `${count} ${what}s could be the agent (${names}): choose with ${option}`;
  throw new ManifestError(candidates.slice(0, MOST_LISTED).map(({ document, path }) => ({ document, path, message })));
}

const MOST_LISTED = 20;

function listed(names: readonly string[]): string {
  const rest = names.length - MOST_LISTED;
  return [...names.slice(0, MOST_LISTED), ...(rest > 0 ? [`and ${rest} more`] : [])].join(', ');
}

/** An image's name without tag and digest; what a variable stands for in it is left out. */
export function imageRepository(image: string): string {
  const [name = ''] = image.replaceAll(/\$\{[^}]*\}/g, '').split('@');
  return name.replace(/:[^/]*$/, '');
}

/** True for a sidecar, ours or AgentBreeder's, whoever put it there. */
export function isSidecar(name: Json | undefined, image: Json | undefined): boolean {
  if (name === SIDECAR_NAME) return true;
  return (
    typeof image === 'string' && /(^|\/)(outrider\/outrider|[^/]*agentbreeder-sidecar)$/.test(imageRepository(image))
  );
}

/** What whoever deploys is told when a sidecar that was there already gets another image. */
export function upgradeMessage(name: string, image: string): string {
  return `the sidecar that is there already (${name}) was brought to ${image}; nothing else was changed`;
}

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
  const looked = chosen || http === undefined ? [plan.inboundPort] : [http.port, plan.inboundPort];
  const faults = [
    ...looked
      .filter((port, index) => port !== plan.agentPort && looked.indexOf(port) === index)
      .flatMap((port) =>
        agent.commands.flatMap((command) => portInCommand(command, port).map((place) => ({ place, port }))),
      )
      .map(({ place, port }) => ({ ...place, message: commandMessage(plan, port) })),
    ...portClashes(plan, agent.others),
  ];
  const open = agent.commands.flatMap(openAddressInCommand).map((place) => openNote(plan, place));
  if (chosen || agent.readsPort) return { faults, notes: open };
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

function placeOf({ document, path }: Place): Place {
  return { document, path };
}

/** Faults of ports that another container of the same network namespace cannot have. */
export function portClashes(plan: Plan, ports: readonly DeclaredPort[]): Fault[] {
  return ports.flatMap(({ port, document, path }) => {
    const owner = ownerOf(plan, port);
    return owner === undefined ? [] : [{ document, path, message: `port ${port} is ${owner}: give this another one` }];
  });
}

/** What is wrong with the plan's own ports: the agent's, and those of the MCP servers beside it. Ask it first. */
export function planFaults(plan: Plan, at: Place): Fault[] {
  const agent = isReserved(plan, plan.agentPort)
    ? [`the agent cannot listen on ${plan.agentPort}: it is a port of the sidecar's; choose another with --agent-port`]
    : [];
  const servers = plan.mcpContainers.flatMap(({ name, port }, index) => {
    const twin = plan.mcpContainers.slice(0, index).find((other) => other.port === port);
    const owner = ownerOf(plan, port) ?? (twin && `that of ${twin.name}`);
    return owner === undefined
      ? []
      : [`the MCP server ${name} cannot listen on ${port}: it is ${owner}; change its port in the agent's file`];
  });
  return [...agent, ...servers].map((message) => ({ ...at, message }));
}

function isReserved(plan: Plan, port: number): boolean {
  return port === plan.inboundPort || HELPER_PORTS.includes(port);
}

function ownerOf(plan: Plan, port: number): string | undefined {
  if (HELPER_PORTS.includes(port)) return "the sidecar's (helpers)";
  if (port === plan.inboundPort) return "the sidecar's (callers)";
  return port === plan.agentPort ? "the agent's, behind the sidecar" : undefined;
}

function commandMessage(plan: Plan, port: number): string {
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

/** What a document is, for whoever gave the wrong one: `a Kubernetes Deployment`, `a Compose file`. */
export function describeManifest(document: Json | undefined): string {
  if (document === undefined || document === null) return 'an empty document';
  if (!isObject(document)) return Array.isArray(document) ? 'a list' : 'a text';
  const { apiVersion, kind, services, containerDefinitions, properties, type, Job, job } = document;
  if (typeof apiVersion === 'string' && typeof kind === 'string') {
    return `${/knative|run\.googleapis/.test(apiVersion) ? 'a Knative' : 'a Kubernetes'} ${kind}`;
  }
  if (isObject(services)) return 'a Compose file';
  if (Array.isArray(containerDefinitions)) return 'an ECS task definition';
  if (typeof type === 'string' && type.startsWith('Microsoft.')) return `an Azure resource ${type}`;
  if (isObject(properties) && isObject(properties['template'])) return 'a Container App';
  if (isObject(Job) || isObject(job)) return 'a Nomad job';
  return 'something else';
}
