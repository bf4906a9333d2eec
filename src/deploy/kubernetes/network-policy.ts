import { getAt } from '../edit.ts';
import { isObject, type JsonObject, listOf } from '../json.ts';
import type { Plan } from '../plan.ts';
import { ManifestError, type Note } from '../target.ts';
import { SERVICE_LABEL, SERVING_PORTS } from './knative.ts';
import { type Resource, sameNamespace } from './objects.ts';
import { labelsOf, restricts } from './services.ts';
import type { Workload } from './workload.ts';

export interface AddedPolicy {
  /** Undefined where the file has one. */
  readonly policy?: JsonObject;
  readonly notes: readonly Note[];
}

/** Lets callers reach the sidecar's port of the workload's pods, and nothing else of them. Throws `ManifestError`. */
export function networkPolicy(resources: readonly Resource[], workload: Workload, plan: Plan): AddedPolicy {
  const name = `${workload.name}-outrider`;
  const policies = resources.filter((one) => one.kind === 'NetworkPolicy' && sameNamespace(one, workload));
  if (policies.some((one) => one.name === name)) return { notes: [] };
  const there = policies.filter((one) => restricts(one, workload) && letsIn(one));
  const [first] = there;
  // What one policy lets in, another cannot keep out: a second one could only open what the first closes.
  if (first !== undefined) {
    const names = there.map((one) => one.name).join(', ');
    const message = `no NetworkPolicy was added: the file has ${names} for these pods, and what any of them lets in comes in; let it be port ${portsFor(workload, plan).join(', ')} and no other`;
    return { notes: [{ document: first.document, path: first.path, message }] };
  }
  return {
    policy: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name, ...(workload.namespace !== undefined && { namespace: workload.namespace }) },
      spec: {
        podSelector: { matchLabels: selectorFor(workload) },
        policyTypes: ['Ingress'],
        ingress: [{ ports: portsFor(workload, plan).map((port) => ({ protocol: 'TCP', port })) }],
      },
    },
    notes: [],
  };
}

/**
 * False of a policy that lets nothing in, such as one that denies by default: those are what this one is to stand beside. One that says
 * nothing of types is for what comes in.
 */
function letsIn({ data }: Resource): boolean {
  const types = getAt(data, ['spec', 'policyTypes']);
  const isIngress = types === undefined || listOf(types).includes('Ingress');
  return isIngress && listOf(getAt(data, ['spec', 'ingress'])).length > 0;
}

/** Knative's calls reach its own proxy in the pod, which asks the sidecar over loopback. */
function portsFor(workload: Workload, plan: Plan): readonly number[] {
  return workload.nature === 'knative' ? SERVING_PORTS : [plan.inboundPort];
}

function selectorFor(workload: Workload): JsonObject {
  if (workload.nature === 'knative') return { [SERVICE_LABEL]: workload.name };
  const selector = getAt(workload.data, ['spec', 'selector', 'matchLabels']);
  const matchLabels = isObject(selector) ? selector : labelsOf(workload);
  if (Object.keys(matchLabels).length > 0) return matchLabels;
  const message = `${workload.kind} ${workload.name} gives its pods no labels: a NetworkPolicy cannot select them; add labels to the template`;
  throw new ManifestError([{ document: workload.document, path: workload.path, message }]);
}
