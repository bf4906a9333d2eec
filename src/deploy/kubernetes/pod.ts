import { indexed } from '../container-spec.ts';
import { moveAgent, planFaults } from '../containers.ts';
import { without } from '../edit.ts';
import { isObject, type JsonObject, objectsOf } from '../json.ts';
import type { Plan } from '../plan.ts';
import { moveProbes } from '../probes.ts';
import { findPublicPort, type PublicPort, portNumberFaults } from '../public-port.ts';
import { ManifestError, type Note } from '../target.ts';
import { findAgent, upgradeSidecar } from './find-agent.ts';
import { knativeFaults, knativePod, knativePodFaults } from './knative.ts';
import { nativePod } from './native.ts';
import { moveCommands } from './own-commands.ts';
import { inside, type PodContext, type PodParts } from './parts.ts';
import { broughtFaults, neighbourFaults, nodePortFaults, podFaults, podNotes, volumeFaults } from './pod-rules.ts';

export interface InjectedPod {
  readonly pod: JsonObject;
  readonly notes: readonly Note[];
  /** Where callers reached the agent; undefined where a sidecar was there already, and nothing was moved. */
  readonly port?: PublicPort;
  /** Of the Secret that the sidecar reads. */
  readonly secretName: string;
}

/** Puts the sidecar into a pod, or the template of one (`metadata`, `spec`). Throws `ManifestError`. */
export function injectTemplate(pod: JsonObject, given: Plan, context: PodContext): InjectedPod {
  const spec = isObject(pod['spec']) ? pod['spec'] : {};
  const at = inside(context.at, 'spec');
  const secretName = given.secretStore ?? `${context.workload}-outrider`;
  if (context.takeOver) refuse(broughtFaults(pod, given, context));
  const upgraded = upgradeSidecar(spec, given, at);
  if (upgraded !== undefined) return { pod: { ...pod, spec: upgraded.spec }, notes: upgraded.notes, secretName };
  refuse(knativePodFaults(pod, context));

  const agent = findAgent(pod, spec, given, at);
  refuse(
    ['containers', 'initContainers'].flatMap((list) =>
      indexed(spec[list]).flatMap(({ data, index }) => portNumberFaults(data, inside(at, list, index))),
    ),
  );
  const port = findPublicPort(agent.data, agent, context.used);
  const plan = context.takeOver && port.http !== undefined ? { ...given, inboundPort: port.http.port } : given;
  const moved = moveAgent(plan, {
    http: port.http,
    others: port.others,
    commands: ['command', 'args'].map((key) => ({ ...inside(agent, key), words: agent.data[key] })),
    readsPort: objectsOf(agent.data['env']).some(({ name }) => name === 'PORT'),
  });
  // Knative takes neither of the agent.
  const commands =
    context.nature === 'knative' ? { container: agent.data, faults: [], notes: [] } : moveCommands(agent, port, plan);
  refuse([
    ...podFaults(pod, context),
    ...planFaults(plan, agent),
    ...moved.faults,
    ...commands.faults,
    ...neighbourFaults(spec, agent, plan, at),
    ...volumeFaults(spec, at),
    ...(context.takeOver ? nodePortFaults(spec, agent, at) : []),
    ...(context.nature === 'knative' ? knativeFaults(plan, agent) : []),
  ]);

  const probes = moveProbes(commands.container, {
    at: agent,
    port: port.http?.port,
    name: port.name,
    inboundPort: plan.inboundPort,
  });
  const put = context.nature === 'knative' ? knativePod : nativePod;
  const parts: PodParts = {
    agent,
    container: withPorts(probes.container, port),
    port,
    plan,
    context,
    facts: {
      fallbackName: context.workload,
      secretName,
      readyTiming: probes.readyTiming,
      ...(probes.readyPath !== undefined && { readyPath: probes.readyPath }),
      ...(probes.healthPath !== undefined && { healthPath: probes.healthPath }),
    },
  };
  const changed = put(spec, parts);
  return {
    pod: { ...pod, spec: changed.spec },
    notes: [...moved.notes, ...commands.notes, ...probes.notes, ...changed.notes, ...podNotes(pod, parts)],
    port,
    secretName,
  };
}

function refuse(faults: ConstructorParameters<typeof ManifestError>[0]): void {
  if (faults.length > 0) throw new ManifestError(faults);
}

/** The public port goes; what else the agent declares stays. */
function withPorts(container: JsonObject, port: PublicPort): JsonObject {
  const others = port.others.map(({ entry }) => entry);
  return others.length === 0 ? without(container, 'ports') : { ...container, ports: others };
}
