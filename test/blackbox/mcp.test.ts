import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { EVERYTHING, isAlive, startEverything } from '../peers/support.ts';
import { childrenOf } from '../support/children.ts';
import { type HttpReply, http } from '../support/http.ts';
import { metric, parseMetrics } from '../support/metrics.ts';
import { type Outrider, outriderFor, startOutrider, TOKEN } from '../support/outrider.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';

describe('the reference server, over every transport', () => {
  let servers: { stop(): Promise<void> }[];
  let sidecar: Outrider;
  let ports: { streamable: number; sse: number };

  before(async () => {
    ports = { streamable: await freePort(), sse: await freePort() };
    servers = await Promise.all([
      startEverything('streamableHttp', ports.streamable),
      startEverything('sse', ports.sse),
    ]);
    sidecar = await startOutrider({
      // Started by a relative path and with its own variables, as an operator would write it.
      config: `
mcp_servers:
  streamable: { transport: http, url: "http://127.0.0.1:${ports.streamable}/mcp" }
  also: { transport: streamable_http, url: "http://127.0.0.1:${ports.streamable}/mcp" }
  sse: { transport: sse, url: "http://127.0.0.1:${ports.sse}/sse" }
  stdio: { transport: stdio, command: "${process.execPath}", args: ["${EVERYTHING}", stdio], env: { GIVEN: yes-given } }
  gone: { transport: http, url: "http://127.0.0.1:1/mcp" }
  broken: { transport: stdio, command: /nonexistent/server }
`,
      env: { SOME_SECRET: 'not-for-servers' },
    });
  });
  after(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await sidecar.stop();
  });

  const ask = (name: string, body: unknown, base = sidecar.helpers): Promise<HttpReply> =>
    http(`${base}/mcp/${name}`, { body });

  for (const name of ['streamable', 'also', 'sse', 'stdio']) {
    test(`${name}: the short form is enough, the result comes as one JSON reply, on both listeners`, async () => {
      for (const base of [sidecar.helpers, sidecar.mcp]) {
        const list = await ask(name, { method: 'tools/list', params: {} }, base);
        assert.equal(list.status, 200, list.text);
        assert.match(String(list.headers['content-type']), /^application\/json/);
        assert.equal(list.json.jsonrpc, '2.0');
        assert.ok(['string', 'number'].includes(typeof list.json.id));
        const names = list.json.result.tools.map((tool: { name: string }) => tool.name);
        assert.ok(names.includes('echo') && names.includes('get-sum'), names.join());
      }
      const call = await ask(name, {
        jsonrpc: '2.0',
        id: 'mine',
        method: 'tools/call',
        params: { name: 'get-sum', arguments: { a: 19, b: 23 } },
      });
      assert.equal(call.json.id, 'mine');
      assert.match(call.json.result.content[0].text, /42/);
      const wrong = await ask(name, { id: 5, method: 'prompts/get', params: { name: 'no-such-prompt' } });
      assert.deepEqual([wrong.json.id, wrong.json.error.code], [5, -32_602]);
      // One session, kept, for all of that.
      const { json } = await http(`${sidecar.helpers}/health`);
      assert.deepEqual([json.mcp_servers[name].state, json.mcp_servers[name].sessions], ['ready', 1]);
    });
  }

  test('a stdio server gets its own variables, and none of our secrets', async () => {
    const { json } = await ask('stdio', { method: 'tools/call', params: { name: 'get-env', arguments: {} } });
    const env = JSON.parse(json.result.content[0].text);
    assert.equal(env.GIVEN, 'yes-given');
    assert.ok(env.PATH);
    const all = JSON.stringify(env);
    assert.ok(!all.includes(TOKEN) && !all.includes('not-for-servers'), Object.keys(env).join());
  });

  test('an MCP client of the official SDK works when it is pointed at :9091/mcp/<name>', async (t) => {
    for (const name of ['streamable', 'sse', 'stdio']) {
      const client = new Client({ name: 'an-agent', version: '1' });
      await client.connect(new StreamableHTTPClientTransport(new URL(`${sidecar.mcp}/mcp/${name}`)));
      t.after(() => client.close());
      assert.equal(client.getServerVersion()?.name, 'mcp-servers/everything');
      await client.ping();
      assert.ok((await client.listTools()).tools.length > 5);
      const echo = await client.callTool({ name: 'echo', arguments: { message: `by ${name}` } });
      assert.deepEqual(echo.content, [{ type: 'text', text: `Echo: by ${name}` }]);
      const structured = await client.callTool({ name: 'get-structured-content', arguments: { location: 'New York' } });
      assert.ok(structured.structuredContent);
      await assert.rejects(client.getPrompt({ name: 'no-such-prompt' }), { code: -32_602 });
      await client.close();
    }
  });

  test('errors of our own: unknown, unreachable, malformed; each upstream failure is counted', async () => {
    const expected: [name: string, body: unknown, status: number, code: number][] = [
      ['nobody', { id: 3, method: 'tools/list' }, 404, -32_010],
      ['gone', { id: 3, method: 'tools/list' }, 502, -32_011],
      ['broken', { id: 3, method: 'tools/list' }, 502, -32_011],
      ['stdio', '{"method":', 400, -32_700],
      ['stdio', [{ method: 'ping' }], 400, -32_600],
      ['stdio', { id: 3, params: {} }, 400, -32_600],
    ];
    for (const [name, body, status, code] of expected) {
      const reply = await ask(name, body);
      assert.deepEqual([reply.status, reply.json.error.code], [status, code], `${name} ${reply.text}`);
      assert.equal(reply.json.id, JSON.stringify(body).includes('"id":3') ? 3 : null);
      assert.doesNotMatch(reply.text, /127\.0\.0\.1|nonexistent|ENOENT/);
    }
    const metrics = parseMetrics((await http(`${sidecar.helpers}/metrics`)).text);
    for (const peer of ['gone', 'broken']) {
      assert.ok(metric(metrics, 'outrider_upstream_errors_total', { peer, code: 'unreachable' }) >= 1, peer);
    }
    const { json } = await http(`${sidecar.helpers}/health`);
    assert.deepEqual([json.mcp_servers.gone.errors, json.mcp_servers.gone.last_error], [1, 'unreachable']);
  });

  test('a server that was restarted is initialised again, without the caller noticing', async () => {
    await servers[0]?.stop();
    const down = await ask('streamable', { method: 'tools/list' });
    assert.deepEqual([down.status, down.json.error.code], [502, -32_011]);
    servers[0] = await startEverything('streamableHttp', ports.streamable);
    const again = await ask('streamable', {
      method: 'tools/call',
      params: { name: 'echo', arguments: { message: 'again' } },
    });
    assert.equal(again.json.result?.content[0].text, 'Echo: again', again.text);
  });

  test('a stdio server that died is started again with the next request', async () => {
    const server = () => childrenOf(sidecar.process.pid).find(({ command }) => command.includes(EVERYTHING))?.pid;
    const pid = server();
    assert.ok(pid);
    process.kill(pid, 'SIGKILL');
    await until(() => !isAlive(pid), 'the server dead');
    const again = await until(async () => {
      const reply = await ask('stdio', {
        method: 'tools/call',
        params: { name: 'echo', arguments: { message: 'back' } },
      });
      return reply.status === 200 && reply;
    }, 'the server to answer again');
    assert.equal(again.json.result.content[0].text, 'Echo: back');
    assert.notEqual(server(), pid);
  });
});

test('a server that does not answer is -32012 with 504; its process group ends with the sidecar; its stderr is in the log', async (t) => {
  // Silent, deaf to SIGTERM, and with a child of its own.
  const script = `
    process.on('SIGTERM', () => {});
    const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    console.error('grandchild ' + child.pid + ' of ' + process.pid);
    setInterval(() => {}, 1000);`;
  const sidecar = await outriderFor(t, {
    config: `
timeouts: { peer: 700ms }
mcp_servers: { silent: { transport: stdio, command: "${process.execPath}", args: ["-e", ${JSON.stringify(script)}] } }
`,
  });
  const reply = await http(`${sidecar.helpers}/mcp/silent`, { body: { id: 1, method: 'tools/list' } });
  assert.deepEqual([reply.status, reply.json.error.code], [504, -32_012]);
  const metrics = parseMetrics((await http(`${sidecar.helpers}/metrics`)).text);
  assert.equal(metric(metrics, 'outrider_upstream_errors_total', { peer: 'silent', code: 'timeout' }), 1);
  const said = sidecar.logs().find(({ text, msg }) => /grandchild \d+/.test(`${String(text)} ${String(msg)}`));
  assert.ok(said, 'stderr of the server is in the log');
  const [, grandchild, child] = /grandchild (\d+) of (\d+)/.exec(JSON.stringify(said)) ?? [];
  assert.equal((await sidecar.stop()).code, 0);
  for (const pid of [child, grandchild]) assert.ok(!isAlive(Number(pid)), `process ${pid} is left`);
});
