import { knownSecrets } from '../container-spec.ts';
import { moveAgent, nameClashes, planFaults } from '../containers.ts';
import { getAt, without } from '../edit.ts';
import { isObject, type Json, type JsonObject, listOf, objectsOf, textOf } from '../json.ts';
import { DATA_VOLUME, type Plan } from '../plan.ts';
import { findPublicPort } from '../public-port.ts';
import { type Fault, ManifestError, type Note, type Place } from '../target.ts';
import { type AgentContainer, behindSidecar, type MovedAgent } from './agent.ts';
import { DEPENDENCIES, withDependency } from './dependencies.ts';
import { sumFaults } from './resources.ts';
import { dataVolume, ingressContainer, mcpContainer, SIDECAR_LIMITS } from './sidecar.ts';

const EXECUTION_ENVIRONMENT = 'run.googleapis.com/execution-environment';
const THROTTLING = 'run.googleapis.com/cpu-throttling';
/** Where requests go when no container says. */
const DEFAULT_PORT = 8080;

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
  context: RevisionContext,
): { readonly template: JsonObject; readonly notes: readonly Note[] } {
  const { at, service, agent } = context;
  const { port, declared, notes } = checked(template, plan, context);
  const moved = behindSidecar(agent, plan, port);
  const sidecar = sidecarBefore(moved, plan, { service, declared });
  const servers = plan.mcpContainers.map(mcpContainer);
  const containers = [sidecar, ...containersOf(template).with(agent.index, moved.container), ...servers];
  return {
    template: revision(template, containers, { at, agent: moved.name }),
    notes: [
      ...notes,
      ...moved.notes,
      ...knownSecrets(agent.data, agent, plan),
      ...secretNotes(plan, service, at),
      ...throttlingNotes(objectAt(objectAt(template, 'metadata'), 'annotations'), plan, at),
    ],
  };
}

interface Checked {
  /** Where callers reach the agent. */
  readonly port: number;
  /** The entry of `ports` that says so. */
  readonly declared: JsonObject | undefined;
  readonly notes: readonly Note[];
}

/** Everything that keeps the sidecar from going in is thrown at once. */
function checked(template: JsonObject, plan: Plan, { at, agent }: RevisionContext): Checked {
  const containers = containersOf(template);
  const found = findPublicPort(agent.data, agent, []);
  const http = found.http ?? { port: DEFAULT_PORT, document: agent.document, path: agent.path };
  const moved = moveAgent(plan, {
    http,
    others: found.others,
    commands: ['command', 'args'].map((key) => ({ ...inside(agent, key), words: agent.data[key] })),
    // Whoever declares no port listens where Cloud Run says, which is in PORT.
    readsPort: found.declared === undefined,
  });
  const added = [{ resources: SIDECAR_LIMITS }, ...plan.mcpContainers.map(mcpContainer)];
  const faults = [
    ...planFaults(plan, agent),
    ...moved.faults,
    ...neighbourFaults(containers, agent, plan, at),
    ...sumFaults(objectAt(template, 'spec'), [...containers, ...added], inside(at, 'spec', 'containers')),
  ];
  if (faults.length > 0) throw new ManifestError(faults);
  return { port: http.port, declared: found.declared, notes: moved.notes };
}

/** What other containers have that the sidecar's, or an MCP server's, must have: that requests go to them, and their names. */
function neighbourFaults(containers: readonly Json[], agent: AgentContainer, plan: Plan, at: Place): Fault[] {
  return containers.flatMap((data, index) => {
    if (index === agent.index || !isObject(data)) return [];
    const place = inside(at, 'spec', 'containers', index);
    const clashes = nameClashes(plan, [{ ...place, name: textOf(data['name']) ?? '' }]);
    if (objectsOf(data['ports']).length === 0) return clashes;
    const message = `requests go to this container, but they have to go to the sidecar: name this one with --container, or remove its ports`;
    return [...clashes, { ...inside(place, 'ports'), message }];
  });
}

function sidecarBefore(
  { readyPath, healthPath, readyTiming }: MovedAgent,
  plan: Plan,
  { service, declared }: { readonly service: string; readonly declared: JsonObject | undefined },
): JsonObject {
  return ingressContainer(plan, {
    fallbackName: service,
    port: without(declared ?? {}, 'containerPort'),
    secretName: (variable) => secretName(variable, service, plan),
    readyTiming,
    ...(readyPath !== undefined && { readyPath }),
    ...(healthPath !== undefined && { healthPath }),
  });
}

/** The template with these containers, of which `agent` (its name) starts behind the sidecar. */
function revision(
  template: JsonObject,
  containers: readonly Json[],
  { at, agent }: { readonly at: Place; readonly agent: string },
): JsonObject {
  const spec = objectAt(template, 'spec');
  const metadata = objectAt(template, 'metadata');
  const annotations = objectAt(metadata, 'annotations');
  const place = inside(at, 'metadata', 'annotations', DEPENDENCIES);
  const dependencies = withDependency(annotations[DEPENDENCIES], agent, place);
  const volumes = listOf(spec['volumes']);
  const hasVolume = objectsOf(volumes).some((volume) => volume['name'] === DATA_VOLUME);
  return {
    metadata: {
      ...metadata,
      annotations: withDefault({ ...annotations, [DEPENDENCIES]: dependencies }, EXECUTION_ENVIRONMENT, 'gen2'),
    },
    ...without(template, 'metadata'),
    spec: { ...spec, containers, ...(!hasVolume && { volumes: [...volumes, dataVolume()] }) },
  };
}

function containersOf(template: JsonObject): readonly Json[] {
  return listOf(getAt(template, ['spec', 'containers']));
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

export function objectAt(value: JsonObject, key: string): JsonObject {
  const inner = value[key];
  return isObject(inner) ? inner : {};
}

function withDefault(object: JsonObject, key: string, value: Json): JsonObject {
  return object[key] === undefined ? { ...object, [key]: value } : object;
}

function inside(at: Place, ...keys: readonly (string | number)[]): Place {
  return { document: at.document, path: [...at.path, ...keys] };
}
