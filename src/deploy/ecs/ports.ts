import { type DeclaredPort, plannedPorts } from '../containers.ts';
import { type JsonObject, objectsOf, type Path, textOf } from '../json.ts';
import type { Plan } from '../plan.ts';
import { isNamedBesideHttp } from '../port-name.ts';
import { shown } from '../shown.ts';
import type { Note } from '../target.ts';
import { namesPort } from './health-check.ts';

export interface Ports {
  /** Where callers reached the agent. */
  readonly http: DeclaredPort | undefined;
  /** True where its mapping says that it speaks HTTP. */
  readonly isDeclaredHttp: boolean;
  /** What the others are, as far as they are ports of the sidecar's or the agent's new one. */
  readonly others: readonly DeclaredPort[];
  /** The mapping that the sidecar has instead. */
  readonly moved: JsonObject;
  readonly notes: readonly Note[];
}

/**
 * Only the port that speaks HTTP is published any more. It is, in this order, the one that was chosen with
 * `--agent-port`, the one of `PORT`, the one that its mapping says HTTP of, the first that is not gRPC's, the first. The health check
 * may ask a port of the agent's that callers do not have: it counts only against a mapping whose name says that it is no caller's.
 */
export function readPorts(container: JsonObject, path: Path, plan: Plan, variable: number | undefined): Ports {
  const mappings = objectsOf(container['portMappings']);
  const places = mappings.map((_, index) => ({ document: 0, path: [...path, 'portMappings', index] }));
  const tcp = mappings.flatMap((mapping, index) => {
    const port = mapping['containerPort'];
    return typeof port === 'number' && mapping['protocol'] !== 'udp' ? [{ mapping, index, port }] : [];
  });
  const hints = [plan.agentPortChosen ? plan.agentPort : undefined, variable];
  const first = tcp.find(({ mapping }) => mapping['appProtocol'] !== 'grpc') ?? tcp[0];
  const asked =
    first !== undefined && isBesideHttp(first.mapping)
      ? tcp.find(({ mapping, port }) => namesPort(container, port) && !isBesideHttp(mapping))
      : undefined;
  const http =
    hints.flatMap((hint) => tcp.find(({ port }) => port === hint) ?? [])[0] ??
    tcp.find(({ mapping }) => speaksHttp(mapping)) ??
    asked ??
    first;
  const place = http && places[http.index];
  return {
    http: http && place && { ...place, port: http.port },
    isDeclaredHttp: http !== undefined && speaksHttp(http.mapping),
    others: mappings.flatMap((mapping, index) => {
      const at = places[index];
      if (at === undefined || index === http?.index) return [];
      return taken(mapping, plan).map((port) => ({ ...at, port }));
    }),
    moved: moveMapping(http?.mapping ?? { protocol: 'tcp' }, plan.inboundPort),
    notes: mappings.flatMap((mapping, index) => {
      const at = places[index];
      return at === undefined || index === http?.index ? [] : [{ ...at, message: droppedMessage(mapping) }];
    }),
  };
}

function speaksHttp({ appProtocol, name }: JsonObject): boolean {
  return appProtocol === undefined ? /http|web/i.test(textOf(name) ?? '') : shown(appProtocol).startsWith('http');
}

function isBesideHttp({ name }: JsonObject): boolean {
  return isNamedBesideHttp(textOf(name) ?? '');
}

/** Ports that a container has mapped, one by one. */
export function mappedPorts(container: JsonObject): number[] {
  return objectsOf(container['portMappings']).flatMap(({ containerPort: port }) =>
    typeof port === 'number' ? [port] : [],
  );
}

/** Ports of the sidecar's, or the agent's new one, that another container declares. */
export function clashingPorts(container: JsonObject, path: Path, plan: Plan): DeclaredPort[] {
  return objectsOf(container['portMappings']).flatMap((mapping, index) =>
    taken(mapping, plan).map((port) => ({ document: 0, path: [...path, 'portMappings', index], port })),
  );
}

function taken(mapping: JsonObject, plan: Plan): number[] {
  const { containerPort: port, containerPortRange: range, protocol } = mapping;
  if (protocol === 'udp') return [];
  const [, first, last] = /^(\d{1,5})-(\d{1,5})$/.exec(textOf(range) ?? '') ?? [];
  return plannedPorts(plan).filter((mine) => mine === port || (Number(first) <= mine && mine <= Number(last)));
}

/** In awsvpc the host's port is the container's, or not said. */
function moveMapping(mapping: JsonObject, port: number): JsonObject {
  const moved = { ...mapping, containerPort: port };
  return mapping['hostPort'] === undefined ? moved : { ...moved, hostPort: port };
}

function droppedMessage({ containerPort, containerPortRange, protocol }: JsonObject): string {
  const what = `port ${shown(containerPort ?? containerPortRange)}${protocol === 'udp' ? '/udp' : ''}`;
  return (
    `${what} of the agent is mapped no more: callers could go around the sidecar; where it must be reached, ` +
    "add it to the sidecar's portMappings"
  );
}
