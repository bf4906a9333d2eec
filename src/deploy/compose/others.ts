import { isObject, type Json, type JsonObject, type Path } from '../json.ts';
import { type Plan, SIDECAR_NAME } from '../plan.ts';
import type { Fault, Note } from '../target.ts';
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
  const taken = plan.mcpContainers.filter((server) => services[server.name] !== undefined);
  return [
    ...heirs.map(([heir]) => ({
      document: at.document,
      path: ['services', heir, 'extends'],
      message: `this extends the agent, and would sit behind its sidecar too: have both extend a third, or inject into what \`docker compose config\` prints`,
    })),
    ...taken.map((server) => ({
      document: at.document,
      path: ['services', server.name],
      message: `${server.name} is the name of an MCP server of the agent's file: give this service another`,
    })),
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
    ...(port === undefined || port === plan.inboundPort || others.length === 0
      ? []
      : callerNotes(document, others, agent, plan, port)),
  ];
}

function callerNotes(
  document: JsonObject,
  others: readonly (readonly [string, Json])[],
  agent: Service,
  plan: Plan,
  port: number,
): Note[] {
  const names = [...namesOf(agent), ...aliasesOf(agent)];
  const either = `${plan.inboundPort} is the port to call now; where that cannot change, say --inbound-port ${port}`;
  const address = addressPattern(names, port);
  const texts = [
    ...others.flatMap(([name, service]) => textsIn(service, ['services', name])),
    ...textsIn(document['configs'] ?? null, ['configs']),
  ];
  const found = texts.filter(({ path, text }) => path.at(-1) !== 'image' && address.test(text));
  if (found.length > 0) {
    return found.map(({ path }) => ({
      document: agent.at.document,
      path,
      message: `this calls the agent at port ${port}, where nobody listens any more: ${either}`,
    }));
  }
  return [{ ...agent.at, message: `other services reached the agent at ${agent.name}:${port}: ${either}` }];
}

/** Names by which the agent is found in every one of its networks. */
export function namesOf({ name, whole }: Service): string[] {
  const { container_name: container } = whole;
  return typeof container === 'string' ? [...new Set([name, container])] : [name];
}

function aliasesOf({ own }: Service): string[] {
  const networks = isObject(own['networks']) ? Object.values(own['networks']) : [];
  return networks.flatMap((options) => {
    const aliases = isObject(options) ? options['aliases'] : undefined;
    return Array.isArray(aliases) ? aliases.map((alias: Json) => textOf(alias)).filter((alias) => alias !== '') : [];
  });
}

function addressPattern(names: readonly string[], port: number): RegExp {
  const any = names.map((name) => name.replaceAll(/[^\w]/g, String.raw`\$&`)).join('|');
  const implied = port === 80 ? String.raw`|http://(?:${any})(?![\w.:-])` : '';
  return new RegExp(String.raw`(?<![\w.-])(?:${any}):${port}(?!\d)${implied}`);
}

function textsIn(value: Json, path: Path): { readonly path: Path; readonly text: string }[] {
  if (typeof value === 'string') return [{ path, text: value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    textsIn(item, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}
