import { chooseAgent } from './choose-agent.ts';
import { findVariable, portVariable, tellAgent } from './container-spec.ts';
import { type DeclaredPort, moveAgent, planFaults, portClashes } from './containers.ts';
import { clashingPorts, readPorts } from './ecs/ports.ts';
import { renderTaskDefinition } from './ecs/render.ts';
import { secretSource, secretsMessage } from './ecs/secrets.ts';
import { type Beside, mcpContainer, sidecarContainer } from './ecs/sidecar.ts';
import { fit, reserved, taskSize } from './ecs/size.ts';
import { isFargate, readTaskDefinition } from './ecs/task-definition.ts';
import { without } from './edit.ts';
import { isSidecar, upgradeMessage } from './found-sidecar.ts';
import { movePort } from './health-command.ts';
import { isObject, type Json, type JsonObject, listOf, objectsOf, type Path, textOf } from './json.ts';
import { agentVariables, DATA_VOLUME, GRACE_EXTRA_SECONDS, type Plan, SIDECAR_NAME } from './plan.ts';
import { shown } from './shown.ts';
import { type Fault, ManifestError, type Note, type Outcome, type Target } from './target.ts';

/** Fargate kills a container this long after SIGTERM, whatever `stopTimeout` says. */
const FARGATE_STOP_SECONDS = 120;
/** `stopTimeout` where none is said. */
const DEFAULT_STOP_SECONDS = 30;
/** Of a task definition, whatever it holds. */
const MAX_BYTES = 65_536;
/** What is kept free for the record that `eject` needs: it is put in when the text is known. */
const RECORD_BYTES = 4096;

/** Amazon ECS: the input of `aws ecs register-task-definition`, for Fargate or EC2, in network mode awsvpc. */
export const ecs: Target = { name: 'ecs', format: 'json', inject, render: renderTaskDefinition };

interface Found {
  readonly container: JsonObject;
  readonly index: number;
  readonly path: Path;
}

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
  const { container: agent, index, path } = found;
  const fargate = isFargate(task);
  const variable = ownPort(agent, path);
  const ports = readPorts(agent, path, plan, variable?.port);
  const http = ports.http ?? variable;
  const move = moveAgent(plan, {
    http,
    others: ports.others,
    commands: ['entryPoint', 'command'].map((key) => ({ document: 0, path: [...path, key], words: agent[key] })),
    readsPort: findVariable({ env: agent['environment'] ?? [] }, 'PORT') !== undefined,
  });
  const clashes = containers.flatMap((container, at) =>
    at === index || !isObject(container) ? [] : clashingPorts(container, ['containerDefinitions', at], plan),
  );
  const faults = [...planFaults(plan, { document: 0, path }), ...move.faults, ...portClashes(plan, clashes)];
  if (faults.length > 0) throw new ManifestError(faults);

  const family = textOf(task['family']) ?? shown(agent['name']);
  const size = taskSize(task);
  // Containers without a share of the CPU have next to none beside one that has: all of them say, or none.
  const shares = containers.length === 1 && size.cpu !== undefined;
  const drainSeconds = fargate
    ? Math.min(plan.drainSeconds, FARGATE_STOP_SECONDS - GRACE_EXTRA_SECONDS)
    : plan.drainSeconds;
  const beside: Beside = {
    agent,
    family,
    mapping: ports.moved,
    drainSeconds,
    stopTimeout: Math.max(Number(agent['stopTimeout'] ?? 0), drainSeconds + GRACE_EXTRA_SECONDS),
    secrets: secretSource(agent, plan.agentName ?? family, plan.secretStore),
    reserveCpu: shares || hasCpu(agent),
    taskMemory: size.memory,
  };
  const sidecar = sidecarContainer(plan, beside);
  const servers = plan.mcpContainers.map((server) => mcpContainer(server, beside));
  const changed = agentContainer(agent, { plan, from: http?.port, drainSeconds });
  const fitted = fit(
    {
      ...task,
      ...mesh(task, http?.port, plan),
      containerDefinitions: [...containers.with(index, changed), sidecar, ...servers],
      volumes: withVolume(task['volumes']),
    },
    fargate,
  );
  const injected = shares && !hasCpu(agent) ? giveRest(fitted.task, index) : fitted.task;
  checkBytes(injected, plan.record === undefined ? 0 : RECORD_BYTES);
  const notes: Note[] = [
    ...move.notes,
    ...ports.notes,
    ...fitted.notes,
    ...essentialNote(found),
    ...drainNote(plan, drainSeconds),
    ...meshNote(task, http?.port, plan),
    ...serviceNote(found, ports.http?.port, plan),
  ];
  const secrets = objectsOf(sidecar['secrets']);
  if (secrets.length > 0) {
    notes.push({ document: 0, path, message: secretsMessage(secrets, task['executionRoleArn'] !== undefined) });
  }
  return { documents: [injected], notes };
}

/** Not a container that only prepares the task (not essential), routes its logs, or is its mesh's proxy. */
function findAgent(task: JsonObject, containers: readonly Json[], plan: Plan): Found {
  const { family, proxyConfiguration: proxy } = task;
  if (plan.workload !== undefined && plan.workload !== family) {
    const message = `there is no task definition ${plan.workload}: --workload can name ${shown(family)}`;
    throw new ManifestError([{ document: 0, path: ['family'], message }]);
  }
  const all = containers.flatMap((container, index) => {
    const path = ['containerDefinitions', index];
    return isObject(container) ? [{ container, index, document: 0, path, name: shown(container['name']) }] : [];
  });
  const proxyName = isObject(proxy) ? proxy['containerName'] : undefined;
  const likely = all.filter(
    ({ container, name }) =>
      container['essential'] !== false && container['firelensConfiguration'] === undefined && name !== proxyName,
  );
  return chooseAgent(plan.container !== undefined || likely.length === 0 ? all : likely, {
    at: { document: 0, path: ['containerDefinitions'] },
    what: 'container',
    option: '--container',
    chosen: plan.container,
    agentName: plan.agentName,
  });
}

interface AgentChange {
  readonly plan: Plan;
  /** Where it listened, if the task says so. */
  readonly from: number | undefined;
  readonly drainSeconds: number;
}

function agentContainer(agent: JsonObject, { plan, from, drainSeconds }: AgentChange): JsonObject {
  const { healthCheck, dependsOn, stopTimeout } = agent;
  return {
    ...without(agent, 'portMappings'),
    ...(agent['essential'] === false && { essential: true }),
    environment: tellAgent(agent['environment'], agentVariables(plan)),
    dependsOn: [...listOf(dependsOn), { containerName: SIDECAR_NAME, condition: 'HEALTHY' }],
    ...(isObject(healthCheck) &&
      from !== undefined && {
        healthCheck: { ...healthCheck, command: movePort(healthCheck['command'], from, plan.agentPort) ?? null },
      }),
    // What the sidecar still holds when the task stops, the agent must be there to answer.
    ...(Number(stopTimeout ?? DEFAULT_STOP_SECONDS) < drainSeconds && { stopTimeout: drainSeconds }),
  };
}

function hasCpu({ cpu }: JsonObject): boolean {
  return Number(cpu ?? 0) > 0;
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

/** App Mesh: what comes in through the proxy is for the sidecar's port, not for the agent's. */
function mesh({ proxyConfiguration: proxy }: JsonObject, from: number | undefined, plan: Plan): JsonObject {
  if (!isObject(proxy) || from === undefined) return {};
  const { properties } = proxy;
  const ports = (value: Json | undefined) =>
    (textOf(value) ?? '').split(',').map((port) => (port.trim() === String(from) ? String(plan.inboundPort) : port));
  const moved = objectsOf(properties).map((property) =>
    property['name'] === 'AppPorts' ? { ...property, value: ports(property['value']).join(',') } : property,
  );
  return { proxyConfiguration: { ...proxy, properties: moved } };
}

function meshNote({ proxyConfiguration: proxy }: JsonObject, from: number | undefined, plan: Plan): Note[] {
  if (!isObject(proxy) || from === undefined || from === plan.inboundPort) return [];
  const message = `the listener of the mesh's virtual node must be changed from port ${from} to ${plan.inboundPort}`;
  return [{ document: 0, path: ['proxyConfiguration'], message }];
}

function essentialNote({ container, path }: Found): Note[] {
  if (container['essential'] !== false) return [];
  const message = 'the agent is essential now: without it the task would go on with nothing but its sidecar';
  return [{ document: 0, path: [...path, 'essential'], message }];
}

function drainNote(plan: Plan, drainSeconds: number): Note[] {
  if (drainSeconds === plan.drainSeconds) return [];
  const message =
    `drain_timeout is ${drainSeconds} s instead of ${plan.drainSeconds} s: ` +
    `Fargate grants a container ${FARGATE_STOP_SECONDS} s to stop`;
  return [{ document: 0, path: [], message }];
}

/** The service, which is not in this file, names the container and the port. */
function serviceNote({ container, path }: Found, from: number | undefined, plan: Plan): Note[] {
  if (from === undefined) return [];
  const port = plan.inboundPort;
  const before = `"containerName": "${shown(container['name'])}", "containerPort": ${from}`;
  const message =
    `a service with a load balancer must be updated with "containerName": "${SIDECAR_NAME}", "containerPort": ${port} ` +
    `instead of ${before}; its target group must ask /ready, and its security group let port ${port} in`;
  return [{ document: 0, path: [...path, 'portMappings'], message }];
}

function checkBytes(task: JsonObject, more: number): void {
  const bytes = Buffer.byteLength(JSON.stringify(task)) + more;
  if (bytes <= MAX_BYTES) return;
  const fault: Fault = {
    document: 0,
    path: [],
    message: `with the sidecar the task definition has ${bytes} bytes, and ECS takes ${MAX_BYTES}: shorten the agent's file`,
  };
  throw new ManifestError([fault]);
}
