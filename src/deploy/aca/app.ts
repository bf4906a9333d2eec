import { type Candidate, chooseAgent } from '../choose-agent.ts';
import { describeManifest } from '../describe-manifest.ts';
import { getAt } from '../edit.ts';
import { isSidecar } from '../found-sidecar.ts';
import { isObject, type Json, type JsonObject, listOf, type Path } from '../json.ts';
import type { Plan } from '../plan.ts';
import { ManifestError, type Place } from '../target.ts';

export const CONTAINERS: Path = ['properties', 'template', 'containers'];

export interface App {
  readonly document: number;
  readonly root: JsonObject;
}

export interface Container extends Candidate {
  readonly own: JsonObject;
  readonly index: number;
}

/** The Container App of a file; the one of `--workload` where it holds several. Throws `ManifestError`. */
export function findApp(documents: readonly Json[], plan: Plan): App {
  const filled = [...documents.entries()].filter(([, value]) => value !== null);
  const apps = filled.flatMap(([document, root]) =>
    isObject(root) && isApp(root) ? [{ document, path: [], root, name: textOf(root['name']) }] : [],
  );
  const [document = 0, first] = filled[0] ?? [];
  if (apps.length === 0) throw new ManifestError([{ document, path: [], message: otherKind(first) }]);
  return chooseAgent(apps, {
    at: { document, path: [] },
    what: 'Container App',
    option: '--workload',
    chosen: plan.workload,
    agentName: plan.agentName,
  });
}

function isApp(root: JsonObject): boolean {
  const { type } = root;
  return (
    (type === undefined || isType(type, 'Microsoft.App/containerApps')) &&
    !isJob(root) &&
    listAt(root, CONTAINERS).length > 0
  );
}

/** Types of resources have no case. */
function isType(type: Json | undefined, wanted: string): boolean {
  return textOf(type).toLowerCase() === wanted.toLowerCase();
}

function isJob(root: JsonObject): boolean {
  return (
    isType(root['type'], 'Microsoft.App/jobs') ||
    getAt(root, ['properties', 'configuration', 'triggerType']) !== undefined
  );
}

function otherKind(document: Json | undefined): string {
  const takes = 'the target aca takes a Container App, as `az containerapp show --output yaml` prints it';
  if (isObject(document) && isJob(document)) {
    return `this is a Container Apps job: it takes no calls, and would never end beside a sidecar; ${takes}`;
  }
  if (isObject(document) && Array.isArray(document['resources'])) return `this is an ARM template: ${takes}`;
  if (isObject(document) && isObject(document['properties']))
    return `this has no properties.template.containers: ${takes}`;
  return `this is ${describeManifest(document)}: ${takes}`;
}

/** The containers that run side by side; those of `initContainers` end before. */
export function containersOf({ document, root }: App): Container[] {
  return listAt(root, CONTAINERS).flatMap((own, index) =>
    isObject(own) ? [{ document, path: [...CONTAINERS, index], own, index, name: textOf(own['name']) }] : [],
  );
}

export function listAt(value: Json, path: Path): readonly Json[] {
  return listOf(getAt(value, path));
}

export function findSidecar(containers: readonly Container[]): Container | undefined {
  return containers.find(({ name, own }) => isSidecar(name, own['image']));
}

export function findAgent(containers: readonly Container[], at: Place, plan: Plan): Container {
  return chooseAgent(containers, {
    at,
    what: 'container',
    option: '--container',
    chosen: plan.container,
    agentName: plan.agentName,
  });
}

export function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
