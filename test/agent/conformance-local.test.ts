import { after, test } from 'node:test';
import { localAgent } from '../../src/library/agent.ts';
import { agentConformance, conformanceAgents } from '../../src/library/testing.ts';

agentConformance({ test, after }, 'localAgent', {
  setup: () => ({
    agent(id) {
      const definition = conformanceAgents.find((agent) => agent.id === id);
      if (definition === undefined) throw new Error(`no agent ${id}`);
      return localAgent(definition);
    },
  }),
  without: ['idempotency', 'unknown-agent'],
});
