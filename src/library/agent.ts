// The package's `outrider/agent`. What not every program needs is loaded when it is first used.

import type { Agents, AgentsOptions } from './agents-from.ts';

export type {
  Agent,
  AgentContext,
  AgentDefinition,
  AgentHandler,
  CallFacts,
  CallOptions,
  EventInit,
  ReplyInit,
  TraceContext,
} from '../agent/agent.ts';
export type { CostReport } from '../agent/cost-report.ts';
export { localAgent } from '../agent/local.ts';
export type { MeterOptions } from '../agent/metered/metered.ts';
export type { RetryOptions } from '../agent/retry.ts';
export { type MeteredOptions, metered, type Sidecar, type SidecarOptions, sidecar } from '../agent/sidecar.ts';
export type { A2aCallOptions, A2aPeer, McpServer, McpTool, McpToolResult } from '../agent/sidecar-peers.ts';
export { ConfigError, type Fault } from '../config/faults.ts';
export { AgentError, type AgentErrorCode, type AgentErrorOptions } from '../contract/agent-error.ts';
export type {
  AgentInfo,
  Artifact,
  ExecuteEvent,
  ExecuteReply,
  ExecuteRequest,
  Part,
  StopReason,
  Usage,
} from '../contract/messages.ts';
export type { Agents, AgentsOptions } from './agents-from.ts';
export { grpcAgent, httpAgent, type RemoteAgent, type RemoteAgentOptions } from './remote-agents.ts';

/**
 * The agents of a YAML file (a path), or of an object of the same form:
 *
 * ```yaml
 * agents:
 *   weather: ./agents/weather.ts            # in this process: a module that exports `agents`; relative to the file
 *   search: http://search.internal:8085     # behind HTTP
 *   planner: grpc://planner.internal:8085   # behind gRPC
 *   writer: { url: https://agents.example.com, remote_id: writer-2, token_env: WRITER_TOKEN, timeout: 2m, retry: false }
 * ```
 *
 * Rejects with `ConfigError`, which has every fault with its place. Tokens come from the environment only.
 */
export async function agentsFrom(config: string | object, options?: AgentsOptions): Promise<Agents> {
  const { loadAgentsFrom } = await import('./agents-from.ts');
  return loadAgentsFrom(config, options);
}
