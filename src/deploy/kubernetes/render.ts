import type { AgentSpec } from '../agent-spec.ts';
import type { Json, JsonObject } from '../json.ts';
import { kubernetesCpu, kubernetesMemory, parseCpu, parseMemory } from '../quantity.ts';
import type { RenderOptions } from '../target.ts';
import { HARDENED, literal } from './sidecar.ts';

/** Deployment and Service of an agent, and what its scaling asks for; Secrets are referred to, never written. */
export function renderKubernetes(agent: AgentSpec, options: RenderOptions): readonly Json[] {
  const { scaling } = agent.deploy;
  const min = scaling.min ?? 1;
  const max = scaling.max ?? min;
  return [
    deployment(agent, options, max > min ? undefined : min),
    service(agent, options),
    ...(max > min ? [autoscaler(agent, { min: Math.max(min, 1), max, cpu: scaling.targetCpu ?? 70 })] : []),
    ...(min > 1 ? [disruptionBudget(agent)] : []),
  ];
}

function deployment(agent: AgentSpec, options: RenderOptions, replicas: number | undefined): JsonObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(agent),
    spec: {
      // An autoscaler owns the number: with one written here, every apply would set it back.
      ...(replicas !== undefined && { replicas }),
      selector: { matchLabels: selector(agent) },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: { labels: labels(agent) },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          containers: [container(agent, options)],
        },
      },
    },
  };
}

function container(agent: AgentSpec, options: RenderOptions): JsonObject {
  const env: Json[] = [
    { name: 'PORT', value: String(options.publicPort) },
    ...Object.entries(agent.deploy.env)
      .filter(([name]) => name !== 'PORT')
      .map(([name, value]) => ({ name, value: literal(value) })),
    ...agent.deploy.secrets.map((name) => ({
      name,
      valueFrom: { secretKeyRef: { name: options.secretStore ?? `${agent.name}-secrets`, key: name } },
    })),
  ];
  return {
    name: agent.name,
    image: options.agentImage,
    ports: [{ name: 'http', containerPort: options.publicPort }],
    env,
    resources: resources(agent),
    readinessProbe: { tcpSocket: { port: 'http' }, periodSeconds: 5 },
    livenessProbe: { tcpSocket: { port: 'http' }, periodSeconds: 10, failureThreshold: 6 },
    startupProbe: { tcpSocket: { port: 'http' }, periodSeconds: 2, failureThreshold: 60 },
    securityContext: { runAsNonRoot: true, ...HARDENED },
  };
}

/** Requests are what was asked for; only memory is limited, because a limit of CPU slows what it does not have to. */
function resources(agent: AgentSpec): JsonObject {
  const cores = parseCpu(agent.deploy.cpu ?? '') ?? 0.25;
  const memory = kubernetesMemory(parseMemory(agent.deploy.memory ?? '') ?? 512);
  return { requests: { cpu: kubernetesCpu(cores), memory }, limits: { memory } };
}

function service(agent: AgentSpec, { publicPort }: RenderOptions): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(agent),
    spec: { selector: selector(agent), ports: [{ name: 'http', port: 80, targetPort: publicPort }] },
  };
}

/** By the agent's container alone (stable since Kubernetes 1.30). */
function autoscaler(agent: AgentSpec, { min, max, cpu }: { min: number; max: number; cpu: number }): JsonObject {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: metadata(agent),
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: agent.name },
      minReplicas: min,
      maxReplicas: max,
      metrics: [
        {
          type: 'ContainerResource',
          containerResource: {
            name: 'cpu',
            container: agent.name,
            target: { type: 'Utilization', averageUtilization: cpu },
          },
        },
      ],
    },
  };
}

function disruptionBudget(agent: AgentSpec): JsonObject {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadata(agent),
    spec: { maxUnavailable: 1, selector: { matchLabels: selector(agent) } },
  };
}

function metadata(agent: AgentSpec): JsonObject {
  return { name: agent.name, labels: labels(agent) };
}

function selector(agent: AgentSpec): JsonObject {
  return { 'app.kubernetes.io/name': agent.name };
}

function labels(agent: AgentSpec): JsonObject {
  return {
    ...selector(agent),
    ...(agent.version !== undefined && { 'app.kubernetes.io/version': labelValue(agent.version) }),
  };
}

/** Label values take letters, digits and `-_.`, 63 at most, and begin and end with a letter or digit. */
function labelValue(text: string): string {
  return text
    .replaceAll(/[^A-Za-z0-9._-]/g, '_')
    .slice(0, 63)
    .replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
}
