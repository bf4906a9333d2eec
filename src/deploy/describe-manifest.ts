import { isObject, type Json, type JsonObject } from './json.ts';

/** What a document is, for whoever gave the wrong one: `a Kubernetes Deployment`, `a Compose file`. */
export function describeManifest(document: Json | undefined): string {
  if (document === undefined || document === null) return 'an empty document';
  if (!isObject(document)) return Array.isArray(document) ? 'a list' : 'a text';
  const { apiVersion, kind, services, containerDefinitions, properties, type, Job, job } = document;
  if (typeof apiVersion === 'string' && typeof kind === 'string') {
    return `${/knative|run\.googleapis/.test(apiVersion) ? 'a Knative' : 'a Kubernetes'} ${kind}`;
  }
  if (isObject(services)) return 'a Compose file';
  if (Array.isArray(containerDefinitions)) return 'an ECS task definition';
  if (typeof type === 'string' && type.startsWith('Microsoft.')) return `an Azure resource ${type}`;
  if (isObject(properties) && isObject(properties['template'])) return 'a Container App';
  if (isObject(Job) || isObject(job)) return 'a Nomad job';
  if (isIncludeAlone(document)) return 'a Compose file of include alone';
  if (Object.values(document).some(isOldService))
    return 'what may be a Compose file of version 1, from before services';
  return 'something else';
}

/** True for a Compose file whose services are all in others. */
export function isIncludeAlone(document: JsonObject): boolean {
  return document['include'] !== undefined && Object.keys(document).every((key) => BESIDE_INCLUDE.test(key));
}

const BESIDE_INCLUDE = /^(include|name|version|networks|volumes|secrets|configs|x-.*)$/;

/** Of a Compose file before there was `services`. */
function isOldService(value: Json): boolean {
  return isObject(value) && (typeof value['image'] === 'string' || value['build'] !== undefined);
}
