import type { DeclaredServer } from '../deploy/sidecar-config-mcp.ts';
import type { DeclaredPeer } from '../deploy/sidecar-config-peers.ts';
import { serverName } from './agent-file-causes.ts';
import type { AgentFileValues } from './agent-file-schema.ts';

const DEFAULT_PEER_PATH = '/a2a';

export function declaredPeers({ a2a }: AgentFileValues): DeclaredPeer[] {
  return Object.entries(a2a?.peers ?? {}).map(([name, { url, path, token, token_env: tokenEnv }]) => ({
    name,
    url,
    ...(path !== DEFAULT_PEER_PATH && { path }),
    ...(tokenEnv !== undefined && { tokenEnv }),
    tokenWritten: token !== undefined,
  }));
}

export function declaredServers({ mcp_servers: servers = [] }: AgentFileValues): DeclaredServer[] {
  return servers.map((server, index) => {
    const { transport, url, image, port, path, command, args, token_env: tokenEnv } = server;
    return {
      index,
      name: serverName(server) ?? '',
      ...(transport !== undefined && { transport }),
      ...(url !== undefined && { url }),
      ...(image !== undefined && { image }),
      ...(port !== undefined && { port }),
      ...(path !== undefined && { path }),
      ...(command !== undefined && { command }),
      ...(args !== undefined && { args }),
      ...(tokenEnv !== undefined && { tokenEnv }),
    };
  });
}
