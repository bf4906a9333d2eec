import { isObject, type Json, type JsonObject } from '../json.ts';
import { shown } from '../shown.ts';
import { type Fault, ManifestError, type Place } from '../target.ts';

/** What `aws ecs describe-task-definition` adds, and `register-task-definition` refuses. */
export const READ_ONLY = [
  'taskDefinitionArn',
  'revision',
  'status',
  'requiresAttributes',
  'compatibilities',
  'registeredAt',
  'registeredBy',
  'deregisteredAt',
  'deleteRequestedAt',
] as const;

const ROOT: Place = { document: 0, path: [] };

/** The input of `aws ecs register-task-definition`, of a kind that a sidecar can join. Throws `ManifestError`. */
export function readTaskDefinition(documents: readonly Json[]): JsonObject {
  const [task] = documents;
  if (documents.length > 1) refuse('a file for ecs holds one task definition', { document: 1, path: [] });
  const other = !isObject(task) ? undefined : otherKind(task);
  if (other !== undefined) refuse(other.message, { document: 0, path: other.path });
  if (!isObject(task) || !Array.isArray(task['containerDefinitions'])) {
    refuse(
      'this is no task definition: it has no list containerDefinitions (the input of `aws ecs register-task-definition`)',
    );
  }
  const faults = platformFaults(task);
  if (faults.length > 0) throw new ManifestError(faults);
  return task;
}

export function isFargate(task: JsonObject): boolean {
  const { requiresCompatibilities: list } = task;
  return Array.isArray(list) && list.includes('FARGATE');
}

function refuse(message: string, place: Place = ROOT): never {
  throw new ManifestError([{ ...place, message }]);
}

function otherKind(task: JsonObject): { readonly message: string; readonly path: readonly string[] } | undefined {
  if (Object.hasOwn(task, 'Resources') || Object.hasOwn(task, 'AWSTemplateFormatVersion')) {
    const message =
      'this is a CloudFormation template; ecs takes the input of `aws ecs register-task-definition`: have the template ' +
      'take the task definition from what outrider writes, or inject into what is registered';
    return { message, path: [] };
  }
  if (Object.hasOwn(task, 'ContainerDefinitions')) {
    const message =
      "this has CloudFormation's names (ContainerDefinitions); ecs takes the API's (containerDefinitions)";
    return { message, path: ['ContainerDefinitions'] };
  }
  const wrapped = isObject(task['taskDefinition']);
  const found = wrapped ? ['taskDefinition'] : READ_ONLY.filter((name) => Object.hasOwn(task, name));
  const [first] = found;
  if (first === undefined) return undefined;
  const fields = READ_ONLY.map((name) => `.${name}`).join(', ');
  const message =
    `this is what \`aws ecs describe-task-definition\` prints (it has ${found.join(', ')}), which cannot be registered: ` +
    `make it an input with jq '${wrapped ? '.taskDefinition | ' : ''}del(${fields})'`;
  return { message, path: [first] };
}

function platformFaults(task: JsonObject): Fault[] {
  const { networkMode: mode, runtimePlatform: platform } = task;
  const faults: Fault[] = [];
  if (mode !== 'awsvpc') {
    const what = mode === undefined ? 'there is no networkMode' : `the network mode is ${shown(mode)}`;
    const message = `${what}, and containers share localhost only in awsvpc: set networkMode to awsvpc`;
    faults.push({ document: 0, path: mode === undefined ? [] : ['networkMode'], message });
  }
  const family = isObject(platform) ? platform['operatingSystemFamily'] : undefined;
  if (typeof family === 'string' && family !== 'LINUX') {
    const message = `the sidecar's image is for Linux, and the task is for ${family}`;
    faults.push({ document: 0, path: ['runtimePlatform', 'operatingSystemFamily'], message });
  }
  return faults;
}
