import type { McpContainer } from './agent-spec.ts';
import type { Json, JsonObject } from './json.ts';

/** Something that whoever deploys should know, at a path of the agent's file. Holds no secret. */
export interface Found {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export interface DeclaredServer {
  /** Its place in `mcp_servers`. */
  readonly index: number;
  readonly name: string;
  readonly transport?: 'stdio' | 'sse' | 'streamable_http' | 'http';
  readonly url?: string;
  readonly image?: string;
  readonly port?: number;
  readonly path?: string;
  readonly command?: string;
  readonly args?: readonly string[];
  readonly tokenEnv?: string;
}

interface Reached {
  readonly config: JsonObject;
  readonly containers: readonly McpContainer[];
  readonly findings: readonly Found[];
}

/** Ports of images that name none begin here. */
const FIRST_PORT = 3100;
const LONGEST_LABEL = 63;

/** MCP servers as `outrider.yaml` takes them, and the containers of those that are images. What cannot be reached is a finding. */
export function reachServers(servers: readonly DeclaredServer[], takenPorts: readonly number[]): Reached {
  const ports = new Set([...takenPorts, ...servers.flatMap(({ port }) => (port === undefined ? [] : [port]))]);
  const names = new Set<string>();
  const config: Record<string, Json> = {};
  const containers: McpContainer[] = [];
  const findings: Found[] = [];
  for (const server of servers) {
    const problem = unreachable(server);
    if (problem !== undefined) {
      findings.push({ path: ['mcp_servers', server.index], message: problem });
    } else if (server.image !== undefined) {
      const port = server.port ?? freePort(ports);
      containers.push({ name: freeLabel(server.name, names), image: server.image, port });
      const path = server.path ?? (server.transport === 'sse' ? '/sse' : '/mcp');
      config[server.name] = remote(server, `http://127.0.0.1:${port}${path}`);
      if (server.port === undefined) {
        const message = `no \`port\` is given, and ${port} is assumed: give the one at which the image listens`;
        findings.push({ path: ['mcp_servers', server.index], message });
      }
    } else {
      config[server.name] = server.url === undefined ? stdio(server) : remote(server, server.url);
    }
  }
  return { config, containers, findings };
}

function unreachable({ transport, url, image, command }: DeclaredServer): string | undefined {
  if (transport === 'stdio' && image !== undefined) {
    return 'not carried: the sidecar cannot speak stdio to another container. Give `transport: streamable_http` or `sse`, and `port`';
  }
  if (transport === 'stdio' && url !== undefined) {
    return 'not carried: nothing at a URL speaks stdio. Give `transport: streamable_http` or `sse`';
  }
  if (command !== undefined && transport !== undefined && transport !== 'stdio') {
    return `not carried: a \`command\` is spoken to over stdio, not ${transport}. Leave \`transport\` out, or give \`url\` or \`image\``;
  }
  if (url !== undefined || image !== undefined || command !== undefined) return undefined;
  return "not carried: nothing says where it is. Give `url` for a server that runs elsewhere, `image` and `port` for one to run beside the agent, or `command` for a program in the sidecar's image";
}

function remote({ transport = 'streamable_http', tokenEnv }: DeclaredServer, url: string): JsonObject {
  return { transport, url, ...(tokenEnv !== undefined && { token_env: tokenEnv }) };
}

function stdio({ command = '', args = [] }: DeclaredServer): JsonObject {
  return { transport: 'stdio', command, ...(args.length > 0 && { args }) };
}

function freePort(taken: Set<number>): number {
  let port = FIRST_PORT;
  while (taken.has(port)) port++;
  taken.add(port);
  return port;
}

/** A DNS label that none of the other containers has. */
function freeLabel(server: string, taken: Set<string>): string {
  const plain = server.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const label = (end: string): string =>
    `${`mcp-${plain}`.slice(0, LONGEST_LABEL - end.length).replace(/-+$/, '')}${end}`;
  let name = label('');
  for (let count = 2; taken.has(name); count++) name = label(`-${count}`);
  taken.add(name);
  return name;
}
