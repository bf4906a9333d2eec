import { findVariable } from './container-spec.ts';
import { getAt, setAt } from './edit.ts';
import { isSidecar } from './found-sidecar.ts';
import { isObject, type Json, type JsonObject, listOf } from './json.ts';
import { jsonPatch } from './json-patch.ts';
import { injectPod } from './kubernetes/inject-pod.ts';
import type { Plan } from './plan.ts';
import { NO_CONFIG, podSettings } from './pod-settings.ts';
import { ManifestError } from './target.ts';

/**
 * Admission reviews of Kubernetes (`admission.k8s.io/v1`): an object that is about to be made comes in, and what has to be changed in it goes out.
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
 */

/** The label of pods and namespaces that says whether there is to be a sidecar. */
export const INJECT_LABEL = 'outrider.dev/inject';
/** The annotation of pods that have got one: its image. */
export const INJECTED_ANNOTATION = 'outrider.dev/injected';

export interface AdmissionOptions {
  /** What is injected where a pod says nothing else. */
  readonly plan: Plan;
  /** Of the annotations that are the platform's, those that pods may have. */
  readonly allowAnnotations: ReadonlySet<string>;
  /** The review comes for a namespace that asked for it: pods need no label of their own then. */
  readonly wholeNamespace: boolean;
}

export interface Decision {
  readonly reply: JsonObject;
  /** `injected`, `unchanged`, or `denied`. */
  readonly result: 'injected' | 'unchanged' | 'denied';
  readonly namespace: string;
  /** What the pod is called, or will be called like. */
  readonly pod: string;
  /** Why, for the log; holds no value of the pod. */
  readonly why: string;
}

/** What is wrong with a review that is none, for whoever sent it. */
export class ReviewError extends Error {
  override readonly name = 'ReviewError';
}

/** API servers say no more than this much of a warning. */
const WARNING_LENGTH = 250;
const MOST_WARNINGS = 10;
const MESSAGE_LENGTH = 1_000;

/** Throws `ReviewError` for what is no review. A pod that cannot have the sidecar it asks for is denied: without it nobody would guard it. */
export function decide(review: Json, options: AdmissionOptions): Decision {
  const { uid, pod, namespace } = readReview(review);
  const metadata = isObject(pod['metadata']) ? pod['metadata'] : {};
  const name = someText(metadata['name']) ?? someText(metadata['generateName']) ?? '';
  const about = { namespace, pod: name };
  try {
    const why = reasonToLeave(pod, options.wholeNamespace);
    if (why !== undefined) return { ...about, result: 'unchanged', why, reply: response(uid, { allowed: true }) };
    return { ...about, ...inject(uid, pod, options) };
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    const message = error.faults
      .map((fault) => [fault.path.join('.'), fault.message].filter(Boolean).join(': '))
      .join('; ')
      .slice(0, MESSAGE_LENGTH);
    const status = { code: 422, reason: 'Invalid', message: `no sidecar can be injected: ${message}` };
    return { ...about, result: 'denied', why: message, reply: response(uid, { allowed: false, status }) };
  }
}

function inject(uid: string, pod: JsonObject, options: AdmissionOptions): Pick<Decision, 'result' | 'why' | 'reply'> {
  const { plan, allowAnnotations } = options;
  const metadata = isObject(pod['metadata']) ? pod['metadata'] : {};
  const settings = podSettings(metadata, plan, allowAnnotations);
  const { pod: injected, notes } = injectPod(withConfig(pod), settings.plan, allowAnnotations);
  if (jsonPatch(pod, injected).length === 0)
    return { result: 'unchanged', why: 'the sidecar is there already', reply: response(uid, { allowed: true }) };
  // An object came in, and stays one.
  const marked = setAt(injected, ['metadata', 'annotations', INJECTED_ANNOTATION], settings.plan.image) as JsonObject;
  const patch = Buffer.from(JSON.stringify(jsonPatch(pod, marked))).toString('base64');
  const warnings = [...settings.warnings, ...notes.map(({ message }) => message)]
    .slice(0, MOST_WARNINGS)
    .map((warning) => `outrider: ${warning}`.slice(0, WARNING_LENGTH));
  return {
    result: 'injected',
    why: settings.plan.image,
    reply: response(uid, { allowed: true, patchType: 'JSONPatch', patch, ...(warnings.length > 0 && { warnings }) }),
  };
}

/** A sidecar that the pod brought, as `outrider inject` writes it where there is nothing to configure, is to read no file either. */
function withConfig(pod: JsonObject): JsonObject {
  const lists = ['initContainers', 'containers'].map((list) => {
    const containers = listOf(getAt(pod, ['spec', list]));
    const index = containers.findIndex((one: Json) => isObject(one) && isSidecar(one['name'], one['image']));
    return { path: ['spec', list, index, 'env'], sidecar: containers[index] };
  });
  const { path, sidecar } = lists.find((one) => one.sidecar !== undefined) ?? {};
  if (path === undefined || !isObject(sidecar) || findVariable(sidecar, CONFIG) !== undefined) return pod;
  // An object came in, and stays one.
  return setAt(pod, path, [...listOf(sidecar['env']), { name: CONFIG, value: NO_CONFIG }]) as JsonObject;
}

const CONFIG = 'OUTRIDER_CONFIG_YAML';

function reasonToLeave(pod: JsonObject, wholeNamespace: boolean): string | undefined {
  const label = getAt(pod, ['metadata', 'labels', INJECT_LABEL]);
  if (typeof label === 'string') {
    if (/^(true|enabled)$/i.test(label)) return undefined;
    if (/^(false|disabled|off|no|0)$/i.test(label)) return `label ${INJECT_LABEL} says no`;
    throw new ManifestError([
      { document: 0, path: ['metadata', 'labels', INJECT_LABEL], message: 'expected "true" or "false"' },
    ]);
  }
  return wholeNamespace ? undefined : `no label ${INJECT_LABEL}`;
}

function response(uid: string, answer: JsonObject): JsonObject {
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, ...answer } };
}

function readReview(review: Json): { uid: string; pod: JsonObject; namespace: string } {
  if (!isObject(review) || review['kind'] !== 'AdmissionReview') throw new ReviewError('expected an AdmissionReview');
  if (review['apiVersion'] !== 'admission.k8s.io/v1')
    throw new ReviewError('expected apiVersion admission.k8s.io/v1: name it in admissionReviewVersions');
  const { request } = review;
  const uid = isObject(request) ? someText(request['uid']) : undefined;
  if (!isObject(request) || uid === undefined || uid.length > 128) throw new ReviewError('request.uid: expected text');
  const { kind, operation, object, subResource } = request;
  if (!isObject(kind) || kind['group'] !== '' || kind['version'] !== 'v1' || kind['kind'] !== 'Pod')
    throw new ReviewError('request.kind: expected v1 Pod: the rules of the webhook configuration must name pods alone');
  if ((subResource ?? '') !== '')
    throw new ReviewError('request.subResource: expected none: the rules must name pods, and nothing below them');
  if (operation !== 'CREATE') throw new ReviewError('request.operation: expected CREATE');
  if (!isObject(object)) throw new ReviewError('request.object: expected a pod');
  return { uid, pod: object, namespace: someText(request['namespace']) ?? '' };
}

function someText(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
