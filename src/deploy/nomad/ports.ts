import type { DeclaredPort } from '../containers.ts';
import { getAt } from '../edit.ts';
import { isObject, type Json, type JsonObject, listOf, objectsOf, type Path } from '../json.ts';
import type { Plan } from '../plan.ts';
import { isNamedBesideHttp } from '../port-name.ts';
import { shown } from '../shown.ts';
import type { Fault, Note } from '../target.ts';
import { exposedPaths } from './connect.ts';
import { configOf, type FoundGroup, type FoundTask, tasksOf } from './job.ts';

/** A port of the group's network. */
interface GroupPort {
  readonly label: string;
  /** Inside the group; undefined where it is the one that the scheduler picks. */
  readonly port: number | undefined;
  readonly key: 'DynamicPorts' | 'ReservedPorts';
  readonly index: number;
  readonly path: Path;
}

export interface Ports {
  /** Label of the port where callers reached the agent, where the group's network has it. */
  readonly label: string | undefined;
  /** Its number inside the group, where the job says so. */
  readonly http: DeclaredPort | undefined;
  /** The group's other ports. */
  readonly others: readonly DeclaredPort[];
  /** The group's networks, with that port leading to the sidecar. */
  readonly networks: readonly Json[];
  readonly faults: readonly Fault[];
  readonly notes: readonly Note[];
}

/**
 * The port that speaks HTTP is, in this order, the one that was chosen with `--agent-port`, the one of `PORT`, a label that a
 * service has and that is called so, one that a service has, one that is called so, a number behind Connect's proxy, the first
 * label, the first number. Where services name numbers, a label that is called as what stands beside HTTP is none of these. It is
 * never one where Connect's proxy listens.
 */
export function readPorts(found: FoundGroup, agent: FoundTask, plan: Plan): Ports {
  const { group } = found;
  const theirs = tasksOf(found).filter(({ path }) => path.at(-1) !== agent.index);
  const taken = new Set(theirs.flatMap(({ task }) => labels(configOf(task)['ports'])));
  const services = [...objectsOf(group['Services']), ...objectsOf(agent.task['Services'])];
  const exposed = services.flatMap((service) => exposedPaths(service).map(({ entry }) => entry));
  const listeners = new Set(exposed.map(({ ListenerPort }) => ListenerPort));
  const ports = portsOf(found).filter(({ label }) => !taken.has(label) && !listeners.has(label));
  const served = new Set(services.map(({ PortLabel }) => PortLabel));
  const variable = environmentOf(agent.task)['PORT'];
  const numbered = numberedPorts(found, agent);
  const { labelled, numeric } = choose({ ports, numbered, served, variable }, plan);
  const http = labelled?.port === undefined ? (numeric ?? variablePort(agent, variable)) : declared(labelled);
  const others = portsOf(found).filter(({ label }) => label !== labelled?.label);
  const otherNumbers = numbered.filter(({ port }) => port !== http?.port);
  // What comes in there goes where the services' own callers go.
  const leads = (label: string) =>
    listeners.has(label) &&
    exposed.every(({ ListenerPort, LocalPathPort }) => ListenerPort !== label || LocalPathPort === http?.port);
  return {
    label: labelled?.label,
    http,
    others: [...others.flatMap((port) => declared(port) ?? []), ...otherNumbers],
    networks: labelled === undefined ? listOf(group['Networks']) : moved(listOf(group['Networks']), labelled, plan),
    faults: labelled === undefined ? [] : labelFaults(agent, labelled.label, plan),
    notes: [
      ...(labelled === undefined ? [] : labelNotes(agent, labelled, plan)),
      ...others.filter(({ label }) => !taken.has(label) && !leads(label)).map(openNote),
      ...otherNumbers.map((number) =>
        number.connected ? meshNote(number) : openNote({ ...number, label: String(number.port) }),
      ),
    ],
  };
}

interface Candidates {
  readonly ports: readonly GroupPort[];
  /** Those that services name by their numbers. */
  readonly numbered: readonly NumberedPort[];
  /** Labels that services have. */
  readonly served: ReadonlySet<Json | undefined>;
  /** `PORT` of the agent. */
  readonly variable: Json | undefined;
}

interface Chosen {
  readonly labelled?: GroupPort | undefined;
  /** Where there is no label, or its number is not said. */
  readonly numeric?: DeclaredPort | undefined;
}

function choose({ ports, numbered, served, variable }: Candidates, plan: Plan): Chosen {
  const of = (wanted: number): Chosen => ({
    labelled: ports.find(({ port }) => port === wanted),
    numeric: numbered.find(({ port }) => port === wanted),
  });
  const isThere = (wanted: number) => [...ports, ...numbered].some(({ port }) => port === wanted);
  if (plan.agentPortChosen && isThere(plan.agentPort)) return of(plan.agentPort);
  const told = ports.find(({ label }) => names(variable, label));
  const [first] = numbered;
  const connected = numbered.find((number) => number.connected);
  if (told !== undefined) return { labelled: told, numeric: connected ?? first };
  if (isThere(Number(shown(variable)))) return of(Number(shown(variable)));
  const called = ({ label }: GroupPort) => /http|web|api/i.test(label);
  const isServed = ({ label }: GroupPort) => served.has(label);
  const labels = first === undefined ? ports : ports.filter(({ label }) => !isNamedBesideHttp(label));
  const likely = labels.find((port) => called(port) && isServed(port)) ?? labels.find(isServed) ?? labels.find(called);
  // A number may be another task's, of which no service has to say so: a label that callers have comes before it.
  if (likely !== undefined) return { labelled: likely, numeric: connected };
  if (connected !== undefined) return of(connected.port);
  if (labels.length > 0 || first === undefined) return { labelled: labels[0] };
  return of(first.port);
}

function declared({ port, path }: GroupPort): DeclaredPort | undefined {
  return port === undefined ? undefined : { document: 0, path, port };
}

function portsOf({ group, path }: FoundGroup): GroupPort[] {
  const [network] = objectsOf(group['Networks']);
  return (['DynamicPorts', 'ReservedPorts'] as const).flatMap((key) =>
    objectsOf(network?.[key]).map((port, index) => ({
      label: shown(port['Label']),
      port: inside(port, key),
      key,
      index,
      path: [...path, 'Networks', 0, key, index],
    })),
  );
}

function inside({ To: to, Value: value }: JsonObject, key: GroupPort['key']): number | undefined {
  if (typeof to === 'number' && to > 0) return to;
  return key === 'ReservedPorts' && typeof value === 'number' && value > 0 ? value : undefined;
}

function moved(networks: readonly Json[], { key, index }: GroupPort, plan: Plan): Json[] {
  return networks.map((network, at) => {
    const ports = isObject(network) ? network[key] : undefined;
    if (at > 0 || !isObject(network) || !Array.isArray(ports)) return network;
    const port: Json | undefined = ports[index];
    return { ...network, [key]: isObject(port) ? ports.with(index, { ...port, To: plan.inboundPort }) : ports };
  });
}

/** A port that a service names by its number: the network may have no label for it. */
interface NumberedPort extends DeclaredPort {
  /** True where callers come in by Connect's proxy. */
  readonly connected: boolean;
}

function numberedPorts({ group, path }: FoundGroup, agent: FoundTask): NumberedPort[] {
  const owners = [
    { services: listOf(group['Services']), at: path },
    { services: listOf(agent.task['Services']), at: agent.path },
  ];
  return owners.flatMap(({ services, at }) =>
    services.flatMap((service, index) => {
      if (!isObject(service) || isOfAnother(service, agent) || !isNumber(service['PortLabel'])) return [];
      const port = Number(service['PortLabel']);
      const connected = isObject(getAt(service, ['Connect', 'SidecarService']));
      return [{ document: 0, path: [...at, 'Services', index, 'PortLabel'], port, connected }];
    }),
  );
}

/** A group's service can say which task it is of. */
function isOfAnother({ TaskName: task }: JsonObject, agent: FoundTask): boolean {
  return typeof task === 'string' && task !== '' && task !== agent.task['Name'];
}

function variablePort(agent: FoundTask, variable: Json | undefined): DeclaredPort | undefined {
  if (!isNumber(variable)) return undefined;
  return { document: 0, path: [...agent.path, 'Env', 'PORT'], port: Number(variable) };
}

function isNumber(value: Json | undefined): boolean {
  return /^\d{1,5}$/.test(shown(value));
}

/** An agent that listens where Nomad tells it by the label would listen on the sidecar's port. */
function labelFaults(agent: FoundTask, label: string, plan: Plan): Fault[] {
  const config = configOf(agent.task);
  return ['entrypoint', 'command', 'args'].flatMap((key) => {
    const { [key]: words } = config;
    const index = listOf(words).findIndex((word) => names(word, label));
    if (index < 0 && !names(words, label)) return [];
    const path = [...agent.path, 'Config', key, ...(index < 0 ? [] : [index])];
    const message = `the agent's command names NOMAD_PORT_${label}, which is the sidecar's port now: name ${plan.agentPort} instead`;
    return [{ document: 0, path, message }];
  });
}

function labelNotes(agent: FoundTask, { label, port, path }: GroupPort, plan: Plan): Note[] {
  const env = environmentOf(agent.task);
  const templates = objectsOf(agent.task['Templates']).flatMap(({ EmbeddedTmpl }, index) =>
    names(EmbeddedTmpl, label) ? [[...agent.path, 'Templates', index, 'EmbeddedTmpl']] : [],
  );
  const variables = Object.entries(env).flatMap(([name, value]) =>
    name !== 'PORT' && names(value, label) ? [[...agent.path, 'Env', name]] : [],
  );
  const told =
    `the agent was told by NOMAD_PORT_${label} where to listen: that is the sidecar's port now, and PORT and HOST tell it ` +
    `to listen on 127.0.0.1:${plan.agentPort}; if it does not read them, say --agent-port`;
  const silent = port === undefined && !plan.agentPortChosen && env['PORT'] === undefined;
  return [
    ...(silent ? [{ document: 0, path, message: told }] : []),
    ...[...variables, ...templates].map((place) => ({
      document: 0,
      path: place,
      message: `NOMAD_PORT_${label} is the sidecar's port now: where this tells the agent to listen, it must say ${plan.agentPort}`,
    })),
  ];
}

function openNote({ label, path }: Pick<GroupPort, 'label' | 'path'>): Note {
  const message = `port ${label} does not lead to the sidecar: remove it if callers could go around the sidecar there`;
  return { document: 0, path, message };
}

function meshNote({ port, path }: NumberedPort): Note {
  const message = `port ${port}, where Connect's callers come in, does not lead to the sidecar: if it is the agent's, say --agent-port ${port}`;
  return { document: 0, path, message };
}

function names(text: Json | undefined, label: string): boolean {
  return typeof text === 'string' && new RegExp(String.raw`\bNOMAD_PORT_${label.replaceAll(/\W/g, '.')}\b`).test(text);
}

export function environmentOf({ Env: env }: JsonObject): JsonObject {
  return isObject(env) ? env : {};
}

function labels(value: Json | undefined): string[] {
  return listOf(value).map(String);
}
