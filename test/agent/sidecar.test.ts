import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sidecar } from '../../src/library/agent.ts';
import { EVERYTHING } from '../peers/support.ts';
import { startAgent, type TestAgent } from '../support/agent.ts';
import { failure } from '../support/agent-calls.ts';
import { type Outrider, outriderFor, startOutrider } from '../support/outrider.ts';
import { sdkPeerFor } from '../support/sdk-peer.ts';
import { fieldOf, smallPeerFor } from '../support/small-peer.ts';
import { until } from '../support/until.ts';

const TRACE = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=b' };

test('helpers are where the environment says, each by itself', async (t) => {
  const agents: TestAgent[] = await Promise.all(
    [1, 2, 3].map(() => startAgent((_request, response) => response.writeHead(202).end('{}'))),
  );
  t.after(() => Promise.all(agents.map((agent) => agent.close())));
  const [local, mcp, cost] = agents.map(({ url }) => url);
  const event = { model: 'm', input_tokens: 1, output_tokens: 1, cost_usd: null };
  const here = sidecar({
    env: { OUTRIDER_LOCAL_URL: `${local}/`, OUTRIDER_MCP_URL: mcp, OUTRIDER_COST_URL: cost, OUTRIDER_A2A_URL: '' },
  });
  await here.cost(event);
  await failure(here.mcp('m').request('ping'));
  await failure(here.a2a('p').send('x'));
  assert.deepEqual(
    agents.map(({ seen }) => seen.map(({ target }) => target)),
    [['/a2a/p'], ['/mcp/m'], ['/cost']],
  );
  await sidecar({ url: local ?? '' }).cost(event);
  assert.deepEqual(
    agents[0]?.seen.map(({ target }) => target),
    ['/a2a/p', '/cost'],
  );
  assert.throws(() => sidecar({ env: { OUTRIDER_COST_URL: 'unix:/secret' } }), {
    code: 'bad_request',
    message: /OUTRIDER_COST_URL/,
  });
  // What nobody calls is not asked for: the default address needs nobody there.
  assert.equal(typeof sidecar({ env: {} }).metered(), 'function');
});

describe('a2a', () => {
  test('a text or params, the default method or another, with trace; the result comes back', async (t) => {
    const peer = await smallPeerFor(t);
    const outrider = await outriderFor(t, { config: `a2a_peers: { small: "${peer.url}" }` });
    const small = sidecar({ url: outrider.helpers }).a2a('small');
    assert.deepEqual(await small.send('hello', { trace: TRACE, version: '1.0' }), {
      status: 'completed',
      echo: 'hello',
    });
    assert.deepEqual(await small.send({ message: { a: 1 } }), { status: 'completed', echo: { a: 1 } });
    await small.request('tasks/get', { id: 'x' });
    const asked = peer.asked();
    assert.deepEqual(
      asked.map(({ method, params }) => [method, params]),
      [
        ['tasks/send', { message: 'hello' }],
        ['tasks/send', { message: { a: 1 } }],
        ['tasks/get', { id: 'x' }],
      ],
    );
    assert.equal(new Set(asked.map(({ id }) => id)).size, 3);
    assert.match(String(peer.header('traceparent')[0]), /^00-0af7651916cd43dd8448eb211c80319c-/);
    assert.equal(peer.header('a2a-version')[0], '1.0');
  });

  test('a peer on the official SDK: in one piece, and streamed step by step', async (t) => {
    const [peer, steps] = [await sdkPeerFor(t), await sdkPeerFor(t, { stepwise: true })];
    const outrider = await outriderFor(t, {
      config: `a2a_peers: { sdk: { url: "${peer.url}", path: /rpc }, steps: { url: "${steps.url}", path: /rpc } }`,
    });
    const beside = sidecar({ url: outrider.helpers });
    const sdk = beside.a2a('sdk');
    assert.match(JSON.stringify(await sdk.send('one', { method: 'SendMessage' })), /TASK_STATE_COMPLETED.* one/);
    assert.match(JSON.stringify(await sdk.send('two', { method: 'message/send' })), /"completed".* two/);
    // Of a stream, the last.
    assert.match(JSON.stringify(await sdk.send('three', { method: 'SendStreamingMessage' })), /TASK_STATE_COMPLETED/);
    assert.equal((await failure(sdk.request('GetTask', { id: 'nope' }))).details?.['rpc_code'], -32_001);
    const kinds: string[] = [];
    for await (const result of beside.a2a('steps').stream('four', { method: 'SendStreamingMessage' })) {
      kinds.push(...Object.keys(result as object));
      steps.next();
    }
    assert.deepEqual(kinds, ['task', 'artifactUpdate', 'artifactUpdate', 'statusUpdate']);
  });

  test('errors of the sidecar keep their code, those of a peer their words', async (t) => {
    const peer = await smallPeerFor(t, (response, body) => {
      const { id } = JSON.parse(body.toString());
      const error = { code: -32_001, message: 'no such task', data: { task: 7 } };
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ jsonrpc: '2.0', id, error }));
    });
    const outrider = await outriderFor(t, {
      config: `a2a_peers: { small: "${peer.url}", gone: "http://127.0.0.1:1" }`,
    });
    const beside = sidecar({ url: outrider.helpers });
    const unknown = await failure(beside.a2a('nobody').send('x'));
    assert.deepEqual([unknown.code, unknown.status, unknown.retryable], ['not_found', 404, false]);
    const gone = await failure(beside.a2a('gone').send('x'));
    assert.deepEqual([gone.code, gone.retryable, gone.details?.['rpc_code']], ['unreachable', true, -32_011]);
    const own = await failure(beside.a2a('small').send('x'));
    assert.deepEqual([own.code, own.message, own.retryable], ['agent_failed', 'no such task', false]);
    assert.deepEqual(own.details, { rpc_code: -32_001, data: { task: 7 } });
    const nowhere = await failure(sidecar({ url: 'http://127.0.0.1:1' }).a2a('small').send('x'));
    assert.equal(nowhere.code, 'unreachable');
    const wrong = await failure(sidecar({ url: outrider.inbound }).a2a('small').send('x'));
    assert.equal(wrong.code, 'unauthenticated');
  });

  test('a deadline, an abort, and a reader that leaves end the call at the peer', async (t) => {
    let closed = 0;
    const peer = await smallPeerFor(t, (response, body) => {
      response.on('close', () => closed++);
      const { id, params } = JSON.parse(body.toString());
      if (params.message !== 'stream') return;
      response.setHeader('Content-Type', 'text/event-stream');
      response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result: 1 })}\n\n`);
    });
    const outrider = await outriderFor(t, { config: `a2a_peers: { small: "${peer.url}" }` });
    const small = sidecar({ url: outrider.helpers }).a2a('small');
    const late = await failure(small.send('x', { deadline: performance.now() + 50 }));
    assert.deepEqual([late.code, late.message], ['timeout', 'the sidecar did not answer in time']);
    await until(() => closed === 1, 'the late call has ended');

    const controller = new AbortController();
    const call = failure(small.send('y', { signal: controller.signal }));
    await until(() => peer.seen.length === 2, 'the second call is there');
    controller.abort();
    assert.equal((await call).code, 'cancelled');
    await until(() => closed === 2, 'the cancelled call has ended');

    for await (const result of small.stream('stream')) {
      assert.equal(result, 1);
      break;
    }
    await until(() => closed === 3, 'the stream has ended');
    assert.equal((await failure(small.send('z', { signal: AbortSignal.abort() }))).code, 'cancelled');
    assert.equal(peer.seen.length, 3);
  });

  test('what answers and is no sidecar is told as such', async () => {
    const replies: [string, string, string][] = [
      ['text/html', '<html>', 'unreachable'],
      ['application/json', '[]', 'unreachable'],
      ['application/json', '{"x":1}', 'unreachable'],
      ['application/json', '{broken', 'unreachable'],
      ['text/event-stream', ': nothing\n\n', 'unreachable'],
      ['text/event-stream', 'data: {"no":"rpc"}\n\n', 'unreachable'],
    ];
    for (const [type, body, code] of replies) {
      const fetch = async (): Promise<Response> => new Response(body, { headers: { 'content-type': type } });
      const error = await failure(sidecar({ fetch, env: {} }).a2a('p').send('x'));
      assert.equal(error.code, code, body);
    }
  });
});

describe('mcp', () => {
  let outrider: Outrider;
  before(async () => {
    outrider = await startOutrider({
      config: `mcp_servers: { everything: { transport: stdio, command: "${process.execPath}", args: ["${EVERYTHING}", stdio] } }`,
    });
  });
  after(() => outrider.stop());

  test('tools are listed and called, anything else is asked for; failures are told apart', async () => {
    const everything = sidecar({ url: outrider.mcp }).mcp('everything');
    const tools = await everything.listTools();
    const echo = tools.find(({ name }) => name === 'echo');
    assert.equal(typeof echo?.inputSchema, 'object');
    const result = await everything.callTool('get-sum', { a: 19, b: 23 }, { trace: TRACE });
    assert.match(JSON.stringify(result.content), /42/);
    // The reference server says that a tool failed in its result.
    const wrong = await everything.callTool('get-sum', { a: 'x' });
    assert.equal(wrong.isError, true);
    assert.ok(Array.isArray(((await everything.request('resources/list')) as { resources: unknown[] }).resources));
    const method = await failure(everything.request('no/such/method'));
    assert.equal(method.code, 'not_found');
    assert.equal((await failure(sidecar({ url: outrider.mcp }).mcp('other').listTools())).code, 'not_found');
  });

  test('pages are followed to their end, and not for ever', async () => {
    const pages = (last: number) => {
      let asked = 0;
      const fetch = async (_url: unknown, init?: RequestInit): Promise<Response> => {
        const { id, params } = JSON.parse(init?.body as string);
        assert.equal(params.cursor, asked === 0 ? undefined : String(asked));
        asked++;
        const nextCursor = asked === last ? undefined : String(asked);
        return Response.json({
          jsonrpc: '2.0',
          id,
          result: { tools: [{ name: `t${asked}`, inputSchema: {} }], nextCursor },
        });
      };
      return sidecar({ fetch, env: {} }).mcp('m');
    };
    assert.deepEqual(
      (await pages(3).listTools()).map(({ name }) => name),
      ['t1', 't2', 't3'],
    );
    assert.equal((await failure(pages(Number.POSITIVE_INFINITY).listTools())).code, 'unreadable');
  });
});

test('the trace of a call goes with it, also to cost', async (t) => {
  const agent = await startAgent((_request, response) => response.writeHead(202).end('{}'));
  t.after(() => agent.close());
  const event = { model: 'm', input_tokens: 1, output_tokens: 1, cost_usd: 0.5 };
  await sidecar({ url: agent.url }).cost(event, { trace: TRACE });
  assert.equal(fieldOf(agent.seen[0]?.headers ?? [], 'traceparent'), TRACE.traceparent);
  assert.equal(fieldOf(agent.seen[0]?.headers ?? [], 'tracestate'), TRACE.tracestate);
});
