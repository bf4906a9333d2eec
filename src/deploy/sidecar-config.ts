import type { McpContainer } from './agent-spec.ts';
import { isObject, type Json, type JsonObject } from './json.ts';
import { type DeclaredServer, type Found, reachServers } from './sidecar-config-mcp.ts';
import { type DeclaredPeer, peersConfig } from './sidecar-config-peers.ts';

/** What an agent's file declares for the sidecar, sound in itself. */
export interface Declared {
  /** Entries as `outrider.yaml` takes them. */
  readonly guardrails: readonly Json[];
  readonly peers: readonly DeclaredPeer[];
  readonly servers: readonly DeclaredServer[];
  /** Ports that no MCP server may have. */
  readonly takenPorts: readonly number[];
}

export interface SidecarConfig {
  /** The content of `outrider.yaml`; keys only for what is declared. */
  readonly config: JsonObject;
  /** Variables that it needs, each once. */
  readonly secrets: readonly string[];
  readonly mcpContainers: readonly McpContainer[];
  readonly findings: readonly Found[];
}

/** Of rules that put a hash in place of a match. */
const HASH_KEY = 'OUTRIDER_GUARD_HASH_KEY';

/** The sidecar's configuration. Holds no secret: a token that was written becomes the name of a variable. */
export function sidecarConfig({ guardrails, peers, servers, takenPorts }: Declared): SidecarConfig {
  const named = [...guardrails, ...servers.map(({ tokenEnv }) => ({ token_env: tokenEnv ?? null }))].flatMap(
    tokenEnvOf,
  );
  const { config: peerConfig, secrets: peerSecrets, findings: ofPeers } = peersConfig(peers, new Set(named));
  const { config: serverConfig, containers, findings: ofServers } = reachServers(servers, takenPorts);
  const config: Record<string, Json> = {};
  if (guardrails.length > 0) config['guardrails'] = guardrails;
  if (peers.length > 0) config['a2a_peers'] = peerConfig;
  if (Object.keys(serverConfig).length > 0) config['mcp_servers'] = serverConfig;
  const reached = Object.values(serverConfig).flatMap(tokenEnvOf);
  const hashed = guardrails.some((rule) => isObject(rule) && rule['style'] === 'hash') ? [HASH_KEY] : [];
  const secrets = [...new Set([...guardrails.flatMap(tokenEnvOf), ...hashed, ...peerSecrets, ...reached])];
  return { config, secrets, mcpContainers: containers, findings: [...ofPeers, ...ofServers] };
}

function tokenEnvOf(entry: Json): string[] {
  const name = isObject(entry) ? entry['token_env'] : undefined;
  return typeof name === 'string' ? [name] : [];
}
