/**
 * Rules of ECS that types cannot say, from the developer guide ("Amazon ECS task definition parameters") and the API
 * reference. Fargate's sizes are written down here a second time, on purpose: the code's own table is what is checked.
 */
const FARGATE_MEMORY: Readonly<Record<string, (mib: number) => boolean>> = {
  '256': (mib) => [512, 1024, 2048].includes(mib),
  '512': (mib) => between(mib, 1024, 4096, 1024),
  '1024': (mib) => between(mib, 2048, 8192, 1024),
  '2048': (mib) => between(mib, 4096, 16_384, 1024),
  '4096': (mib) => between(mib, 8192, 30_720, 1024),
  '8192': (mib) => between(mib, 16_384, 61_440, 4096),
  '16384': (mib) => between(mib, 32_768, 122_880, 8192),
};

function between(mib: number, least: number, most: number, step: number): boolean {
  return mib >= least && mib <= most && (mib - least) % step === 0;
}

interface Task {
  readonly cpu?: string;
  readonly memory?: string;
  readonly requiresCompatibilities?: readonly string[];
  readonly containerDefinitions: readonly Container[];
  readonly volumes?: readonly { readonly name?: string }[];
}

interface Container {
  readonly name: string;
  readonly essential?: boolean;
  readonly cpu?: number;
  readonly memory?: number;
  readonly memoryReservation?: number;
  readonly stopTimeout?: number;
  readonly dockerSecurityOptions?: readonly string[];
  readonly portMappings?: readonly { readonly containerPort?: number; readonly hostPort?: number }[];
  readonly dependsOn?: readonly { readonly containerName: string; readonly condition: string }[];
  readonly mountPoints?: readonly { readonly sourceVolume?: string }[];
  readonly healthCheck?: Readonly<Record<string, unknown>>;
  readonly environment?: readonly { readonly name?: string }[];
  readonly secrets?: readonly { readonly name: string }[];
}

/** Takes what has the types of a task definition already. */
export function ecsRuleFaults(document: unknown): string[] {
  // `ecsFaults` has held the document against the types before.
  const task = inUnits(document as Task);
  const containers = task.containerDefinitions;
  const fargate = task.requiresCompatibilities?.includes('FARGATE') === true;
  const faults = containers.flatMap((container) => [
    ...containerFaults(container, task),
    ...(fargate && (container.stopTimeout ?? 0) > 120
      ? [`${container.name}: Fargate stops containers after 120 s`]
      : []),
    ...(fargate && container.dockerSecurityOptions ? [`${container.name}: Fargate has no dockerSecurityOptions`] : []),
  ]);
  const names = containers.map(({ name }) => name);
  if (new Set(names).size < names.length) faults.push('two containers have one name');
  const ports = containers.flatMap(({ portMappings = [] }) => portMappings.map(({ containerPort }) => containerPort));
  if (new Set(ports).size < ports.length) faults.push('two containers have one port');
  if (containers.every(({ essential }) => essential === false)) faults.push('no container is essential');
  const total = (of: (container: Container) => number | undefined) =>
    containers.reduce((sum, container) => sum + (of(container) ?? 0), 0);
  if (total(({ cpu }) => cpu) > Number(task.cpu ?? Infinity)) faults.push('the containers have more CPU than the task');
  if (total(({ memory, memoryReservation }) => memoryReservation ?? memory) > Number(task.memory ?? Infinity)) {
    faults.push('the containers reserve more memory than the task has');
  }
  if (fargate && FARGATE_MEMORY[task.cpu ?? '']?.(Number(task.memory)) !== true) {
    faults.push(`Fargate has no task with cpu ${task.cpu} and memory ${task.memory}`);
  }
  return faults;
}

/** `1 vCPU` and `2 GB` are 1024 and 2048. */
function inUnits(task: Task): Task {
  const units = (text: string | undefined) => {
    const [, number] = /^([\d.]+) ?(?:vcpu|gb)$/i.exec(text ?? '') ?? [];
    return number === undefined ? text : String(Number(number) * 1024);
  };
  const [cpu, memory] = [units(task.cpu), units(task.memory)];
  return { ...task, ...(cpu !== undefined && { cpu }), ...(memory !== undefined && { memory }) };
}

function containerFaults(container: Container, { containerDefinitions, volumes = [], memory }: Task): string[] {
  const {
    name,
    dependsOn = [],
    mountPoints = [],
    portMappings = [],
    healthCheck,
    environment = [],
    secrets = [],
  } = container;
  const faults = dependsOn.flatMap(({ containerName, condition }) => {
    const other = containerDefinitions.find((one) => one.name === containerName);
    if (other === undefined || other === container) return [`${name}: depends on ${containerName}, which is not there`];
    if (condition === 'HEALTHY' && other.healthCheck === undefined) return [`${containerName} has no health check`];
    if (other.essential !== false && ['COMPLETE', 'SUCCESS'].includes(condition))
      return [`${containerName} is essential`];
    return other.dependsOn?.some((back) => back.containerName === name) === true ? [`${name}: depends on itself`] : [];
  });
  for (const { sourceVolume } of mountPoints) {
    if (!volumes.some((volume) => volume.name === sourceVolume))
      faults.push(`${name}: there is no volume ${sourceVolume}`);
  }
  for (const { containerPort, hostPort = containerPort } of portMappings) {
    if (hostPort !== containerPort) faults.push(`${name}: in awsvpc the host's port is the container's`);
  }
  if ((container.memory ?? 0) > Number(memory ?? Infinity)) faults.push(`${name}: has more memory than the task`);
  if ((container.memory ?? Infinity) < (container.memoryReservation ?? 0)) faults.push(`${name}: reserves too much`);
  const limits = { interval: [5, 300], timeout: [2, 60], retries: [1, 10], startPeriod: [0, 300] } as const;
  for (const [key, [least, most]] of Object.entries(limits)) {
    const value = Number(healthCheck?.[key] ?? least);
    if (value < least || value > most) faults.push(`${name}: healthCheck.${key} must be from ${least} to ${most}`);
  }
  const variables = [...environment, ...secrets].map((variable) => variable.name);
  if (new Set(variables).size < variables.length) faults.push(`${name}: has a variable twice`);
  return faults;
}
