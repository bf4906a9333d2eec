import { chooseAgent } from '../choose-agent.ts';
import { tellAgent } from '../container-spec.ts';
import { without } from '../edit.ts';
import { asNumber, isObject, type Json, type JsonObject, listOf, type Path } from '../json.ts';
import { agentVariables, type Plan, SIDECAR_NAME } from '../plan.ts';
import { shown } from '../shown.ts';
import { ManifestError } from '../target.ts';
import { moveHealthCheck } from './health-check.ts';

/** `stopTimeout` where none is said. */
const DEFAULT_STOP_SECONDS = 30;

/** The agent's container. */
export interface Found {
  readonly container: JsonObject;
  readonly index: number;
  readonly path: Path;
}

/** Not a container that only prepares the task (not essential), routes its logs, or is its mesh's proxy. */
export function findAgent(task: JsonObject, containers: readonly Json[], plan: Plan): Found {
  const { family, proxyConfiguration: proxy } = task;
  if (plan.workload !== undefined && plan.workload !== family) {
    const message = `there is no task definition ${plan.workload}: --workload can name ${shown(family)}`;
    throw new ManifestError([{ document: 0, path: ['family'], message }]);
  }
  const all = containers.flatMap((container, index) => {
    const path = ['containerDefinitions', index];
    return isObject(container) ? [{ container, index, document: 0, path, name: shown(container['name']) }] : [];
  });
  const proxyName = isObject(proxy) ? proxy['containerName'] : undefined;
  const likely = all.filter(
    ({ container, name }) =>
      container['essential'] !== false && container['firelensConfiguration'] === undefined && name !== proxyName,
  );
  return chooseAgent(plan.container !== undefined || likely.length === 0 ? all : likely, {
    at: { document: 0, path: ['containerDefinitions'] },
    what: 'container',
    option: '--container',
    chosen: plan.container,
    agentName: plan.agentName,
  });
}

interface AgentChange {
  readonly plan: Plan;
  /** Where it listened, if the task says so. */
  readonly from: number | undefined;
  readonly drainSeconds: number;
}

export function agentContainer(agent: JsonObject, { plan, from, drainSeconds }: AgentChange): JsonObject {
  const { dependsOn, stopTimeout } = agent;
  const healthCheck = moveHealthCheck(agent, from, plan);
  return {
    ...without(agent, 'portMappings'),
    ...(agent['essential'] === false && { essential: true }),
    environment: tellAgent(agent['environment'], agentVariables(plan)),
    dependsOn: [...listOf(dependsOn), { containerName: SIDECAR_NAME, condition: 'HEALTHY' }],
    ...(healthCheck !== undefined && { healthCheck }),
    // What the sidecar still holds when the task stops, the agent must be there to answer.
    ...(asNumber(stopTimeout ?? DEFAULT_STOP_SECONDS) < drainSeconds && { stopTimeout: drainSeconds }),
  };
}
