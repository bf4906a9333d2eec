import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { RemoteAgent } from '../../src/library/agent.ts';
import { failure, readStream } from '../support/agent-calls.ts';
import { type HostProcess, hostCommandFor } from '../support/host.ts';
import { http } from '../support/http.ts';
import { type Outrider, outriderFor, TOKEN } from '../support/outrider.ts';
import { memoryOf, PROTOCOLS } from '../support/remote-agents.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';
import { until, untilStill } from '../support/until.ts';

const AGENTS = join(import.meta.dirname, 'fixtures/bad-day-agents.ts');
const MIB = 2 ** 20;

async function chain(t: TestContext): Promise<{ host: HostProcess; sidecar: Outrider; cut: () => void }> {
  const host = await hostCommandFor(t, { args: [AGENTS], env: { AGENT_AUTH_TOKEN: TOKEN } });
  const proxy = await tcpProxy(t, host.port);
  const sidecar = await outriderFor(t, {
    agentUrl: `http://127.0.0.1:${proxy.port}`,
    config: 'forward_authorization: true',
  });
  return { host, sidecar, cut: () => proxy.cut('reset') };
}

function agentBy(t: TestContext, [, make]: (typeof PROTOCOLS)[number], { inbound }: Outrider, id: string): RemoteAgent {
  const agent = make({ url: inbound, id, token: TOKEN, retry: false });
  t.after(() => agent.close());
  return agent;
}

async function running({ url }: HostProcess, agent: string): Promise<number> {
  const { text } = await http(`${url}/metrics`);
  return Number(new RegExp(`^outrider_agent_running\\{agent="${agent}"\\} (\\d+)$`, 'm').exec(text)?.[1]);
}

test('behind a sidecar: a way to the host that is cut, and a host that is killed, are errors at once', async (t) => {
  const { host, sidecar, cut } = await chain(t);
  for (const end of [cut, () => host.process.signal('SIGKILL')]) {
    const failures = PROTOCOLS.flatMap((protocol) => {
      const waiter = agentBy(t, protocol, sidecar, 'waiter');
      return [failure(waiter.execute({ input: 'x' })), failure(readStream(waiter.stream({ input: 'x' })))];
    });
    await until(async () => (await running(host, 'waiter')) === 4, 'all run');
    const endedAt = performance.now();
    end();
    for (const { code, retryable } of await Promise.all(failures)) {
      assert.deepEqual([code, retryable], ['unreachable', true]);
    }
    assert.ok(performance.now() - endedAt < 1_000);
    if (end === cut) await until(async () => (await running(host, 'waiter')) === 0, 'nothing runs any more', 2_000);
  }
  for (const protocol of PROTOCOLS) {
    const { code, retryable } = await failure(agentBy(t, protocol, sidecar, 'echo').execute({ input: 'x' }));
    assert.deepEqual([code, retryable], ['unreachable', true]);
  }
});

test('behind a sidecar: an unknown agent, too much input, and a reader that stops', { timeout: 30_000 }, async (t) => {
  const { host, sidecar } = await chain(t);
  const input = 'x'.repeat(50 * MIB);
  for (const protocol of PROTOCOLS) {
    const [name] = protocol;
    const { code } = await failure(agentBy(t, protocol, sidecar, 'nobody').execute({ input: 'x' }));
    assert.equal(code, 'not_found');

    const echo = agentBy(t, protocol, sidecar, 'echo');
    assert.equal((await echo.execute({ input: 'warm' })).output, 'warm');
    const before = [host.process.pid, sidecar.process.pid].map((pid) => memoryOf(pid).most);
    const beganAt = performance.now();
    assert.equal((await failure(echo.execute({ input }))).code, 'body_too_large');
    assert.equal((await failure(readStream(echo.stream({ input })))).code, 'body_too_large');
    assert.ok(performance.now() - beganAt < 4_000);
    const grown = [host.process.pid, sidecar.process.pid].map(
      (pid, index) => memoryOf(pid).most - (before[index] ?? 0),
    );
    console.log(`${name}: 2 x 50 MiB, and ${grown.map((mib) => mib.toFixed(0)).join(' and ')} MiB at host and sidecar`);
    for (const mib of grown) assert.ok(mib < 80, `${mib} MiB`);

    const slow = `slow ${name}`;
    const flooded = agentBy(t, protocol, sidecar, 'flooded');
    const seen = async (): Promise<{ made: number; aborted: boolean }> =>
      JSON.parse((await flooded.execute({ input: slow })).output);
    const events = agentBy(t, protocol, sidecar, 'flood').stream({ input: slow })[Symbol.asyncIterator]();
    assert.ok((await events.next()).value?.chunk !== undefined);
    const made = await untilStill(async () => (await seen()).made, 'it stands still', 300);
    console.log(`${name}: the agent stopped after ${((made * 16) / 1024).toFixed(1)} MiB`);
    // Most of it stands in the buffers of the system, which are some MiB for each of three connections.
    assert.ok((made * 16) / 1024 < 64, `${made} pieces were made for nobody`);
    await events.return?.();
    await until(async () => (await seen()).aborted, 'the agent is told that the reader has left', 2_000);
  }
});
