import { after, test } from 'node:test';
import { grpcAgent, httpAgent, type RemoteAgent } from '../../src/library/agent.ts';
import { agentConformance } from '../../src/library/testing.ts';
import { conformanceHost, HOST_TOKEN, type TestHost } from './support.ts';

for (const [name, make, urlOf] of [
  ['httpAgent', httpAgent, (host: TestHost) => host.url],
  ['grpcAgent', grpcAgent, (host: TestHost) => host.grpcUrl],
] as const) {
  let host: TestHost;
  const opened: RemoteAgent[] = [];
  agentConformance({ test, after }, name, {
    async setup() {
      host = await conformanceHost();
      return {
        agent(id) {
          const agent = make({ url: urlOf(host), id, token: HOST_TOKEN });
          opened.push(agent);
          return agent;
        },
      };
    },
    async teardown() {
      await Promise.all(opened.map((agent) => agent.close()));
      await host.stop();
    },
  });
}
