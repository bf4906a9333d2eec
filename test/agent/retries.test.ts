import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AgentError, grpcAgent, httpAgent, type RemoteAgent } from '../../src/library/agent.ts';
import { conformanceHost, HOST_TOKEN, type TestHost } from './support.ts';

let runs = 0;
let host: TestHost;
const retry = { attempts: 4, firstDelayMs: 1, maxDelayMs: 2 };

before(async () => {
  host = await conformanceHost([
    {
      id: 'limited',
      execute() {
        runs++;
        throw new AgentError('rate_limited', 'the model is busy');
      },
    },
  ]);
});
after(() => host.stop());

for (const [name, make, urlOf] of [
  ['httpAgent', httpAgent, () => host.url],
  ['grpcAgent', grpcAgent, () => host.grpcUrl],
] as const) {
  test(`${name}: an agent that itself says rate_limited has run, and is not run again by itself`, async (t) => {
    const agent: RemoteAgent = make({ url: urlOf(), id: 'limited', token: HOST_TOKEN, retry });
    t.after(() => agent.close());
    runs = 0;
    await assert.rejects(agent.execute({ input: 'x' }), { code: 'rate_limited', retryable: true });
    assert.equal(runs, 1);
    await assert.rejects(
      async () => {
        for await (const _event of agent.stream({ input: 'x' }));
      },
      { code: 'rate_limited' },
    );
    assert.equal(runs, 2);
  });

  test(`${name}: an address where nobody listens is asked so often, and no longer when it stays so`, async (t) => {
    const url = `${name === 'httpAgent' ? 'http' : 'grpc'}://127.0.0.1:9`;
    const agent: RemoteAgent = make({ url, id: 'x', retry });
    t.after(() => agent.close());
    for (let i = 0; i < 3; i++) await assert.rejects(agent.execute({ input: 'x' }), { code: 'unreachable' });
    await assert.rejects(agent.execute({ input: 'x' }), /left alone/);
  });
}
