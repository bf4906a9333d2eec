import { chooseAgent } from '../choose-agent.ts';
import { setAt } from '../edit.ts';
import { isSidecar } from '../found-sidecar.ts';
import { isObject, type Json, type JsonObject, listOf, objectsOf, type Path } from '../json.ts';
import type { Plan } from '../plan.ts';
import { shown } from '../shown.ts';
import { type Fault, ManifestError } from '../target.ts';

/** What to do with a job that is no JSON. */
export const HCL = 'this is no job in JSON: convert HCL with `nomad job run -output FILE`';

/** A job in the API's form, `{"Job": {…}}` or what stands in there. */
export interface Job {
  readonly job: JsonObject;
  /** Where the job stands in its document. */
  readonly path: Path;
  /** The document with its task groups changed. */
  write(groups: readonly Json[]): Json;
}

/** A task with its place in a document. */
export interface FoundTask {
  readonly task: JsonObject;
  readonly index: number;
  readonly path: Path;
}

export interface FoundGroup {
  readonly group: JsonObject;
  readonly index: number;
  readonly path: Path;
}

/** Throws `ManifestError` where the document is something else. */
export function readJob(documents: readonly Json[]): Job {
  const [root] = documents;
  if (documents.length > 1) refuse('a file for nomad holds one job', 1);
  if (!isObject(root)) refuse(HCL);
  const path = isObject(root['Job']) ? ['Job'] : [];
  const job = isObject(root['Job']) ? root['Job'] : root;
  if (isObject(root['job']))
    refuse("this is HCL's JSON; nomad takes the API's: convert it with `nomad job run -json -output FILE`");
  if (!Array.isArray(job['TaskGroups'])) {
    refuse("this is no job: it has no list TaskGroups (the API's form, such as `nomad job run -output FILE` prints)");
  }
  return { job, path, write: (groups) => setAt(root, [...path, 'TaskGroups'], groups) };
}

export function groupsOf({ job, path }: Job): FoundGroup[] {
  const { TaskGroups: groups } = job;
  return listOf(groups).flatMap((group, index) =>
    isObject(group) ? [{ group, index, path: [...path, 'TaskGroups', index] }] : [],
  );
}

export function tasksOf({ group, path }: FoundGroup): FoundTask[] {
  const { Tasks: tasks } = group;
  return listOf(tasks).flatMap((task, index) =>
    isObject(task) ? [{ task, index, path: [...path, 'Tasks', index] }] : [],
  );
}

/** Tasks that are a sidecar already, in the group that was chosen or in any. */
export function sidecarTasks(job: Job, plan: Plan): (FoundTask & { readonly group: FoundGroup })[] {
  return groupsOf(job)
    .filter(({ group }) => plan.workload === undefined || group['Name'] === plan.workload)
    .flatMap((group) =>
      tasksOf(group)
        .filter(({ task }) => isSidecar(task['Name'], configOf(task)['image']))
        .map((task) => ({ ...task, group })),
    );
}

/** The agent is a main task: not one that prepares the group, or ends it. Throws `ManifestError`. */
export function findAgent(job: Job, plan: Plan): { readonly group: FoundGroup; readonly agent: FoundTask } {
  const agentName = plan.agentName;
  const main = (group: FoundGroup) => tasksOf(group).filter(({ task }) => !isObject(task['Lifecycle']));
  const named = ({ task }: FoundTask) => plan.container === undefined || task['Name'] === plan.container;
  const groups = groupsOf(job).filter((group) => main(group).length > 0);
  const having = groups.filter((group) => main(group).some(named));
  const group = chooseAgent(
    (having.length > 0 ? having : groups).map((one) => ({ ...one, document: 0, name: shown(one.group['Name']) })),
    {
      at: { document: 0, path: [...job.path, 'TaskGroups'] },
      what: 'task group',
      option: '--workload',
      chosen: plan.workload,
      agentName,
    },
  );
  const agent = chooseAgent(
    main(group).map((one) => ({ ...one, document: 0, name: shown(one.task['Name']) })),
    {
      at: { document: 0, path: [...group.path, 'Tasks'] },
      what: 'task',
      option: '--container',
      chosen: plan.container,
      agentName,
    },
  );
  return { group, agent };
}

export function configOf(task: JsonObject): JsonObject {
  return isObject(task['Config']) ? task['Config'] : {};
}

/** The blocks of a name in a driver's configuration, which is free in form: what was HCL has a list even of one. */
export function blocksOf(value: Json | undefined): readonly JsonObject[] {
  return isObject(value) ? [value] : objectsOf(value);
}

/** What keeps tasks of the group from sharing localhost, or the sidecar from running beside the agent. */
export function platformFaults({ group, path }: FoundGroup, agent: FoundTask): Fault[] {
  const [network] = objectsOf(group['Networks']);
  const mode = network?.['Mode'] ?? 'host';
  const faults: Fault[] = [];
  if (network === undefined || (mode !== 'bridge' && !shown(mode).startsWith('cni/'))) {
    const what =
      network === undefined ? 'the group has no network' : `the group's network mode is ${shown(mode) || 'host'}`;
    const message = `${what}, and tasks share a localhost of their own only in bridge mode: give the group "Networks": [{"Mode": "bridge", …}]`;
    faults.push({ document: 0, path: network === undefined ? path : [...path, 'Networks', 0, 'Mode'], message });
  }
  const driver = agent.task['Driver'];
  if (driver !== 'docker') {
    const message =
      `the agent's driver is ${shown(driver)}, and the sidecar is a container of docker's: ` +
      'have the task run `outrider run -- COMMAND` instead';
    faults.push({ document: 0, path: [...agent.path, 'Driver'], message });
  }
  const own = configOf(agent.task)['network_mode'];
  if (own !== undefined && own !== null && own !== '') {
    const message = `network_mode ${shown(own)} takes the agent out of the group's network: remove it`;
    faults.push({ document: 0, path: [...agent.path, 'Config', 'network_mode'], message });
  }
  return faults;
}

function refuse(message: string, document = 0): never {
  throw new ManifestError([{ document, path: [], message }]);
}
