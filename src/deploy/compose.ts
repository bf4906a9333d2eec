import { agentFaults, agentNotes, behindSidecar } from './compose/agent.ts';
import { checkNotes } from './compose/healthcheck.ts';
import { leftBehind } from './compose/left-behind.ts';
import { besideAgent, otherFaults, otherNotes } from './compose/others.ts';
import { readPorts } from './compose/ports.ts';
import { render } from './compose/render.ts';
import { findAgent, findSidecar, type Service, servicesOf } from './compose/services.ts';
import { mcpService, sidecarService } from './compose/sidecar.ts';
import { readEnvironment, withDefaults } from './compose/variables.ts';
import { moveAgent, planFaults } from './containers.ts';
import { setAt } from './edit.ts';
import { upgradeMessage } from './found-sidecar.ts';
import { isObject, type Json, type JsonObject } from './json.ts';
import { DATA_VOLUME, GRACE_EXTRA_SECONDS, type Plan, SIDECAR_NAME } from './plan.ts';
import { type Fault, ManifestError, type Outcome, type Target } from './target.ts';

/** Docker Compose, as of the Compose specification: the sidecar owns the network, and the agent joins it. */
export const compose: Target = { name: 'compose', format: 'yaml', inject, leftBehind, render };

function inject(documents: readonly Json[], plan: Plan): Outcome {
  const { document, services } = servicesOf(documents);
  const sidecar = findSidecar(services);
  if (sidecar !== undefined) return upgrade(documents, document, services, sidecar, plan);
  const agent = findAgent(document, services, plan);
  const ports = readPorts(agent.whole, plan, agent.at);
  const moved = moveAgent(plan, {
    http: ports.http,
    others: ports.others,
    commands: ['entrypoint', 'command'].map((key) => ({
      document,
      path: [...agent.at.path, key],
      words: withDefaults(agent.whole[key]),
    })),
    readsPort: readEnvironment(agent.whole['environment']).has('PORT'),
    at: agent.at,
  });
  const faults = [
    ...planFaults(plan, agent.at),
    ...volumesFaults(rootOf(documents[document]), document),
    ...agentFaults(agent),
    ...otherFaults(services, agent, plan),
    ...ports.faults,
    ...moved.faults,
  ];
  if (faults.length > 0) throw new ManifestError(faults);
  const root = rootOf(documents[document]);
  const grace = plan.drainSeconds + GRACE_EXTRA_SECONDS;
  const after: JsonObject = {
    ...root,
    services: {
      ...Object.fromEntries(
        Object.entries(services).map(([name, service]) => [
          name,
          name === agent.name
            ? behindSidecar(agent, plan, ports.http, grace)
            : isObject(service)
              ? besideAgent(service, agent.name)
              : service,
        ]),
      ),
      [SIDECAR_NAME]: sidecarService(agent, plan, ports, grace),
      ...mcpServices(agent, plan),
    },
    volumes: { [DATA_VOLUME]: {}, ...rootOf(root['volumes']) },
  };
  return {
    documents: documents.map((value, index) => (index === document ? after : value)),
    notes: [
      ...moved.notes,
      ...ports.notes,
      ...agentNotes(agent, plan),
      ...checkNotes(agent, plan, ports.http),
      ...otherNotes(root, services, agent, plan, ports.http?.port),
    ],
  };
}

function volumesFaults({ volumes = null }: JsonObject, document: number): Fault[] {
  return volumes === null || isObject(volumes)
    ? []
    : [{ document, path: ['volumes'], message: 'volumes must be a mapping' }];
}

function mcpServices(agent: Service, plan: Plan): JsonObject {
  return Object.fromEntries(plan.mcpContainers.map((server) => [server.name, mcpService(server, agent)]));
}

function upgrade(
  documents: readonly Json[],
  document: number,
  services: JsonObject,
  name: string,
  plan: Plan,
): Outcome {
  const path = ['services', name, 'image'];
  const service = rootOf(services[name]);
  if (service['image'] === plan.image) return { documents, notes: [] };
  return {
    documents: documents.map((value, index) => (index === document ? setAt(value, path, plan.image) : value)),
    notes: [{ document, path, message: upgradeMessage(name, plan.image) }],
  };
}

function rootOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}
