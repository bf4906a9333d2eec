import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Fields of each type; where the files have it from, they say themselves. */
interface Schema {
  readonly root: string;
  readonly types: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

// Written for this purpose, in this form.
const read = (file: string) => JSON.parse(readFileSync(join(import.meta.dirname, file), 'utf8')) as Schema;
const JOB = read('nomad-job.json');
const DOCKER = read('nomad-docker.json');

/** Values that the servers take of what is a text (api/jobs.go, api/tasks.go, api/services.go and their validation). */
const ENUMS: Readonly<Record<string, readonly string[]>> = {
  'Job.Type': ['service', 'batch', 'system', 'sysbatch'],
  'TaskLifecycle.Hook': ['prestart', 'poststart', 'poststop'],
  'Template.ChangeMode': ['noop', 'signal', 'restart', 'script'],
  'RestartPolicy.Mode': ['delay', 'fail'],
  'ServiceCheck.Type': ['http', 'tcp', 'script', 'grpc'],
  'Service.Provider': ['consul', 'nomad'],
};

/** What keeps documents from being a job: unknown fields, wrong types and values, broken rules. */
export function nomadFaults(documents: readonly unknown[]): readonly string[] {
  const [document] = documents;
  if (documents.length !== 1 || !isRecord(document)) return ['one job a file'];
  const wrapped = Object.hasOwn(document, 'Job');
  if (wrapped && Object.keys(document).length > 1) return ['beside Job there is nothing'];
  const job = wrapped ? document['Job'] : document;
  const faults = valueFaults(job, JOB.root, JOB, 'Job');
  return faults.length > 0 || !isRecord(job) ? faults : ruleFaults(job);
}

function valueFaults(value: unknown, type: string, schema: Schema, path: string): string[] {
  if (value === null || type === 'any') return [];
  const [, element] = /^\[(.*)\]$/.exec(type) ?? [];
  if (element !== undefined) {
    if (!Array.isArray(value)) return [`${path}: must be a list`];
    return value.flatMap((item: unknown, index) => valueFaults(item, element, schema, `${path}[${index}]`));
  }
  const [, values] = /^\{(.*)\}$/.exec(type) ?? [];
  // What was a block in HCL is a list, even of one; drivers take both.
  if (schema === DOCKER && Array.isArray(value) && (values !== undefined || Object.hasOwn(schema.types, type))) {
    return value.flatMap((item: unknown, index) => valueFaults(item, type, schema, `${path}[${index}]`));
  }
  if (values !== undefined) {
    if (!isRecord(value)) return [`${path}: must be an object`];
    return Object.entries(value).flatMap(([key, item]) => valueFaults(item, values, schema, `${path}.${key}`));
  }
  switch (type) {
    case 'string':
    case 'boolean':
    case 'number':
      return typeof value === type ? [] : [`${path}: must be a ${type}`];
    case 'integer':
    case 'duration':
      return Number.isInteger(value) ? [] : [`${path}: must be an integer`];
    default:
      return objectFaults(value, type, schema, path);
  }
}

function objectFaults(value: unknown, type: string, schema: Schema, path: string): string[] {
  const fields = schema.types[type];
  if (fields === undefined) throw new Error(`${path}: there is no type ${type}`);
  if (!isRecord(value)) return [`${path}: must be an object`];
  return Object.entries(value).flatMap(([name, member]) => {
    const at = `${path}.${name}`;
    const field = fields[name];
    if (field === undefined) return [`${at}: is no field of ${type}`];
    const allowed = ENUMS[`${type}.${name}`];
    if (allowed !== undefined && typeof member === 'string' && member !== '' && !allowed.includes(member)) {
      return [`${at}: must be one of ${allowed.join(', ')}`];
    }
    // What a driver takes is its own business, which the API passes on.
    if (type === 'Task' && name === 'Config' && value['Driver'] === 'docker') {
      return objectFaults(member, DOCKER.root, DOCKER, at);
    }
    return valueFaults(member, field, schema, at);
  });
}

/** Rules of the job specification that types cannot say. */
function ruleFaults(job: Readonly<Record<string, unknown>>): string[] {
  return records(job['TaskGroups']).flatMap((group) => {
    const tasks = records(group['Tasks']);
    const networks = records(group['Networks']);
    const ports = networks.flatMap((network) => [
      ...records(network['DynamicPorts']),
      ...records(network['ReservedPorts']),
    ]);
    const labels = ports.map(({ Label }) => Label);
    const services = [...records(group['Services']), ...tasks.flatMap((task) => records(task['Services']))];
    const named = [...services, ...services.flatMap((service) => records(service['Checks']))];
    const faults = named.flatMap(({ PortLabel: label, Name: name }) =>
      typeof label !== 'string' || label === '' || labels.includes(label) || /^\d+$/.test(label)
        ? []
        : [`service or check ${String(name)}: the group has no port ${label}`],
    );
    for (const task of tasks) {
      const config = isRecord(task['Config']) ? task['Config'] : {};
      if (task['Driver'] === 'docker' && typeof config['image'] !== 'string')
        faults.push(`${String(task['Name'])}: has no image`);
      const wanted = Array.isArray(config['ports']) ? config['ports'] : [];
      for (const label of wanted)
        if (!labels.includes(label)) faults.push(`${String(task['Name'])}: the group has no port ${String(label)}`);
    }
    for (const check of services.flatMap((service) => records(service['Checks']))) {
      if (check['Type'] === 'http' && typeof check['Path'] !== 'string')
        faults.push('a check of type http needs a path');
      if (!(Number(check['Interval']) >= 1e9 && Number(check['Timeout']) >= 1e9))
        faults.push('a check needs an interval and a timeout of a second or more');
    }
    const names = tasks.map(({ Name }) => Name);
    if (new Set(names).size < names.length) faults.push('two tasks of a group have one name');
    if (new Set(labels).size < labels.length) faults.push('two ports of a group have one label');
    if (networks.length > 1) faults.push('a group has one network');
    if (tasks.length > 0 && tasks.every(({ Lifecycle }) => isRecord(Lifecycle)))
      faults.push('a group needs a main task');
    return faults;
  });
}

function records(value: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
