import { findVariable, portVariable } from './container-spec.ts';
import { type DeclaredPort, moveAgent, nameClashes, planFaults, portClashes } from './containers.ts';
import { agentContainer, type Found, findAgent } from './ecs/agent.ts';
import { mesh, meshNote } from './ecs/app-mesh.ts';
import { askedPorts, healthFindings } from './ecs/health-check.ts';
import { drainNote, essentialNote, FARGATE_STOP_SECONDS, secretsNote, serviceNote } from './ecs/notes.ts';
import { clashingPorts, mappedPorts, readPorts } from './ecs/ports.ts';
import { renderTaskDefinition } from './ecs/render.ts';
import { secretSource } from './ecs/secrets.ts';
import { type Beside, mcpContainer, sidecarContainer } from './ecs/sidecar.ts';
import { fit, reserved, taskSize } from './ecs/size.ts';
import { isFargate, readTaskDefinition } from './ecs/task-definition.ts';
import { isSidecar, upgradeMessage } from './found-sidecar.ts';
import { asNumber, isObject, type Json, type JsonObject, listOf, objectsOf, type Path, textOf } from './json.ts';
import { DATA_VOLUME, GRACE_EXTRA_SECONDS, type Plan } from './plan.ts';
import { shown } from './shown.ts';
import { type Fault, ManifestError, type Note, type Outcome, type Target } from './target.ts';

/** Of a task definition, whatever it holds. */
const MAX_BYTES = 65_536;

/** Amazon ECS: the input of `aws ecs register-task-definition`, for Fargate or EC2, in network mode awsvpc. */
export const ecs: Target = {
  name: 'ecs',
  format: 'json',
  mostBytes: MAX_BYTES,
  inject,
  render: renderTaskDefinition,
};

function inject(documents: readonly Json[], plan: Plan): Outcome {
  const task = readTaskDefinition(documents);
  const { containerDefinitions: list } = task;
  const containers = listOf(list);
  return upgrade(task, containers, plan) ?? add(task, containers, plan);
}

/** A sidecar that is there already gets the image, and nothing else. */
function upgrade(task: JsonObject, containers: readonly Json[], plan: Plan): Outcome | undefined {
  const index = containers.findIndex(
    (container) => isObject(container) && isSidecar(container['name'], container['image']),
  );
  const sidecar = containers[index];
  if (!isObject(sidecar)) return undefined;
  if (sidecar['image'] === plan.image) return { documents: [task], notes: [] };
  const containerDefinitions = containers.with(index, { ...sidecar, image: plan.image });
  const message = upgradeMessage(shown(sidecar['name']), plan.image);
  const place = { document: 0, path: ['containerDefinitions', index, 'image'] };
  return { documents: [{ ...task, containerDefinitions }], notes: [{ ...place, message }] };
}

function add(task: JsonObject, containers: readonly Json[], plan: Plan): Outcome {
  const found = findAgent(task, containers, plan);
  const listening = whereItListens(containers, found, plan);
  const faults = [
    ...planFaults(plan, { document: 0, path: found.path }),
    ...listening.faults,
    ...clashes(containers, found, plan),
  ];
  if (faults.length > 0) throw new ManifestError(faults);

  const beside = besideOf(task, found, listening.mapping, plan);
  const sidecar = sidecarContainer(plan, beside);
  const written = write(task, { found, sidecar, beside, from: listening.from }, plan);
  return {
    documents: [written.task],
    notes: [
      ...listening.notes,
      ...written.notes,
      ...essentialNote(found),
      ...drainNote(plan, beside.drainSeconds),
      ...meshNote(task, listening.from, plan),
      ...serviceNote(found, listening.mapped, plan),
      ...secretsNote(task, sidecar, found),
    ],
  };
}

interface Listening {
  /** Where callers reached the agent, as far as that is known. */
  readonly from: number | undefined;
  /** The same, where a mapping has it. */
  readonly mapped: number | undefined;
  /** The mapping that the sidecar has instead. */
  readonly mapping: JsonObject;
  readonly faults: readonly Fault[];
  readonly notes: readonly Note[];
}

function whereItListens(containers: readonly Json[], { container: agent, index, path }: Found, plan: Plan): Listening {
  const variable = ownPort(agent, path);
  const ports = readPorts(agent, path, plan, variable?.port);
  // The containers of a task share its network: a health check can ask another one.
  const theirs = new Set(objectsOf(containers.filter((_, at) => at !== index)).flatMap(mappedPorts));
  const asked = askedPorts(agent, path).filter(({ port }) => !theirs.has(port));
  // An agent that was chosen another port may have its health check where it wants; of several ports any may be its.
  const only = plan.agentPortChosen || asked.length > 1 ? undefined : asked[0];
  const http = ports.http ?? variable ?? only;
  const move = moveAgent(plan, {
    http,
    others: ports.others,
    commands: ['entryPoint', 'command'].map((key) => ({ document: 0, path: [...path, key], words: agent[key] })),
    readsPort: findVariable({ env: agent['environment'] ?? [] }, 'PORT') !== undefined,
  });
  const isSaid = plan.agentPortChosen || variable !== undefined || ports.isDeclaredHttp;
  const health = healthFindings({ container: agent, asked, from: http?.port, isSaid }, plan);
  return {
    from: http?.port,
    mapped: ports.http?.port,
    mapping: ports.moved,
    faults: [...move.faults, ...health.faults],
    notes: [...move.notes, ...ports.notes, ...health.notes],
  };
}

/** Of the containers that are there with what is to be added. */
function clashes(containers: readonly Json[], { index }: Found, plan: Plan): Fault[] {
  const all = containers.flatMap((container, at) =>
    isObject(container) ? [{ container, at, path: ['containerDefinitions', at] }] : [],
  );
  const ports = all
    .filter(({ at }) => at !== index)
    .flatMap(({ container, path }) => clashingPorts(container, path, plan));
  const named = all.map(({ container, path }) => ({ document: 0, path, name: shown(container['name']) }));
  return [...portClashes(plan, ports), ...nameClashes(plan, named)];
}

function besideOf(task: JsonObject, { container: agent }: Found, mapping: JsonObject, plan: Plan): Beside {
  const family = textOf(task['family']) ?? shown(agent['name']);
  const drainSeconds = isFargate(task)
    ? Math.min(plan.drainSeconds, FARGATE_STOP_SECONDS - GRACE_EXTRA_SECONDS)
    : plan.drainSeconds;
  return {
    agent,
    family,
    mapping,
    drainSeconds,
    stopTimeout: Math.max(asNumber(agent['stopTimeout']) || 0, drainSeconds + GRACE_EXTRA_SECONDS),
    secrets: secretSource(agent, plan.agentName ?? family, plan.secretStore),
    reserveCpu: sharesCpu(task) || hasCpu(agent),
    taskMemory: taskSize(task).memory,
  };
}

interface Injection {
  readonly found: Found;
  readonly sidecar: JsonObject;
  readonly beside: Beside;
  /** Where the agent listened. */
  readonly from: number | undefined;
}

/** The task with its new containers, in a size that holds them. Throws `ManifestError` where there is none. */
function write(
  task: JsonObject,
  { found, sidecar, beside, from }: Injection,
  plan: Plan,
): { readonly task: JsonObject; readonly notes: readonly Note[] } {
  const { containerDefinitions: containers } = task;
  const changed = agentContainer(found.container, { plan, from, drainSeconds: beside.drainSeconds });
  const servers = plan.mcpContainers.map((server) => mcpContainer(server, beside));
  const fitted = fit(
    {
      ...task,
      ...mesh(task, from, plan),
      containerDefinitions: [...listOf(containers).with(found.index, changed), sidecar, ...servers],
      volumes: withVolume(task['volumes']),
    },
    isFargate(task),
  );
  const rest = sharesCpu(task) && !hasCpu(found.container);
  return { task: rest ? giveRest(fitted.task, found.index) : fitted.task, notes: fitted.notes };
}

/** Containers without a share of the CPU have next to none beside one that has: all of them say, or none. */
function sharesCpu(task: JsonObject): boolean {
  const { containerDefinitions: containers } = task;
  return listOf(containers).length === 1 && taskSize(task).cpu !== undefined;
}

function hasCpu({ cpu }: JsonObject): boolean {
  return asNumber(cpu) > 0;
}

/** The agent says that it has what the others leave of the task's CPU. */
function giveRest(task: JsonObject, index: number): JsonObject {
  const { containerDefinitions: list } = task;
  const containers = listOf(list);
  const agent = containers[index];
  const cpu = (taskSize(task).cpu ?? 0) - reserved(containers).cpu;
  return isObject(agent) ? { ...task, containerDefinitions: containers.with(index, { ...agent, cpu }) } : task;
}

function ownPort(agent: JsonObject, path: Path): DeclaredPort | undefined {
  const found = portVariable({ env: agent['environment'] ?? [] });
  return found && { document: 0, path: [...path, 'environment', found.index, 'value'], port: found.port };
}

function withVolume(volumes: Json | undefined): Json {
  const before = listOf(volumes);
  const has = objectsOf(before).some(({ name }) => name === DATA_VOLUME);
  return has ? before : [...before, { name: DATA_VOLUME }];
}
