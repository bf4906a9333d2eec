import type { Cause } from '../deploy/agent-spec.ts';
import { unpinned } from '../deploy/image.ts';
import { INBOUND_PORT } from '../deploy/plan.ts';
import { namesProtocol, serverName } from './agent-file-causes.ts';
import type { Findings } from './agent-file-findings.ts';
import type { AgentFileValues } from './agent-file-schema.ts';

/** What is accepted but will not do what whoever wrote it may expect. */
export function advise(values: AgentFileValues, causes: readonly Cause[], findings: Findings): void {
  adviseSidecar(values, causes, findings);
  adviseTraces(values, causes, findings);
  adviseVariables(values, findings);
  adviseServers(values, findings);
  adviseTools(values, findings);
  if (values.a2a !== undefined && Object.keys(values.a2a.peers).length === 0) {
    findings.warn(['a2a'], 'no peer is declared: give their URLs under `a2a.peers`');
  }
}

function adviseSidecar({ deploy }: AgentFileValues, causes: readonly Cause[], { warn }: Findings): void {
  const { sidecar } = deploy ?? {};
  if (sidecar === undefined) return;
  const at = ['deploy', 'sidecar'];
  if (causes.length === 0 && sidecar.enabled) {
    warn(at, 'nothing asks for a sidecar, so there is none: declare `guardrails`, `mcp_servers` or `a2a`');
  }
  const { image, agent_port: agentPort } = sidecar;
  const loose = image === undefined ? undefined : unpinned(image);
  if (loose !== undefined) warn([...at, 'image'], loose);
  if (image !== undefined && /(^|\/)agentbreeder-sidecar([:@]|$)/.test(image)) {
    warn([...at, 'image'], "this is AgentBreeder's sidecar, which takes other settings: leave it out for Outrider's");
  }
  if (agentPort === INBOUND_PORT) {
    warn([...at, 'agent_port'], `the sidecar itself listens on ${INBOUND_PORT}, unless --inbound-port says otherwise`);
  }
}

/** The usual port of OTLP over gRPC. */
const OTLP_GRPC_PORT = '4317';
const OTLP_VARIABLE = 'OTEL_EXPORTER_OTLP_ENDPOINT';

function adviseTraces({ deploy }: AgentFileValues, causes: readonly Cause[], { warn }: Findings): void {
  const own = deploy?.sidecar?.otel_endpoint;
  const endpoint = own ?? deploy?.env_vars?.[OTLP_VARIABLE];
  if (causes.length === 0 || endpoint === undefined || URL.parse(endpoint)?.port !== OTLP_GRPC_PORT) return;
  const message = 'the sidecar sends traces by OTLP over HTTP, whose usual port is 4318; 4317 is that of gRPC';
  if (own !== undefined) warn(['deploy', 'sidecar', 'otel_endpoint'], message);
  else warn(['deploy', 'env_vars', OTLP_VARIABLE], `${message}: give \`deploy.sidecar.otel_endpoint\` another one`);
}

const SECRET_NAME = /(^|_)(API_?KEY|ACCESS_?KEY|TOKEN|SECRET|PASSWORD|PASSWD|PRIVATE_KEY|CREDENTIALS?)$/i;
const SWITCHES: ReadonlySet<string> = new Set(['OUTRIDER', 'AGENTBREEDER_SIDECAR']);

function adviseVariables({ deploy }: AgentFileValues, { warn }: Findings): void {
  for (const [name, value] of Object.entries(deploy?.env_vars ?? {})) {
    const at = ['deploy', 'env_vars', name];
    if (SWITCHES.has(name)) {
      warn(
        at,
        'this does not switch the sidecar off: `deploy.sidecar.enabled: false` does, or the variable where Outrider is called',
      );
    } else if (SECRET_NAME.test(name) && value !== '') {
      warn(
        at,
        'this looks like a secret, and will stand in the manifest: list its name under `deploy.secrets` instead',
      );
    }
  }
}

function adviseServers({ mcp_servers: servers = [], deploy }: AgentFileValues, { warn }: Findings): void {
  for (const [index, server] of servers.entries()) {
    const at = ['mcp_servers', index];
    const { image, command } = server;
    const loose = image === undefined ? undefined : unpinned(image);
    if (loose !== undefined) warn([...at, 'image'], loose);
    for (const key of ['port', 'path'] as const) {
      if (image === undefined && server[key] !== undefined)
        warn([...at, key], 'not read: it says something of an `image`');
    }
    if (command === undefined && server.args !== undefined)
      warn([...at, 'args'], 'not read: they are those of a `command`');
    if (command === undefined) continue;
    if (server.token_env !== undefined) warn([...at, 'token_env'], 'not read: it is for a `url` or an `image`');
    if (deploy?.sidecar?.image === undefined) {
      warn(
        [...at, 'command'],
        "the sidecar starts it in its own container, and Outrider's image holds no other program: give an image with it in `deploy.sidecar.image`",
      );
    }
  }
}

function adviseTools({ tools = [], mcp_servers: servers = [], a2a }: AgentFileValues, { warn }: Findings): void {
  const declared = new Set(servers.map((server) => plainName(serverName(server) ?? '')));
  for (const [index, { ref, name, type }] of tools.entries()) {
    const at = ['tools', index];
    const kind = type?.toLowerCase();
    const called = serverName({ ref, name: ref === undefined ? name : undefined }) ?? '';
    if (kind === 'mcp' || (kind !== 'a2a' && ref !== undefined && namesProtocol(ref, 'mcp'))) {
      if (declared.has(plainName(called))) continue;
      warn(at, 'nothing says where this MCP server is: add it to `mcp_servers`, with `url`, `image` or `command`');
    } else if (kind === 'a2a' || (ref !== undefined && namesProtocol(ref, 'a2a'))) {
      if (Object.hasOwn(a2a?.peers ?? {}, called) || Object.hasOwn(a2a?.peers ?? {}, name ?? '')) continue;
      warn(at, 'nothing says where this peer is: add it to `a2a.peers`');
    }
  }
}

/** `tools/zendesk-mcp` and `mcp/zendesk` are one server. */
function plainName(name: string): string {
  return name.toLowerCase().replace(/^mcp-|-mcp$/g, '');
}
