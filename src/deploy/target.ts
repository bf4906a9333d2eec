import type { AgentSpec } from './agent-spec.ts';
import type { Json, Path } from './json.ts';
import type { Plan } from './plan.ts';

export const MANIFEST_TARGETS = ['compose', 'kubernetes', 'cloudrun', 'ecs', 'aca', 'nomad'] as const;
export type ManifestTarget = (typeof MANIFEST_TARGETS)[number];

/** A place in a file of one or more documents. */
export interface Place {
  /** From 0. */
  readonly document: number;
  readonly path: Path;
}

/** Something that whoever deploys should know; nothing is wrong. Holds no value of a secret. */
export interface Note extends Place {
  readonly message: string;
}

export interface Fault extends Place {
  readonly message: string;
}

/** As many as anybody reads, where there could be as many as lines. */
export const MOST_FAULTS = 20;

/** A manifest that cannot be injected into, with everything that keeps it from being so. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super(faults.map(({ message }) => message).join('\n'));
    this.faults = faults;
  }
}

export interface Outcome {
  /** Those that came in, in their order, and behind them what is new. */
  readonly documents: readonly Json[];
  readonly notes: readonly Note[];
}

export interface RenderOptions {
  /** The agent's image. */
  readonly agentImage: string;
  /** Where the agent listens when nobody rides beside it; with a sidecar, `inject` moves it. */
  readonly publicPort: number;
  readonly secretStore?: string;
}

/** A platform. All of it is pure: data in, data out. */
export interface Target {
  readonly name: ManifestTarget;
  /** How files of it are written when nothing says otherwise. */
  readonly format: 'yaml' | 'json';
  /** Bytes of compact JSON that the platform takes, where it says so. */
  readonly mostBytes?: number;
  /** What is wrong with a text that is neither YAML nor JSON, but another form of the platform's own. */
  readonly otherForm?: (text: string) => string | undefined;
  /** Puts the sidecar in. Throws `ManifestError`. Doing it twice changes nothing. */
  inject(documents: readonly Json[], plan: Plan): Outcome;
  /** What names the sidecar still in documents that have been ejected: somebody added it later. */
  readonly leftBehind?: (documents: readonly Json[]) => readonly Note[];
  /** The manifest of the agent alone; `inject` puts the sidecar in. */
  render(agent: AgentSpec, options: RenderOptions): readonly Json[];
}
