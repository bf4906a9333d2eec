// oxlint-disable typescript/no-explicit-any -- JSON that the assertions take apart
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { type TestContext, test } from 'node:test';
import { type AgentCard, type Message, Role } from '@a2a-js/sdk';
import { ClientFactory, JsonRpcTransportFactory } from '@a2a-js/sdk/client';
import { AgentEvent, type AgentExecutor, DefaultRequestHandler, InMemoryTaskStore } from '@a2a-js/sdk/server';
import { jsonRpcHandler, UserBuilder } from '@a2a-js/sdk/server/express';
import { readBody } from '../../src/body.ts';
import { type A2aPeerOptions, a2aPeers } from '../../src/peers/a2a.ts';
import { clientFor, listen, post, type Running, serve, until } from './support.ts';

// It brings no types, and needs none for two calls.
const express = createRequire(import.meta.url)('express');

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

type A2a = ReturnType<typeof a2aPeers>;

function setUp(
  t: TestContext,
  peers: Record<string, { url: string; path?: string; token?: string }>,
  options: { timeoutMs?: number; bodyLimit?: number } = {},
): A2a {
  const built: Record<string, A2aPeerOptions> = {};
  for (const [name, { url, path = '/a2a', token }] of Object.entries(peers)) {
    const client = clientFor(url);
    t.after(() => client.close());
    built[name] = { client: client.send, path, token };
  }
  return a2aPeers({ peers: built, timeoutMs: options.timeoutMs ?? 5_000, bodyLimit: options.bodyLimit ?? 1_000_000 });
}

interface Seen {
  url: string | undefined;
  headers: IncomingMessage['headers'];
  text: string;
  body: any;
}

/** A peer of the `tasks/send` kind, written by hand; `answer` may misbehave. */
async function smallPeer(
  t: TestContext,
  answer: (seen: Seen, response: ServerResponse, request: IncomingMessage) => void = (seen, response) =>
    reply(response, { jsonrpc: '2.0', id: seen.body.id, result: { status: 'completed', echo: seen.body.params } }),
): Promise<Running & { seen: Seen[] }> {
  const seen: Seen[] = [];
  const running = await listen((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const one = { url: request.url, headers: request.headers, text, body: JSON.parse(text) };
      seen.push(one);
      answer(one, response, request);
    });
  });
  t.after(() => running.close());
  return { ...running, seen };
}

function reply(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

test('the short form is enough: jsonrpc, id and method are filled in, and the whole response comes back', async (t) => {
  const peer = await smallPeer(t);
  const a2a = setUp(t, { billing: { url: peer.url } });
  const { status, json } = await post(a2a.service, '/a2a/billing', { params: { message: 'pay' } });
  assert.equal(status, 200);
  assert.deepEqual(json.result, { status: 'completed', echo: { message: 'pay' } });
  const [seen] = peer.seen;
  assert.equal(seen?.url, '/a2a');
  assert.equal(seen?.headers['content-type'], 'application/json');
  assert.deepEqual(Object.keys(seen?.body).sort(), ['id', 'jsonrpc', 'method', 'params']);
  assert.equal(seen?.body.method, 'tasks/send');
  assert.equal(seen?.body.jsonrpc, '2.0');
  assert.equal(seen?.body.id, json.id);
});

test("what the caller wrote reaches the peer as written, and the peer's response the caller", async (t) => {
  const peer = await smallPeer(t, (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'set-cookie': 'a=b', 'x-internal': 'c' });
    response.end('{ "jsonrpc":"2.0","id":12345678901234567890, "result":{"n":1.0,"big":98765432109876543210} }');
  });
  const a2a = setUp(t, { it: { url: peer.url } });
  const request = '{ "id":12345678901234567890,"method":"tasks/get","jsonrpc":"2.0","extra":{"n":1.0} }';
  const got = await post(a2a.service, '/a2a/it', request);
  assert.equal(peer.seen[0]?.text, request);
  assert.equal(
    got.text,
    '{ "jsonrpc":"2.0","id":12345678901234567890, "result":{"n":1.0,"big":98765432109876543210} }',
  );
  assert.deepEqual(got.headers, ['Content-Type', 'application/json']);
});

test("a peer's JSON-RPC error comes back as it is, with the peer's HTTP status", async (t) => {
  const error = { code: -32_001, message: 'Task not found', data: [{ reason: 'x' }] };
  const peer = await smallPeer(t, (seen, response) =>
    reply(response, { jsonrpc: '2.0', id: seen.body.id, error }, 404),
  );
  const a2a = setUp(t, { it: { url: peer.url } });
  const got = await post(a2a.service, '/a2a/it', { id: 4, method: 'tasks/get' });
  assert.deepEqual([got.status, got.json], [404, { jsonrpc: '2.0', id: 4, error }]);
});

test('an answer that is not JSON-RPC is unreachable, with its status and without its text', async (t) => {
  const answers: Record<string, (response: ServerResponse) => void> = {
    html: (response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>inner secret</h1>'),
    unauthorized: (response) => reply(response, { error: { message: 'inner secret' } }, 401),
    'not-json': (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('inner secret'),
    empty: (response) => response.writeHead(202).end(),
    events: (response) =>
      response.writeHead(500, { 'content-type': 'text/event-stream' }).end('data: inner secret\n\n'),
  };
  const peer = await smallPeer(t, (seen, response) => answers[seen.body.params.kind]?.(response));
  const a2a = setUp(t, { it: { url: peer.url } });
  for (const [kind, status] of Object.entries({
    html: 502,
    unauthorized: 401,
    'not-json': 200,
    empty: 202,
    events: 500,
  })) {
    const got = await post(a2a.service, '/a2a/it', { id: 1, params: { kind } });
    assert.deepEqual([kind, got.status, got.json.error.code, got.json.error.data.status], [kind, 502, -32_011, status]);
    assert.ok(!got.text.includes('secret'));
  }
  assert.equal(a2a.status()['it']?.errors, 5);
  assert.equal(a2a.status()['it']?.last_error, 'unreachable');
});

test("a peer's token goes to that peer alone, and of the caller's headers only trace context and A2A's own", async (t) => {
  const one = await smallPeer(t);
  const two = await smallPeer(t);
  const three = await smallPeer(t);
  const a2a = setUp(t, {
    one: { url: one.url, token: 'token-one' },
    two: { url: two.url, token: 'token-two' },
    three: { url: three.url },
  });
  const headers = [
    'Authorization',
    'Bearer inbound',
    'Cookie',
    'a=b',
    'X-Api-Key',
    'k',
    'Host',
    '127.0.0.1:9090',
    'Traceparent',
    TRACEPARENT,
    'tracestate',
    'v=1',
    'A2A-Version',
    '1.0',
    'A2A-Extensions',
    'urn:x',
  ];
  for (const name of ['one', 'two', 'three']) await post(a2a.service, `/a2a/${name}`, { params: {} }, { headers });
  assert.equal(one.seen[0]?.headers.authorization, 'Bearer token-one');
  assert.equal(two.seen[0]?.headers.authorization, 'Bearer token-two');
  assert.equal(three.seen[0]?.headers.authorization, undefined);
  for (const { seen } of [one, two, three]) {
    const got = seen[0]?.headers ?? {};
    assert.deepEqual([got['traceparent'], got['tracestate']], [TRACEPARENT, 'v=1']);
    assert.deepEqual([got['a2a-version'], got['a2a-extensions']], ['1.0', 'urn:x']);
    assert.deepEqual([got.cookie, got['x-api-key']], [undefined, undefined]);
    assert.notEqual(got.host, '127.0.0.1:9090');
  }
});

test('a redirect is not followed, so that no token leaves', async (t) => {
  const thief = await smallPeer(t);
  for (const status of [301, 302, 303, 307, 308]) {
    const peer = await smallPeer(t, (_, response) => {
      response.writeHead(status, { location: `${thief.url}/a2a` }).end();
    });
    const a2a = setUp(t, { it: { url: peer.url, token: 'secret-token' } });
    const got = await post(a2a.service, '/a2a/it', { params: {} });
    assert.deepEqual([got.status, got.json.error.code, got.json.error.data.status], [502, -32_011, status]);
  }
  assert.equal(thief.seen.length, 0);
});

test('a peer that is down is 502, one that is silent 504; neither names an address', async (t) => {
  const silent = await smallPeer(t, () => {});
  const a2a = setUp(t, { down: { url: 'http://127.0.0.1:1' }, silent: { url: silent.url } }, { timeoutMs: 200 });
  const down = await post(a2a.service, '/a2a/down', { id: 1, params: {} });
  assert.deepEqual([down.status, down.json.error.code, down.json.id], [502, -32_011, 1]);
  const late = await post(a2a.service, '/a2a/silent', { id: 2, params: {} });
  assert.deepEqual([late.status, late.json.error.code, late.json.id], [504, -32_012, 2]);
  assert.doesNotMatch(down.text + late.text, /127\.0\.0\.1|localhost/);
});

test('a response beyond the limit is 413, and not read to its end', async (t) => {
  let sent = 0;
  const peer = await smallPeer(t, (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const more = (): void => {
      while (!response.destroyed && sent < 50_000_000 && response.write('y'.repeat(10_000))) sent += 10_000;
    };
    response.on('drain', more);
    more();
  });
  const a2a = setUp(t, { it: { url: peer.url } }, { bodyLimit: 100_000 });
  const got = await post(a2a.service, '/a2a/it', { params: {} });
  assert.deepEqual([got.status, got.json.error.code], [413, -32_014]);
  assert.ok(sent < 20_000_000, `${sent} bytes were taken`);
});

test('a request beyond the limit, one that is none, and one by another method never reach the peer', async (t) => {
  const peer = await smallPeer(t);
  const a2a = setUp(t, { it: { url: peer.url } }, { bodyLimit: 1_000 });
  const refused = async (body: unknown, method = 'POST'): Promise<[number, number]> => {
    const got = await post(a2a.service, '/a2a/it', body, { method });
    return [got.status, got.json.error.code];
  };
  assert.deepEqual(await refused({ params: { x: 'y'.repeat(1_000) } }), [413, -32_014]);
  assert.deepEqual(await refused('nonsense'), [400, -32_700]);
  assert.deepEqual(await refused('[]'), [400, -32_600]);
  assert.deepEqual(await refused({ params: null }), [400, -32_600]);
  assert.deepEqual(await refused({}, 'GET'), [405, -32_600]);
  assert.equal(peer.seen.length, 0);
});

test('unknown peers are -32010 with the id of the caller, whatever the name', async (t) => {
  const a2a = setUp(t, { it: { url: 'http://127.0.0.1:1' } });
  for (const target of ['/a2a/nope', '/a2a/', '/a2a', '/a2a/it/x', '/a2a/__proto__', '/a2a/toString', '/mcp/it']) {
    const got = await post(a2a.service, target, { id: 'x' });
    assert.deepEqual([target, got.status, got.json.error.code, got.json.id], [target, 404, -32_010, 'x']);
  }
});

test('a stream flows unbuffered, event by event, and a slow reader slows the peer', async (t) => {
  let sent = 0;
  const events: ((more: boolean) => void)[] = [];
  const peer = await smallPeer(t, (seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    if (seen.body.params.flood === true) {
      const more = (): void => {
        while (!response.destroyed && response.write(`data: ${'z'.repeat(10_000)}\n\n`)) sent += 10_000;
      };
      response.on('drain', more);
      more();
      return;
    }
    let n = 0;
    events.push((more) => (more ? response.write(`data: {"n":${++n}}\n\n`) : response.end()));
    response.flushHeaders();
  });
  const a2a = setUp(t, { it: { url: peer.url } }, { bodyLimit: 1_000, timeoutMs: 300 });
  const front = await serve(a2a.service);
  t.after(() => front.close());
  const ask = (params: object): Promise<Response> =>
    fetch(`${front.url}/a2a/it`, { method: 'POST', body: JSON.stringify({ method: 'message/stream', params }) });

  const response = await ask({});
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  assert.ok(response.body !== null);
  const reader = response.body.getReader();
  for (let n = 1; n <= 5; n++) {
    events[0]?.(true);
    // Each event is read before the next one is sent, and all together take longer than the timeout for the head.
    assert.equal(Buffer.from((await reader.read()).value ?? []).toString(), `data: {"n":${n}}\n\n`);
    await new Promise((resolve) => setTimeout(resolve, 80));
  }
  events[0]?.(false);
  assert.equal((await reader.read()).done, true);

  const flood = await ask({ flood: true });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const before = sent;
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(sent, before, 'the peer went on sending to nobody');
  assert.ok(before < 30_000_000, `${before} bytes were buffered`);
  await flood.body?.cancel();
});

test('a caller that leaves a stream, or a request, ends it at the peer', async (t) => {
  let open = 0;
  const peer = await smallPeer(t, (seen, response, request) => {
    open++;
    request.socket.once('close', () => open--);
    if (seen.body.params.stream === true)
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hi\n\n');
  });
  const a2a = setUp(t, { it: { url: peer.url } });
  const front = await serve(a2a.service);
  t.after(() => front.close());
  for (const stream of [true, false]) {
    const caller = new AbortController();
    const body = JSON.stringify({ params: { stream } });
    const asked = fetch(`${front.url}/a2a/it`, { method: 'POST', body, signal: caller.signal }).then((response) =>
      response.text(),
    );
    await until(() => open === 1);
    caller.abort();
    await assert.rejects(asked);
    await until(() => open === 0);
  }
  assert.equal(a2a.status()['it']?.errors, 0);
});

test('a stream that the peer breaks off counts as an error', async (t) => {
  const peer = await smallPeer(t, (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    setTimeout(() => response.destroy(), 50);
  });
  const a2a = setUp(t, { it: { url: peer.url } });
  const front = await serve(a2a.service);
  t.after(() => front.close());
  const response = await fetch(`${front.url}/a2a/it`, { method: 'POST', body: '{"params":{}}' });
  await assert.rejects(response.text());
  await until(() => a2a.status()['it']?.errors === 1);
});

/** An agent on the official SDK: a task, an artifact in two pieces, and its completion. */
async function sdkPeer(t: TestContext, legacy: boolean): Promise<Running & { url: string; card: AgentCard }> {
  const executor: AgentExecutor = {
    execute: async ({ taskId, contextId, userMessage }, bus) => {
      const text = textOf(userMessage);
      const status = (state: number) => ({ state, message: undefined, timestamp: new Date().toISOString() });
      bus.publish(
        AgentEvent.task({ id: taskId, contextId, status: status(2), artifacts: [], history: [], metadata: undefined }),
      );
      for (const [index, piece] of [`you said`, ` ${text}`].entries()) {
        bus.publish(
          AgentEvent.artifactUpdate({
            taskId,
            contextId,
            artifact: {
              artifactId: 'answer',
              name: 'answer',
              description: '',
              parts: [
                {
                  content: { $case: 'text', value: piece },
                  metadata: undefined,
                  filename: '',
                  mediaType: 'text/plain',
                },
              ],
              metadata: undefined,
              extensions: [],
            },
            append: index > 0,
            lastChunk: index === 1,
            metadata: undefined,
          }),
        );
      }
      bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status: status(3), metadata: undefined }));
      bus.finished();
    },
    cancelTask: async () => {},
  };
  const app = express();
  const running = await listen(app);
  t.after(() => running.close());
  const url = `${running.url}/a2a`;
  const card: AgentCard = {
    name: 'parrot',
    description: '',
    supportedInterfaces: ['1.0', ...(legacy ? ['0.3'] : [])].map((protocolVersion) => ({
      url,
      protocolBinding: 'JSONRPC',
      tenant: '',
      protocolVersion,
    })),
    provider: undefined,
    version: '1',
    capabilities: { streaming: true, pushNotifications: false, extensions: [] },
    securitySchemes: {},
    securityRequirements: [],
    defaultInputModes: ['text/plain'],
    defaultOutputModes: ['text/plain'],
    skills: [],
    signatures: [],
  };
  const requestHandler = new DefaultRequestHandler(card, new InMemoryTaskStore(), executor);
  const userBuilder = UserBuilder.noAuthentication;
  app.use('/a2a', jsonRpcHandler({ requestHandler, userBuilder, legacyCompat: { enabled: legacy } }));
  return { ...running, card };
}

function textOf(message: Message): string {
  return message.parts.map((part) => (part.content?.$case === 'text' ? part.content.value : '')).join('');
}

const V1_MESSAGE = { messageId: 'm1', role: 'ROLE_USER', parts: [{ text: 'hello' }] };
const V1 = { headers: ['A2A-Version', '1.0'] };

test('a peer of the official SDK, A2A 1.0: SendMessage, GetTask, and its own errors', async (t) => {
  const peer = await sdkPeer(t, false);
  const a2a = setUp(t, { parrot: { url: peer.url } });
  const sent = await post(a2a.service, '/a2a/parrot', { method: 'SendMessage', params: { message: V1_MESSAGE } }, V1);
  assert.equal(sent.status, 200);
  const { task } = sent.json.result;
  assert.equal(task.status.state, 'TASK_STATE_COMPLETED');
  const got = await post(a2a.service, '/a2a/parrot', { method: 'GetTask', params: { id: task.id } }, V1);
  assert.equal(got.json.result.id, task.id);
  const unknown = await post(a2a.service, '/a2a/parrot', { id: 8, method: 'GetTask', params: { id: 'nope' } }, V1);
  assert.deepEqual([unknown.json.id, unknown.json.error.code], [8, -32_001]);
});

test('a peer of the official SDK, A2A 1.0: SendStreamingMessage is a stream of JSON-RPC responses', async (t) => {
  const peer = await sdkPeer(t, false);
  const a2a = setUp(t, { parrot: { url: peer.url } });
  const front = await serve(a2a.service);
  t.after(() => front.close());
  const response = await fetch(`${front.url}/a2a/parrot`, {
    method: 'POST',
    headers: { 'A2A-Version': '1.0' },
    body: JSON.stringify({ id: 1, method: 'SendStreamingMessage', params: { message: V1_MESSAGE } }),
  });
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  const events = (await response.text())
    .split('\n')
    .filter((line) => line.startsWith('data:'))
    .map((line) => JSON.parse(line.slice(5)));
  assert.ok(events.length >= 4);
  assert.ok(events.every((event) => event.id === 1 && event.jsonrpc === '2.0'));
  assert.equal(events.at(-1).result.statusUpdate.status.state, 'TASK_STATE_COMPLETED');
});

test('a peer of the official SDK that also speaks A2A 0.3: message/send and message/stream', async (t) => {
  const peer = await sdkPeer(t, true);
  const a2a = setUp(t, { parrot: { url: peer.url } });
  const message = { messageId: 'm1', role: 'user', kind: 'message', parts: [{ kind: 'text', text: 'hello' }] };
  const sent = await post(a2a.service, '/a2a/parrot', { method: 'message/send', params: { message } });
  assert.equal(sent.json.result?.status?.state, 'completed', sent.text);
  const reply = await a2a.service({
    method: 'POST',
    target: '/a2a/parrot',
    headers: [],
    body: Buffer.from(JSON.stringify({ method: 'message/stream', params: { message } })),
    signal: new AbortController().signal,
  });
  assert.ok(reply.headers.includes('text/event-stream'));
  assert.match(Buffer.from(await readBody(reply.body, 100_000)).toString(), /"state":"completed"/);
});

test('the official A2A client works against the path of a peer', async (t) => {
  const peer = await sdkPeer(t, false);
  const a2a = setUp(t, { parrot: { url: peer.url } });
  const front = await serve(a2a.service);
  t.after(() => front.close());
  const supportedInterfaces = peer.card.supportedInterfaces.map((one) => ({ ...one, url: `${front.url}/a2a/parrot` }));
  const factory = new ClientFactory({ transports: [new JsonRpcTransportFactory()] });
  const client = await factory.createFromAgentCard({ ...peer.card, supportedInterfaces });
  const kinds: string[] = [];
  const message: Message = {
    messageId: 'm2',
    contextId: '',
    taskId: '',
    role: Role.ROLE_USER,
    parts: [{ content: { $case: 'text', value: 'hi' }, metadata: undefined, filename: '', mediaType: 'text/plain' }],
    metadata: undefined,
    extensions: [],
    referenceTaskIds: [],
  };
  const request = { tenant: '', message, configuration: undefined, metadata: undefined };
  for await (const event of client.sendMessageStream(request)) kinds.push(event.payload?.$case ?? '');
  assert.deepEqual(kinds, ['task', 'artifactUpdate', 'artifactUpdate', 'statusUpdate']);
});
