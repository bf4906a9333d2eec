import { knownSecrets, tellAgent } from '../container-spec.ts';
import { moveAgent, planFaults, portClashes } from '../containers.ts';
import { getAt, without } from '../edit.ts';
import { isObject, type Json, type JsonObject, objectsOf, textOf } from '../json.ts';
import { agentVariables, DATA_VOLUME, type Plan } from '../plan.ts';
import { moveProbes } from '../probes.ts';
import { declaredPorts, findPublicPort } from '../public-port.ts';
import { type Fault, ManifestError, type Note, type Place } from '../target.ts';
import { DEPENDENCIES, withDependency } from './dependencies.ts';
import { dataVolume, ingressContainer, mcpContainer } from './sidecar.ts';

const EXECUTION_ENVIRONMENT = 'run.googleapis.com/execution-environment';
const THROTTLING = 'run.googleapis.com/cpu-throttling';
/** Where requests go when no container says. */
const DEFAULT_PORT = 8080;
/** Cloud Run waits four minutes for a startup probe, at most. */
const AGENT_STARTUP: JsonObject = { periodSeconds: 2, timeoutSeconds: 1, failureThreshold: 120 };

/** The agent's container, with its place in the file. */
export interface AgentContainer extends Place {
  readonly name: string;
  readonly index: number;
  readonly data: JsonObject;
}

export interface RevisionContext {
  /** Where the template stands. */
  readonly at: Place;
  readonly service: string;
  readonly agent: AgentContainer;
}

/** A revision's template (`metadata`, `spec`) with the sidecar in it. Throws `ManifestError`. */
export function injectRevision(
  template: JsonObject,
  plan: Plan,
  { at, service, agent }: RevisionContext,
): { readonly template: JsonObject; readonly notes: readonly Note[] } {
  const spec = isObject(template['spec']) ? template['spec'] : {};
  const containers = Array.isArray(spec['containers']) ? spec['containers'] : [];
  const found = findPublicPort(agent.data, agent, []);
  const http = found.http ?? { port: DEFAULT_PORT, document: agent.document, path: agent.path };
  const moved = moveAgent(plan, {
    http,
    others: found.others,
    commands: ['command', 'args'].map((key) => ({ ...inside(agent, key), words: agent.data[key] })),
    // Whoever declares no port listens where Cloud Run says, which is in PORT.
    readsPort: found.declared === undefined,
  });
  const faults = [...planFaults(plan, agent), ...moved.faults, ...neighbourFaults(containers, agent, plan, at)];
  if (faults.length > 0) throw new ManifestError(faults);

  const name = agent.name === '' ? (plan.agentName ?? 'agent') : agent.name;
  const startup = isObject(agent.data['startupProbe']) ? agent.data['startupProbe'] : {};
  const probes = moveProbes(without(agent.data, 'startupProbe'), {
    at: agent,
    port: http.port,
    name: undefined,
    inboundPort: plan.inboundPort,
  });
  const readyPath = probes.readyPath ?? textOf(getAt(startup, ['httpGet', 'path']));
  const sidecar = ingressContainer(plan, {
    fallbackName: service,
    port: without(found.declared ?? {}, 'containerPort'),
    secretName: (variable) => secretName(variable, service, plan),
    readyTiming: agent.data['readinessProbe'] === undefined ? undefined : probes.readyTiming,
    ...(readyPath !== undefined && { readyPath }),
    ...(probes.healthPath !== undefined && { healthPath: probes.healthPath }),
  });
  const told: JsonObject = {
    name,
    ...without(probes.container, 'ports', 'name'),
    env: tellAgent(probes.container['env'], agentVariables(plan)),
    startupProbe: {
      httpGet: { path: '/ready', port: plan.inboundPort },
      ...(Object.keys(startup).length === 0 ? AGENT_STARTUP : without(startup, 'httpGet', 'tcpSocket', 'grpc')),
    },
  };
  const names = new Set(objectsOf(containers).map((one) => one['name']));
  const servers = plan.mcpContainers.filter((server) => !names.has(server.name)).map(mcpContainer);
  const volumes = Array.isArray(spec['volumes']) ? spec['volumes'] : [];
  const metadata = isObject(template['metadata']) ? template['metadata'] : {};
  const annotations = isObject(metadata['annotations']) ? metadata['annotations'] : {};
  const dependencies = withDependency(
    annotations[DEPENDENCIES],
    name,
    inside(at, 'metadata', 'annotations', DEPENDENCIES),
  );
  return {
    template: {
      metadata: {
        ...metadata,
        annotations: withDefault({ ...annotations, [DEPENDENCIES]: dependencies }, EXECUTION_ENVIRONMENT, 'gen2'),
      },
      ...without(template, 'metadata'),
      spec: {
        ...spec,
        containers: [sidecar, ...containers.with(agent.index, told), ...servers],
        ...(!objectsOf(volumes).some((volume) => volume['name'] === DATA_VOLUME) && {
          volumes: [...volumes, dataVolume()],
        }),
      },
    },
    notes: [
      ...moved.notes,
      ...probes.notes,
      ...knownSecrets(agent.data, agent, plan),
      ...secretNotes(plan, service, at),
      ...throttlingNotes(annotations, plan, at),
    ],
  };
}

/** What other containers declare: their ports, and that requests go to them. */
function neighbourFaults(containers: readonly Json[], agent: AgentContainer, plan: Plan, at: Place): Fault[] {
  return containers.flatMap((data, index) => {
    if (index === agent.index || !isObject(data)) return [];
    const place = inside(at, 'spec', 'containers', index);
    const clashes = portClashes(plan, declaredPorts(data, place));
    if (clashes.length > 0 || objectsOf(data['ports']).length === 0) return clashes;
    const message = `requests go to this container, but they have to go to the sidecar: name this one with --container, or remove its ports`;
    return [{ ...inside(place, 'ports'), message }];
  });
}

/** With one secret the store is its name, with several the beginning of their names. */
function secretName(variable: string, service: string, plan: Plan): string {
  if (plan.secretStore !== undefined && plan.secrets.length === 1) return plan.secretStore;
  return `${plan.secretStore ?? service}-${variable.toLowerCase().replaceAll('_', '-')}`;
}

function secretNotes(plan: Plan, service: string, at: Place): Note[] {
  if (plan.secrets.length === 0) return [];
  const names = plan.secrets.map((variable) => secretName(variable, service, plan)).join(', ');
  const message = `Secret Manager has to have ${names}, and the service's account the role Secret Manager Secret Accessor on it`;
  return [{ ...at, message }];
}

function throttlingNotes(annotations: JsonObject, plan: Plan, at: Place): Note[] {
  if (annotations[THROTTLING] === 'false' || (plan.ledgerUrl ?? plan.otelEndpoint) === undefined) return [];
  const message = `between requests an instance has next to no CPU: costs and spans are shipped with the next request, or at its end; ${THROTTLING}: "false" changes that`;
  return [{ ...at, message }];
}

function withDefault(object: JsonObject, key: string, value: Json): JsonObject {
  return object[key] === undefined ? { ...object, [key]: value } : object;
}

function inside(at: Place, ...keys: readonly (string | number)[]): Place {
  return { document: at.document, path: [...at.path, ...keys] };
}
