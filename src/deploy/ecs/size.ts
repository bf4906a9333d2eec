import { asNumber, type Json, type JsonObject, listOf, objectsOf } from '../json.ts';
import { shown } from '../shown.ts';
import { ManifestError, type Note } from '../target.ts';

/**
 * Task sizes of Fargate: CPU units, and for each from which to which memory, in MiB, by which step.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html#task_size
 */
const FARGATE: readonly { readonly cpu: number; readonly memory: readonly number[] }[] = [
  { cpu: 256, memory: [512, 1024, 2048] },
  { cpu: 512, memory: steps(1, 4, 1) },
  { cpu: 1024, memory: steps(2, 8, 1) },
  { cpu: 2048, memory: steps(4, 16, 1) },
  { cpu: 4096, memory: steps(8, 30, 1) },
  { cpu: 8192, memory: steps(16, 60, 4) },
  { cpu: 16_384, memory: steps(32, 120, 8) },
];

function steps(first: number, last: number, by: number): number[] {
  return Array.from({ length: (last - first) / by + 1 }, (_, index) => (first + index * by) * 1024);
}

/** CPU units, and MiB. */
export interface Size {
  readonly cpu: number;
  readonly memory: number;
}

/** The smallest task of Fargate's that holds this; undefined where none does. */
export function fargateSize(least: Size): Size | undefined {
  for (const { cpu, memory } of FARGATE) {
    const enough = memory.find((size) => size >= least.memory);
    if (cpu >= least.cpu && enough !== undefined) return { cpu, memory: enough };
  }
  return undefined;
}

/** What a task says of its own size: units and MiB, or `1 vCPU` and `2 GB`. */
export function taskSize(task: JsonObject): Partial<Size> {
  const cpu = amount(task['cpu'], /^(\d*\.?\d+) ?vcpu$/i);
  const memory = amount(task['memory'], /^(\d*\.?\d+) ?gb$/i);
  return { ...(cpu !== undefined && { cpu }), ...(memory !== undefined && { memory }) };
}

function amount(value: Json | undefined, thousands: RegExp): number | undefined {
  const text = shown(value).trim();
  if (/^\d{1,7}$/.test(text)) return Number(text);
  const [, number] = thousands.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * 1024;
}

/** CPU units and MiB that containers reserve. */
export function reserved(containers: readonly Json[]): Size {
  const all = objectsOf(containers);
  const sum = (of: (container: JsonObject) => Json | undefined) =>
    all.reduce((total, container) => total + (asNumber(of(container)) || 0), 0);
  return {
    cpu: sum(({ cpu }) => cpu),
    memory: sum(({ memoryReservation, memory }) => memoryReservation ?? memory),
  };
}

/**
 * The task with room for all that its containers reserve: as it is where there is, else of the next size, with a note.
 * Throws `ManifestError` where Fargate has no such size.
 */
export function fit(
  task: JsonObject,
  fargate: boolean,
): { readonly task: JsonObject; readonly notes: readonly Note[] } {
  const size = taskSize(task);
  const { containerDefinitions } = task;
  const needed = reserved(listOf(containerDefinitions));
  const first = (['cpu', 'memory'] as const).find((key) => (size[key] ?? Number.POSITIVE_INFINITY) < needed[key]);
  if (first === undefined) return { task, notes: [] };
  const least = { cpu: Math.max(size.cpu ?? 0, needed.cpu), memory: Math.max(size.memory ?? 0, needed.memory) };
  const next = fargate ? fargateSize(least) : least;
  const place = { document: 0, path: [first] };
  if (next === undefined) {
    const message = `the containers and the sidecar reserve ${words(needed)}, which no task of Fargate's has: lower what the containers reserve`;
    throw new ManifestError([{ ...place, message }]);
  }
  const raised = (['cpu', 'memory'] as const).filter((key) => size[key] !== undefined && size[key] < next[key]);
  const message =
    `with the sidecar the containers reserve ${words(needed)}: the task has ` +
    `${raised.map((key) => `${key} ${next[key]} instead of ${shown(task[key])}`).join(' and ')} now; ` +
    'to keep its size, lower what the containers reserve and inject again';
  const sizes = Object.fromEntries(raised.map((key) => [key, String(next[key])]));
  return { task: { ...task, ...sizes }, notes: [{ ...place, message }] };
}

function words({ cpu, memory }: Size): string {
  return cpu === 0 ? `${memory} MiB` : `${cpu} CPU units and ${memory} MiB`;
}
