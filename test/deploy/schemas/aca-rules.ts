/**
 * Rules of Azure Container Apps that its schema does not say, as its documentation has them: "Containers" (sums of cpu and
 * memory), "Health probes" (one of a type, no exec, ranges as in the schema's descriptions), "Storage mounts".
 */
type Fields = Readonly<Record<string, unknown>>;

const MOST: Readonly<Record<string, number>> = {
  failureThreshold: 10,
  initialDelaySeconds: 60,
  periodSeconds: 240,
  successThreshold: 10,
  timeoutSeconds: 240,
};

export function refusedByContainerApps(document: unknown): string[] {
  const properties = fields(fields(document)['properties']);
  const template = fields(properties['template']);
  const containers = list(template['containers']).map(fields);
  const grace = Number(template['terminationGracePeriodSeconds'] ?? 30);
  return [
    ...twins(containers.map(({ name }) => name)).map((name) => `two containers are named ${String(name)}`),
    ...containers.flatMap((container) => [...probeFaults(container), ...mountFaults(container, template)]),
    ...sumFaults(containers, properties['workloadProfileName']),
    ...(grace > 600 ? ['terminationGracePeriodSeconds is more than 600'] : []),
  ];
}

function probeFaults({ name, probes }: Fields): string[] {
  const all = list(probes).map(fields);
  return [
    ...twins(all.map(({ type }) => type)).map((type) => `${String(name)}: two ${String(type)} probes`),
    ...all.flatMap((probe) =>
      Object.entries(MOST)
        .filter(([key, most]) => probe[key] !== undefined && !(Number(probe[key]) >= 1 && Number(probe[key]) <= most))
        .map(([key, most]) => `${String(name)}: ${key} must be 1 to ${most}`),
    ),
    ...all
      .filter((probe) => (probe['httpGet'] === undefined) === (probe['tcpSocket'] === undefined))
      .map(({ type }) => `${String(name)}: the ${String(type)} probe must ask by httpGet or by tcpSocket`),
  ];
}

function mountFaults({ name, volumeMounts }: Fields, template: Fields): string[] {
  const volumes = new Set(list(template['volumes']).map((volume) => fields(volume)['name']));
  return list(volumeMounts)
    .map((mount) => fields(mount)['volumeName'])
    .filter((volume) => !volumes.has(volume))
    .map((volume) => `${String(name)}: there is no volume ${String(volume)}`);
}

function sumFaults(containers: readonly Fields[], profile: unknown): string[] {
  if (typeof profile === 'string' && profile !== 'Consumption') return [];
  const resources = containers.map((container) => container['resources']);
  if (resources.includes(undefined)) return [];
  const cores = resources.reduce<number>((sum, one) => sum + Number(fields(one)['cpu']), 0);
  const gib = resources.reduce<number>((sum, one) => sum + Number.parseFloat(String(fields(one)['memory'])), 0);
  return Number.isInteger(cores * 4) && cores <= 4 && gib === cores * 2
    ? []
    : [`${cores} cores and ${gib}Gi are no step of Consumption`];
}

function twins(values: readonly unknown[]): unknown[] {
  return values.filter((value, index) => values.indexOf(value) !== index);
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function fields(value: unknown): Fields {
  // Every value but null and primitives can be read by keys.
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
