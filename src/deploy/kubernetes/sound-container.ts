import { getAt } from '../edit.ts';
import { isEqual } from '../equal.ts';
import { isObject, type Json, type JsonObject, listOf, objectsOf, textOf } from '../json.ts';
import { SIDECAR_PROGRAM } from '../plan.ts';

/** What is not as injection writes it: where, within the sidecar's container, and what is expected there. */
export interface Unsound {
  readonly keys: readonly string[];
  readonly message: string;
}

const PROBES = ['startupProbe', 'livenessProbe', 'readinessProbe'];
const HANDLERS: ReadonlySet<string> = new Set(['exec', 'httpGet', 'tcpSocket', 'grpc']);
const HEALTH_COMMANDS = [
  [SIDECAR_PROGRAM, 'healthcheck'],
  [SIDECAR_PROGRAM, 'healthcheck', '--ready'],
];

/** A command of a probe runs with all that the sidecar has, its secrets too. `inbound`: the port where callers reach it. */
export function unsoundProbes(sidecar: JsonObject, inbound: number): Unsound[] {
  const names = objectsOf(sidecar['ports'])
    .filter(({ containerPort }) => containerPort === inbound)
    .map(({ name }) => name);
  return PROBES.filter((key) => {
    const probe = sidecar[key];
    return !isUnset(probe) && !(isObject(probe) && isSoundProbe(probe, [inbound, ...names]));
  }).map((key) => ({
    keys: [key],
    message: `expected a probe that asks port ${inbound} (httpGet), or runs outrider healthcheck`,
  }));
}

function isSoundProbe(probe: JsonObject, ports: readonly (Json | undefined)[]): boolean {
  const handlers = Object.keys(probe).filter((key) => HANDLERS.has(key) && !isUnset(probe[key]));
  if (handlers.length !== 1) return false;
  const { exec, httpGet } = probe;
  if (isObject(exec)) return HEALTH_COMMANDS.some((command) => isEqual(exec, { command }));
  if (!isObject(httpGet) || !isUnset(httpGet['host'])) return false;
  return ports.includes(httpGet['port'] ?? null) || ISTIO_PATH.test(textOf(httpGet['path']) ?? '');
}

/** Where Istio's injector has its own agent asked in the sidecar's place. */
const ISTIO_PATH = /^\/app-health\/outrider\/(livez|readyz|startupz)$/;

type Rule = (value: Json | undefined) => boolean;

/**
 * By member of a `securityContext`: whether it is as strict as what injection writes. Users other than that of the image are let be, as
 * OpenShift gives each namespace its own; of members that are not here nobody knows what they do.
 */
const HARDENING: Readonly<Record<string, Rule>> = {
  runAsNonRoot: (value) => value === true,
  runAsUser: (value) => isUnset(value) || (typeof value === 'number' && value > 0),
  runAsGroup: () => true,
  readOnlyRootFilesystem: (value) => value === true,
  allowPrivilegeEscalation: (value) => value === false,
  privileged: (value) => isUnset(value) || value === false,
  capabilities: (value) => isUnset(getAt(value, ['add'])) && listOf(getAt(value, ['drop'])).includes('ALL'),
  seccompProfile: (value) => isOneOf(getAt(value, ['type']), ['RuntimeDefault', 'Localhost']),
  appArmorProfile: (value) => isUnset(value) || isOneOf(getAt(value, ['type']), ['RuntimeDefault', 'Localhost']),
  procMount: (value) => isUnset(value) || value === 'Default',
  // The level keeps pods of different namespaces apart; a type could be one that is not confined.
  seLinuxOptions: (value) => isUnset(value) || (isObject(value) && Object.keys(value).every((key) => key === 'level')),
};

export function unsoundHardening(sidecar: JsonObject): Unsound[] {
  const given = sidecar['securityContext'];
  const context = isObject(given) ? given : {};
  return [...new Set([...Object.keys(HARDENING), ...Object.keys(context)])]
    .filter((key) => !(Object.hasOwn(HARDENING, key) && HARDENING[key]?.(context[key]) === true))
    .map((key) => ({
      keys: ['securityContext', key],
      message: 'expected a container as hardened as that (not root, read-only, no privileges)',
    }));
}

function isOneOf(value: Json | undefined, expected: readonly string[]): boolean {
  return typeof value === 'string' && expected.includes(value);
}

export function isUnset(value: Json | undefined): boolean {
  return value === undefined || value === null || isEqual(value, []);
}
