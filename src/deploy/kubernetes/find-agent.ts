import { chooseAgent } from '../choose-agent.ts';
import { indexed, MESH } from '../container-spec.ts';
import { getAt } from '../edit.ts';
import { isSidecar, upgradeMessage } from '../found-sidecar.ts';
import { isObject, type Json, type JsonObject, listOf, textOf } from '../json.ts';
import type { Plan } from '../plan.ts';
import type { Place } from '../target.ts';
import { type AgentContainer, type ChangedSpec, inside } from './parts.ts';

/** A pod that has a sidecar already, with the plan's image; undefined where it has none. */
export function upgradeSidecar(spec: JsonObject, plan: Plan, at: Place): ChangedSpec | undefined {
  for (const list of ['initContainers', 'containers']) {
    const containers = listOf(spec[list]);
    const index = containers.findIndex((one: Json) => isObject(one) && isSidecar(one['name'], one['image']));
    const sidecar: Json | undefined = containers[index];
    if (!isObject(sidecar)) continue;
    if (sidecar['image'] === plan.image) return { spec, notes: [] };
    const message = upgradeMessage(textOf(sidecar['image']) ?? textOf(sidecar['name']) ?? list, plan.image);
    return {
      spec: { ...spec, [list]: containers.with(index, { ...sidecar, image: plan.image }) },
      notes: [{ ...inside(at, list, index), message }],
    };
  }
  return undefined;
}

/** The agent among a pod's containers: none that is called like one of a mesh, but where somebody names it. Throws `ManifestError`. */
export function findAgent(pod: JsonObject, spec: JsonObject, plan: Plan, at: Place): AgentContainer {
  const chosen =
    plan.container ?? textOf(getAt(pod, ['metadata', 'annotations', 'kubectl.kubernetes.io/default-container']));
  const candidates = indexed(spec['containers'])
    .map(({ data, index }) => ({
      name: textOf(data['name']) ?? '',
      index,
      data,
      ...inside(at, 'containers', index),
    }))
    .filter(({ name }) => name === chosen || !MESH.test(name));
  return chooseAgent(candidates, {
    at,
    what: 'container',
    option: '--container',
    chosen,
    agentName: plan.agentName,
  });
}
