import { getAt, setAt } from './edit.ts';
import { isObject, type Json, type JsonObject, objectsOf } from './json.ts';
import { type AddedPolicy, networkPolicy } from './kubernetes/network-policy.ts';
import { type Resource, replaceAll, resourcesOf } from './kubernetes/objects.ts';
import { injectTemplate } from './kubernetes/pod.ts';
import { renderKubernetes } from './kubernetes/render.ts';
import { retarget, usedPorts } from './kubernetes/services.ts';
import { surroundingNotes } from './kubernetes/surroundings.ts';
import { findWorkload, type Workload } from './kubernetes/workload.ts';
import type { Plan } from './plan.ts';
import { ManifestError, type Outcome, type Target } from './target.ts';
import { isTemplate, RENDER_FIRST, templateFault } from './template-text.ts';

export const kubernetes: Target = {
  name: 'kubernetes',
  format: 'yaml',
  otherForm: templateFault,
  inject,
  render: renderKubernetes,
};

function inject(documents: readonly Json[], plan: Plan): Outcome {
  const resources = resourcesOf(documents);
  const workload = findWorkload(resources, plan);
  if (isTemplate(workload.name)) {
    const path = [...workload.path, 'metadata', 'name'];
    throw new ManifestError([{ document: workload.document, path, message: `this name is ${RENDER_FIRST}` }]);
  }
  const { pod, notes, port, secretName } = injectTemplate(workload.template, plan, {
    at: { document: workload.document, path: [...workload.path, ...workload.templatePath] },
    workload: workload.name,
    nature: workload.nature,
    used: usedPorts(resources, workload),
    claims: claimsOf(workload),
    takeOver: false,
  });
  const changed: Resource = { ...workload, data: withTemplate(workload, pod) };
  if (port === undefined) return { documents: replaceAll(documents, [changed]), notes };
  const around = retarget(resources, workload, port, plan);
  const added: AddedPolicy = plan.networkPolicy ? networkPolicy(resources, workload, plan) : { notes: [] };
  return {
    documents: addTo(replaceAll(documents, [changed, ...around.changed]), added.policy),
    notes: [
      ...notes,
      ...around.notes,
      ...added.notes,
      ...surroundingNotes(resources, workload, port, secretName, plan),
    ],
  };
}

/** A claim of a StatefulSet is a volume of its pods. */
function claimsOf({ data }: Workload): string[] {
  return objectsOf(getAt(data, ['spec', 'volumeClaimTemplates'])).flatMap((claim) => {
    const name = getAt(claim, ['metadata', 'name']);
    return typeof name === 'string' ? [name] : [];
  });
}

function withTemplate(workload: Workload, template: JsonObject): JsonObject {
  const data = setAt(workload.data, workload.templatePath, template);
  return isObject(data) ? data : workload.data;
}

/** A file that is one list stays one list: JSON has no second document. */
function addTo(documents: readonly Json[], added: JsonObject | undefined): readonly Json[] {
  if (added === undefined) return documents;
  const [only] = documents;
  if (documents.length === 1 && isObject(only) && only['kind'] === 'List' && Array.isArray(only['items'])) {
    return [{ ...only, items: [...only['items'], added] }];
  }
  return [...documents, added];
}
