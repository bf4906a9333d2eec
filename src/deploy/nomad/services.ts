import type { DeclaredPort } from '../containers.ts';
import { getAt, setAt, without } from '../edit.ts';
import { isObject, type Json, type JsonObject, listOf, objectsOf, type Path } from '../json.ts';
import type { Plan } from '../plan.ts';
import { shown } from '../shown.ts';
import { SECOND } from './tasks.ts';

/** What services lead to, and where it is now. */
export interface Moved {
  readonly plan: Plan;
  /** Of the group's network. */
  readonly label: string | undefined;
  /** Inside the group. */
  readonly from: number | undefined;
}

export interface Services {
  readonly services: readonly Json[];
  /** How many of them lead to the sidecar. */
  readonly led: number;
  /** Paths that their checks asked the agent for. */
  readonly readyPath?: string;
  readonly healthPath?: string;
}

/** Services that led to the agent lead to the sidecar, and so do their checks: who may be called is who is ready. */
export function moveServices(value: Json | undefined, moved: Moved): Services {
  const before = listOf(value);
  const checks = objectsOf(before)
    .filter((service) => leads(service['PortLabel'], moved))
    .flatMap((service) => objectsOf(service['Checks']).filter((check) => asks(check, moved)));
  const pathOf = (restarts: boolean) =>
    checks.find(
      (check) => restarting(check) === restarts && check['Type'] === 'http' && typeof check['Path'] === 'string',
    )?.['Path'];
  const [ready, health] = [pathOf(false), pathOf(true)];
  return {
    services: before.map((service) =>
      isObject(service) && leads(service['PortLabel'], moved) ? moveService(service, moved) : service,
    ),
    led: objectsOf(before).filter((service) => leads(service['PortLabel'], moved)).length,
    ...(typeof ready === 'string' && { readyPath: ready }),
    ...(typeof health === 'string' && { healthPath: health }),
  };
}

/** Ports on which Connect's proxy listens for the group itself. */
export function upstreamPorts(group: JsonObject, path: Path): DeclaredPort[] {
  return objectsOf(group['Services']).flatMap((service, index) => {
    const upstreams = ['Connect', 'SidecarService', 'Proxy', 'Upstreams'];
    return objectsOf(getAt(service, upstreams)).flatMap(({ LocalBindPort: port }, at) =>
      typeof port === 'number'
        ? [{ document: 0, path: [...path, 'Services', index, ...upstreams, at, 'LocalBindPort'], port }]
        : [],
    );
  });
}

function leads(label: Json | undefined, { label: ours, from }: Moved): boolean {
  if (label === undefined || label === null || label === '') return false;
  return label === ours || shown(label) === String(from);
}

/** Scripts are run in the task, and other ports are not the sidecar's. */
function asks({ Type: type, PortLabel: label }: JsonObject, moved: Moved): boolean {
  return type !== 'script' && (label === undefined || label === null || label === '' || leads(label, moved));
}

/** A check that restarts its task asks whether the agent lives; the others, whether it is ready. */
function restarting({ CheckRestart: restart }: JsonObject): boolean {
  return isObject(restart) && Number(restart['Limit'] ?? 0) > 0;
}

function moveService(service: JsonObject, moved: Moved): JsonObject {
  const connected = isObject(service['Connect']);
  const checks = listOf(service['Checks']).map((check) => {
    if (!isObject(check) || !asks(check, moved)) return check;
    return { ...moveCheck(check), ...renumber(check, 'PortLabel', moved) };
  });
  // Connect's services have no port that Consul could ask, unless a path is exposed.
  const asked = checks.length > 0 || connected ? checks : [READY];
  return moveConnect(
    { ...service, ...renumber(service, 'PortLabel', moved), ...(asked.length > 0 && { Checks: asked }) },
    moved,
  );
}

const READY: JsonObject = { Name: 'ready', Type: 'http', Path: '/ready', Interval: 10 * SECOND, Timeout: 2 * SECOND };

function moveCheck(check: JsonObject): JsonObject {
  const kept = without(check, 'GRPCService', 'GRPCUseTLS', 'Body');
  const path = restarting(check) ? '/health/agent' : '/ready';
  return {
    ...kept,
    Type: 'http',
    Path: path,
    ...(typeof check['Method'] === 'string' && check['Method'] !== '' && { Method: 'GET' }),
    ...(typeof check['Protocol'] === 'string' && check['Protocol'] !== '' && { Protocol: 'http' }),
  };
}

function moveConnect(service: JsonObject, { plan, from }: Moved): JsonObject {
  const proxy = ['Connect', 'SidecarService', 'Proxy'];
  const places = ['Path', 'Paths'].flatMap((key) =>
    objectsOf(getAt(service, [...proxy, 'Expose', key])).map((_, index) => [
      ...proxy,
      'Expose',
      key,
      index,
      'LocalPathPort',
    ]),
  );
  return (
    [[...proxy, 'LocalServicePort'], ...places]
      .filter((path) => from !== undefined && getAt(service, path) === from)
      // Only what stands in an object is changed, so that an object it is.
      .reduce((result, path) => setAt(result, path, plan.inboundPort) as JsonObject, service)
  );
}

/** A port that is named by its number. */
function renumber(object: JsonObject, key: string, { plan, from, label }: Moved): JsonObject {
  const { [key]: value } = object;
  return value !== label && from !== undefined && shown(value) === String(from)
    ? { [key]: String(plan.inboundPort) }
    : {};
}
