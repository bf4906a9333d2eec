/**
 * Rules of Compose and of the engine that the schema does not say. The sources: `checkConsistency` of compose-spec/compose-go
 * (`loader/validate.go`), and `validateNetMode` of moby/moby (`runconfig` and `daemon`), which refuses what belongs to the
 * owner of a network namespace on a container that joins it.
 */
type Fields = Readonly<Record<string, unknown>>;

const OWNERS_ONLY = [
  'networks',
  'ports',
  'expose',
  'hostname',
  'domainname',
  'mac_address',
  'dns',
  'dns_opt',
  'dns_search',
  'extra_hosts',
  'links',
  'external_links',
];

export function refusedByCompose(document: unknown): string[] {
  const root = fields(document);
  const services = Object.entries(fields(root['services'])).map(([name, service]) => [name, fields(service)] as const);
  const names = new Set(services.map(([name]) => name));
  return [
    ...services.flatMap(([name, service]) =>
      [
        ...networkFaults(service, names),
        ...unknownNames(service, names).map((fault) => fault),
        ...undeclared(service, root),
        ...replicaFaults(service),
      ].map((fault) => `${name}: ${fault}`),
    ),
    ...cycles(new Map(services)),
    ...hostPortFaults(services),
  ];
}

function networkFaults(service: Fields, names: ReadonlySet<string>): string[] {
  const mode = service['network_mode'];
  if (typeof mode !== 'string') return [];
  const [kind, owner = ''] = mode.split(':');
  if (kind === 'service' && !names.has(owner)) return [`network_mode names ${owner}, which is no service`];
  const forbidden = kind === 'service' || kind === 'container' ? OWNERS_ONLY : ['networks'];
  return forbidden.filter((key) => service[key] !== undefined).map((key) => `${key} beside network_mode ${mode}`);
}

function unknownNames(service: Fields, names: ReadonlySet<string>): string[] {
  const links = list(service['links']).map((link) => link.split(':')[0] ?? '');
  return [...dependencies(service), ...links].filter((name) => !names.has(name)).map((name) => `${name} is no service`);
}

function undeclared(service: Fields, root: Fields): string[] {
  const mounted = list(service['volumes'])
    .map((volume) => volume.split(':')[0] ?? '')
    .filter((source) => /^[A-Za-z0-9]/.test(source));
  const used = {
    networks: keysOrList(service['networks']).filter((name) => name !== 'default'),
    volumes: mounted,
    secrets: list(service['secrets']),
    configs: list(service['configs']),
  };
  return Object.entries(used).flatMap(([kind, entries]) => {
    const declared = fields(root[kind]);
    return entries.filter((name) => !Object.hasOwn(declared, name)).map((name) => `${kind} has no ${name}`);
  });
}

function replicaFaults(service: Fields): string[] {
  const count = Number(fields(service['deploy'])['replicas'] ?? service['scale'] ?? 1);
  return count > 1 && service['container_name'] !== undefined ? ['container_name with several replicas'] : [];
}

function cycles(services: ReadonlyMap<string, Fields>): string[] {
  const reached = (from: string, seen: ReadonlySet<string>): boolean =>
    dependencies(services.get(from) ?? {}).some((next) => seen.has(next) || reached(next, new Set([...seen, next])));
  return [...services.keys()]
    .filter((name) => reached(name, new Set([name])))
    .map((name) => `${name}: depends on itself`);
}

function hostPortFaults(services: readonly (readonly [string, Fields])[]): string[] {
  const taken = new Map<string, string>();
  return services.flatMap(([name, service]) =>
    (Array.isArray(service['ports']) ? service['ports'] : []).flatMap((port: unknown) => {
      const host = hostPort(port);
      if (host === undefined) return [];
      const before = taken.get(host);
      taken.set(host, name);
      return before === undefined ? [] : [`${name}: publishes ${host}, as ${before} does`];
    }),
  );
}

function hostPort(port: unknown): string | undefined {
  if (typeof port === 'object' && port !== null) {
    const { published, protocol = 'tcp', host_ip: address = '' } = fields(port);
    return published === undefined ? undefined : JSON.stringify([address, published, protocol]);
  }
  const [, host, protocol = 'tcp'] = /^(.+):[^:]+?(?:\/(\w+))?$/.exec(String(port)) ?? [];
  return host === undefined ? undefined : `${host}/${protocol}`;
}

function dependencies(service: Fields): string[] {
  const mode = service['network_mode'];
  const owner = typeof mode === 'string' && mode.startsWith('service:') ? [mode.slice('service:'.length)] : [];
  return [...new Set([...keysOrList(service['depends_on']), ...owner])];
}

function keysOrList(value: unknown): string[] {
  return Array.isArray(value) ? list(value) : Object.keys(fields(value));
}

/** Entries that are texts, or name what they use by `source`. */
function list(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: unknown) => {
    const name = typeof entry === 'string' ? entry : fields(entry)['source'];
    return typeof name === 'string' ? [name] : [];
  });
}

function fields(value: unknown): Fields {
  // Every value but null and primitives can be read by keys.
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
