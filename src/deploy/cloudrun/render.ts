import type { AgentSpec } from '../agent-spec.ts';
import type { Json, JsonObject } from '../json.ts';
import { kubernetesCpu, kubernetesMemory, parseCpu, parseMemory } from '../quantity.ts';
import type { RenderOptions } from '../target.ts';

/** The Cloud Run service of an agent alone. It scales by requests and by CPU of its own accord, so that `target_cpu` says nothing here. */
export function renderCloudRun(agent: AgentSpec, options: RenderOptions): readonly Json[] {
  const { min, max } = agent.deploy.scaling;
  const { region } = agent.deploy;
  return [
    {
      apiVersion: 'serving.knative.dev/v1',
      kind: 'Service',
      metadata: {
        name: agent.name,
        ...(region !== undefined && { labels: { 'cloud.googleapis.com/location': region } }),
      },
      spec: {
        template: {
          metadata: {
            annotations: {
              'run.googleapis.com/execution-environment': 'gen2',
              'run.googleapis.com/startup-cpu-boost': 'true',
              ...(min !== undefined && { 'autoscaling.knative.dev/minScale': String(min) }),
              ...(max !== undefined && { 'autoscaling.knative.dev/maxScale': String(max) }),
            },
          },
          spec: { containers: [container(agent, options)] },
        },
      },
    },
  ];
}

/** Where requests go when no container says. */
const CLOUD_RUN_PORT = 8080;

function container(agent: AgentSpec, options: RenderOptions): JsonObject {
  const env: Json[] = [
    ...Object.entries(agent.deploy.env)
      // Cloud Run gives it, and refuses it among the variables.
      .filter(([name]) => name !== 'PORT')
      .map(([name, value]) => ({ name, value })),
    ...agent.deploy.secrets.map((name) => ({
      name,
      valueFrom: { secretKeyRef: { name: secretName(name, agent, options), key: 'latest' } },
    })),
  ];
  return {
    name: agent.name,
    image: options.agentImage,
    ...(options.publicPort !== CLOUD_RUN_PORT && { ports: [{ containerPort: options.publicPort }] }),
    ...(env.length > 0 && { env }),
    resources: { limits: limits(agent) },
  };
}

function secretName(variable: string, agent: AgentSpec, options: RenderOptions): string {
  return `${options.secretStore ?? agent.name}-${variable.toLowerCase().replaceAll('_', '-')}`;
}

/** Cores that Cloud Run has, and the most memory that goes with them, in MiB; a fraction of a core would take one request at a time. */
const SIZES: readonly (readonly [cores: number, memory: number])[] = [
  [1, 4096],
  [2, 8192],
  [4, 16_384],
  [6, 24_576],
  [8, 32_768],
];
const LEAST_MEMORY_MIB = 512;

function limits(agent: AgentSpec): JsonObject {
  const cores = parseCpu(agent.deploy.cpu ?? '') ?? 1;
  const memory = Math.max(parseMemory(agent.deploy.memory ?? '') ?? LEAST_MEMORY_MIB, LEAST_MEMORY_MIB);
  const [size] = SIZES.find(([most, room]) => cores <= most && memory <= room) ?? [cores];
  return { cpu: kubernetesCpu(size), memory: kubernetesMemory(memory) };
}
