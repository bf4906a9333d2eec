import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import { ecsRuleFaults } from './ecs-rules.ts';

/** What the database says of the type of a property, as far as task definitions use it. */
interface Shape {
  readonly type: string;
  readonly element?: Shape;
  readonly reference?: { readonly $ref: string };
  readonly allowedValues?: readonly string[];
}

interface Property {
  readonly type: Shape;
  readonly required?: boolean;
}

type Properties = ReadonlyMap<string, Property>;

const TAG: Properties = new Map(['key', 'value'].map((name) => [name, { type: { type: 'string' }, required: true }]));

/** Where the API has another name than CloudFormation's with a small first letter (API reference, RegisterTaskDefinition). */
const API_NAMES: Readonly<Record<string, string>> = {
  EFSVolumeConfiguration: 'efsVolumeConfiguration',
  FSxWindowsFileServerVolumeConfiguration: 'fsxWindowsFileServerVolumeConfiguration',
  FilesystemId: 'fileSystemId',
  IAM: 'iam',
  ProxyConfigurationProperties: 'properties',
};

/** Values that the API takes where the database says only that it is a text (API reference, the page of each type). */
const ENUMS: Readonly<Record<string, readonly string[]>> = {
  networkMode: ['bridge', 'host', 'awsvpc', 'none'],
  pidMode: ['host', 'task'],
  ipcMode: ['host', 'task', 'none'],
  requiresCompatibilities: ['EC2', 'FARGATE', 'EXTERNAL', 'MANAGED_INSTANCES'],
  cpuArchitecture: ['X86_64', 'ARM64'],
  'portMappings.protocol': ['tcp', 'udp'],
  condition: ['START', 'COMPLETE', 'SUCCESS', 'HEALTHY'],
  logDriver: ['json-file', 'syslog', 'journald', 'gelf', 'fluentd', 'awslogs', 'splunk', 'awsfirelens'],
  'firelensConfiguration.type': ['fluentd', 'fluentbit'],
  'proxyConfiguration.type': ['APPMESH'],
  'ulimits.name': [
    'core',
    'cpu',
    'data',
    'fsize',
    'locks',
    'memlock',
    'msgqueue',
    'nice',
    'nofile',
    'nproc',
    'rss',
    'rtprio',
    'rttime',
    'sigpending',
    'stack',
  ],
};

const database = loadAwsServiceSpecSync();
const TASK_DEFINITION = 'AWS::ECS::TaskDefinition';
const [resource] = database.lookup('resource', 'cloudFormationType', 'equals', TASK_DEFINITION);
if (resource === undefined) throw new Error(`the database has no ${TASK_DEFINITION}`);
const TASK = inApiNames(resource.properties);

/** What keeps documents from being input of `RegisterTaskDefinition`: unknown fields, wrong types and values, broken rules. */
export function ecsFaults(documents: readonly unknown[]): readonly string[] {
  if (documents.length !== 1) return [`one task definition a file, not ${documents.length}`];
  const faults = objectFaults(documents[0], TASK, '');
  return faults.length > 0 ? faults : ecsRuleFaults(documents[0]);
}

function inApiNames(properties: Readonly<Record<string, unknown>>): Properties {
  // The database's own type is a union of some twenty forms; those that occur here are what `Shape` says, and `valueFaults` throws at others.
  const entries = Object.entries(properties) as [string, Property][];
  return new Map(
    entries.map(([name, property]) => [API_NAMES[name] ?? name.charAt(0).toLowerCase() + name.slice(1), property]),
  );
}

function objectFaults(value: unknown, properties: Properties, path: string): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path}: must be an object`];
  const missing = [...properties].flatMap(([name, { required }]) =>
    required === true && !Object.hasOwn(value, name) ? [`${path}.${name}: is required`] : [],
  );
  const faults = Object.entries(value).flatMap(([name, member]: [string, unknown]) => {
    const property = properties.get(name);
    return property === undefined
      ? [`${path}.${name}: is no field of the API's`]
      : valueFaults(member, property.type, `${path}.${name}`);
  });
  return [...missing, ...faults];
}

function valueFaults(value: unknown, shape: Shape, path: string): string[] {
  const { type, element, reference, allowedValues = enumOf(path) } = shape;
  switch (type) {
    case 'string':
      if (typeof value !== 'string') return [`${path}: must be a string`];
      return allowedValues === undefined || allowedValues.includes(value)
        ? []
        : [`${path}: must be one of ${allowedValues.join(', ')}`];
    case 'integer':
      return Number.isInteger(value) ? [] : [`${path}: must be an integer`];
    case 'boolean':
      return typeof value === 'boolean' ? [] : [`${path}: must be true or false`];
    case 'array':
      if (!Array.isArray(value) || element === undefined) return [`${path}: must be a list`];
      return value.flatMap((item: unknown, index) => valueFaults(item, element, `${path}[${index}]`));
    case 'map':
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path}: must be an object`];
      return Object.entries(value).flatMap(([key, item]) => valueFaults(item, element ?? shape, `${path}[${key}]`));
    case 'tag':
      return objectFaults(value, TAG, path);
    case 'ref':
      return objectFaults(value, inApiNames(database.get('typeDefinition', reference?.$ref ?? '').properties), path);
    default:
      throw new Error(`${path}: the database has a type that is not known here: ${type}`);
  }
}

/** By the last name of a path, or by the last two. */
function enumOf(path: string): readonly string[] | undefined {
  const names = path.replaceAll(/\[[^\]]*\]/g, '').split('.');
  return ENUMS[names.slice(-2).join('.')] ?? ENUMS[names.at(-1) ?? ''];
}
