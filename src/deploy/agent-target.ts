import type { DeploySpec } from './agent-spec.ts';
import type { DeployTarget } from './targets.ts';

/** Where an agent's file says that it is to run, in terms of our targets. `wrap`: one container, so the sidecar goes into the image. */
export type Destination = DeployTarget | 'wrap' | undefined;

/** By `deploy.runtime`, in lower case without `-` and `_`. */
const BY_RUNTIME: Readonly<Record<string, Destination>> = {
  aca: 'aca',
  aks: 'kubernetes',
  apprunner: 'wrap',
  cloudrun: 'cloudrun',
  compose: 'compose',
  containerapps: 'aca',
  deployment: 'kubernetes',
  dockercompose: 'compose',
  ecs: 'ecs',
  ecsexpress: 'wrap',
  ecsfargate: 'ecs',
  eks: 'kubernetes',
  fargate: 'ecs',
  gke: 'kubernetes',
  knative: 'kubernetes',
  kubernetes: 'kubernetes',
  lambda: 'wrap',
  nomad: 'nomad',
};

const BY_CLOUD: Readonly<Record<string, Destination>> = {
  aws: 'ecs',
  azure: 'aca',
  gcp: 'cloudrun',
  kubernetes: 'kubernetes',
  local: 'local',
};

/** Undefined where the file does not say it, or says a place that runs no container of one's own. */
export function destinationOf({ cloud, runtime }: DeploySpec): Destination {
  const key = runtime?.toLowerCase().replace(/[-_ ]/g, '') ?? '';
  if (Object.hasOwn(BY_RUNTIME, key)) return BY_RUNTIME[key];
  return cloud !== undefined && Object.hasOwn(BY_CLOUD, cloud) ? BY_CLOUD[cloud] : undefined;
}
