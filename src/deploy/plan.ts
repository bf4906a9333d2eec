import type { McpContainer } from './agent-spec.ts';

/** What is injected, before any target has a say in how it is written. */
export interface Plan {
  /** Unset: the workload's own name in the manifest. */
  readonly agentName?: string;
  readonly agentVersion?: string;
  readonly team?: string;
  /** The sidecar's, pinned by tag or digest. */
  readonly image: string;
  /** Where the sidecar listens for callers. */
  readonly inboundPort: number;
  /** Where the agent listens, on the loopback interface. */
  readonly agentPort: number;
  /** True where somebody chose `agentPort`: then the agent is known to listen there. */
  readonly agentPortChosen: boolean;
  readonly otelEndpoint?: string;
  readonly ledgerUrl?: string;
  /** The sidecar's configuration as YAML text, for `OUTRIDER_CONFIG_YAML`. Holds no secret. */
  readonly config?: string;
  /** Variables of the sidecar that are secrets; `AGENT_AUTH_TOKEN` is the first. Targets write references, never values. */
  readonly secrets: readonly string[];
  /** Where the platform keeps them; what it means is the target's business (a Secret's name, an ARN, a vault's URL). */
  readonly secretStore?: string;
  readonly mcpContainers: readonly McpContainer[];
  /** `drain_timeout`; a target whose platform grants less takes less. */
  readonly drainSeconds: number;
  /** What is the agent, where a manifest holds several candidates. */
  readonly workload?: string;
  readonly container?: string;
  /** Kubernetes: add a NetworkPolicy that lets callers reach the sidecar's port alone. */
  readonly networkPolicy: boolean;
  /** In JSON, which has no comments, what `eject` needs is a variable of the sidecar's: this value. */
  readonly record?: string;
}

/** Name of the sidecar's container, service or task. */
export const SIDECAR_NAME = 'outrider';
export const INBOUND_PORT = 8080;
export const AGENT_PORT = 8081;
/** The helpers' listeners, on loopback. */
export const HELPER_PORTS: readonly number[] = [9090, 9091, 9092];
/** Of the image. */
export const SIDECAR_PROGRAM = '/usr/local/bin/outrider';
export const DATA_DIR = '/var/lib/outrider';
/** The volume that is mounted there; one of this name that is there already, such as a durable one, is used. */
export const DATA_VOLUME = 'outrider-data';
/** Of the image: `nonroot` of the distroless images. */
export const SIDECAR_UID = 65_532;
/** What the grace period exceeds `drain_timeout` by: to flush, and to be off the load balancers first. */
export const GRACE_EXTRA_SECONDS = 15;
/** What it takes, at least, until a replica that is being stopped is off every load balancer. */
export const OFF_BALANCERS_SECONDS = 5;
export const RECORD_VARIABLE = 'OUTRIDER_EJECT';

/** Requests and limits of the sidecar: cores, and MiB. */
export const SIDECAR_RESOURCES = {
  cpuRequest: 0.1,
  cpuLimit: 1,
  memoryRequestMib: 192,
  memoryLimitMib: 512,
} as const;

/** A variable of the sidecar: a value, or the secret of that name. */
export type SidecarVariable =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly secret: true };

export interface TargetFacts {
  /** The workload's name, where the plan has none. */
  readonly fallbackName: string;
  /** Default: the plan's. */
  readonly drainSeconds?: number;
  /** Where traffic may come before the agent is ready: how long it waits then. */
  readonly agentStartSeconds?: number;
  /** Where traffic may come after the sidecar was told to stop: how long it is taken then. */
  readonly drainDelaySeconds?: number;
  /** Paths that the manifest's own probes of the agent ask for. */
  readonly readyPath?: string;
  readonly healthPath?: string;
}

/** What the sidecar finds in its environment, in the order in which it is written. */
export function sidecarVariables(plan: Plan, facts: TargetFacts): SidecarVariable[] {
  const drain = facts.drainSeconds ?? plan.drainSeconds;
  const plain: readonly (readonly [string, string | undefined])[] = [
    ['AGENT_NAME', plan.agentName ?? facts.fallbackName],
    ['AGENT_VERSION', plan.agentVersion],
    ['OUTRIDER_TEAM', plan.team],
    ['OUTRIDER_AGENT_URL', `http://127.0.0.1:${plan.agentPort}`],
    ['OUTRIDER_AGENT_READY_PATH', facts.readyPath],
    ['OUTRIDER_AGENT_HEALTH_PATH', facts.healthPath],
    ['OUTRIDER_INBOUND_ADDR', `:${plan.inboundPort}`],
    ['OUTRIDER_DATA_DIR', DATA_DIR],
    ['OUTRIDER_DRAIN_TIMEOUT', seconds(drain)],
    ['OUTRIDER_DRAIN_DELAY', seconds(facts.drainDelaySeconds)],
    ['OUTRIDER_AGENT_START_TIMEOUT', seconds(facts.agentStartSeconds)],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', plan.otelEndpoint],
    ['OUTRIDER_LEDGER_URL', plan.ledgerUrl],
    ['OUTRIDER_CONFIG_YAML', plan.config],
  ];
  return [
    ...plain.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }])),
    ...plan.secrets.map((name) => ({ name, secret: true as const })),
    ...(plan.record === undefined ? [] : [{ name: RECORD_VARIABLE, value: plan.record }]),
  ];
}

function seconds(count: number | undefined): string | undefined {
  return count === undefined ? undefined : `${count}s`;
}

/** How long calls wait for an agent that starts, on platforms that send them as soon as the sidecar listens. */
export const AGENT_START_SECONDS = 60;

/** Of what an agent is told, what wins over its manifest; of other names, what stands there stays. */
export const FORCED_VARIABLES: ReadonlySet<string> = new Set(['PORT', 'HOST']);

/** What an agent is told, so that nobody reaches it but through the sidecar. */
export function agentVariables(plan: Plan): Record<string, string> {
  return {
    PORT: String(plan.agentPort),
    HOST: '127.0.0.1',
    OUTRIDER_LOCAL_URL: 'http://127.0.0.1:9090',
    OUTRIDER_A2A_URL: 'http://127.0.0.1:9090',
    OUTRIDER_MCP_URL: 'http://127.0.0.1:9091',
    OUTRIDER_COST_URL: 'http://127.0.0.1:9092',
  };
}
