import type { AgentSpec } from '../agent-spec.ts';
import type { Json, JsonObject } from '../json.ts';
import { parseCpu, parseMemory } from '../quantity.ts';
import type { RenderOptions } from '../target.ts';
import { SECOND } from './tasks.ts';
import { checkPath, secretTemplate, variablePath } from './variables.ts';

/** Nomad's own, where the agent's file says nothing. */
const DEFAULT = { cpu: 0.1, memory: 300 } as const;

/** A job with the agent alone, in bridge mode. Throws `ManifestError`. */
export function renderJob(agent: AgentSpec, options: RenderOptions): readonly Json[] {
  const { name, version, team, owner, deploy } = agent;
  const cpu = parseCpu(deploy.cpu ?? '') ?? DEFAULT.cpu;
  const memory = parseMemory(deploy.memory ?? '') ?? DEFAULT.memory;
  const meta = Object.fromEntries(
    Object.entries({ version, team, owner }).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
  const secrets = options.secretStore === undefined ? variablePath(name, name, name) : checkPath(options.secretStore);
  const task: JsonObject = {
    Name: name,
    Driver: 'docker',
    Config: { image: options.agentImage },
    ...(Object.keys(deploy.env).length > 0 && { Env: deploy.env }),
    ...(deploy.secrets.length > 0 && { Templates: [secretTemplate(secrets, deploy.secrets, 'agent.env')] }),
    // Of MHz there are about a thousand to a core.
    Resources: { CPU: Math.ceil(cpu * 1000), MemoryMB: Math.ceil(memory) },
  };
  const job: JsonObject = {
    ID: name,
    Name: name,
    Type: 'service',
    Datacenters: ['*'],
    ...(deploy.region !== undefined && { Region: deploy.region }),
    ...(Object.keys(meta).length > 0 && { Meta: meta }),
    // A new one must be ready before an old one goes.
    Update: {
      MaxParallel: 1,
      HealthCheck: 'checks',
      MinHealthyTime: 10 * SECOND,
      HealthyDeadline: 300 * SECOND,
      AutoRevert: true,
    },
    TaskGroups: [
      {
        Name: name,
        Count: deploy.scaling.min ?? 1,
        ...scaling(agent),
        Networks: [{ Mode: 'bridge', DynamicPorts: [{ Label: 'http', To: options.publicPort }] }],
        Services: [{ Name: name, PortLabel: 'http', Provider: 'nomad', Checks: [CHECK] }],
        Tasks: [task],
      },
    ],
  };
  return [{ Job: job }];
}

const CHECK: JsonObject = { Name: 'listens', Type: 'tcp', Interval: 10 * SECOND, Timeout: 2 * SECOND };

/** What Nomad's Autoscaler goes by; `nomad job scale` keeps to the bounds as well. */
function scaling({ deploy }: AgentSpec): JsonObject {
  const { min = 1, max, targetCpu } = deploy.scaling;
  if (max === undefined) return {};
  const target = targetCpu === undefined ? undefined : { 'target-value': [{ target: targetCpu }] };
  const check = target && { cpu: [{ source: 'nomad-apm', query: 'avg_cpu', strategy: [target] }] };
  return {
    Scaling: {
      Enabled: true,
      Type: 'horizontal',
      Min: min,
      Max: max,
      Policy: check === undefined ? {} : { check: [check] },
    },
  };
}
