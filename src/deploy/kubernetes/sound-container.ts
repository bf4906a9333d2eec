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

/** Where Knative's proxy listens in each pod of a revision, and asks the sidecar: several versions have the kubelet ask there. */
const KNATIVE_PROXY_PORT = 8012;

/** A command of a probe runs with all that the sidecar has, its secrets too. `inbound`: the port where callers reach it. */
export function unsoundProbes(sidecar: JsonObject, inbound: number, knative: boolean): Unsound[] {
  const names = objectsOf(sidecar['ports'])
    .filter(({ containerPort }) => containerPort === inbound)
    .map(({ name }) => name);
  const asked = [inbound, ...names, ...(knative ? [KNATIVE_PROXY_PORT] : [])];
  return PROBES.filter((key) => {
    const probe = sidecar[key];
    return !isUnset(probe) && !(isObject(probe) && isSoundProbe(probe, asked));
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

interface Rule {
  readonly expected: string;
  readonly holds: (value: Json | undefined) => boolean;
}

const CONFINED: Rule = {
  expected: 'type RuntimeDefault or Localhost',
  holds: (value) => isOneOf(getAt(value, ['type']), ['RuntimeDefault', 'Localhost']),
};

/**
 * By member of a `securityContext`: what is as strict as what injection writes. Users other than that of the image are let be, as
 * OpenShift gives each namespace its own; of members that are not here nobody knows what they do.
 */
const HARDENING: Readonly<Record<string, Rule>> = {
  runAsNonRoot: { expected: 'true', holds: (value) => value === true },
  runAsUser: {
    expected: 'a number above 0, or none',
    holds: (value) => isUnset(value) || (typeof value === 'number' && value > 0),
  },
  runAsGroup: { expected: 'any', holds: () => true },
  readOnlyRootFilesystem: { expected: 'true', holds: (value) => value === true },
  allowPrivilegeEscalation: { expected: 'false', holds: (value) => value === false },
  privileged: { expected: 'false, or none', holds: (value) => isUnset(value) || value === false },
  capabilities: {
    expected: 'drop [ALL], and no add',
    holds: (value) => isUnset(getAt(value, ['add'])) && listOf(getAt(value, ['drop'])).includes('ALL'),
  },
  seccompProfile: CONFINED,
  appArmorProfile: {
    expected: `${CONFINED.expected}, or none`,
    holds: (value) => isUnset(value) || CONFINED.holds(value),
  },
  procMount: { expected: 'Default, or none', holds: (value) => isUnset(value) || value === 'Default' },
  // The level keeps pods of different namespaces apart; a type could be one that is not confined.
  seLinuxOptions: {
    expected: 'a level alone, or none',
    holds: (value) => isUnset(value) || (isObject(value) && Object.keys(value).every((key) => key === 'level')),
  },
};
const UNKNOWN: Rule = { expected: 'none', holds: isUnset };

/** Of what injection writes, what a pod can say for its containers. */
const OF_POD = ['runAsNonRoot', 'seccompProfile'];

/** `ofPod`: the pod's own `securityContext`, which counts where the container says nothing. */
export function unsoundHardening(sidecar: JsonObject, ofPod: Json | undefined): Unsound[] {
  const given = sidecar['securityContext'];
  const own = isObject(given) ? given : {};
  const inherited = OF_POD.filter((key) => isUnset(own[key])).map((key) => [key, getAt(ofPod, [key]) ?? null] as const);
  const context: JsonObject = { ...own, ...Object.fromEntries(inherited) };
  return [...new Set([...Object.keys(HARDENING), ...Object.keys(context)])].flatMap((key) => {
    const { expected, holds } = Object.hasOwn(HARDENING, key) ? (HARDENING[key] ?? UNKNOWN) : UNKNOWN;
    if (holds(context[key])) return [];
    return [{ keys: ['securityContext', key], message: `expected as securityContext.${key}: ${expected}` }];
  });
}

function isOneOf(value: Json | undefined, expected: readonly string[]): boolean {
  return typeof value === 'string' && expected.includes(value);
}

export function isUnset(value: Json | undefined): boolean {
  return value === undefined || value === null || isEqual(value, []);
}
