import { http } from '../../support/http.ts';
import type { Exit, Process } from '../../support/process.ts';
import { until } from '../../support/until.ts';
import type { Replica } from './replica.ts';

/** How each process ended; of `run`, which is both, one. */
export interface Exits {
  readonly sidecar: Exit;
  readonly agent?: Exit;
}

/** In which order a platform starts and stops the two, on a clock that is faster than its own. */
export interface Platform {
  readonly name: string;
  /** What the sidecar has as OUTRIDER_DRAIN_TIMEOUT there. */
  readonly drainTimeout: string;
  start(replica: Replica): Promise<void>;
  /**
   * `withdraw` takes it out of traffic, which is over when it resolves: a preStop hook, a deregistration delay, or traffic that is
   * moved before the old revision ends, all of them seconds longer than a request is on its way. What is open then stays open.
   */
  stop(replica: Replica, withdraw: () => Promise<void>): Promise<Exits>;
}

/** From the decision that a replica is to end, until no load balancer sends to it any more. */
export const PROPAGATION_MS = 200;
/** What the platform grants from SIGTERM to SIGKILL. */
const GRACE_MS = 30_000;
const CLOUD_RUN_GRACE_MS = 10_000;

const isHealthy = (replica: Replica): Promise<unknown> =>
  until(async () => (await http(`${replica.inbound}/health`).catch(() => undefined))?.status === 200, 'healthy');

/** As platforms do it: one signal, and at the end of the grace the other. */
function end(process: Process, graceMs = GRACE_MS): Promise<Exit> {
  return process.stop('SIGTERM', graceMs);
}

async function agentFirst(replica: Replica): Promise<Exits> {
  const agent = await end(replica.agent());
  return { agent, sidecar: await end(replica.sidecar().process) };
}

async function bothAtOnce(replica: Replica, graceMs: number): Promise<Exits> {
  const [agent, sidecar] = await Promise.all([end(replica.agent(), graceMs), end(replica.sidecar().process, graceMs)]);
  return { agent, sidecar };
}

async function sidecarFirst(replica: Replica): Promise<void> {
  await replica.startSidecar();
  await isHealthy(replica);
  replica.startAgent();
}

/** A native sidecar: started and probed before the agent, ended after it. The agent's preStop hook runs while endpoints go. */
export const kubernetes: Platform = {
  name: 'Kubernetes',
  drainTimeout: '25s',
  start: sidecarFirst,
  async stop(replica, withdraw) {
    await withdraw();
    return agentFirst(replica);
  },
};

/** `depends_on` with `service_healthy`; there is no load balancer to tell, and stops go the other way round. */
export const compose: Platform = {
  name: 'Compose',
  drainTimeout: '25s',
  start: sidecarFirst,
  stop: (replica) => agentFirst(replica),
};

/** `dependsOn` with HEALTHY; a task leaves its target groups before it is stopped. */
export const ecs: Platform = {
  name: 'ECS',
  drainTimeout: '25s',
  start: sidecarFirst,
  async stop(replica, withdraw) {
    await withdraw();
    return agentFirst(replica);
  },
};

/** The startup probe of the ingress container orders the start; both are told to stop at once, and have ten seconds. */
export const cloudRun: Platform = {
  name: 'Cloud Run',
  drainTimeout: '8s',
  start: sidecarFirst,
  async stop(replica, withdraw) {
    await withdraw();
    return bothAtOnce(replica, CLOUD_RUN_GRACE_MS);
  },
};

/** No order at all. */
const containerApps = (first: 'sidecar' | 'agent'): Platform => ({
  name: `Container Apps, ${first} first`,
  drainTimeout: '25s',
  async start(replica) {
    if (first === 'agent') replica.startAgent();
    const starting = replica.startSidecar();
    if (first === 'sidecar') replica.startAgent();
    await starting;
  },
  async stop(replica, withdraw) {
    await withdraw();
    return bothAtOnce(replica, GRACE_MS);
  },
});

/** A prestart task: started before the agent, not waited for; sidecar tasks are ended last. `shutdown_delay` lets traffic go. */
export const nomad: Platform = {
  name: 'Nomad',
  drainTimeout: '20s',
  async start(replica) {
    const starting = replica.startSidecar();
    replica.startAgent();
    await starting;
  },
  async stop(replica, withdraw) {
    await withdraw();
    return agentFirst(replica);
  },
};

/** One container with both: `outrider run`, on a platform that takes it out of its load balancer before it stops it. */
export const singleContainer: Platform = {
  name: 'outrider run',
  drainTimeout: '25s',
  async start(replica) {
    await replica.startRun();
  },
  async stop(replica, withdraw) {
    await withdraw();
    return { sidecar: await end(replica.sidecar().process) };
  },
};

export const PLATFORMS: readonly Platform[] = [
  kubernetes,
  compose,
  ecs,
  cloudRun,
  containerApps('sidecar'),
  containerApps('agent'),
  nomad,
  singleContainer,
];
