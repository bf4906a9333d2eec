import { MANIFEST_TARGETS, type ManifestTarget, type Target } from './target.ts';

/** Every target; `local` has no manifest: it runs the agent here and now. */
export const DEPLOY_TARGETS = [...MANIFEST_TARGETS, 'local'] as const;
export type DeployTarget = (typeof DEPLOY_TARGETS)[number];

/** Each loaded when it is asked for. */
export const LOAD_TARGET: Readonly<Record<ManifestTarget, () => Promise<Target>>> = {
  compose: async () => (await import('./compose.ts')).compose,
  kubernetes: async () => (await import('./kubernetes.ts')).kubernetes,
  cloudrun: async () => (await import('./cloudrun.ts')).cloudrun,
  ecs: async () => (await import('./ecs.ts')).ecs,
  aca: async () => (await import('./aca.ts')).aca,
  nomad: async () => (await import('./nomad.ts')).nomad,
};
