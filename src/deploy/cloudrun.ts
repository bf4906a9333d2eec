import { chooseAgent } from './choose-agent.ts';
import { renderCloudRun } from './cloudrun/render.ts';
import { injectRevision, objectAt } from './cloudrun/template.ts';
import { indexed } from './container-spec.ts';
import { getAt, setAt, without } from './edit.ts';
import { isObject, type Json, type JsonObject, textOf } from './json.ts';
import { upgradeSidecar } from './kubernetes/find-agent.ts';
import { type Resource, replaceAll, resourcesOf } from './kubernetes/objects.ts';
import type { Plan } from './plan.ts';
import { type Fault, ManifestError, type Outcome, type Place, type Target } from './target.ts';

/** Cloud Run services, in the YAML of `gcloud run services replace`. */
export const cloudrun: Target = { name: 'cloudrun', format: 'yaml', inject, render: renderCloudRun };

const TEMPLATE = ['spec', 'template'];

function inject(documents: readonly Json[], plan: Plan): Outcome {
  const service = findService(resourcesOf(documents), plan);
  const at: Place = { document: service.document, path: [...service.path, ...TEMPLATE] };
  const template = getAt(service.data, TEMPLATE);
  const spec = getAt(template, ['spec']);
  if (!isObject(template) || !isObject(spec)) {
    throw new ManifestError([{ ...at, message: `Service ${service.name} has no spec.template.spec` }]);
  }
  const specAt: Place = { ...at, path: [...at.path, 'spec'] };
  const upgraded = upgradeSidecar(spec, plan, specAt);
  if (upgraded !== undefined) {
    return outcome(documents, service, { ...template, spec: upgraded.spec }, upgraded.notes);
  }
  const candidates = indexed(spec['containers']).map(({ data, index }) => ({
    name: textOf(data['name']) ?? '',
    index,
    data,
    document: at.document,
    path: [...specAt.path, 'containers', index],
  }));
  const agent = chooseAgent(candidates, {
    at: specAt,
    what: 'container',
    option: '--container',
    chosen: plan.container,
    agentName: plan.agentName,
  });
  const injected = injectRevision(template, plan, { at, service: service.name, agent });
  const named = getAt(template, REVISION_NAME);
  if (named === undefined) return outcome(documents, service, injected.template, injected.notes);
  // What `gcloud run services describe` exports has it, and a revision that is there already cannot be another one.
  const metadata = without(objectAt(injected.template, 'metadata'), 'name');
  const note = { document: at.document, path: [...at.path, ...REVISION_NAME], message: RENAMED };
  return outcome(documents, service, { ...injected.template, metadata }, [...injected.notes, note]);
}

const REVISION_NAME = ['metadata', 'name'];
const RENAMED = 'the name of the revision was taken out: Cloud Run names the new one, and refuses a name that is taken';

function outcome(
  documents: readonly Json[],
  service: Resource,
  template: JsonObject,
  notes: Outcome['notes'],
): Outcome {
  const data = setAt(service.data, TEMPLATE, template);
  return { documents: replaceAll(documents, [{ ...service, data: isObject(data) ? data : service.data }]), notes };
}

function findService(resources: readonly Resource[], plan: Plan): Resource {
  const services = resources.filter(isService);
  if (services.length === 0) throw new ManifestError(notServices(resources));
  return chooseAgent(services, {
    at: { document: 0, path: [] },
    what: 'service',
    option: '--workload',
    chosen: plan.workload,
    agentName: plan.agentName,
  });
}

function isService({ apiVersion, kind }: Resource): boolean {
  return apiVersion === 'serving.knative.dev/v1' && kind === 'Service';
}

function notServices(resources: readonly Resource[]): Fault[] {
  const wanted =
    'the target cloudrun expects a Service of serving.knative.dev/v1 (gcloud run services describe NAME --format export)';
  if (resources.length === 0)
    return [{ document: 0, path: [], message: `this file has no Cloud Run object; ${wanted}` }];
  return resources.map(({ document, path, kind, apiVersion, name }) => {
    const what = `${kind === '' ? 'an object without a kind' : kind} ${name}`.trim();
    const takesNone = apiVersion.startsWith('run.googleapis.com/')
      ? `, and a ${kind} takes no requests that a sidecar could stand before`
      : '';
    return {
      document,
      path,
      message: `this is ${what} (${apiVersion === '' ? 'no apiVersion' : apiVersion})${takesNone}; ${wanted}`,
    };
  });
}
