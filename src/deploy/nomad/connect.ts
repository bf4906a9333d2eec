import type { DeclaredPort } from '../containers.ts';
import { getAt } from '../edit.ts';
import { isObject, type Json, type JsonObject, listOf, objectsOf, type Path } from '../json.ts';

/** Of a service: what Connect's proxy for it is told. */
export const PROXY: Path = ['Connect', 'SidecarService', 'Proxy'];

/** A path that the proxy hands on from a port of its own, outside of the mesh. */
export interface Exposed {
  readonly entry: JsonObject;
  /** Inside the service. */
  readonly at: Path;
}

/** Older versions of the API have `ExposeConfig` and `Path`. */
export function exposedPaths(service: Json): Exposed[] {
  const lists = ['Expose', 'ExposeConfig'].flatMap((block) => ['Path', 'Paths'].map((key) => [...PROXY, block, key]));
  return lists.flatMap((list) =>
    listOf(getAt(service, list)).flatMap((entry, index) => (isObject(entry) ? [{ entry, at: [...list, index] }] : [])),
  );
}

/** True for a check that asks what this path exposes. */
export function asksExposed({ Type: type, PortLabel: label, Path: path }: JsonObject, { entry }: Exposed): boolean {
  return label === entry['ListenerPort'] && (type === 'grpc' || (type === 'http' && path === entry['Path']));
}

/** Ports on which the proxies of a group listen for the group itself. */
export function upstreamPorts(group: JsonObject, path: Path): DeclaredPort[] {
  return objectsOf(group['Services']).flatMap((service, index) => {
    const upstreams = [...PROXY, 'Upstreams'];
    return objectsOf(getAt(service, upstreams)).flatMap(({ LocalBindPort: port }, at) =>
      typeof port === 'number'
        ? [{ document: 0, path: [...path, 'Services', index, ...upstreams, at, 'LocalBindPort'], port }]
        : [],
    );
  });
}
