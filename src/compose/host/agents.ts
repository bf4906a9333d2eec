import type { Agent, AgentDefinition } from '../../agent/agent.ts';
import { localAgent } from '../../agent/local.ts';
import { type AgentSettings, DEFAULT_SETTINGS } from '../../config/agent-entry.ts';
import { ConfigError, type Fault } from '../../config/faults.ts';
import type { HostAgentEntry } from '../../config/host-agents.ts';
import type { HostConfig } from '../../config/host-load.ts';
import { revealAll } from '../../config/secret.ts';
import type { AgentInfo } from '../../contract/messages.ts';
import type { Environment } from '../../environment.ts';
import type { HostedAgent } from '../../host/ports.ts';
import type { Log } from '../../log.ts';
import type { SpanSource } from '../../span.ts';
import { type LoadedAgent, loadAgents } from '../load-agents.ts';
import { tracedAgent } from './traced-agent.ts';

export interface AgentSources {
  readonly config: HostConfig;
  /** Defined by whoever embeds the host. */
  readonly embedded: readonly AgentDefinition[];
  readonly tracing: SpanSource | undefined;
  readonly env: Environment;
  readonly log: Log;
}

/** Makes every agent of the configuration; children are started. Throws `ConfigError` with every fault before anything is. */
export async function openAgents(sources: AgentSources): Promise<HostedAgent[]> {
  const { config } = sources;
  const loaded = await loadAll(config, sources.embedded);
  const agents = loaded.map(({ id, definition, settings }) =>
    moduleAgent(id, definition, settings ?? DEFAULT_SETTINGS, sources),
  );
  for (const [id, entry] of config.agents) {
    if (entry.source === 'command') agents.push(await commandAgent(id, entry, sources));
    if (entry.source === 'url') agents.push(await urlAgent(id, entry, 'url', sources));
  }
  return agents;
}

interface Loaded {
  readonly id: string;
  readonly definition: AgentDefinition;
  readonly settings: AgentSettings | undefined;
}

/** The agents of all modules, each id once. */
async function loadAll(config: HostConfig, embedded: readonly AgentDefinition[]): Promise<Loaded[]> {
  const faults: Fault[] = [];
  const exported = new Map<string, LoadedAgent>();
  const own = embedded.map((definition): LoadedAgent => ({ definition, file: 'the program' }));
  for (const one of [...own, ...(await loadAgents([...new Set(config.modules)]))]) {
    const { id } = one.definition;
    const other = exported.get(id);
    if (other !== undefined)
      faults.push({ file: one.file, path: id, message: `${other.file} has an agent of this id too` });
    exported.set(id, one);
  }
  const all = new Map<string, Loaded>();
  for (const [id, { definition }] of exported) all.set(id, { id, definition, settings: undefined });
  for (const [id, entry] of config.agents) {
    const fault = (message: string): void => void faults.push(config.faultAt(id, message));
    const known = exported.get(id);
    if (entry.source === 'exported') {
      if (known === undefined) fault('no module exports this agent: expected `module`, `command` or `url`');
      else all.set(id, { id, definition: known.definition, settings: entry });
    } else if (known !== undefined && !(entry.source === 'module' && entry.file === known.file)) {
      fault(`${known.file} exports an agent of this id too`);
    } else if (entry.source === 'module') {
      const definitions = await loadAgents([entry.file]);
      const definition = definitions.find((one) => one.definition.id === entry.remoteId)?.definition;
      if (definition === undefined) fault(`${entry.file} exports no agent ${entry.remoteId}`);
      else all.set(id, { id, definition, settings: entry });
    }
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return [...all.values()];
}

function moduleAgent(
  id: string,
  definition: AgentDefinition,
  settings: AgentSettings,
  { tracing }: AgentSources,
): HostedAgent {
  const info = infoOf(id, settings, definition);
  const agent = tracedAgent(localAgent(definition), { tracing, info, kind: 'internal' });
  return hosted(info, agent, settings, { source: 'module', ready: () => true, close: async () => undefined });
}

async function commandAgent(
  id: string,
  entry: Extract<HostAgentEntry, { source: 'command' }>,
  { config, env: base, tracing, log }: AgentSources,
): Promise<HostedAgent> {
  const { childAgent } = await import('./child-agent.ts');
  const info = infoOf(id, entry);
  const child = childAgent({
    id,
    remoteId: entry.remoteId,
    name: info.name,
    command: entry.command,
    cwd: entry.cwd,
    env: revealAll(entry.env),
    base,
    secretNames: config.secretVariables,
    log: log.child({ agent: id }),
  });
  const agent = tracedAgent(child.agent, { tracing, info, kind: 'client' });
  return hosted(info, agent, entry, { source: 'command', ready: () => child.ready(), close: () => child.close() });
}

/** An agent at an address. What calls it is loaded with the first of them: mostly all agents are of this process. */
export async function urlAgent(
  id: string,
  entry: AgentSettings & { url: string; remoteId: string; token: { reveal(): string } | undefined },
  source: 'url' | 'registered',
  { tracing }: Pick<AgentSources, 'tracing'>,
): Promise<HostedAgent> {
  const { agentAt } = await import('../../library/remote-agents.ts');
  const info = infoOf(id, entry);
  const agent = agentAt({ url: entry.url, id: entry.remoteId, token: entry.token?.reveal(), timeoutMs: entry.timeout });
  return hosted(info, tracedAgent(agent, { tracing, info, kind: 'client' }), entry, {
    source,
    ready: () => true,
    close: () => agent.close(),
  });
}

function infoOf(id: string, settings: AgentSettings, said: Partial<AgentDefinition> = {}): AgentInfo {
  return {
    id,
    name: settings.name ?? said.name ?? id,
    model: settings.model ?? said.model ?? '',
    description: settings.description ?? said.description ?? '',
  };
}

function hosted(
  info: AgentInfo,
  agent: Agent,
  { allowed_roles: allowedRoles, concurrency, queue, timeout }: AgentSettings,
  rest: Pick<HostedAgent, 'source' | 'ready' | 'close'>,
): HostedAgent {
  return { info, agent, allowedRoles, concurrency, queue, timeoutMs: timeout, ...rest };
}
