import type { DeclaredPort } from '../containers.ts';
import { isObject, type Json, type JsonObject, listOf, objectsOf, type Path } from '../json.ts';
import type { Plan } from '../plan.ts';
import { shown } from '../shown.ts';
import type { Fault, Note } from '../target.ts';
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
  /** Label of the port where callers reached the agent. */
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
 * The port that speaks HTTP is, in this order, the one that was chosen with `--agent-port`, the one of `PORT`, one that
 * a service has and that is called so, one that a service has, one that is called so, the first.
 */
export function readPorts(found: FoundGroup, agent: FoundTask, plan: Plan): Ports {
  const { group } = found;
  const theirs = tasksOf(found).filter(({ path }) => path.at(-1) !== agent.index);
  const taken = new Set(theirs.flatMap(({ task }) => labels(configOf(task)['ports'])));
  const ports = portsOf(found).filter(({ label }) => !taken.has(label));
  const services = [...objectsOf(group['Services']), ...objectsOf(agent.task['Services'])];
  const served = new Set(services.map(({ PortLabel }) => PortLabel));
  const variable = environmentOf(agent.task)['PORT'];
  const called = ({ label }: GroupPort) => /http|web|api/i.test(label);
  const isServed = ({ label }: GroupPort) => served.has(label);
  const http =
    (plan.agentPortChosen ? ports.find(({ port }) => port === plan.agentPort) : undefined) ??
    ports.find(({ port, label }) => String(port) === shown(variable) || names(variable, label)) ??
    ports.find((port) => called(port) && isServed(port)) ??
    ports.find(isServed) ??
    ports.find(called) ??
    ports[0];
  const others = portsOf(found).filter(({ label }) => label !== http?.label);
  return {
    label: http?.label,
    http:
      http?.port === undefined
        ? numericPort(found, agent, variable)
        : { document: 0, path: http.path, port: http.port },
    others: others.flatMap(({ port, path }) => (port === undefined ? [] : [{ document: 0, path, port }])),
    networks: http === undefined ? listOf(group['Networks']) : moved(listOf(group['Networks']), http, plan),
    faults: http === undefined ? [] : labelFaults(agent, http.label, plan),
    notes: [
      ...(http === undefined ? [] : labelNotes(agent, http, plan)),
      ...others.filter(({ label }) => !taken.has(label)).map(openNote),
    ],
  };
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

/** A port that no network has: Connect's services name it by its number. */
function numericPort(
  { group, path }: FoundGroup,
  agent: FoundTask,
  variable: Json | undefined,
): DeclaredPort | undefined {
  const index = objectsOf(group['Services']).findIndex(({ PortLabel }) => /^\d{1,5}$/.test(shown(PortLabel)));
  const service = objectsOf(group['Services'])[index];
  if (service !== undefined) {
    return { document: 0, path: [...path, 'Services', index, 'PortLabel'], port: Number(service['PortLabel']) };
  }
  if (!/^\d{1,5}$/.test(shown(variable))) return undefined;
  return { document: 0, path: [...agent.path, 'Env', 'PORT'], port: Number(variable) };
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

function openNote({ label, path }: GroupPort): Note {
  const message = `port ${label} does not lead to the sidecar: remove it if callers could go around the sidecar there`;
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
