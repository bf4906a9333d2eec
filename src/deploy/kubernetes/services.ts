import { getAt, setAt, without } from '../edit.ts';
import { isObject, type Json, type JsonObject, listOf, objectsOf } from '../json.ts';
import type { Plan } from '../plan.ts';
import type { PortReference, PublicPort } from '../public-port.ts';
import type { Note } from '../target.ts';
import { SERVICE_LABEL } from './knative.ts';
import { type Resource, sameNamespace, selects } from './objects.ts';
import type { Workload } from './workload.ts';

/** What the Services of the file that select the workload's pods send to. */
export function usedPorts(resources: readonly Resource[], workload: Workload): PortReference[] {
  return servicesOf(resources, workload).flatMap(({ data }) =>
    objectsOf(getAt(data, ['spec', 'ports'])).flatMap((entry) => {
      const target = targetOf(entry);
      return typeof target === 'string' || typeof target === 'number' ? [target] : [];
    }),
  );
}

/** Services and NetworkPolicies that led to the agent lead to the sidecar; the ports that callers use stay. */
export function retarget(
  resources: readonly Resource[],
  workload: Workload,
  port: PublicPort,
  plan: Plan,
): { readonly changed: readonly Resource[]; readonly notes: readonly Note[] } {
  const services = servicesOf(resources, workload);
  const policies = resources.filter((resource) => restricts(resource, workload));
  const ofServices = services.map((service) => retargetService(service, port, plan));
  const ofPolicies = policies.map((policy) => retargetPolicy(policy, workload, port, plan));
  const missing = missingNote(services, workload, port, plan.inboundPort);
  return {
    changed: [...ofServices, ...ofPolicies].map(({ resource }) => resource),
    notes: [...[...ofServices, ...ofPolicies].flatMap(({ notes }) => notes), ...missing],
  };
}

/** Those that select the workload's pods. */
export function servicesOf(resources: readonly Resource[], workload: Workload): Resource[] {
  const labels = labelsOf(workload);
  return resources.filter((resource) => {
    const selector = getAt(resource.data, ['spec', 'selector']);
    return (
      resource.kind === 'Service' &&
      resource.apiVersion === 'v1' &&
      sameNamespace(resource, workload) &&
      isObject(selector) &&
      Object.keys(selector).length > 0 &&
      selects(selector, labels)
    );
  });
}

export function labelsOf({ template, nature, name }: Workload): JsonObject {
  const labels = getAt(template, ['metadata', 'labels']);
  return { ...(isObject(labels) && labels), ...(nature === 'knative' && { [SERVICE_LABEL]: name }) };
}

/** The labels by which a workload's own pods are known, and no others; undefined where no labels alone say so. */
function ownLabels(workload: Workload): JsonObject | undefined {
  const selector = getAt(workload.data, ['spec', 'selector']);
  if (!isObject(selector)) return labelsOf(workload);
  const { matchLabels, matchExpressions } = selector;
  return isObject(matchLabels) && listOf(matchExpressions).length === 0 ? matchLabels : undefined;
}

/** True of a NetworkPolicy for the workload's pods. */
export function restricts(resource: Resource, workload: Workload): boolean {
  return (
    resource.kind === 'NetworkPolicy' &&
    sameNamespace(resource, workload) &&
    selects(getAt(resource.data, ['spec', 'podSelector']), labelsOf(workload))
  );
}

/** With nothing known of the agent's port, whatever leads to its pods leads to it. */
export function isAgents(reference: Json | undefined, port: PublicPort): boolean {
  if (port.http === undefined) return true;
  return (
    reference === port.http.port ||
    reference === String(port.http.port) ||
    (port.name !== undefined && reference === port.name)
  );
}

function targetOf(entry: JsonObject): Json | undefined {
  return entry['targetPort'] ?? entry['port'];
}

interface Retargeted {
  readonly resource: Resource;
  readonly notes: readonly Note[];
}

/** Numbers, not the name that the sidecar's port has: before Kubernetes 1.33, and for some controllers, names of init containers lead nowhere. */
function retargetService(service: Resource, port: PublicPort, plan: Plan): Retargeted {
  const to = plan.inboundPort;
  const path = ['spec', 'ports'];
  const ports = getAt(service.data, path);
  const entries = listOf(ports);
  const leads = (entry: Json): entry is JsonObject =>
    isObject(entry) && isTcp(entry) && isAgents(targetOf(entry), port);
  const changed = entries.map((entry: Json) =>
    leads(entry) && targetOf(entry) !== to ? { ...entry, targetPort: to } : entry,
  );
  const others = entries.flatMap((entry: Json, index) => (leads(entry) || !isObject(entry) ? [] : [{ entry, index }]));
  const notes = [
    ...others.map(({ entry, index }) => ({
      document: service.document,
      path: [...service.path, ...path, index],
      message: `port ${JSON.stringify(entry['name'] ?? entry['port'])} of Service ${service.name} does not lead to the port behind the sidecar: it stays as it is`,
    })),
    ...(entries.some(leads) ? rolloutNotes(service, port, plan) : []),
  ];
  const data = entries.length === 0 ? service.data : asObject(setAt(service.data, path, changed), service.data);
  return { resource: { ...service, data }, notes };
}

function rolloutNotes({ document, path, name, data }: Resource, port: PublicPort, plan: Plan): Note[] {
  const to = plan.inboundPort;
  const before = port.http?.port ?? to;
  const headless = `Service ${name} is headless: who finds the pods through it has to call port ${to} of them`;
  const remedy =
    before === plan.agentPort
      ? 'they get no calls from the first rollout on'
      : `for a first rollout without a gap, say --inbound-port ${before}`;
  const gap = `Service ${name} leads to port ${to} now, which pods without a sidecar do not have: ${remedy}`;
  return [...(getAt(data, ['spec', 'clusterIP']) === 'None' ? [headless] : []), ...(before === to ? [] : [gap])].map(
    (message) => ({ document, path: [...path, 'spec', 'ports'], message }),
  );
}

/**
 * A policy for these pods alone gets the sidecar's port in place of the agent's; one that is for others too gets it beside, since theirs
 * stays what it was. So does one whose range of ports does not hold it.
 */
function retargetPolicy(policy: Resource, workload: Workload, port: PublicPort, plan: Plan): Retargeted {
  const path = ['spec', 'ingress'];
  const own = isFor(policy, workload);
  const rules = listOf(getAt(policy.data, path));
  const ports = rules.map((rule) => (isObject(rule) ? retargetPorts(listOf(rule['ports']), own, port, plan) : []));
  const changed = rules.map((rule, index) =>
    isObject(rule) && rule['ports'] !== undefined ? { ...rule, ports: ports[index] ?? [] } : rule,
  );
  const notes = rules.flatMap((rule, index) => {
    if (listOf(getAt(rule, ['ports'])).length >= (ports[index] ?? []).length) return [];
    const message = `NetworkPolicy ${policy.name} ${own ? 'names a range of ports' : 'is for other pods too'}: port ${plan.inboundPort} was added to it, and what it let in before it goes on letting in`;
    return [{ document: policy.document, path: [...policy.path, ...path, index, 'ports'], message }];
  });
  const data = rules.length === 0 ? policy.data : asObject(setAt(policy.data, path, changed), policy.data);
  return { resource: { ...policy, data }, notes };
}

function retargetPorts(ports: readonly Json[], own: boolean, port: PublicPort, plan: Plan): readonly Json[] {
  const to = plan.inboundPort;
  const one = (entry: Json): entry is JsonObject =>
    isObject(entry) &&
    isTcp(entry) &&
    entry['endPort'] === undefined &&
    entry['port'] !== undefined &&
    isAgents(entry['port'], port);
  const range = (entry: Json): boolean =>
    isObject(entry) && isTcp(entry) && port.http !== undefined && holds(entry, port.http.port);
  const replaced = own ? ports.map((entry) => (one(entry) ? { ...entry, port: to } : entry)) : ports;
  if (replaced.some((entry) => isObject(entry) && isTcp(entry) && holds(entry, to))) return replaced;
  // With the agent's port unknown, those of others are not taken for it.
  const index = replaced.findIndex((entry) => range(entry) || (port.http !== undefined && one(entry)));
  const entry = replaced[index];
  return isObject(entry) ? replaced.toSpliced(index + 1, 0, { ...without(entry, 'endPort'), port: to }) : replaced;
}

function isTcp({ protocol }: JsonObject): boolean {
  return (protocol ?? 'TCP') === 'TCP';
}

/** True of an entry of a NetworkPolicy's ports, one or a range, that names this number. */
function holds({ port: first, endPort }: JsonObject, port: number): boolean {
  return Number(first) <= port && port <= Number(endPort ?? first);
}

/** True of a policy that picks no pods but the workload's: it wants every label that the workload's own selector does. */
function isFor(policy: Resource, workload: Workload): boolean {
  const labels = ownLabels(workload);
  const wanted = getAt(policy.data, ['spec', 'podSelector', 'matchLabels']);
  if (labels === undefined || !isObject(wanted)) return false;
  const own = Object.entries(labels);
  return own.length > 0 && own.every(([name, value]) => wanted[name] === value);
}

function missingNote(services: readonly Resource[], workload: Workload, port: PublicPort, to: number): Note[] {
  if (services.length > 0 || workload.nature !== 'service' || port.http === undefined || port.http.port === to)
    return [];
  const message = `no Service of this file selects these pods: where one does, its targetPort has to be ${to}, no longer ${port.http.port}`;
  return [{ document: workload.document, path: workload.path, message }];
}

function asObject(value: Json, otherwise: JsonObject): JsonObject {
  return isObject(value) ? value : otherwise;
}
