import { getAt, setAt, without } from '../edit.ts';
import { asNumber, isObject, type Json, type JsonObject, listOf, objectsOf } from '../json.ts';
import type { Plan } from '../plan.ts';
import { shown } from '../shown.ts';
import { asksExposed, type Exposed, exposedPaths, PROXY } from './connect.ts';
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
    .flatMap((service) =>
      objectsOf(service['Checks'])
        .filter((check) => asks(check, service, moved))
        .map((check) => ({ check, restarts: restarting(check, service) })),
    )
    .filter(({ check }) => check['Type'] === 'http' && typeof check['Path'] === 'string');
  const pathOf = (wanted: boolean) => checks.find(({ restarts }) => restarts === wanted)?.check['Path'];
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

function leads(label: Json | undefined, { label: ours, from }: Moved): boolean {
  if (label === undefined || label === null || label === '') return false;
  return label === ours || shown(label) === String(from);
}

/** Scripts are run in the task, and other ports are not the sidecar's, unless they expose it. */
function asks(check: JsonObject, service: JsonObject, moved: Moved): boolean {
  const { Type: type, PortLabel: label } = check;
  if (type === 'script') return false;
  if (label === undefined || label === null || label === '' || leads(label, moved)) return true;
  return exposing(service, moved).some((exposed) => asksExposed(check, exposed));
}

/** Paths of the agent's that Connect's proxy exposes. */
function exposing(service: JsonObject, { from }: Moved): Exposed[] {
  return exposedPaths(service).filter(({ entry }) => from !== undefined && entry['LocalPathPort'] === from);
}

/** True for a check that restarts its task; what the service says is for every check of it. */
function restarting(check: JsonObject, service: JsonObject): boolean {
  return [check, service].some(({ CheckRestart: restart }) => isObject(restart) && asNumber(restart['Limit']) > 0);
}

/**
 * A check that restarts its task asks whether the agent lives; the others, whether it is ready. Of several that ask one exposed path all
 * ask the same, since Connect's proxy exposes a single path on a port: nobody may be restarted for not being ready.
 */
function pathFor(check: JsonObject, service: JsonObject, moved: Moved): string {
  const exposed = exposing(service, moved).find((one) => asksExposed(check, one));
  const together = exposed ? objectsOf(service['Checks']).filter((one) => asksExposed(one, exposed)) : [check];
  return together.some((one) => restarting(one, service)) ? '/health/agent' : '/ready';
}

function moveService(service: JsonObject, moved: Moved): JsonObject {
  const connected = isObject(service['Connect']);
  const checks = listOf(service['Checks']).map((check) => {
    if (!isObject(check) || !asks(check, service, moved)) return check;
    return { ...moveCheck(check, pathFor(check, service, moved)), ...renumber(check, 'PortLabel', moved) };
  });
  // Connect's services have no port that Consul could ask, unless a path is exposed.
  const asked = checks.length > 0 || connected ? checks : [{ ...READY, Path: pathFor(READY, service, moved) }];
  return {
    ...moveConnect(service, moved),
    ...renumber(service, 'PortLabel', moved),
    ...(asked.length > 0 && { Checks: asked }),
  };
}

const READY: JsonObject = { Name: 'ready', Type: 'http', Path: '/ready', Interval: 10 * SECOND, Timeout: 2 * SECOND };

function moveCheck(check: JsonObject, path: string): JsonObject {
  const kept = without(check, 'GRPCService', 'GRPCUseTLS', 'Body');
  return {
    ...kept,
    Type: 'http',
    Path: path,
    ...(typeof check['Method'] === 'string' && check['Method'] !== '' && { Method: 'GET' }),
    ...(typeof check['Protocol'] === 'string' && check['Protocol'] !== '' && { Protocol: 'http' }),
  };
}

/** A path that a check asks is exposed as what the check asks now; the others are the agent's, behind the sidecar. */
function moveConnect(service: JsonObject, moved: Moved): JsonObject {
  const local = [...PROXY, 'LocalServicePort'];
  const port = moved.plan.inboundPort;
  // Only what stands in an object is changed, so that an object it is.
  const renumbered =
    moved.from !== undefined && getAt(service, local) === moved.from
      ? (setAt(service, local, port) as JsonObject)
      : service;
  return exposing(service, moved).reduce((result, exposed) => {
    const check = objectsOf(service['Checks']).find((one) => asksExposed(one, exposed));
    const entry = {
      ...exposed.entry,
      LocalPathPort: port,
      ...(check && { Path: pathFor(check, service, moved), Protocol: 'http' }),
    };
    return setAt(result, exposed.at, entry) as JsonObject;
  }, renumbered);
}

/** A port that is named by its number. */
function renumber(object: JsonObject, key: string, { plan, from, label }: Moved): JsonObject {
  const { [key]: value } = object;
  return value !== label && from !== undefined && shown(value) === String(from)
    ? { [key]: String(plan.inboundPort) }
    : {};
}
