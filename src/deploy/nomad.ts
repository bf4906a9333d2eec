import { moveAgent, nameClashes, planFaults, portClashes } from './containers.ts';
import { getAt, setAt } from './edit.ts';
import { upgradeMessage } from './found-sidecar.ts';
import { movePort } from './health-command.ts';
import { asNumber, type Json, type JsonObject, listOf, objectsOf } from './json.ts';
import { upstreamPorts } from './nomad/connect.ts';
import {
  configOf,
  type FoundGroup,
  type FoundTask,
  findAgent,
  HCL,
  type Job,
  platformFaults,
  readJob,
  sidecarTasks,
  tasksOf,
} from './nomad/job.ts';
import { environmentOf, type Ports, readPorts } from './nomad/ports.ts';
import { renderJob } from './nomad/render.ts';
import { type Moved, moveServices } from './nomad/services.ts';
import { agentTask, type Beside, keepsPassword, mcpTask, SECOND, sidecarTask } from './nomad/tasks.ts';
import { checkPath, variablePath } from './nomad/variables.ts';
import { AGENT_START_SECONDS, GRACE_EXTRA_SECONDS, type Plan, SIDECAR_NAME, sidecarVariables } from './plan.ts';
import { shown } from './shown.ts';
import { type Fault, ManifestError, type Note, type Outcome, type Target } from './target.ts';

/** What a client grants unless its `max_kill_timeout` says more. */
const MAX_KILL_SECONDS = 30;
/** What is left of it when the sidecar has drained. */
const FLUSH_SECONDS = 10;
/** Between a service's being taken off and the tasks' being told to stop. */
const SHUTDOWN_DELAY_SECONDS = 5;

/** HashiCorp Nomad: a job in the API's JSON, whose group has a network of its own. */
export const nomad: Target = { name: 'nomad', format: 'json', otherForm, inject, render: renderJob };

/** HCL begins with a block, of a job or of its variables, behind comments. */
function otherForm(text: string): string | undefined {
  const start = text.replace(/^(?:\s|(?:#|\/\/).*|\/\*[^]*?\*\/)+/, '');
  return /^(job|variable|locals)\b[^:\n]*\{/.test(start) ? HCL : undefined;
}

function inject(documents: readonly Json[], plan: Plan): Outcome {
  const job = readJob(documents);
  return upgrade(documents, job, plan) ?? add(job, plan);
}

/** Sidecars that are there already get the image, and nothing else. */
function upgrade(documents: readonly Json[], job: Job, plan: Plan): Outcome | undefined {
  const found = sidecarTasks(job, plan);
  if (found.length === 0) return undefined;
  const others = found.filter(({ task }) => configOf(task)['image'] !== plan.image);
  const [document = null] = documents;
  const withImage = (result: Json, { task, path }: FoundTask) =>
    setAt(result, [...path, 'Config'], { ...configOf(task), image: plan.image });
  return {
    documents: [others.reduce(withImage, document)],
    notes: others.map(({ task, path }) => ({
      document: 0,
      path: [...path, 'Config', 'image'],
      message: upgradeMessage(shown(task['Name']), plan.image),
    })),
  };
}

function add(job: Job, plan: Plan): Outcome {
  const { group, agent } = findAgent(job, plan);
  const platform = platformFaults(group, agent);
  if (platform.length > 0) throw new ManifestError(platform);
  const ports = readPorts(group, agent, plan);
  const move = moveAgent(plan, {
    http: ports.http,
    others: ports.others,
    commands: ['entrypoint', 'command', 'args'].map((key) => ({
      document: 0,
      path: [...agent.path, 'Config', key],
      words: configOf(agent.task)[key],
    })),
    readsPort: environmentOf(agent.task)['PORT'] !== undefined,
  });
  const times = killTimes(agent.task, plan);
  const named = tasksOf(group).map(({ task, path }) => ({ document: 0, path, name: shown(task['Name']) }));
  const faults = [
    ...planFaults(plan, { document: 0, path: agent.path }),
    ...move.faults,
    ...ports.faults,
    ...portClashes(plan, upstreamPorts(group.group, group.path)),
    ...nameClashes(plan, named),
    ...nativeFaults(group),
    ...interpolated(agent, plan, times.drain),
  ];
  if (faults.length > 0) throw new ManifestError(faults);

  const jobName = shown(job.job['ID'] ?? job.job['Name']);
  const variable =
    plan.secretStore === undefined
      ? variablePath(jobName, shown(group.group['Name']), SIDECAR_NAME)
      : checkPath(plan.secretStore);
  const isService = !/batch/.test(shown(job.job['Type'] ?? 'service'));
  const written = writeGroup(group, agent, { plan, ports, jobName, variable, times, isService });
  const groups = job.job['TaskGroups'];
  return {
    documents: [job.write(Array.isArray(groups) ? groups.with(group.index, written) : [])],
    notes: [
      ...move.notes,
      ...ports.notes,
      ...drainNote(job, plan, times.drain),
      ...secretNote(agent, plan, variable, jobName),
      ...authNote(agent, plan),
    ],
  };
}

interface Injection {
  readonly plan: Plan;
  readonly ports: Ports;
  readonly jobName: string;
  readonly variable: string;
  readonly times: Times;
  /** Not a job that ends by itself. */
  readonly isService: boolean;
}

function writeGroup(
  { group }: FoundGroup,
  agent: FoundTask,
  { plan, ports, jobName, variable, times, isService }: Injection,
): JsonObject {
  const moved: Moved = { plan, label: ports.label, from: ports.http?.port };
  const shared = moveServices(group['Services'], moved);
  const own = moveServices(agent.task['Services'], moved);
  const readyPath = shared.readyPath ?? own.readyPath;
  const healthPath = shared.healthPath ?? own.healthPath;
  const beside: Beside = {
    agent: agent.task,
    facts: {
      fallbackName: jobName,
      drainSeconds: times.drain,
      // Nomad's own discovery names an allocation before any of its tasks listens, healthy or not.
      agentStartSeconds: AGENT_START_SECONDS,
      ...(readyPath !== undefined && { readyPath }),
      ...(healthPath !== undefined && { healthPath }),
    },
    killSeconds: times.kill,
    variablePath: variable,
  };
  const tasks = listOf(group['Tasks']);
  const changed = agentTask(agent.task, plan, {
    label: ports.label,
    services: own.services,
    killSeconds: times.drain,
    serves: isService,
  });
  const delay = asNumber(group['ShutdownDelay']) || 0;
  return moveScripts(
    {
      ...group,
      Networks: ports.networks,
      ...(shared.services.length > 0 && { Services: shared.services }),
      ...(shared.led + own.led > 0 && delay === 0 && { ShutdownDelay: SHUTDOWN_DELAY_SECONDS * SECOND }),
      Tasks: [
        ...tasks.with(agent.index, changed),
        sidecarTask(plan, beside),
        ...plan.mcpContainers.map((server) => mcpTask(server, beside)),
      ],
    },
    moved,
    agent.index,
  );
}

/** Checks that are run inside the agent, and ask its old port. */
function moveScripts(group: JsonObject, { plan, from }: Moved, agent: number): JsonObject {
  if (from === undefined) return group;
  const lists = [['Services'], ['Tasks', agent, 'Services']];
  return lists.reduce((result, list) => {
    const places = objectsOf(getAt(result, list)).flatMap((service, index) =>
      objectsOf(service['Checks']).flatMap((check, at) =>
        check['Type'] === 'script' ? ['Command', 'Args'].map((key) => [...list, index, 'Checks', at, key]) : [],
      ),
    );
    return places.reduce((so, path) => {
      const moved = movePort(getAt(so, path), from, plan.agentPort);
      // An object is what comes in, and `setAt` keeps it one.
      return moved === undefined ? so : (setAt(so, path, moved) as JsonObject);
    }, result);
  }, group);
}

function nativeFaults({ group, path }: FoundGroup) {
  return objectsOf(group['Services']).flatMap((service, index) =>
    getAt(service, ['Connect', 'Native']) === true
      ? [
          {
            document: 0,
            path: [...path, 'Services', index, 'Connect', 'Native'],
            message:
              'the agent itself is part of the mesh (Connect native), and the sidecar would break its TLS: use SidecarService',
          },
        ]
      : [],
  );
}

interface Times {
  /** Seconds that the sidecar may take to drain. */
  readonly drain: number;
  readonly kill: number;
}

/** Of clients that grant an agent more than the default, more is taken. */
function killTimes({ KillTimeout: timeout }: JsonObject, plan: Plan): Times {
  const granted = Math.max(MAX_KILL_SECONDS, Math.floor((asNumber(timeout) || 0) / SECOND));
  const drain = Math.min(plan.drainSeconds, granted - FLUSH_SECONDS);
  return { drain, kill: Math.min(granted, drain + GRACE_EXTRA_SECONDS) };
}

/** Nomad knows no way to write `${` in a variable's value that it leaves alone. */
function interpolated({ path }: FoundTask, plan: Plan, drainSeconds: number): Fault[] {
  return sidecarVariables(plan, { fallbackName: '', drainSeconds }).flatMap((variable) =>
    'value' in variable && variable.value.includes('${')
      ? [
          {
            document: 0,
            path,
            message: `${variable.name} would hold \${…}, which Nomad replaces: take it out of the agent's file`,
          },
        ]
      : [],
  );
}

function drainNote(job: Job, plan: Plan, drain: number): Note[] {
  if (drain === plan.drainSeconds) return [];
  const message =
    `drain_timeout is ${drain} s instead of ${plan.drainSeconds} s: Nomad's clients grant a task ${MAX_KILL_SECONDS} s to stop, ` +
    'unless their max_kill_timeout and the KillTimeout of the agent say more';
  return [{ document: 0, path: job.path, message }];
}

function secretNote({ path }: FoundTask, plan: Plan, variable: string, job: string): Note[] {
  if (plan.secrets.length === 0) return [];
  const policy = `${variable}/`.startsWith(`nomad/jobs/${job}/`)
    ? ''
    : '; the task needs a policy that lets it read there';
  const message =
    'the sidecar waits for its secrets: put them with `nomad var put ' +
    `${variable} ${plan.secrets.map((name) => `${name}=…`).join(' ')}\`${policy}`;
  return [{ document: 0, path, message }];
}

/** Whose password is written out is not written a second time. */
function authNote({ task, path }: FoundTask, plan: Plan): Note[] {
  if (!keepsPassword(plan.image, task)) return [];
  const message =
    "the sidecar's image comes from the agent's registry, whose password stands here: give its task the auth as well, or keep it in a variable";
  return [{ document: 0, path: [...path, 'Config', 'auth'], message }];
}
