import type { AgentSpec } from '../agent-spec.ts';
import type { Json, JsonObject } from '../json.ts';
import { composeCpu, composeMemory, parseCpu, parseMemory } from '../quantity.ts';
import type { RenderOptions } from '../target.ts';
import { literal, secretReference } from './variables.ts';

/** A Compose file of the agent alone. One agent: a published port has room for no more, whatever `scaling` says. */
export function render({ name, deploy }: AgentSpec, { agentImage, publicPort }: RenderOptions): readonly Json[] {
  const environment = {
    ...Object.fromEntries(Object.entries(deploy.env).map(([key, value]) => [key, literal(value)])),
    ...Object.fromEntries(deploy.secrets.map((secret) => [secret, secretReference(secret)])),
    PORT: String(publicPort),
    HOST: '0.0.0.0',
  };
  const limits = limitsOf(deploy);
  const service = {
    image: agentImage,
    environment,
    ports: [`${publicPort}:${publicPort}`],
    restart: 'unless-stopped',
    init: true,
    ...(Object.keys(limits).length > 0 && { deploy: { resources: { limits } } }),
  };
  return [{ name, services: { [name]: service } }];
}

function limitsOf({ cpu, memory }: AgentSpec['deploy']): JsonObject {
  const cores = cpu === undefined ? undefined : parseCpu(cpu);
  const mib = memory === undefined ? undefined : parseMemory(memory);
  return {
    ...(cores !== undefined && { cpus: composeCpu(cores) }),
    ...(mib !== undefined && { memory: composeMemory(mib) }),
  };
}
