import { folderOf, type TypedValue, typeFaults } from './satisfies.ts';

const MODELS = folderOf(import.meta.resolve('kubernetes-models'));

/**
 * Kubernetes' own types, closed by the compiler, and Knative's, which are a part of them: the fields that its admission lets through
 * (knative/serving, `pkg/apis/serving/fieldmask.go`) without any feature flag.
 */
const KINDS: Readonly<Record<string, string>> = {
  'apps/v1 Deployment': 'apps/v1/Deployment',
  'apps/v1 StatefulSet': 'apps/v1/StatefulSet',
  'apps/v1 DaemonSet': 'apps/v1/DaemonSet',
  'apps/v1 ReplicaSet': 'apps/v1/ReplicaSet',
  'batch/v1 Job': 'batch/v1/Job',
  'batch/v1 CronJob': 'batch/v1/CronJob',
  'v1 Pod': 'v1/Pod',
  'v1 Service': 'v1/Service',
  'v1 Secret': 'v1/Secret',
  'v1 ConfigMap': 'v1/ConfigMap',
  'v1 Namespace': 'v1/Namespace',
  'v1 ServiceAccount': 'v1/ServiceAccount',
  'rbac.authorization.k8s.io/v1 Role': 'rbac.authorization.k8s.io/v1/Role',
  'admissionregistration.k8s.io/v1 MutatingWebhookConfiguration':
    'admissionregistration.k8s.io/v1/MutatingWebhookConfiguration',
  'networking.k8s.io/v1 NetworkPolicy': 'networking.k8s.io/v1/NetworkPolicy',
  'networking.k8s.io/v1 Ingress': 'networking.k8s.io/v1/Ingress',
  'autoscaling/v2 HorizontalPodAutoscaler': 'autoscaling/v2/HorizontalPodAutoscaler',
  'policy/v1 PodDisruptionBudget': 'policy/v1/PodDisruptionBudget',
};

const KNATIVE = `
import type { IContainer } from '${MODELS}/v1/Container.js';
import type { IHTTPGetAction } from '${MODELS}/v1/HTTPGetAction.js';
import type { IPodSpec } from '${MODELS}/v1/PodSpec.js';
import type { IProbe } from '${MODELS}/v1/Probe.js';
type Meta = { name?: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
type KnativeProbe = Omit<IProbe, 'httpGet' | 'terminationGracePeriodSeconds'> & {
  httpGet?: Omit<IHTTPGetAction, 'port'> & { port?: IHTTPGetAction['port'] };
};
type Allowed = 'args' | 'command' | 'env' | 'workingDir' | 'envFrom' | 'image' | 'imagePullPolicy' | 'ports' | 'resources'
  | 'securityContext' | 'terminationMessagePath' | 'terminationMessagePolicy' | 'volumeMounts';
type Served = Pick<IContainer, Allowed> & { name?: string; ports: [NonNullable<IContainer['ports']>[number]];
  livenessProbe?: KnativeProbe; readinessProbe?: KnativeProbe; startupProbe?: KnativeProbe };
type Beside = Omit<Pick<IContainer, Allowed>, 'ports'> & { name?: string };
type KnativeService = { apiVersion: 'serving.knative.dev/v1'; kind: 'Service'; metadata?: Meta; spec: {
  template: { metadata?: Meta; spec: Pick<IPodSpec, 'serviceAccountName' | 'volumes' | 'imagePullSecrets' | 'enableServiceLinks'>
    & { containers: [Served, ...Beside[]]; containerConcurrency?: number; timeoutSeconds?: number; idleTimeoutSeconds?: number } };
  traffic?: { percent?: number; latestRevision?: boolean; revisionName?: string; tag?: string }[] } };
`;

/** Kinds that no package has types of; the target leaves them as they are. */
const UNKNOWN = new Set(['monitoring.coreos.com/v1 PodMonitor', 'monitoring.coreos.com/v1 ServiceMonitor']);

/** Faults of the objects of a file. */
export function kubernetesFaults(documents: readonly unknown[]): string[] {
  const objects = documents.flatMap((one) => itemsOf(one));
  const values: TypedValue[] = [];
  const unknown: string[] = [];
  for (const value of objects) {
    const kind = `${String(value['apiVersion'])} ${String(value['kind'])}`;
    const path = KINDS[kind];
    if (kind === 'serving.knative.dev/v1 Service') values.push({ value, type: 'KnativeService' });
    else if (path !== undefined) values.push({ value, type: typeName(path) });
    else if (!UNKNOWN.has(kind)) unknown.push(`no type is known of ${kind}`);
  }
  const imports = Object.values(KINDS).map(
    (path) => `import type { I${path.split('/').at(-1)} as ${typeName(path)} } from '${MODELS}/${path}.js';`,
  );
  const rules = objects.flatMap((value) => podSpecsIn(value).flatMap((spec) => podFaults(spec, claimsOf(value))));
  return [...unknown, ...typeFaults(`${imports.join('\n')}\n${KNATIVE}`, values), ...rules];
}

type Loose = Record<string, unknown>;

function itemsOf(document: unknown): Loose[] {
  if (typeof document !== 'object' || document === null) return [];
  // An object that is not null has string keys.
  const object = document as Loose;
  return Array.isArray(object['items']) ? object['items'].flatMap((item) => itemsOf(item)) : [object];
}

function typeName(path: string): string {
  return path.replaceAll(/[^A-Za-z0-9]/g, '_');
}

function podSpecsIn(value: unknown): Loose[] {
  if (typeof value !== 'object' || value === null) return [];
  // As above.
  const object = value as Loose;
  return Array.isArray(object['containers']) ? [object] : Object.values(object).flatMap((one) => podSpecsIn(one));
}

function claimsOf(value: Loose): string[] {
  return listIn(listIn(value, 'spec')[0] ?? {}, 'volumeClaimTemplates').flatMap((claim) =>
    listIn(claim, 'metadata').flatMap(nameOf),
  );
}

/** What the API server refuses although the types let it pass. */
function podFaults(spec: Loose, claims: readonly string[]): string[] {
  const containers = [...listIn(spec, 'initContainers'), ...listIn(spec, 'containers')];
  const volumes = listIn(spec, 'volumes').flatMap(nameOf);
  const mounts = containers.flatMap((one) => listIn(one, 'volumeMounts').flatMap(nameOf));
  const names = containers.flatMap(nameOf);
  const ports = containers.flatMap((one) => listIn(one, 'ports').flatMap(nameOf));
  return [
    ...twice(names).map((name) => `two containers are named ${name}`),
    ...twice(volumes).map((name) => `two volumes are named ${name}`),
    ...mounts.filter((name) => ![...volumes, ...claims].includes(name)).map((name) => `there is no volume ${name}`),
    ...[...names, ...volumes]
      .filter((name) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name))
      .map((name) => `${name} is no DNS label`),
    ...ports
      .filter((name) => name.length > 15 || !/^[a-z0-9-]*[a-z][a-z0-9-]*$/.test(name))
      .map((name) => `${name} is no port name`),
  ];
}

function twice(names: readonly string[]): string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}

function nameOf({ name }: Loose): string[] {
  return typeof name === 'string' ? [name] : [];
}

/** A list of objects at a key; one object counts as a list of it. */
function listIn(object: Loose, key: string): Loose[] {
  const value = object[key];
  if (Array.isArray(value)) return value.filter((one): one is Loose => typeof one === 'object' && one !== null);
  // As above.
  return typeof value === 'object' && value !== null ? [value as Loose] : [];
}
