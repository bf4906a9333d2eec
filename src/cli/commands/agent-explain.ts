import type { AgentSpec, Cause } from '../../deploy/agent-spec.ts';
import { destinationOf } from '../../deploy/agent-target.ts';
import { isObject, type Json, type JsonObject } from '../../deploy/json.ts';
import { HELPER_PORTS, type Plan } from '../../deploy/plan.ts';

/** What an agent's file makes of the agent, for people. `plan`: undefined when it gets no sidecar. */
export function explainAgent(file: string, spec: AgentSpec, plan: Plan | undefined): string {
  const { name, version, causes } = spec;
  const lines = [
    `agent    ${name}${version === undefined ? '' : ` ${version}`}`,
    `sidecar  ${decision(spec)}`,
    ...(spec.switchedOff === undefined ? [] : [`  ${because(file, spec.switchedOff)}`]),
    ...(spec.switchedOff !== undefined && causes.length > 0 ? ['  without that, these would ask for one:'] : []),
    ...causes.map((cause) => `  ${because(file, cause)}`),
    ...(plan === undefined ? [] : ['', ...carried(spec, plan)]),
    '',
    ...destination(file, spec),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function decision({ switchedOff, causes }: AgentSpec): string {
  if (switchedOff !== undefined) return 'no: it is switched off';
  return causes.length > 0 ? 'yes' : 'no: nothing asks for one (no guardrails, no MCP server, no A2A peer)';
}

function because(file: string, { path, line, why }: Cause): string {
  return line > 0 ? `${file}:${line}: ${path}: ${why}` : why;
}

function carried({ sidecar, deploy }: AgentSpec, plan: Plan): string[] {
  const { guardrails, a2a_peers: peers, mcp_servers: servers } = sidecar.config;
  const rows: (readonly [string, readonly string[]])[] = [
    ['image', [plan.image]],
    [
      'ports',
      [
        `${plan.inboundPort}: callers`,
        `127.0.0.1:${plan.agentPort}: the agent, told by PORT and HOST`,
        `127.0.0.1:${HELPER_PORTS.join(', ')}: helpers`,
      ],
    ],
    ['guardrails', Array.isArray(guardrails) ? guardrails.map(guardrail) : ['none but the built-in ones']],
    ['A2A peers', entries(peers).map(([name, peer]) => `${name}: ${text(peer['url'])}${tokenOf(peer)}`)],
    ['MCP servers', entries(servers).map(([name, server]) => `${name}: ${mcpServer(server)}${tokenOf(server)}`)],
    ['MCP images', plan.mcpContainers.map(({ name, image, port }) => `${name}: ${image}, on port ${port}`)],
    ['traces', [plan.otelEndpoint ?? 'nowhere: deploy.sidecar.otel_endpoint, or --otel-endpoint, says where']],
    ['ledger', [ledger(sidecar.costTracking, plan.ledgerUrl)]],
    ['secrets', plan.secrets.map((name) => `${name}, for the sidecar`)],
    ['', deploy.secrets.map((name) => `${name}, for the agent`)],
  ];
  const shown = rows.filter(([, values]) => values.length > 0);
  const width = Math.max(...shown.map(([head]) => head.length));
  return shown.flatMap(([head, values]) =>
    values.map((value, index) => `  ${(index === 0 ? head : '').padEnd(width)}  ${printable(value)}`),
  );
}

function guardrail(entry: Json): string {
  if (!isObject(entry)) return text(entry);
  const what = entry['preset'] ?? entry['builtin'] ?? entry['name'];
  const how = entry['endpoint'] ?? entry['action'];
  return `${text(what)}${how === undefined ? '' : `: ${text(how)}`}${tokenOf(entry)}`;
}

function mcpServer(server: JsonObject): string {
  const { transport, url, command, args } = server;
  if (url !== undefined) return `${text(url)} (${text(transport)})`;
  return `${[command, ...(Array.isArray(args) ? args : [])].map(text).join(' ')} (${text(transport)})`;
}

function ledger(tracked: boolean, url: string | undefined): string {
  if (url !== undefined) return url;
  return tracked
    ? 'none: costs stay in the database beside the agent; --ledger-url says where to ship them'
    : 'none: deploy.sidecar.cost_tracking is false';
}

function tokenOf(entry: JsonObject): string {
  return entry['token_env'] === undefined ? '' : `, with the token in ${text(entry['token_env'])}`;
}

function entries(value: Json | undefined): [string, JsonObject][] {
  return Object.entries(isObject(value) ? value : {}).flatMap(([name, entry]) =>
    isObject(entry) ? [[name, entry]] : [],
  );
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/** Whoever wrote the file chose the characters: those that a terminal would obey come out escaped. */
function printable(value: string): string {
  return value.replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function destination(file: string, { deploy }: AgentSpec): string[] {
  const { cloud, runtime } = deploy;
  const target = destinationOf(deploy);
  const said = [cloud === undefined ? [] : `cloud ${cloud}`, runtime === undefined ? [] : `runtime ${runtime}`].flat();
  const where = said.length === 0 ? '' : ` (${said.join(', ')})`;
  if (target === 'wrap') {
    return [`target   one container${where}: outrider wrap Dockerfile puts the sidecar into the agent's image`];
  }
  if (cloud === 'claude-managed') return [`target   none${where}: no container of yours runs there`];
  if (target !== undefined) return [`target   ${target}${where}: outrider deploy --target ${target} ${file}`];
  return [`target   not said${where}: outrider deploy --target TARGET ${file}`];
}
