import { getAt } from '../edit.ts';
import { isObject, type JsonObject } from '../json.ts';
import type { Plan } from '../plan.ts';
import { ManifestError } from '../target.ts';
import { type Resource, sameNamespace } from './objects.ts';
import { labelsOf } from './services.ts';
import type { Workload } from './workload.ts';

/** Lets callers reach the sidecar's port of the workload's pods, and nothing else of them; undefined where the file has it. */
export function networkPolicy(resources: readonly Resource[], workload: Workload, plan: Plan): JsonObject | undefined {
  const name = `${workload.name}-outrider`;
  const exists = resources.some(
    (one) => one.kind === 'NetworkPolicy' && one.name === name && sameNamespace(one, workload),
  );
  if (exists) return undefined;
  const selector = getAt(workload.data, ['spec', 'selector', 'matchLabels']);
  const matchLabels = isObject(selector) ? selector : labelsOf(workload);
  if (Object.keys(matchLabels).length === 0) {
    const message = `${workload.kind} ${workload.name} gives its pods no labels: a NetworkPolicy cannot select them; add labels to the template`;
    throw new ManifestError([{ document: workload.document, path: workload.path, message }]);
  }
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, ...(workload.namespace !== undefined && { namespace: workload.namespace }) },
    spec: {
      podSelector: { matchLabels },
      policyTypes: ['Ingress'],
      ingress: [{ ports: [{ protocol: 'TCP', port: plan.inboundPort }] }],
    },
  };
}
