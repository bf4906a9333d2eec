import type { AgentSpec } from '../agent-spec.ts';
import type { Json, JsonObject } from '../json.ts';
import { parseCpu, parseMemory } from '../quantity.ts';
import type { RenderOptions } from '../target.ts';
import { inSteps } from './resources.ts';
import { reference, withSecrets } from './secrets.ts';

/** The Container App of the agent alone. Its environment is named when it is created: `--environment`. */
export function render({ name, deploy }: AgentSpec, options: RenderOptions): readonly Json[] {
  const { agentImage, publicPort, secretStore } = options;
  const { cpu, memory } = deploy;
  const env = [
    ...Object.entries(deploy.env).map(([key, value]) => ({ name: key, value })),
    ...deploy.secrets.map(reference),
    { name: 'PORT', value: String(publicPort) },
    { name: 'HOST', value: '0.0.0.0' },
  ];
  const resources = inSteps(
    cpu === undefined ? undefined : parseCpu(cpu),
    memory === undefined ? undefined : parseMemory(memory),
  );
  const scale = scaleOf(deploy.scaling);
  const root = {
    name,
    type: 'Microsoft.App/containerApps',
    ...(deploy.region !== undefined && { location: deploy.region }),
    properties: {
      configuration: {
        activeRevisionsMode: 'Single',
        ingress: { external: true, targetPort: publicPort, transport: 'auto' },
      },
      template: {
        containers: [{ name, image: agentImage, env, resources }],
        ...(Object.keys(scale).length > 0 && { scale }),
      },
    },
  };
  return [withSecrets({ document: 0, root }, deploy.secrets, secretStore).root];
}

/** A rule on CPU cannot bring an app back from none. */
function scaleOf({ min, max, targetCpu }: AgentSpec['deploy']['scaling']): JsonObject {
  const least = targetCpu === undefined ? min : Math.max(1, min ?? 1);
  return {
    ...(least !== undefined && { minReplicas: least }),
    ...(max !== undefined && { maxReplicas: max }),
    ...(targetCpu !== undefined && {
      rules: [{ name: 'cpu', custom: { type: 'cpu', metadata: { type: 'Utilization', value: String(targetCpu) } } }],
    }),
  };
}
