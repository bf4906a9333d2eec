import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { EVERYTHING, isAlive } from '../peers/support.ts';
import { childrenOf } from '../support/children.ts';
import { http } from '../support/http.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { type Outrider, startOutrider, TOKEN } from '../support/outrider.ts';
import { freePort } from '../support/ports.ts';
import { Process, ROOT } from '../support/process.ts';
import { until } from '../support/until.ts';

const python = spawnSync('python3', ['-c', 'import sys; assert sys.version_info >= (3, 9)'], { stdio: 'ignore' });
const AGENTS = [
  { language: 'Node', command: [process.execPath, join(ROOT, 'examples/agent-node/agent.ts')], skip: false },
  {
    language: 'Python',
    command: ['python3', join(ROOT, 'examples/agent-python/agent.py')],
    skip: python.status === 0 ? false : 'needs python3, 3.9 or later',
  },
] as const;

const AUTH = { Authorization: `Bearer ${TOKEN}` };
const COLLEAGUE_TOKEN = 'colleague-token-0123456789';
const INPUT = 'The harbour master closed the harbour. Write to ann@mail.example about it. Nobody knew why.';

for (const { language, command, skip } of AGENTS) {
  describe(`the example agent in ${language}`, { skip }, () => {
    let collector: OtlpReceiver;
    let colleagueAgent: Process;
    let colleague: Outrider;
    let gist: Outrider;

    before(async () => {
      collector = await startOtlpReceiver();
      const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '50' };
      // The peer: agent and `outrider sidecar` started apart, as in two containers of one pod.
      const ports = await Promise.all([freePort(), freePort(), freePort()]);
      const [file, ...args] = command;
      const helpers = `http://127.0.0.1:${ports[1]}`;
      colleagueAgent = new Process(file, args, {
        PATH: process.env['PATH'],
        AGENT_NAME: 'colleague',
        PORT: String(ports[0]),
        OUTRIDER_LOCAL_URL: helpers,
        OUTRIDER_COST_URL: helpers,
      });
      colleague = await startOutrider({
        agentUrl: `http://127.0.0.1:${ports[0]}`,
        env: {
          ...traced,
          AGENT_NAME: 'colleague',
          AGENT_AUTH_TOKEN: COLLEAGUE_TOKEN,
          OUTRIDER_LOCAL_ADDR: `127.0.0.1:${ports[1]}`,
        },
      });
      gist = await startOutrider({
        args: ['run', '--', ...command],
        agentUrl: `http://127.0.0.1:${ports[2]}`,
        env: { ...traced, AGENT_NAME: 'gist', COLLEAGUE_TOKEN },
        config: `
a2a_peers: { colleague: { url: "${colleague.inbound}", token_env: COLLEAGUE_TOKEN } }
mcp_servers: { everything: { transport: stdio, command: "${process.execPath}", args: ["${EVERYTHING}", stdio] } }
`,
      });
      for (const sidecar of [colleague, gist]) {
        await until(async () => (await http(`${sidecar.inbound}/ready`)).status === 200, 'both ready');
      }
    });
    after(async () => {
      await gist.stop();
      await colleague.stop();
      await colleagueAgent.stop();
      await collector.close();
    });
    const ask = (path: string, body: unknown, headers = {}) =>
      http(gist.inbound + path, { body, headers: { ...AUTH, ...headers } });

    test('invoke: answered by the agent that never saw the address, and its cost recorded under its id', async () => {
      const reply = await ask('/invoke', { input: INPUT });
      assert.equal(reply.status, 200);
      const { agent, version, output, model, usage, cost_usd, cost_event } = reply.json;
      assert.deepEqual([agent, version, output], ['gist', '1.2.3', 'In short: The harbour master closed the harbour.']);
      const [cost] = costs(gist.dataDir, cost_event);
      assert.ok(cost, 'the cost');
      assert.deepEqual(
        [
          cost['agent'],
          cost['agent_version'],
          cost['model'],
          cost['input_tokens'],
          cost['output_tokens'],
          cost['cost_nanos'],
        ],
        ['gist', '1.2.3', model, usage.input_tokens, usage.output_tokens, Math.round(cost_usd * 1e9)],
      );
      const echo = await ask('/invoke', { input: 'ann@mail.example' });
      assert.equal(echo.json.output, 'In short: [REDACTED-EMAIL]');
      assert.equal((await http(`${gist.inbound}/invoke`, { body: { input: INPUT } })).status, 401);
    });

    test('stream: word by word, as they come, then the whole answer with its cost', async () => {
      const response = await fetch(`${gist.inbound}/stream`, {
        method: 'POST',
        headers: { ...AUTH, 'Content-Type': 'application/json' },
        body: JSON.stringify({ input: INPUT, delay_ms: 60 }),
        signal: AbortSignal.timeout(15_000),
      });
      assert.equal(response.headers.get('content-type'), 'text/event-stream');
      const arrivals: number[] = [];
      let text = '';
      for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        arrivals.push(performance.now());
        text += piece;
      }
      const events = text.trim().split('\n\n');
      assert.equal(events.filter((event) => event.startsWith('event: token\n')).length, 8);
      const done = JSON.parse(events.at(-1)?.split('data: ')[1] ?? '');
      assert.equal(done.output, 'In short: The harbour master closed the harbour.');
      assert.equal(costs(gist.dataDir, done.cost_event).length, 1);
      // Eight pauses of 60 ms: had anybody gathered the words, they would have come together. (A busy machine may join a few.)
      assert.ok(arrivals.length >= 4, `${arrivals.length} pieces`);
      assert.ok((arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0) > 350);
    });

    test('delegate: over both sidecars and both guards to the other agent, in one trace', async () => {
      const traceId = (language === 'Node' ? 'a' : 'b').repeat(32);
      const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
      const reply = await ask('/delegate', { peer: 'colleague', text: INPUT }, { traceparent });
      assert.equal(reply.status, 200, reply.text);
      assert.deepEqual(reply.json, {
        peer: 'colleague',
        result: { agent: 'colleague', status: 'completed', output: 'In short: The harbour master closed the harbour.' },
      });
      const unknown = await ask('/delegate', { peer: 'nobody', text: 'x' });
      assert.deepEqual([unknown.status, typeof unknown.json.error], [404, 'string']);
      const own = await collector
        .waitFor((spans) => spans.filter((span) => span.traceId === traceId && span.kind === 'server').length === 3)
        .then((spans) => spans.filter((span) => span.traceId === traceId));
      // caller → gist's sidecar → agent → gist's helpers → colleague's sidecar → colleague's agent: six spans in one line.
      assert.equal(own.length, 6);
      const line: string[] = [];
      for (let parent = 'b7ad6b7169203331'; ; ) {
        const span = own.find(({ parentSpanId }) => parentSpanId === parent);
        if (span === undefined) break;
        line.push(`${String(span.resource['service.name'])} ${span.kind}`);
        parent = span.spanId;
      }
      assert.deepEqual(line, [
        'gist server',
        'gist client',
        'gist server',
        'gist client',
        'colleague server',
        'colleague client',
      ]);
    });

    test('tools: lists those of an MCP server over stdio, and calls one', async () => {
      const list = await ask('/tools', { server: 'everything' });
      assert.equal(list.status, 200, list.text);
      assert.ok(list.json.result.tools.some(({ name }: { name: string }) => name === 'echo'));
      const call = await ask('/tools', { server: 'everything', tool: 'echo', arguments: { message: 'hello' } });
      assert.equal(call.json.result.content[0].text, 'Echo: hello');
    });

    test('SIGTERM ends agent, MCP server and sidecar, with 0; the one started apart is left alone', {
      skip: !existsSync('/proc/self/stat') && 'needs /proc',
    }, async () => {
      const children = childrenOf(gist.process.pid);
      assert.ok(
        children.some(({ command: line }) => line.includes(command.at(-1) ?? '')),
        JSON.stringify(children),
      );
      assert.ok(children.some(({ command: line }) => line.includes(EVERYTHING)));
      assert.deepEqual(await gist.stop(), { code: 0, signal: null });
      for (const { pid, command: line } of children) {
        await until(() => !isAlive(pid), `the end of ${line}`, 7_000);
      }
      assert.deepEqual(await colleague.stop(), { code: 0, signal: null });
      assert.ok(isAlive(colleagueAgent.pid));
      assert.deepEqual(await colleagueAgent.stop(), { code: 0, signal: null });
    });

    test("run: the agent's end is the end, with its code", {
      skip: !existsSync('/proc/self/stat') && 'needs /proc',
    }, async () => {
      for (const [signal, code] of [
        ['SIGKILL', 137],
        ['SIGTERM', 0],
      ] as const) {
        const runner = await startOutrider({
          args: ['run', '--', ...command],
          agentUrl: `http://127.0.0.1:${await freePort()}`,
        });
        try {
          await until(async () => (await http(`${runner.inbound}/ready`)).status === 200, 'ready');
          const agent = childrenOf(runner.process.pid).find(({ command: line }) => line.includes(command.at(-1) ?? ''));
          assert.ok(agent);
          process.kill(agent.pid, signal);
          assert.deepEqual(await runner.process.exited, { code, signal: null });
        } finally {
          await runner.stop('SIGKILL');
        }
      }
    });
  });
}

test("run: any code of the agent's is passed through, and its output is its own", async () => {
  for (const code of [0, 1, 42, 255]) {
    const runner = await startOutrider({
      args: ['run', '--', '/bin/sh', '-c', `echo out; echo err >&2; exit ${code}`],
      agentUrl: `http://127.0.0.1:${await freePort()}`,
      wait: false,
    });
    assert.deepEqual(await runner.process.exited, { code, signal: null });
    await runner.stop();
    assert.equal(runner.process.stdout, 'out\n');
    assert.match(runner.process.stderr, /^err$/m);
  }
});

function costs(dataDir: string, eventId: string): Record<string, unknown>[] {
  const db = new DatabaseSync(join(dataDir, 'ledger.db'), { readOnly: true, timeout: 5_000 });
  try {
    return db.prepare('SELECT * FROM costs WHERE event_id = ?').all(eventId);
  } finally {
    db.close();
  }
}
