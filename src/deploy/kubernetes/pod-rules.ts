import { indexed, knownSecrets } from '../container-spec.ts';
import { isObject, portClashes } from '../containers.ts';
import { getAt } from '../edit.ts';
import type { JsonObject } from '../json.ts';
import type { Plan } from '../plan.ts';
import { declaredPorts, type PublicPort } from '../public-port.ts';
import type { Fault, Note, Place } from '../target.ts';
import { isNative } from './native.ts';
import { type AgentContainer, inside, type PodContext, type PodParts } from './parts.ts';

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

/** Ports that containers beside the agent declare, and cannot have. */
export function neighbourFaults(spec: JsonObject, agent: AgentContainer, plan: Plan, at: Place): Fault[] {
  const main = indexed(spec['containers']).filter(({ index }) => index !== agent.index);
  const init = indexed(spec['initContainers']).filter(({ data }) => isNative(data));
  return [
    ...main.map(({ data, index }) => declaredPorts(data, inside(at, 'containers', index))),
    ...init.map(({ data, index }) => declaredPorts(data, inside(at, 'initContainers', index))),
  ].flatMap((ports) => portClashes(plan, ports));
}

/** What whoever deploys should know of the pod. */
export function podNotes(pod: JsonObject, { agent, port, plan, context }: PodParts): Note[] {
  const open = port.others.map(({ port: number, document, path }) => ({
    document,
    path,
    message: `port ${number} of the agent is not behind the sidecar: whoever reaches the pod reaches it`,
  }));
  const hooks = ['postStart', 'preStop'].flatMap((hook) => {
    const action = getAt(agent.data, ['lifecycle', hook]);
    if (!isObject(action) || (action['httpGet'] ?? action['tcpSocket']) === undefined) return [];
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
  return [...knownSecrets(agent.data, agent, plan), ...open, ...hooks, ...shared, ...scrapeNotes(pod, port, context)];
}

const SCRAPED = ['metadata', 'annotations', 'prometheus.io/port'];

function scrapeNotes(pod: JsonObject, port: PublicPort, context: PodContext): Note[] {
  if (port.http === undefined || getAt(pod, SCRAPED) !== String(port.http.port)) return [];
  const message = `Prometheus scrapes port ${port.http.port}, which is the sidecar's business now: it asks for a bearer token; serve metrics on a port of their own`;
  return [{ ...inside(context.at, ...SCRAPED), message }];
}
