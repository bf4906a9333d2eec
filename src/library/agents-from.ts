import type { Agent, CallOptions } from '../agent/agent.ts';
import { localAgent } from '../agent/local.ts';
import { loadAgents } from '../compose/load-agents.ts';
import { type AgentPlace, loadAgentsFile } from '../config/agents-file.ts';
import { ConfigError, type Fault } from '../config/faults.ts';
import { AgentError } from '../contract/agent-error.ts';
import type { ExecuteRequest } from '../contract/messages.ts';
import { agentAt, type RemoteAgent } from './remote-agents.ts';

/** The agents of a configuration, wherever they run. */
export interface Agents {
  readonly ids: readonly string[];
  /** Throws `not_found`, with the ids that there are. */
  get(id: string): Agent;
  /** Ends the connections of all. */
  close(): Promise<void>;
}

/** Where `agentsFrom` finds what its configuration names: variables that hold tokens, and relative paths. */
export interface AgentsOptions {
  /** Where `token_env` looks; the process's environment unless told. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** What relative paths of an object, and the path of the file itself, are relative to; the working directory unless told. */
  readonly cwd?: string | undefined;
}

/** See `agentsFrom` of `agent.ts`. */
export async function loadAgentsFrom(config: string | object, options: AgentsOptions = {}): Promise<Agents> {
  const { env = process.env, cwd = process.cwd() } = options;
  const { agents: places, faultAt } = await loadAgentsFile(config, { env, cwd });
  const modules = new Set(places.flatMap(({ module }) => module ?? []));
  const loaded = await loadAgents([...modules]);
  const faults: Fault[] = [];
  const agents = new Map<string, Agent>();
  const remote: RemoteAgent[] = [];
  for (const place of places) {
    if (place.module === undefined) {
      const agent = remoteAgent(place);
      remote.push(agent);
      agents.set(place.id, agent);
      continue;
    }
    const exported = loaded.filter(({ file }) => file === place.module).map(({ definition }) => definition);
    const definition = exported.find(({ id }) => id === place.remoteId);
    if (definition === undefined) {
      const ids = exported.map(({ id }) => id).join(', ') || 'none';
      faults.push(faultAt(place.id, `the module exports no agent ${place.remoteId}, only: ${ids}`));
    } else agents.set(place.id, withTimeout(localAgent(definition), place.timeoutMs));
  }
  const close = async (): Promise<void> => {
    await Promise.all(remote.map((agent) => agent.close()));
  };
  if (faults.length > 0) {
    await close();
    throw new ConfigError(faults);
  }
  const ids = [...agents.keys()];
  return {
    ids,
    get(id) {
      const agent = agents.get(id);
      if (agent !== undefined) return agent;
      throw new AgentError('not_found', `there is no agent ${JSON.stringify(id)}, only: ${ids.join(', ') || 'none'}`);
    },
    close,
  };
}

function remoteAgent({ url = '', remoteId, token, retry, timeoutMs }: AgentPlace): RemoteAgent {
  return agentAt({ url, id: remoteId, token: () => token?.reveal(), retry, timeoutMs });
}

/** For calls that bring no time of their own, as it is for agents at an address. */
function withTimeout(agent: Agent, timeoutMs: number | undefined): Agent {
  if (timeoutMs === undefined) return agent;
  const bounded = (request: ExecuteRequest, options: CallOptions = {}): CallOptions =>
    options.deadline !== undefined || request?.timeout_seconds !== undefined
      ? options
      : { ...options, deadline: performance.now() + timeoutMs };
  return {
    execute: (request, options) => agent.execute(request, bounded(request, options)),
    stream: (request, options) => agent.stream(request, bounded(request, options)),
  };
}
