import type { Call, InboundCall, Service } from '../call.ts';
import type { Config } from '../config/load.ts';
import { revealAll } from '../config/secret.ts';
import { type Route, router } from '../endpoints/router.ts';
import { clientSpan } from '../layers/client-span.ts';
import { guard } from '../layers/guard.ts';
import { JSON_RPC_VOICE } from '../layers/guard-voice.ts';
import { loopbackOnly } from '../layers/loopback-only.ts';
import { rescue } from '../layers/rescue.ts';
import { createCostService } from '../ledger/cost-service.ts';
import type { CostRecorder } from '../ledger/port.ts';
import { type HttpClient, httpClient } from '../net/client.ts';
import { a2aPeers } from '../peers/a2a.ts';
import { type McpServers, mcpServers } from '../peers/mcp.ts';
import type { McpServerOptions } from '../peers/mcp-transport.ts';
import { jsonReply } from '../problem.ts';
import { pathOf } from '../protocols/attributes.ts';
import { jsonRpcErrorReply } from '../protocols/jsonrpc.ts';
import { Stack } from '../stack.ts';
import { counted, guardParts, type Parts, surface } from './parts.ts';

export interface HelperOptions {
  recorder: CostRecorder;
  /** Everything an operator wants to know, for `GET /health`. */
  health: () => Promise<object>;
  /** For `POST /drain`. */
  retire: () => void;
  /** Our own environment: a stdio server gets the harmless part of it. */
  env: Readonly<Record<string, string | undefined>>;
}

export interface Helpers {
  /** For the listener with everything, and those with one helper alone. */
  readonly all: Service<InboundCall>;
  readonly mcpOnly: Service<InboundCall>;
  readonly costOnly: Service<InboundCall>;
  status(): { a2a_peers: object; mcp_servers: object };
  close(): Promise<void>;
}

/** What the agent's own port serves, for programs on this machine only. */
export function helperServices(parts: Parts, options: HelperOptions): Helpers {
  const { config, metrics } = parts;
  const peers = peerClients(config);
  const a2a = a2aPeers({ peers: peers.options, timeoutMs: config.timeouts.peer, bodyLimit: config.limits.body_bytes });
  const mcp = mcpServersOf(parts, options.env);

  const a2aRoute: Route<InboundCall> = {
    path: '/a2a/*',
    service: surface(parts, { name: 'a2a', route: () => '/a2a/{peer}', errorReply: jsonRpcErrorReply })
      .add(loopbackOnly)
      .add(guard({ ...guardParts(parts), surfaces: { request: 'a2a', reply: 'a2a' }, voice: JSON_RPC_VOICE }))
      .add(clientSpan({ name: 'a2a' }))
      .serve(counted(a2a.service, nameBehind('/a2a/'), metrics)),
  };
  const mcpRoute: Route<InboundCall> = {
    path: '/mcp/*',
    service: surface(parts, { name: 'mcp', route: () => '/mcp/{server}', errorReply: jsonRpcErrorReply })
      .add(loopbackOnly)
      .add(guard({ ...guardParts(parts), surfaces: { request: 'mcp', reply: 'mcp' }, voice: JSON_RPC_VOICE }))
      .add(clientSpan({ name: 'mcp' }))
      .serve(counted(mcp.service, nameBehind('/mcp/'), metrics)),
  };
  const costRoute: Route<InboundCall> = {
    path: '/cost',
    service: surface(parts, { name: 'cost', route: () => '/cost' })
      .add(loopbackOnly)
      .add(clientSpan({ name: 'record cost', kind: 'internal' }))
      .serve(
        createCostService({
          recorder: options.recorder,
          defaults: {
            agent: config.agent_name,
            agent_version: config.agent_version ?? null,
            team: config.team ?? null,
          },
        }),
      ),
  };
  const healthRoute: Route<InboundCall> = {
    method: 'GET',
    path: '/health',
    service: async () => jsonReply(200, await options.health()),
  };
  const metricsRoute: Route<InboundCall> = { method: 'GET', path: '/metrics', service: () => metrics.render() };

  const drainRoute: Route<InboundCall> = {
    method: 'POST',
    path: '/drain',
    async service() {
      options.retire();
      return jsonReply(202, { status: 'draining' });
    },
  };

  return {
    all: router([a2aRoute, mcpRoute, costRoute], local([healthRoute, metricsRoute, drainRoute])),
    mcpOnly: router([mcpRoute], local([healthRoute])),
    costOnly: router([costRoute], local([healthRoute])),
    status: () => ({ a2a_peers: a2a.status(), mcp_servers: mcp.status() }),
    async close() {
      await Promise.all([mcp.close(), ...peers.clients.map((client) => client.close())]);
    },
  };
}

/** What is for operators, not measured and not traced. What is not there is told to programs on this machine only, too. */
function local(routes: readonly Route<InboundCall>[]): Service<InboundCall> {
  return Stack.empty<InboundCall>().add(rescue()).add(loopbackOnly).serve(router(routes));
}

/** The configured name in a path such as `/a2a/{peer}`; only what is configured can be unreachable or late. */
function nameBehind(prefix: string): (call: Call) => string {
  return ({ target }) => pathOf(target).slice(prefix.length);
}

function peerClients(config: Config): { options: Parameters<typeof a2aPeers>[0]['peers']; clients: HttpClient[] } {
  const clients: HttpClient[] = [];
  const options = Object.fromEntries(
    [...config.a2a_peers].map(([name, { url, path, token }]) => {
      const client = httpClient(url, {
        name: `A2A peer ${name}`,
        connectTimeoutMs: config.timeouts.agent_connect,
        responseTimeoutMs: config.timeouts.peer,
        idleTimeoutMs: config.timeouts.idle,
      });
      clients.push(client);
      return [name, { client: client.send, path, token: token?.reveal() }];
    }),
  );
  return { options, clients };
}

function mcpServersOf({ config, version, log }: Parts, env: HelperOptions['env']): McpServers {
  const servers = [...config.mcp_servers].map(([name, server]): [string, McpServerOptions] => {
    if (server.transport === 'stdio') return [name, { ...server, env: revealAll(server.env) }];
    return [name, { ...server, headers: revealAll(server.headers), token: server.token?.reveal() }];
  });
  return mcpServers({
    servers: Object.fromEntries(servers),
    version,
    timeoutMs: config.timeouts.peer,
    bodyLimit: config.limits.body_bytes,
    spawnEnv: env,
    log,
  });
}
