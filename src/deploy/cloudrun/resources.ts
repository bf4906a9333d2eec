import { getAt } from '../edit.ts';
import { isObject, type Json, type JsonObject, objectsOf } from '../json.ts';
import { kubernetesCpu, kubernetesMemory, parseCpu, parseMemory } from '../quantity.ts';
import type { Fault, Place } from '../target.ts';

/** Cores, and memory in MiB. */
export interface Size {
  readonly cores: number;
  readonly mib: number;
}

/** Cores that Cloud Run has, and the most memory that goes with them: https://cloud.google.com/run/docs/configuring/services/cpu. */
const SIZES: readonly Size[] = [
  { cores: 1, mib: 4096 },
  { cores: 2, mib: 8192 },
  { cores: 4, mib: 16_384 },
  { cores: 6, mib: 24_576 },
  { cores: 8, mib: 32_768 },
];
/** What all containers of an instance may have together: https://cloud.google.com/run/quotas. */
const MOST: Size = { cores: 8, mib: 32_768 };
/** What a container has that does not say. */
const DEFAULT: Size = { cores: 1, mib: 512 };
export const LIMIT = `an instance of Cloud Run has ${words(MOST)} at most`;

/** The smallest size that holds this; undefined where none does. */
export function instanceSize({ cores, mib }: Size): Size | undefined {
  return SIZES.find((size) => cores <= size.cores && mib <= size.mib);
}

/** `8 CPU and 32Gi`. */
export function words({ cores, mib }: Size): string {
  return `${Number(cores.toFixed(3))} CPU and ${Number((mib / 1024).toFixed(3))}Gi`;
}

export function limitsOf({ cores, mib }: Size): JsonObject {
  return { cpu: kubernetesCpu(cores), memory: kubernetesMemory(mib) };
}

/** What all containers of a revision ask for has to fit into one instance. Those with a GPU are larger, by kinds: not looked at. */
export function sumFaults(spec: JsonObject, containers: readonly Json[], at: Place): Fault[] {
  if (getAt(spec, ['nodeSelector', 'run.googleapis.com/accelerator']) !== undefined) return [];
  const sizes = objectsOf(containers).map(sizeOf);
  // A quantity that is none is for Cloud Run to refuse.
  if (!sizes.every((size) => size !== undefined)) return [];
  const cores = sizes.reduce((sum, size) => sum + size.cores, 0);
  const mib = sizes.reduce((sum, size) => sum + size.mib, 0);
  if (cores <= MOST.cores && mib <= MOST.mib) return [];
  const message = `with the sidecar's share, all containers ask for ${words({ cores, mib })}: ${LIMIT}; lower the agent's limits`;
  return [{ ...at, message }];
}

/** Undefined where a limit cannot be read. */
function sizeOf(container: JsonObject): Size | undefined {
  const limits = getAt(container, ['resources', 'limits']);
  const { cpu, memory } = isObject(limits) ? limits : {};
  const cores = isQuantity(cpu) ? parseCpu(cpu) : DEFAULT.cores;
  const mib = isQuantity(memory) ? parseMemory(memory) : DEFAULT.mib;
  return cores === undefined || mib === undefined ? undefined : { cores, mib };
}

function isQuantity(value: Json | undefined): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}
