import { findVariable, indexed, knownSecrets } from '../container-spec.ts';
import { nameClashes, portClashes } from '../containers.ts';
import { getAt } from '../edit.ts';
import { isSidecar } from '../found-sidecar.ts';
import { isObject, type JsonObject, listOf, objectsOf, textOf } from '../json.ts';
import { DATA_VOLUME, type Plan } from '../plan.ts';
import { declaredPorts, type PublicPort } from '../public-port.ts';
import type { Fault, Note, Place } from '../target.ts';
import { asksAgent } from './hook-request.ts';
import { isNative } from './native.ts';
import { type AgentContainer, inside, type PodContext, type PodParts } from './parts.ts';
import { soundnessFaults } from './sound-sidecar.ts';

/** What keeps a pod from having a sidecar at all. */
export function podFaults(pod: JsonObject, context: PodContext): Fault[] {
  const rules: readonly (readonly [path: readonly string[], broken: boolean, message: string])[] = [
    [
      ['spec', 'hostNetwork'],
      getAt(pod, ['spec', 'hostNetwork']) === true,
      "the pod uses the node's network (hostNetwork): everything on the node could reach the agent and the helpers around the sidecar; " +
        'give the pod a network of its own, and a hostPort where the address of the node is needed',
    ],
    [
      ['spec', 'os'],
      getAt(pod, ['spec', 'os', 'name']) === 'windows',
      'the pod is for Windows nodes, but the sidecar runs on Linux: give the agent Linux nodes',
    ],
  ];
  return rules.flatMap(([path, broken, message]) => (broken ? [{ ...inside(context.at, ...path), message }] : []));
}

/** What is wrong with a pod that has a sidecar before an admission webhook gave it one. */
export function broughtFaults(pod: JsonObject, plan: Plan, context: PodContext): Fault[] {
  const spec = isObject(pod['spec']) ? pod['spec'] : {};
  const at = inside(context.at, 'spec');
  const has = [...objectsOf(spec['initContainers']), ...objectsOf(spec['containers'])].some(sidecarIs);
  if (!has) return [];
  return [
    ...soundnessFaults(pod, plan, context),
    ...podFaults(pod, context),
    ...volumeFaults(spec, at),
    ...broughtNodePortFaults(spec, at),
  ];
}

function sidecarIs({ name, image }: JsonObject): boolean {
  return isSidecar(name, image);
}

/** Kinds of volumes whose content is not another's; `name` is no kind. */
const VOLUMES: ReadonlySet<string> = new Set(['name', 'emptyDir', 'persistentVolumeClaim', 'ephemeral']);

/** The outbox, and a configuration that lies beside it, are the sidecar's alone. */
export function volumeFaults(spec: JsonObject, at: Place): Fault[] {
  const kinds = indexed(spec['volumes'])
    .filter(({ data }) => data['name'] === DATA_VOLUME && Object.keys(data).some((key) => !VOLUMES.has(key)))
    .map(({ index }) => ({
      ...inside(at, 'volumes', index),
      message: `the volume ${DATA_VOLUME} holds what the sidecar has not shipped yet: it can be an emptyDir, a claim or ephemeral, but nothing that others write`,
    }));
  const mounts = beside(spec, at, (data) => !sidecarIs(data)).flatMap((one) =>
    ['volumeMounts', 'volumeDevices'].flatMap((list) =>
      indexed(one.data[list])
        .filter(({ data }) => data['name'] === DATA_VOLUME)
        .map(({ index }) => ({
          ...inside(one, list, index),
          message: `the volume ${DATA_VOLUME} is the sidecar's alone: mount another one`,
        })),
    ),
  );
  return [...kinds, ...mounts];
}

/** Ports of the node that lead to containers beside the agent. */
export function nodePortFaults(spec: JsonObject, agent: AgentContainer, at: Place): Fault[] {
  return nodePorts(beside(spec, at, (data) => data !== agent.data));
}

/** The same for a pod with a sidecar, whose agent is the container that was told of the sidecar and of its own port. */
function broughtNodePortFaults(spec: JsonObject, at: Place): Fault[] {
  const others = beside(spec, at, (data) => !sidecarIs(data));
  const [agent, ...more] = others.filter(({ data }) => isTold(data));
  const faults = more.map(({ document, path, name }) => ({
    document,
    path,
    message: `container ${name} is told of the sidecar as if it were the agent, which ${agent?.name} is: there is one agent`,
  }));
  return [...faults, ...nodePorts(others.filter((one) => one !== agent))];
}

function isTold(container: JsonObject): boolean {
  const [url, host, port] = ['OUTRIDER_LOCAL_URL', 'HOST', 'PORT'].map(
    (name) => findVariable(container, name)?.entry['value'],
  );
  return url !== undefined && host === '127.0.0.1' && port !== undefined;
}

function nodePorts(containers: readonly Beside[]): Fault[] {
  return containers
    .flatMap((one) => declaredPorts(one.data, one).map((declared) => ({ ...declared, name: one.name })))
    .filter(({ entry }) => entry['hostPort'] !== undefined)
    .map(({ port, document, path, name }) => ({
      document,
      path: [...path, 'hostPort'],
      message: `port ${port} of container ${name} is not behind the sidecar: it cannot have a port of the node`,
    }));
}

interface Beside extends Place {
  readonly name: string;
  readonly data: JsonObject;
}

function beside(spec: JsonObject, at: Place, isBeside: (data: JsonObject) => boolean): Beside[] {
  return ['initContainers', 'containers'].flatMap((list) =>
    indexed(spec[list])
      .filter(({ data }) => isBeside(data))
      .map(({ data, index }) => ({ ...inside(at, list, index), data, name: textOf(data['name']) ?? '' })),
  );
}

/** Ports and names that containers beside the agent have, and cannot have. */
export function neighbourFaults(spec: JsonObject, agent: AgentContainer, plan: Plan, at: Place): Fault[] {
  const main = indexed(spec['containers']).filter(({ index }) => index !== agent.index);
  const init = indexed(spec['initContainers']).filter(({ data }) => isNative(data));
  const ports = [
    ...main.flatMap(({ data, index }) => declaredPorts(data, inside(at, 'containers', index))),
    ...init.flatMap(({ data, index }) => declaredPorts(data, inside(at, 'initContainers', index))),
  ];
  return [
    ...portClashes(plan, ports),
    ...nameClashes(
      plan,
      beside(spec, at, () => true),
    ),
  ];
}

/** What whoever deploys should know of the pod. */
export function podNotes(pod: JsonObject, { agent, port, plan, context }: PodParts): Note[] {
  const open = port.others.map(({ port: number, document, path }) => ({
    document,
    path,
    message: `port ${number} of the agent is not behind the sidecar: whoever reaches the pod reaches it`,
  }));
  const hooks = ['postStart', 'preStop'].flatMap((hook) => {
    if (!asksAgent(getAt(agent.data, ['lifecycle', hook]), port)) return [];
    const message = `the ${hook} hook asks the agent from outside of the pod, where it does not listen any longer: make it a command (exec)`;
    return [{ ...inside(agent, 'lifecycle', hook), message }];
  });
  const shared =
    getAt(pod, ['spec', 'shareProcessNamespace']) === true
      ? [
          {
            ...inside(context.at, 'spec', 'shareProcessNamespace'),
            message:
              "containers of this pod see each other's processes: one that runs as root, or as the sidecar's user, can read its secrets",
          },
        ]
      : [];
  return [
    ...knownSecrets(agent.data, agent, plan),
    ...open,
    ...neighbourNotes(pod, agent, context),
    ...hooks,
    ...shared,
    ...nodePortNotes(port),
    ...scrapeNotes(pod, port, context),
  ];
}

/** Ports of meshes, which guard them themselves. */
const MESH_PORTS: readonly (readonly [name: RegExp, first: number, last: number])[] = [
  [/^istio-/, 15_000, 15_099],
  [/^linkerd-/, 4_140, 4_191],
];

/** Init containers that end are gone before the agent is called. */
function neighbourNotes(pod: JsonObject, agent: AgentContainer, context: PodContext): Note[] {
  const spec = isObject(pod['spec']) ? pod['spec'] : {};
  const main = new Set(listOf(spec['containers']));
  const lasts = (data: JsonObject): boolean => main.has(data) || isNative(data);
  return beside(spec, inside(context.at, 'spec'), (data) => data !== agent.data && lasts(data)).flatMap((one) =>
    declaredPorts(one.data, one)
      .filter(
        ({ port }) => !MESH_PORTS.some(([mesh, first, last]) => mesh.test(one.name) && port >= first && port <= last),
      )
      .map(({ port, entry, document, path }) => ({
        document,
        path,
        message: `port ${port} of container ${one.name} is not behind the sidecar: whoever reaches the ${entry['hostPort'] === undefined ? 'pod' : 'node'} reaches it`,
      })),
  );
}

function nodePortNotes({ http, declared }: PublicPort): Note[] {
  if (http === undefined || declared?.['hostPort'] === undefined) return [];
  const { document, path } = http;
  const message =
    'the port of the node leads to the sidecar now, and schedulers before Kubernetes 1.33.6 do not look at those of native sidecars: two such pods may meet on one node';
  return [{ document, path, message }];
}

const SCRAPED = ['metadata', 'annotations', 'prometheus.io/port'];

function scrapeNotes(pod: JsonObject, port: PublicPort, context: PodContext): Note[] {
  if (port.http === undefined || getAt(pod, SCRAPED) !== String(port.http.port)) return [];
  const message = `Prometheus scrapes port ${port.http.port}, which is the sidecar's business now: it asks for a bearer token; serve metrics on a port of their own`;
  return [{ ...inside(context.at, ...SCRAPED), message }];
}
