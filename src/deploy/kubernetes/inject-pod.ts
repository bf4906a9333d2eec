import { getAt } from '../edit.ts';
import { refuseImpostors } from '../found-sidecar.ts';
import { isObject, type JsonObject } from '../json.ts';
import type { Plan } from '../plan.ts';
import { ManifestError, type Note } from '../target.ts';
import { injectTemplate } from './pod.ts';

/**
 * Puts the sidecar into one pod, as an admission webhook meets it. Nobody can tell the Services there, so the sidecar listens on the port,
 * and under its name, that the agent declared; the agent moves to `plan.agentPort`. A pod that has a sidecar is left alone if that is one
 * that could have come from here. Doing it twice changes nothing. Throws `ManifestError`, with paths from the pod's root.
 *
 * `podsMaySay`: annotations of the platform's own that pods may have.
 */
export function injectPod(
  pod: JsonObject,
  plan: Plan,
  podsMaySay: ReadonlySet<string> = new Set(),
): { readonly pod: JsonObject; readonly notes: readonly Note[] } {
  try {
    refuseImpostors([pod], plan.image);
    const { pod: injected, notes } = injectTemplate(pod, plan, {
      at: { document: 0, path: [] },
      workload: workloadName(pod),
      nature: isJobs(pod) ? 'job' : 'service',
      used: [],
      claims: [],
      takeOver: true,
      podsMaySay,
    });
    return { pod: injected, notes: notes.map(byAnnotation) };
  } catch (error) {
    throw error instanceof ManifestError ? new ManifestError(error.faults.map(byAnnotation)) : error;
  }
}

/** Who makes a pod has annotations, and no flags. */
function byAnnotation<T extends Note>(note: T): T {
  const message = note.message
    .replaceAll('choose another with --inbound-port', 'have the agent declare another port')
    .replaceAll(/--agent-port (\d+)/g, 'outrider.dev/agent-port: "$1"')
    .replaceAll(/--(agent-port|container)\b/g, 'the annotation outrider.dev/$1')
    .replaceAll(/--image\b/g, "the webhook's --image");
  return { ...note, message };
}

/** The name of what made a pod, as far as the pod knows; Secrets are looked up by it. */
export function workloadName(pod: JsonObject): string {
  const metadata = isObject(pod['metadata']) ? pod['metadata'] : {};
  const text = (...path: readonly string[]): string | undefined => {
    const value = getAt(metadata, path);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const prefix = text('generateName')?.replace(/-$/, '');
  if (prefix === undefined) return text('name') ?? 'agent';
  const hash = text('labels', 'pod-template-hash');
  if (hash !== undefined && prefix.endsWith(`-${hash}`)) return prefix.slice(0, -hash.length - 1);
  // A CronJob names its Jobs by the minute.
  return isJobs(pod) ? prefix.replace(/-\d{8,}$/, '') : prefix;
}

function isJobs(pod: JsonObject): boolean {
  const labels = getAt(pod, ['metadata', 'labels']);
  return isObject(labels) && (labels['batch.kubernetes.io/job-name'] ?? labels['job-name']) !== undefined;
}
