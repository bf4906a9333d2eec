import { getAt, setAt } from '../edit.ts';
import { isObject, type Json, type JsonObject, listOf, objectsOf, type Path } from '../json.ts';
import type { Plan } from '../plan.ts';
import type { PortReference, PublicPort } from '../public-port.ts';
import type { Note } from '../target.ts';
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
  const leads = (reference: Json | undefined): boolean => isAgents(reference, port);
  const ofServices = services.map((service) => retargetService(service, port, plan));
  const ofPolicies = policies.map((policy) => retargetPolicy(policy, leads, plan.inboundPort));
  const missing = missingNote(services, workload, port, plan.inboundPort);
  return {
    changed: [...ofServices.map(({ resource }) => resource), ...ofPolicies],
    notes: [...ofServices.flatMap(({ notes }) => notes), ...missing],
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

export function labelsOf(workload: Workload): JsonObject {
  const labels = getAt(workload.template, ['metadata', 'labels']);
  return isObject(labels) ? labels : {};
}

function restricts(resource: Resource, workload: Workload): boolean {
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
    isObject(entry) && (entry['protocol'] ?? 'TCP') === 'TCP' && isAgents(targetOf(entry), port);
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

function retargetPolicy(policy: Resource, leads: (reference: Json | undefined) => boolean, to: number): Resource {
  const rules = getAt(policy.data, ['spec', 'ingress']);
  const places: Path[] = listOf(rules).flatMap((rule, index) =>
    listOf(isObject(rule) ? rule['ports'] : undefined).flatMap((entry, at): Path[] =>
      isObject(entry) && entry['port'] !== undefined && entry['endPort'] === undefined && leads(entry['port'])
        ? [['spec', 'ingress', index, 'ports', at, 'port']]
        : [],
    ),
  );
  const data = places.reduce<Json>((json, path) => setAt(json, path, to), policy.data);
  return { ...policy, data: asObject(data, policy.data) };
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
