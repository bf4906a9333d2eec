import { addressFault } from '../deploy/address-fault.ts';
import type { AgentSpec, Cause, DeploySpec, SidecarSpec } from '../deploy/agent-spec.ts';
import { AGENT_PORT, HELPER_PORTS, INBOUND_PORT } from '../deploy/plan.ts';
import { sidecarConfig } from '../deploy/sidecar-config.ts';
import type { Findings } from './agent-file-findings.ts';
import { guardrailEntries } from './agent-file-guardrails.ts';
import type { AgentFileValues } from './agent-file-schema.ts';
import { declaredPeers, declaredServers } from './agent-file-servers.ts';
import { httpUrl } from './scalars.ts';

export interface Decided {
  readonly causes: readonly Cause[];
  readonly switchedOff: Cause | undefined;
}

/** What a sound file declares. `written`: the same before durations became numbers. */
export function specOf(values: AgentFileValues, written: unknown, decided: Decided, findings: Findings): AgentSpec {
  const { name, version, team, owner, framework, runtime } = values;
  return {
    name,
    ...said({ version, team, owner }),
    causes: decided.causes,
    ...said({ switchedOff: decided.switchedOff }),
    sidecar: sidecarSpec(values, written, findings),
    ...(runtime !== undefined && {
      runtime: said({
        language: runtime.language,
        framework: runtime.framework,
        version: runtime.version,
        entrypoint: runtime.entrypoint,
      }),
    }),
    ...(framework !== undefined && { runtime: { framework } }),
    deploy: deploySpec(values, decided, findings),
  };
}

function sidecarSpec(values: AgentFileValues, written: unknown, findings: Findings): SidecarSpec {
  const { sidecar, env_vars: vars = {} } = values.deploy ?? {};
  const agentPort = sidecar?.agent_port;
  const made = sidecarConfig({
    guardrails: guardrailEntries(written, findings),
    peers: declaredPeers(values),
    servers: declaredServers(values),
    takenPorts: [INBOUND_PORT, AGENT_PORT, ...HELPER_PORTS, ...(agentPort === undefined ? [] : [agentPort])],
  });
  for (const { path, message } of made.findings) findings.warn(path, message);
  return {
    ...said({
      image: sidecar?.image,
      agentPort,
      otelEndpoint: sidecar?.otel_endpoint ?? addressIn(vars, ['OTEL_EXPORTER_OTLP_ENDPOINT'], findings),
      ledgerUrl: addressIn(vars, ['OUTRIDER_LEDGER_URL', 'AGENTBREEDER_API_URL'], findings),
    }),
    costTracking: sidecar?.cost_tracking ?? true,
    config: made.config,
    secrets: [...new Set([...made.secrets, ...(sidecar?.secrets ?? [])])],
    mcpContainers: made.mcpContainers,
  };
}

/** What the agent is told holds for the sidecar too: the first of these variables that is set. */
function addressIn(
  vars: Readonly<Record<string, string>>,
  names: readonly string[],
  findings: Findings,
): string | undefined {
  const name = names.find((candidate) => Object.hasOwn(vars, candidate) && vars[candidate] !== '');
  const address = name === undefined ? undefined : vars[name];
  if (name === undefined || address === undefined) return undefined;
  const sound = httpUrl.safeParse(address).success && addressFault(address) === undefined;
  if (sound) return address;
  findings.warn(
    ['deploy', 'env_vars', name],
    'not taken for the sidecar: expected an http:// or https:// URL without credentials',
  );
  return undefined;
}

/** What only the sidecar may know. */
const OF_SIDECAR: ReadonlySet<string> = new Set(['AGENT_AUTH_TOKEN', 'OUTRIDER_LEDGER_TOKEN']);

function deploySpec({ deploy }: AgentFileValues, decided: Decided, findings: Findings): DeploySpec {
  const { cloud, runtime, region, scaling, resources, env_vars: env = {}, secrets = [] } = deploy ?? {};
  const injected = decided.causes.length > 0 && decided.switchedOff === undefined;
  const kept = secrets.filter((name, index) => {
    if (!injected || !OF_SIDECAR.has(name)) return true;
    findings.warn(['deploy', 'secrets', index], "this is the sidecar's, which gets it anyway: the agent does not");
    return false;
  });
  return {
    ...said({ cloud, runtime, region, cpu: resources?.cpu, memory: resources?.memory }),
    scaling: said({ min: scaling?.min, max: scaling?.max, targetCpu: scaling?.target_cpu }),
    env,
    secrets: [...new Set(kept)],
  };
}

/** Without the members that have no value. */
function said<T extends object>(entry: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  // Exactly what is undefined is left out.
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]?: Exclude<T[Key], undefined>;
  };
}
