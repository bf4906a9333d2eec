import type { JsonObject } from '../json.ts';
import type { Plan } from '../plan.ts';
import type { PortReference, PublicPort } from '../public-port.ts';
import type { Note, Place } from '../target.ts';
import type { SidecarFacts } from './sidecar.ts';
import type { Workload } from './workload.ts';

export interface PodContext {
  /** Where the pod, or the template of it, stands in its file. */
  readonly at: Place;
  /** The workload's name. */
  readonly workload: string;
  readonly nature: Workload['nature'];
  /** What Services send to. */
  readonly used: readonly PortReference[];
  /** Names of volumes that the workload adds to the pod: claims of a StatefulSet. */
  readonly claims: readonly string[];
  /** True where the sidecar has to listen where the agent did, because nobody can tell the callers of another port. */
  readonly takeOver: boolean;
  /** Annotations of the platform's own that pods may have all the same, where an admission webhook asks. */
  readonly podsMaySay?: ReadonlySet<string>;
}

/** The agent's container, with its place in the file. */
export interface AgentContainer extends Place {
  readonly name: string;
  /** In `containers`. */
  readonly index: number;
  readonly data: JsonObject;
}

/** What the new pod spec is put together from. */
export interface PodParts {
  readonly agent: AgentContainer;
  /** The agent's container without its public port, with its probes moved. */
  readonly container: JsonObject;
  readonly port: PublicPort;
  readonly plan: Plan;
  readonly facts: SidecarFacts;
  readonly context: PodContext;
}

export interface ChangedSpec {
  readonly spec: JsonObject;
  readonly notes: readonly Note[];
}

export function inside(at: Place, ...keys: readonly (string | number)[]): Place {
  return { document: at.document, path: [...at.path, ...keys] };
}
