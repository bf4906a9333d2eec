import { getAt } from '../edit.ts';
import { refuseImpostors } from '../found-sidecar.ts';
import { isObject, type JsonObject } from '../json.ts';
import type { Plan } from '../plan.ts';
import { ManifestError, type Note } from '../target.ts';
import { behindIstio } from './istio-probes.ts';
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
    const { pod: injected, notes } = behindIstio(pod, (asMade) =>
      injectTemplate(asMade, plan, {
        at: { document: 0, path: [] },
        workload: workloadName(asMade),
        nature: isJobs(asMade) ? 'job' : 'service',
        used: [],
        claims: [],
        takeOver: true,
        podsMaySay,
      }),
    );
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
  // Pods of Indexed Jobs are called by their index as well, so that only the label is the Job's name.
  const job = text('labels', 'batch.kubernetes.io/job-name') ?? text('labels', 'job-name');
  if (job !== undefined) return job.replace(CRON_MINUTE, '');
  const prefix = text('generateName')?.replace(/-$/, '');
  if (prefix === undefined) return text('name') ?? 'agent';
  const hash = HASH_LABELS.map((label) => text('labels', label)).find((one) => one && prefix.endsWith(`-${one}`));
  return hash === undefined ? prefix : prefix.slice(0, -hash.length - 1);
}

/** Of ReplicaSets: those of Deployments, and of Rollouts (Argo). */
const HASH_LABELS = ['pod-template-hash', 'rollouts-pod-template-hash'];

/**
 * A CronJob names its Jobs by the minute, counted from 1970, and no pod names its CronJob. Only minutes of 2023 to 2036 are taken for such:
 * below them are dates (`import-20261121`), which are part of a name.
 */
const CRON_MINUTE = /(?<=.)-(2[89]|3[0-4])\d{6}$/;

function isJobs(pod: JsonObject): boolean {
  const labels = getAt(pod, ['metadata', 'labels']);
  return isObject(labels) && (labels['batch.kubernetes.io/job-name'] ?? labels['job-name']) !== undefined;
}
