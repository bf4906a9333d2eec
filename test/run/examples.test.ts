import assert from 'node:assert/strict';
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { text as textOf } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { configSchema } from '../../src/config/schema.ts';
import { freePort } from '../support/ports.ts';
import { post, startExample, startHelpers } from './example-agents.ts';
import { eventually, exitOf } from './processes.ts';

const TRACE = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'vendor=1' };

const path = (name: string): string => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
const python = spawnSync('python3', ['-c', 'import sys; assert sys.version_info >= (3, 9)'], { stdio: 'ignore' });

const EXAMPLES = [
  { name: 'agent-node', command: [process.execPath, path('agent-node/agent.ts')], skip: false },
  {
    name: 'agent-python',
    command: ['python3', path('agent-python/agent.py')],
    skip: python.status === 0 ? false : 'needs python3, 3.9 or later',
  },
];

for (const { name, command, skip } of EXAMPLES) {
  describe(name, { skip }, () => {
    let helpers: Awaited<ReturnType<typeof startHelpers>>;
    let child: ChildProcess;
    let base: string;

    before(async () => {
      helpers = await startHelpers();
      ({ child, base } = await startExample(command, {
        OUTRIDER_LOCAL_URL: helpers.url,
        OUTRIDER_COST_URL: helpers.url,
      }));
    });
    after(async () => {
      child.kill('SIGTERM');
      assert.deepEqual(await exitOf(child), { code: 0, signal: null });
      helpers.server.close();
    });

    test('invoke answers the same for the same text, and records one cost in the trace of its caller', async () => {
      helpers.asked.length = 0;
      const input = 'The weather was fine. The harbour master closed the harbour. Nobody knew why.';
      const response = await post(`${base}/invoke`, { input }, TRACE);
      assert.equal(response.status, 200);
      const { cost_event, ...answer } = (await response.json()) as Record<string, unknown>;
      assert.deepEqual(answer, {
        agent: 'scribe',
        version: '1.2.3',
        output: 'In short: The harbour master closed the harbour.',
        model: 'gist-1',
        usage: { input_tokens: 13, output_tokens: 8 },
        cost_usd: 0.00000675,
      });
      assert.deepEqual(
        helpers.asked.map(({ path, body }) => ({ path, body })),
        [
          {
            path: '/cost',
            body: { event_id: cost_event, model: 'gist-1', input_tokens: 13, output_tokens: 8, cost_usd: 0.00000675 },
          },
        ],
      );
      assert.equal(helpers.asked[0]?.headers['traceparent'], TRACE.traceparent);
      assert.equal(helpers.asked[0]?.headers['tracestate'], TRACE.tracestate);
    });

    test('other scripts than Latin are words too', async () => {
      const response = await post(`${base}/invoke`, { input: 'Привет, мир! Ещё раз привет. 東京 2026' });
      const { output, usage } = (await response.json()) as { output: string; usage: { input_tokens: number } };
      assert.equal(output, 'In short: Привет, мир!');
      assert.equal(usage.input_tokens, 7);
    });

    test('stream sends words as they come, then the whole answer', async () => {
      const response = await post(`${base}/stream`, { input: 'one two three', delay_ms: 60 });
      assert.equal(response.headers.get('content-type'), 'text/event-stream');
      assert.ok(response.body !== null);
      let text = '';
      const at: number[] = [];
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        at.push(performance.now());
      }
      const events = text.trimEnd().split('\n\n');
      assert.deepEqual(
        events
          .slice(0, -1)
          .map((event) => /^event: token\ndata: (.*)$/.exec(event)?.[1])
          .map((data) => JSON.parse(data ?? '').text),
        ['In ', 'short: ', 'one ', 'two ', 'three'],
      );
      const last = JSON.parse(/^event: done\ndata: (.*)$/.exec(events.at(-1) ?? '')?.[1] ?? '');
      assert.equal(last.output, 'In short: one two three');
      // Unbuffered: five words with 60 ms after each are not there at once.
      assert.ok((at.at(-1) ?? 0) - (at[0] ?? 0) > 200);
    });

    test('a caller that leaves a stream ends the work', async () => {
      const before = (await (await fetch(`${base}/stats`)).json()) as Record<string, number>;
      const leaving = new AbortController();
      const response = await fetch(`${base}/stream`, {
        method: 'POST',
        body: JSON.stringify({ input: 'word '.repeat(1000), delay_ms: 50 }),
        signal: leaving.signal,
      });
      await response.body?.getReader().read();
      leaving.abort();
      const cancelled = async (): Promise<boolean> => {
        const now = (await (await fetch(`${base}/stats`)).json()) as Record<string, number>;
        assert.equal(now['streams_finished'], before['streams_finished']);
        return now['streams_cancelled'] === (before['streams_cancelled'] ?? 0) + 1;
      };
      await eventually(cancelled, () => 'the stream was not cancelled');
    });

    test('delegate asks a peer, and passes on why it could not', async () => {
      helpers.asked.length = 0;
      const response = await post(`${base}/delegate`, { peer: 'research', text: 'summarise X' }, TRACE);
      assert.deepEqual(await response.json(), { peer: 'research', result: { output: 'found' } });
      assert.deepEqual(helpers.asked[0]?.body, { params: { message: 'summarise X' } });
      assert.equal(helpers.asked[0]?.headers['traceparent'], TRACE.traceparent);

      const unknown = await post(`${base}/delegate`, { peer: '../cost', text: 'x' });
      assert.equal(helpers.asked.at(-1)?.path, '/a2a/..%2Fcost');
      assert.equal(unknown.status, 404);
      assert.deepEqual(await unknown.json(), { error: 'unknown peer' });
    });

    test('tools lists what a server has, and calls one', async () => {
      helpers.asked.length = 0;
      const list = await post(`${base}/tools`, { server: 'docs' });
      assert.deepEqual(await list.json(), { server: 'docs', result: { tools: [{ name: 'search' }] } });
      await (await post(`${base}/tools`, { server: 'docs', tool: 'search', arguments: { q: 'x' } })).arrayBuffer();
      assert.deepEqual(
        helpers.asked.map(({ body }) => body),
        [
          { method: 'tools/list', params: {} },
          { method: 'tools/call', params: { name: 'search', arguments: { q: 'x' } } },
        ],
      );
    });

    test('a2a answers tasks/send', async () => {
      const ask = { jsonrpc: '2.0', id: 'a', method: 'tasks/send', params: { message: 'Hello there.' } };
      assert.deepEqual(await (await post(`${base}/a2a`, ask)).json(), {
        jsonrpc: '2.0',
        id: 'a',
        result: { agent: 'scribe', status: 'completed', output: 'In short: Hello there.' },
      });
      const codes = [];
      for (const bad of [
        { ...ask, method: 'tasks/get' },
        { ...ask, params: null },
      ]) {
        const { error } = (await (await post(`${base}/a2a`, bad)).json()) as { error: { code: number } };
        codes.push(error.code);
      }
      assert.deepEqual(codes, [-32601, -32602]);
    });

    test('its OpenAPI document names every path', async () => {
      const document = (await (await fetch(`${base}/openapi.json`)).json()) as Record<string, object>;
      assert.equal(document['openapi'], '3.1.0');
      assert.deepEqual(document['info'], { title: 'scribe', version: '1.2.3' });
      assert.deepEqual(Object.keys(document['paths'] ?? {}).sort(), [
        '/a2a',
        '/delegate',
        '/invoke',
        '/stats',
        '/stream',
        '/tools',
      ]);
    });

    test('bad requests get a reason, and the connection stays usable', async () => {
      for (const [method, target, body, status] of [
        ['POST', '/invoke', '{', 400],
        ['POST', '/invoke', '[]', 400],
        ['POST', '/invoke', '{"input":" "}', 400],
        ['POST', '/stream', '{"input":7}', 400],
        ['POST', '/nothing', '{}', 404],
        ['POST', '/constructor', '{}', 404],
        ['PUT', '/invoke', '{}', 405],
        ['POST', '/invoke', JSON.stringify({ input: 'x'.repeat(2 ** 20) }), 413],
      ] as const) {
        const response = await fetch(base + target, { method, body });
        assert.equal(response.status, status, `${method} ${target}`);
        assert.equal(typeof ((await response.json()) as { error: unknown }).error, 'string');
      }
    });

    test('a chunked body is read', async () => {
      const request = httpRequest(`${base}/invoke`, { method: 'POST' });
      request.write('{"input":');
      await sleep(30);
      request.end('"In two parts."}');
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      assert.match(await textOf(response), /In two parts/);
    });

    const outside = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
    test('it listens on loopback alone', { skip: outside === undefined && 'needs a second address' }, async () => {
      const socket = connect(Number(new URL(base).port), outside);
      const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
      assert.equal(error.code, 'ECONNREFUSED');
    });
  });

  describe(`${name}, ending`, { skip }, () => {
    test('without helpers it still answers', async () => {
      const nowhere = `http://127.0.0.1:${await freePort()}`;
      const { child, base } = await startExample(command, { OUTRIDER_LOCAL_URL: nowhere });
      const answer = (await (await post(`${base}/invoke`, { input: 'Hello.' })).json()) as Record<string, unknown>;
      assert.equal(answer['output'], 'In short: Hello.');
      assert.equal(answer['cost_event'], null);
      const delegate = await post(`${base}/delegate`, { peer: 'a', text: 'b' });
      assert.equal(delegate.status, 502);
      assert.deepEqual(await delegate.json(), { error: 'a helper could not be reached' });
      child.kill('SIGINT');
      assert.deepEqual(await exitOf(child), { code: 0, signal: null });
    });

    test('SIGTERM: takes no more connections, finishes what is in flight, ends with 0', async () => {
      const { child, base } = await startExample(command, {});
      const kept = connect(Number(new URL(base).port), '127.0.0.1');
      kept.on('error', () => undefined);
      await once(kept, 'connect');
      const response = await post(`${base}/stream`, { input: 'one two three four five six', delay_ms: 100 });
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      let text = (await reader?.read())?.value ?? '';
      child.kill('SIGTERM');
      await sleep(300);
      await assert.rejects(fetch(`${base}/stats`));
      for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) text += part.value;
      assert.match(text, /event: done\n/);
      assert.deepEqual(await exitOf(child), { code: 0, signal: null });
      kept.destroy();
    });

    test('a taken port is named', async () => {
      const taken = createTcpServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      const { port } = taken.address() as AddressInfo;
      const [file = '', ...args] = command;
      const env = { PATH: process.env['PATH'] ?? '', PORT: String(port), AGENT_NAME: 'scribe' };
      const { status, stderr } = spawnSync(file, args, { env, encoding: 'utf8' });
      taken.close();
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`scribe cannot listen on 127\\.0\\.0\\.1:${port}: `));
    });
  });
}

test('the configurations of the examples have no fault', async () => {
  const [one, two] = await Promise.all(
    ['outrider.yaml', 'two-agents.yaml'].map(async (name) =>
      configSchema.parse(parse(await readFile(path(name), 'utf8'))),
    ),
  );
  assert.deepEqual(Object.keys(one?.mcp_servers ?? {}), ['everything']);
  assert.deepEqual(Object.keys(two?.a2a_peers ?? {}), ['colleague']);
});
