import { getAt } from '../edit.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import { parseCpu, parseMemory } from '../quantity.ts';
import type { Fault } from '../target.ts';
import { type App, CONTAINERS, type Container } from './app.ts';

/** The platform's step: a quarter of a core, and 2 GiB to a core. */
export const STEP: JsonObject = { cpu: 0.25, memory: '0.5Gi' };
const STEP_CORES = 0.25;
const MIB_OF_CORE = 2048;
const MOST_CORES = 4;

/** What a container asks for, brought up to the platform's steps. */
export function inSteps(cores: number | undefined, mib: number | undefined): JsonObject {
  const wanted = Math.max(cores ?? 0, (mib ?? 0) / MIB_OF_CORE) || 0.5;
  const cpu = Math.ceil(wanted / STEP_CORES) * STEP_CORES;
  return { cpu, memory: `${cpu * 2}Gi` };
}

/** What all containers ask for must add up to a step, where the plan is Consumption; any other profile takes any sum. */
export function resourceFaults({ document, root }: App, containers: readonly Container[], added: number): Fault[] {
  const profile = getAt(root, ['properties', 'workloadProfileName']);
  // `Consumption-GPU-…` is a profile of its own, and larger.
  if (typeof profile === 'string' && !/^consumption$/i.test(profile)) return [];
  const asked = containers.map(({ own }) => quantities(own['resources']));
  // Who says nothing gets what the platform chooses.
  if (asked.some((one) => one === undefined)) return [];
  const cores = asked.reduce((sum, one) => sum + (one?.cores ?? 0), added * STEP_CORES);
  const mib = asked.reduce((sum, one) => sum + (one?.mib ?? 0), added * STEP_CORES * MIB_OF_CORE);
  const isStep = Math.abs(cores / STEP_CORES - Math.round(cores / STEP_CORES)) < 1e-6;
  if (isStep && cores <= MOST_CORES && Math.abs(mib - cores * MIB_OF_CORE) < 1) return [];
  const message =
    `with the sidecar's share, all containers ask for ${round(cores)} cores and ${round(mib / 1024)}Gi: Consumption takes steps of ` +
    `0.25 cores and 0.5Gi, up to ${MOST_CORES} cores and ${MOST_CORES * 2}Gi; change the agent's resources, or name a dedicated workloadProfileName`;
  return [{ document, path: CONTAINERS, message }];
}

function quantities(resources: Json | undefined): { readonly cores: number; readonly mib: number } | undefined {
  if (!isObject(resources)) return undefined;
  const { cpu, memory } = resources;
  const cores = typeof cpu === 'number' || typeof cpu === 'string' ? parseCpu(cpu) : undefined;
  const mib = typeof memory === 'string' ? parseMemory(memory) : undefined;
  return cores === undefined || mib === undefined ? undefined : { cores, mib };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
