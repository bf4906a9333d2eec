import { chooseAgent } from '../choose-agent.ts';
import { getAt } from '../edit.ts';
import { isObject, type JsonObject, type Path } from '../json.ts';
import type { Plan } from '../plan.ts';
import { ManifestError } from '../target.ts';
import type { Resource } from './objects.ts';

/** An object that makes pods. */
export interface Workload extends Resource {
  /** Where its pod template (`metadata`, `spec`) stands, within the object. */
  readonly templatePath: Path;
  readonly template: JsonObject;
  /** `job` runs to its end and serves nobody; `knative` has rules of its own. */
  readonly nature: 'service' | 'job' | 'knative';
}

const TEMPLATES: Readonly<
  Record<string, { readonly group: RegExp; readonly path: Path; readonly nature: Workload['nature'] }>
> = {
  Deployment: { group: /^(apps|extensions)\//, path: ['spec', 'template'], nature: 'service' },
  StatefulSet: { group: /^apps\//, path: ['spec', 'template'], nature: 'service' },
  DaemonSet: { group: /^(apps|extensions)\//, path: ['spec', 'template'], nature: 'service' },
  ReplicaSet: { group: /^(apps|extensions)\//, path: ['spec', 'template'], nature: 'service' },
  Job: { group: /^batch\//, path: ['spec', 'template'], nature: 'job' },
  CronJob: { group: /^batch\//, path: ['spec', 'jobTemplate', 'spec', 'template'], nature: 'job' },
  Pod: { group: /^v1$/, path: [], nature: 'service' },
  Service: { group: /^serving\.knative\.dev\//, path: ['spec', 'template'], nature: 'knative' },
};
const KINDS = 'Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob, Pod or Knative Service';

/** The workload that is the agent. Throws `ManifestError`. */
export function findWorkload(resources: readonly Resource[], plan: Plan): Workload {
  const workloads = resources.flatMap((resource) => asWorkload(resource));
  if (workloads.length === 0) throw new ManifestError([{ document: 0, path: [], message: nothingMessage(resources) }]);
  return chooseAgent(workloads, {
    at: { document: 0, path: [] },
    what: 'workload',
    option: '--workload',
    chosen: plan.workload,
    agentName: plan.agentName,
  });
}

function asWorkload(resource: Resource): Workload[] {
  const known = Object.hasOwn(TEMPLATES, resource.kind) ? TEMPLATES[resource.kind] : undefined;
  if (known === undefined || !known.group.test(resource.apiVersion)) return [];
  const template = getAt(resource.data, known.path);
  if (!isObject(template) || !isObject(template['spec'])) {
    const message = `${resource.kind} ${resource.name} has no ${[...known.path, 'spec'].join('.')}`;
    throw new ManifestError([{ document: resource.document, path: resource.path, message }]);
  }
  return [{ ...resource, templatePath: known.path, template, nature: known.nature }];
}

function nothingMessage(resources: readonly Resource[]): string {
  const kinds = [
    ...new Set(
      resources.map(({ kind, apiVersion }) => (kind === '' ? 'an object without a kind' : `${kind} (${apiVersion})`)),
    ),
  ];
  const found = kinds.length === 0 ? 'no Kubernetes object' : kinds.slice(0, 8).join(', ');
  return `this file has ${found}; the target kubernetes expects a ${KINDS}`;
}
