import type { JsonObject } from './json.ts';

/** What an agent's file declares, in the terms of the targets. */
export interface AgentSpec {
  /** A slug. */
  readonly name: string;
  readonly version?: string;
  readonly team?: string;
  readonly owner?: string;
  /** What asks for a sidecar; empty: the agent runs alone. */
  readonly causes: readonly Cause[];
  /** Where the file, or the environment, says that there is to be none. Wins over every cause. */
  readonly switchedOff?: Cause;
  readonly sidecar: SidecarSpec;
  readonly runtime?: { language?: string; framework?: string; version?: string; entrypoint?: string };
  readonly deploy: DeploySpec;
}

/** A place that decides whether there is a sidecar. */
export interface Cause {
  /** Such as `guardrails` or `tools[0].ref`; an environment variable's name where the environment decides. */
  readonly path: string;
  /** From 1; 0 where it is no line of the file. */
  readonly line: number;
  readonly why: string;
}

export interface SidecarSpec {
  readonly image?: string;
  readonly agentPort?: number;
  readonly otelEndpoint?: string;
  /** Where the file says that the ledger is; counts only with `costTracking`. */
  readonly ledgerUrl?: string;
  readonly costTracking: boolean;
  /** The sidecar's own configuration (the content of `outrider.yaml`): guardrails, peers, MCP servers. Holds no secret. */
  readonly config: JsonObject;
  /** Environment variables that this configuration names by `token_env`: each becomes a reference to a secret. */
  readonly secrets: readonly string[];
  /** MCP servers that are images: each runs as one more container beside the agent. */
  readonly mcpContainers: readonly McpContainer[];
}

export interface McpContainer {
  /** Also the container's name; a DNS label. */
  readonly name: string;
  readonly image: string;
  readonly port: number;
}

export interface DeploySpec {
  readonly cloud?: string;
  readonly runtime?: string;
  readonly region?: string;
  readonly scaling: { readonly min?: number; readonly max?: number; readonly targetCpu?: number };
  /** As written, such as `1`, `0.5` or `500m`. */
  readonly cpu?: string;
  /** As written, such as `512Mi` or `2Gi`. */
  readonly memory?: string;
  readonly env: Readonly<Record<string, string>>;
  /** Names of environment variables whose values are secrets of the platform. */
  readonly secrets: readonly string[];
}
