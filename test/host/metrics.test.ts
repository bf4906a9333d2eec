import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostFor } from '../support/host.ts';
import { http } from '../support/http.ts';
import { documentedFamilies, metric, parseMetrics } from '../support/metrics.ts';

test("GET /metrics of a host has every family of the host's table, and nothing that is not documented", async (t) => {
  const { url, token } = await hostFor(t, {
    agents: [
      { id: 'echo', execute: ({ input }) => input },
      {
        id: 'broken',
        execute: () => {
          throw new Error('it broke');
        },
      },
    ],
  });
  const headers = { 'X-API-Key': token };
  const run = (id: string) => http(`${url}/v1/agents/${id}/execute`, { headers, body: { input: 'x' } });
  assert.equal((await run('echo')).status, 200);
  assert.equal((await run('broken')).status, 502);
  const families = parseMetrics((await http(`${url}/metrics`)).text);

  const runs = (agent: string, outcome: string): number =>
    metric(families, 'outrider_agent_runs_total', { agent, outcome });
  assert.deepEqual([runs('echo', 'ok'), runs('broken', 'agent_failed'), runs('broken', 'ok')], [1, 1, 0]);
  assert.equal(metric(families, 'outrider_agent_run_seconds_count', { agent: 'echo' }), 1);
  assert.equal(metric(families, 'outrider_agent_running', { agent: 'echo' }), 0);
  assert.equal(metric(families, 'outrider_requests_total', { surface: 'host', status: '200' }), 1);

  const { sidecar, host } = await documentedFamilies();
  assert.ok(host.length >= 4);
  for (const [name, type] of host) assert.equal(families.get(name)?.type, type, name);
  const types = new Map([...sidecar, ...host]);
  for (const [name, { type, help, samples }] of families) {
    assert.equal(types.get(name), type, `${name} is documented`);
    assert.ok(help.length > 5, `${name} has no help`);
    assert.ok(samples.length > 0, name);
  }
});
