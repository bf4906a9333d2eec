import { Document } from 'yaml';
import type { AgentSpec } from './agent-spec.ts';
import { defaultImage } from './image.ts';
import { AGENT_PORT, INBOUND_PORT, type Plan } from './plan.ts';

/** What whoever injects can say besides the agent's file; wins over it. */
export interface PlanOptions {
  /** Of Outrider: the default image's tag. */
  readonly version: string;
  /** The sidecar's. */
  readonly image?: string;
  readonly agentPort?: number;
  readonly inboundPort?: number;
  readonly otelEndpoint?: string;
  readonly ledgerUrl?: string;
  readonly secretStore?: string;
  readonly drainSeconds?: number;
  readonly workload?: string;
  readonly container?: string;
  readonly networkPolicy?: boolean;
}

const DRAIN_SECONDS = 25;

/** What to inject; undefined when the agent's file asks for no sidecar. Without a file there is always one. */
export function makePlan(spec: undefined, options: PlanOptions): Plan;
export function makePlan(spec: AgentSpec | undefined, options: PlanOptions): Plan | undefined;
export function makePlan(spec: AgentSpec | undefined, options: PlanOptions): Plan | undefined {
  if (spec !== undefined && (spec.switchedOff !== undefined || spec.causes.length === 0)) return undefined;
  const { secretStore, workload, container } = options;
  const sidecar = spec?.sidecar;
  const inboundPort = options.inboundPort ?? INBOUND_PORT;
  const agentPort = options.agentPort ?? sidecar?.agentPort;
  const ledgerUrl = options.ledgerUrl ?? (sidecar?.costTracking === true ? sidecar.ledgerUrl : undefined);
  const otelEndpoint = options.otelEndpoint ?? sidecar?.otelEndpoint;
  const config = configText(spec);
  return {
    ...(spec && {
      agentName: spec.name,
      ...(spec.version !== undefined && { agentVersion: spec.version }),
      ...(spec.team !== undefined && { team: spec.team }),
    }),
    image: options.image ?? sidecar?.image ?? defaultImage(options.version),
    inboundPort,
    agentPort: agentPort ?? AGENT_PORT,
    agentPortChosen: agentPort !== undefined,
    ...(otelEndpoint !== undefined && { otelEndpoint }),
    ...(ledgerUrl !== undefined && { ledgerUrl }),
    ...(config !== undefined && { config }),
    secrets: [
      ...new Set([
        'AGENT_AUTH_TOKEN',
        ...(ledgerUrl === undefined ? [] : ['OUTRIDER_LEDGER_TOKEN']),
        ...(sidecar?.secrets ?? []),
      ]),
    ],
    ...(secretStore !== undefined && { secretStore }),
    mcpContainers: sidecar?.mcpContainers ?? [],
    drainSeconds: options.drainSeconds ?? DRAIN_SECONDS,
    ...(workload !== undefined && { workload }),
    ...(container !== undefined && { container }),
    networkPolicy: options.networkPolicy ?? false,
  };
}

/** Undefined where nothing is declared that needs saying: the sidecar's defaults do. */
function configText(spec: AgentSpec | undefined): string | undefined {
  if (spec === undefined || Object.keys(spec.sidecar.config).length === 0) return undefined;
  // Anchors would be right too, and harder to read in a manifest.
  return new Document(spec.sidecar.config, { aliasDuplicateObjects: false }).toString({ lineWidth: 0 });
}
