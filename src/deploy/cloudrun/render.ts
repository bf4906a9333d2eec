import type { AgentSpec } from '../agent-spec.ts';
import type { Json, JsonObject } from '../json.ts';
import { parseCpu, parseMemory } from '../quantity.ts';
import { ManifestError, type RenderOptions } from '../target.ts';
import { instanceSize, LIMIT, limitsOf, type Size, words } from './resources.ts';

/** The Cloud Run service of an agent alone. It scales by requests and by CPU of its own accord, so that `target_cpu` says nothing here. Throws `ManifestError`. */
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

const LEAST: Size = { cores: 1, mib: 512 };

/** A fraction of a core would take one request at a time. */
function limits({ deploy: { cpu, memory } }: AgentSpec): JsonObject {
  const wanted: Size = {
    cores: Math.max(parseCpu(cpu ?? '') ?? 0, LEAST.cores),
    mib: Math.max(parseMemory(memory ?? '') ?? 0, LEAST.mib),
  };
  const size = instanceSize(wanted);
  if (size === undefined) {
    throw new ManifestError([
      { document: 0, path: [], message: `deploy.resources asks for ${words(wanted)}: ${LIMIT}` },
    ]);
  }
  return limitsOf({ cores: size.cores, mib: wanted.mib });
}
