import { OutriderError } from '../errors.ts';
import type { HostedAgent, Registry } from './ports.ts';

/** The agents of a host, in the order in which they came. */
export function registry(agents: Iterable<HostedAgent> = []): Registry {
  const byId = new Map<string, HostedAgent>();
  const add = (agent: HostedAgent): void => {
    const { id } = agent.info;
    if (byId.has(id)) throw new OutriderError('conflict', `there is an agent ${id} already`);
    byId.set(id, agent);
  };
  for (const agent of agents) add(agent);
  return {
    get: (id) => byId.get(id),
    list: () => [...byId.values()],
    add,
    remove(id) {
      const agent = byId.get(id);
      byId.delete(id);
      return agent;
    },
  };
}
