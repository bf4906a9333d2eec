import { folderOf, typeFaults } from './satisfies.ts';

/** The types of the Cloud Run Admin API, closed by the compiler; what it refuses besides is in its reference and in the container contract. */
const TYPES = `import type { run_v1 } from '${folderOf(import.meta.resolve('@googleapis/run'))}/v1.js';`;

export function cloudrunFaults(documents: readonly unknown[]): string[] {
  const services = documents.filter((one) => one !== null);
  const typed = typeFaults(
    TYPES,
    services.map((value) => ({ value, type: 'run_v1.Schema$Service' })),
  );
  return [...typed, ...services.flatMap((service) => ruleFaults(service))];
}

type Loose = Record<string, unknown>;

function ruleFaults(service: unknown): string[] {
  const template = at(service, 'spec', 'template');
  const containers = listOf(at(template, 'spec', 'containers'));
  const ingress = containers.filter((one) => listOf(one['ports']).length > 0);
  const names = containers.map((one) => one['name']);
  const volumes = new Set(listOf(at(template, 'spec', 'volumes')).map((one) => one['name']));
  const several = containers.length > 1;
  const annotation = at(template, 'metadata', 'annotations', 'run.googleapis.com/container-dependencies');
  const dependencies = Object.entries(
    JSON.parse(typeof annotation === 'string' ? annotation : '{}') as Record<string, string[]>,
  );
  return [
    ...(several && ingress.length !== 1 ? [`${ingress.length} containers have ports`] : []),
    ...ingress.filter((one) => listOf(one['ports']).length > 1).map(() => 'a container has two ports'),
    ...ingress
      .flatMap((one) => listOf(one['env']).filter(({ name }) => name === 'PORT'))
      .map(() => 'PORT is set where Cloud Run sets it'),
    ...(several && names.some((name) => typeof name !== 'string') ? ['a container has no name'] : []),
    ...(new Set(names).size === names.length ? [] : ['two containers have one name']),
    ...containers.flatMap((one) =>
      UNSUPPORTED.filter((key) => one[key] !== undefined).map((key) => `Cloud Run has no ${key}`),
    ),
    ...containers.flatMap((one) =>
      at(one, 'resources', 'requests') === undefined ? [] : ['Cloud Run has no requests'],
    ),
    ...containers.flatMap((one) =>
      listOf(one['volumeMounts'])
        .filter(({ name }) => !volumes.has(name))
        .map(({ name }) => `there is no volume ${String(name)}`),
    ),
    ...containers.flatMap((one) => PROBES.flatMap((probe) => probeFaults(at(one, probe), probe))),
    ...dependencies.flatMap(([from, to]) => dependencyFaults(from, to, containers)),
  ];
}

const UNSUPPORTED = ['envFrom', 'securityContext', 'lifecycle'];
const PROBES = ['startupProbe', 'livenessProbe', 'readinessProbe'];

/** A container that others wait for has to have a startup probe. */
function dependencyFaults(from: string, to: readonly string[], containers: readonly Loose[]): string[] {
  return [from, ...to].flatMap((name) => {
    const container = containers.find((one) => one['name'] === name);
    if (container === undefined) return [`there is no container ${name}`];
    return name !== from && container['startupProbe'] === undefined ? [`${name} has no startup probe`] : [];
  });
}

function probeFaults(probe: unknown, name: string): string[] {
  if (probe === undefined) return [];
  const [timeout, period, failures] = ['timeoutSeconds', 'periodSeconds', 'failureThreshold'].map((key) =>
    at(probe, key),
  );
  const seconds = Number(timeout ?? 1);
  const every = Number(period ?? 10);
  return [
    ...(at(probe, 'exec') === undefined ? [] : [`${name}: exec is not supported`]),
    ...(seconds > every ? [`${name}: the timeout exceeds the period`] : []),
    ...(name === 'startupProbe' && every * Number(failures ?? 3) > 240 ? [`${name}: longer than 240 s`] : []),
  ];
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (one, key) => (typeof one === 'object' && one !== null ? (one as Loose)[key] : undefined),
    value,
  );
}

function listOf(value: unknown): Loose[] {
  return Array.isArray(value) ? value.filter((one): one is Loose => typeof one === 'object' && one !== null) : [];
}
