import { nameClashes } from '../containers.ts';
import { isObject, type Json, type JsonObject, listOf, type Path } from '../json.ts';
import { type Plan, SIDECAR_NAME } from '../plan.ts';
import type { Fault, Note } from '../target.ts';
import { type Call, type Callee, callsIn, LOOPBACK } from './calls.ts';
import { dependenciesOf, withEntries } from './depends-on.ts';
import { extended, type Service } from './services.ts';
import { textOf } from './variables.ts';

/** Another service, where it depends on the agent, is linked to it, or shares its network. */
export function besideAgent(service: JsonObject, agent: string): JsonObject {
  const { depends_on: dependsOn, links, network_mode: mode } = service;
  const waits = dependenciesOf(dependsOn)[agent];
  const optional = isObject(waits) && waits['required'] !== undefined ? { required: waits['required'] } : {};
  return {
    ...service,
    ...(waits !== undefined && {
      depends_on: withEntries(dependsOn, [[SIDECAR_NAME, { condition: 'service_healthy', ...optional }]]),
    }),
    ...(Array.isArray(links) && { links: links.map((link: Json) => throughSidecar(link, agent)) }),
    ...(mode === `service:${agent}` && { network_mode: `service:${SIDECAR_NAME}` }),
  };
}

/** The agent has no address of its own any more; its name stays. */
function throughSidecar(link: Json, agent: string): Json {
  const [service, alias = agent] = textOf(link).split(':');
  return service === agent ? `${SIDECAR_NAME}:${alias}` : link;
}

export function otherFaults(services: JsonObject, { name, at }: Service, plan: Plan): Fault[] {
  const heirs = Object.entries(services).filter(([, service]) => isObject(service) && extended(service) === name);
  const all = Object.keys(services).map((one) => ({ document: at.document, path: ['services', one], name: one }));
  return [
    ...heirs.map(([heir]) => ({
      document: at.document,
      path: ['services', heir, 'extends'],
      message: `this extends the agent, and would sit behind its sidecar too: have both extend a third, or inject into what \`docker compose config\` prints`,
    })),
    ...nameClashes(plan, all),
  ];
}

/** Who calls the agent at a port of its own, or waits for a health check that may ask it. */
export function otherNotes(
  document: JsonObject,
  services: JsonObject,
  agent: Service,
  plan: Plan,
  port: number | undefined,
): Note[] {
  const others = Object.entries(services).filter(([name]) => name !== agent.name);
  const unchecked = !isObject(agent.whole['healthcheck']);
  const waiting = others.filter(([, service]) => {
    const entry = isObject(service) ? dependenciesOf(service['depends_on'])[agent.name] : undefined;
    return unchecked && isObject(entry) && entry['condition'] === 'service_healthy';
  });
  return [
    ...waiting.map(([name]) => ({
      document: agent.at.document,
      path: ['services', name, 'depends_on'],
      message: `this waits for the health check of the agent's image: it must ask port ${plan.agentPort} now`,
    })),
    ...(port === plan.inboundPort || others.length === 0 ? [] : callerNotes(document, others, agent, plan, port)),
  ];
}

/** `port`: where the agent was reached; undefined where nothing says so. */
function callerNotes(
  document: JsonObject,
  others: readonly (readonly [string, Json])[],
  agent: Service,
  plan: Plan,
  port: number | undefined,
): Note[] {
  const names = [...namesOf(agent), ...aliasesOf(agent)];
  const known = { names, port, besides: [plan.inboundPort] };
  const found = [
    ...others.flatMap(([name, service]) => [
      ...callsIn(service, ['services', name], { ...known, names: [...names, ...linkedNames(service, agent.name)] }),
      ...callsWithin(service, ['services', name], agent.name, plan, known),
    ]),
    ...callsIn(document['configs'] ?? null, ['configs'], known),
  ];
  const either = (old: number) =>
    `${plan.inboundPort} is the port to call now; where that cannot change, say --inbound-port ${old}`;
  if (found.length === 0 && port !== undefined) {
    return [{ ...agent.at, message: `other services reached the agent at ${agent.name}:${port}: ${either(port)}` }];
  }
  return found.map(({ path, called }) => {
    const where = port === undefined ? ': if that is where it listened,' : ', where nobody listens any more:';
    return {
      document: agent.at.document,
      path,
      message: `this calls the agent at port ${called}${where} ${either(called)}`,
    };
  });
}

/** Names that the agent has for one other service alone: by its links. */
function linkedNames(service: Json, agent: string): string[] {
  return listOf(isObject(service) ? service['links'] : undefined).flatMap((link) => {
    const [name, alias] = textOf(link).split(':');
    return name === agent && alias !== undefined && alias !== '' ? [alias] : [];
  });
}

/** What means the agent for a service that shares its network; there its new port can be asked as well. */
function callsWithin(service: Json, at: Path, agent: string, plan: Plan, { port, besides }: Callee): Call[] {
  if (!isObject(service) || service['network_mode'] !== `service:${agent}`) return [];
  return callsIn(service, at, { names: LOOPBACK, port, besides: [...besides, plan.agentPort] });
}

/** Names by which the agent is found in every one of its networks. */
export function namesOf({ name, whole }: Service): string[] {
  const { container_name: container } = whole;
  return typeof container === 'string' ? [...new Set([name, container])] : [name];
}

/** Names that it has in some of them. */
export function aliasesOf({ own }: Service): string[] {
  const networks = isObject(own['networks']) ? Object.values(own['networks']) : [];
  return networks.flatMap((options) => {
    const aliases = isObject(options) ? options['aliases'] : undefined;
    return Array.isArray(aliases) ? aliases.map((alias: Json) => textOf(alias)).filter((alias) => alias !== '') : [];
  });
}
