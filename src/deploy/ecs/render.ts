import type { AgentSpec } from '../agent-spec.ts';
import type { Json, JsonObject } from '../json.ts';
import { ecsCpu, parseCpu, parseMemory } from '../quantity.ts';
import { ManifestError, type RenderOptions } from '../target.ts';
import { inStore, references } from './secrets.ts';
import { fargateSize } from './size.ts';

/** The smallest task of Fargate's. */
const DEFAULT = { cpu: 0.25, memory: 512 } as const;

/** A task definition for Fargate with the agent alone. Throws `ManifestError`. */
export function renderTaskDefinition(agent: AgentSpec, options: RenderOptions): readonly Json[] {
  const { name, deploy, team, owner } = agent;
  const cpu = parseCpu(deploy.cpu ?? '') ?? DEFAULT.cpu;
  const memory = parseMemory(deploy.memory ?? '') ?? DEFAULT.memory;
  const size = fargateSize({ cpu: ecsCpu(cpu), memory: Math.ceil(memory) });
  if (size === undefined)
    fail(`deploy.resources asks for ${cpu} vCPU and ${memory} MiB: Fargate has no task of that size`);
  const source =
    options.secretStore === undefined
      ? (variable: string) => `/outrider/${name}/${variable}`
      : inStore(options.secretStore);
  const tags = Object.entries({ team, owner }).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value }]));
  const task: JsonObject = {
    family: name,
    networkMode: 'awsvpc',
    requiresCompatibilities: ['FARGATE'],
    runtimePlatform: { operatingSystemFamily: 'LINUX', cpuArchitecture: 'X86_64' },
    cpu: String(size.cpu),
    memory: String(size.memory),
    executionRoleArn: 'ecsTaskExecutionRole',
    containerDefinitions: [
      {
        name,
        image: options.agentImage,
        essential: true,
        ...(deploy.memory !== undefined && { memoryReservation: Math.ceil(memory) }),
        portMappings: [{ name: 'http', containerPort: options.publicPort, protocol: 'tcp', appProtocol: 'http' }],
        environment: Object.entries(deploy.env).map(([variable, value]) => ({ name: variable, value })),
        ...(deploy.secrets.length > 0 && { secrets: references(deploy.secrets, source) }),
        ...logs(name, deploy.region),
      },
    ],
    ...(tags.length > 0 && { tags }),
  };
  return [task];
}

/** Fargate's logs need a region. */
function logs(name: string, region: string | undefined): JsonObject {
  if (region === undefined) return {};
  const options = { 'awslogs-group': `/ecs/${name}`, 'awslogs-region': region, 'awslogs-stream-prefix': name };
  return { logConfiguration: { logDriver: 'awslogs', options } };
}

function fail(message: string): never {
  throw new ManifestError([{ document: 0, path: [], message }]);
}
