import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { until } from '../../../test/support/until.ts';
import { addressOf, type Ground, hearing, sidecarEnv, TOKEN } from './ground.ts';

const MCP_SERVER = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js');

/** A sidecar before an agent, with everything that a sidecar loads when it is needed: rules, traces, MCP, its database. */
export async function checkSidecar(ground: Ground): Promise<void> {
  const { expect } = ground;
  const agent = await hearing(({ body }, response) => {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ heard: body.toString() }));
  });
  const collector = await hearing();
  const mcp = { tools: { transport: 'stdio', command: process.execPath, args: [MCP_SERVER, 'stdio'] } };
  writeFileSync(
    join(ground.folder, 'outrider.yaml'),
    JSON.stringify({ guardrails: ['pii_detection'], mcp_servers: mcp }),
  );
  const sidecar = ground.start(['sidecar'], {
    ...sidecarEnv(ground, agent.url),
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    // Of the agent, in whose environment a sidecar may be.
    NODE_OPTIONS: '--import ./there-is-no-such-module.mjs',
  });
  try {
    const inbound = await addressOf(sidecar, 'inbound');
    const helpers = await addressOf(sidecar, 'helpers');
    await until(async () => (await fetch(`${inbound}/ready`)).status === 200, '/ready is 200');
    expect('a sidecar before an agent is ready', true, '');

    const text = 'My SSN is 536-22-8726, my telephone +44 20 7946 0018.';
    const reply = await fetch(`${inbound}/invoke`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ input: text }),
    });
    const received = agent.heard.at(-1)?.body.toString() ?? '';
    const guarded = reply.status === 200 && received.includes('My SSN is') && !/8726|7946/.test(received);
    expect('a call is guarded: neither SSN nor telephone number reaches the agent', guarded, received);
    const refused = await fetch(`${inbound}/invoke`, { method: 'POST' });
    expect('a call without a token is refused', refused.status === 401, refused.status);

    const tools = await post(`${helpers}/mcp/tools`, { method: 'tools/list' });
    expect('an MCP server is reached', /"echo"/.test(tools.text), tools);
    const cost = { model: 'claude-sonnet-4', input_tokens: 7, output_tokens: 3, cost_usd: 0.0038 };
    const recorded = await post(`${helpers}/cost`, cost);
    expect('a cost event is taken', recorded.status === 202, recorded);
    const healthy = await ground.run(['healthcheck', '--url', inbound]);
    expect('healthcheck exits 0 while it lives', healthy.code === 0, healthy);
    expect('it stops on SIGTERM with 0', (await sidecar.stop()).code === 0, sidecar.stderr);
    const gone = await ground.run(['healthcheck', '--url', inbound]);
    expect('healthcheck exits 1 when it does not', gone.code === 1, gone);

    using database = new DatabaseSync(join(ground.folder, 'data', 'ledger.db'), { readOnly: true });
    const rows = database.prepare('SELECT model, input_tokens FROM costs').all();
    expect(
      'the cost event is in the database',
      JSON.stringify(rows) === '[{"model":"claude-sonnet-4","input_tokens":7}]',
      rows,
    );
    const spans = collector.heard.filter(({ path, body }) => path === '/v1/traces' && body.length > 0);
    expect('its spans were exported', spans.length > 0, collector.heard);
    const warnings = /Warning/.exec(sidecar.stderr);
    expect('nothing was said but its log', warnings === null, sidecar.stderr);
  } finally {
    await sidecar.stop();
    agent.close();
    collector.close();
  }
}

async function post(url: string, body: object): Promise<{ status: number; text: string }> {
  const reply = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: reply.status, text: await reply.text() };
}
