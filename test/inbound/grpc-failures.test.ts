import assert from 'node:assert/strict';
import { connect as connectHttp2, createServer as createHttp2Server, type IncomingHttpHeaders } from 'node:http2';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { startAgent } from '../support/agent.ts';
import { type GrpcClient, type GrpcServer, grpcClient, outcome, startGrpcServer } from '../support/grpc.ts';
import { http } from '../support/http.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { type Outrider, type OutriderOptions, outriderFor, TOKEN } from '../support/outrider.ts';
import { until } from '../support/until.ts';

const METADATA = { 'x-size': '100', 'x-gap': '5' };

async function setUp(
  t: TestContext,
  options: OutriderOptions = {},
): Promise<{ agent: GrpcServer; outrider: Outrider; client: GrpcClient }> {
  const agent = await startGrpcServer();
  t.after(() => agent.close());
  const outrider = await outriderFor(t, { agentUrl: agent.url, ...options });
  const client = grpcClient(outrider.inbound, { token: TOKEN });
  t.after(() => client.close());
  return { agent, outrider, client };
}

/** One request on a connection of its own; resolves when its stream has closed. */
function http2(
  url: string,
  headers: Record<string, string>,
  body?: Buffer,
): Promise<{ headers: IncomingHttpHeaders; trailers: IncomingHttpHeaders; body: string; code: number }> {
  const session = connectHttp2(url);
  return new Promise((resolve, reject) => {
    session.on('error', reject);
    const stream = session.request(
      { ':method': 'POST', authorization: `Bearer ${TOKEN}`, ...headers },
      { endStream: body === undefined },
    );
    let head: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    let text = '';
    stream.on('response', (fields) => (head = fields));
    stream.on('trailers', (fields) => (trailers = fields));
    stream.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    stream.on('error', () => undefined);
    stream.on('close', () => {
      session.destroy();
      resolve({ headers: head, trailers, body: text, code: stream.rstCode });
    });
    if (body !== undefined) stream.end(body);
  });
}

const GRPC = { ':path': '/test.v1.Echo/Unary', 'content-type': 'application/grpc', te: 'trailers' };
const EMPTY_MESSAGE = Buffer.alloc(5);

test('an agent that dies in the middle ends every stream with UNAVAILABLE, and what comes after it is fine', async (t) => {
  const { agent, outrider, client } = await setUp(t);
  const streams = [1, 2, 3].map(() => client.openCount(1_000_000, { metadata: METADATA }));
  const chat = client.openChat({ metadata: { 'x-first': '1' } });
  const upload = client.collect(
    (async function* () {
      for (;;) {
        yield Buffer.alloc(10);
        await new Promise((resolve) => {
          setTimeout(resolve, 5).unref();
        });
      }
    })(),
  );
  const all = [...streams, chat].map((stream) => outcome(stream));
  await until(() => agent.open === 5, 'the calls to begin');
  agent.close();
  for (const { code } of [...(await Promise.all(all)), await upload]) assert.equal(code, status.UNAVAILABLE);

  assert.equal((await client.unary('x')).code, status.UNAVAILABLE);
  const again = await startGrpcServer({ port: agent.port });
  t.after(() => again.close());
  assert.equal((await client.unary('x')).code, status.OK);
  assert.deepEqual(
    outrider.logs().filter(({ level }) => level === 'error'),
    [],
  );
});

test('an agent that is not there, speaks no HTTP/2, or never answers', async (t) => {
  const outrider = await outriderFor(t);
  const client = grpcClient(outrider.inbound, { token: TOKEN });
  t.after(() => client.close());
  const { code, details } = await client.unary('x');
  assert.deepEqual([code, details], [status.UNAVAILABLE, 'the agent could not be reached']);

  const plain = await startAgent();
  t.after(() => plain.close());
  const before = await outriderFor(t, { agentUrl: plain.url });
  const other = grpcClient(before.inbound, { token: TOKEN });
  t.after(() => other.close());
  assert.equal((await other.unary('x')).code, status.UNAVAILABLE);
  assert.deepEqual(plain.seen, []);

  const sockets = new Set<Socket>();
  const mute = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  const port = await new Promise<number>((resolve) => {
    mute.listen(0, '127.0.0.1', () => resolve((mute.address() as { port: number }).port));
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    mute.close();
  });
  const silent = await outriderFor(t, {
    agentUrl: `http://127.0.0.1:${port}`,
    config: 'timeouts: { agent_connect: 300ms }',
  });
  const third = grpcClient(silent.inbound, { token: TOKEN });
  t.after(() => third.close());
  assert.equal((await third.unary('x')).code, status.UNAVAILABLE);
});

test('the deadline of a caller that does not watch it itself', async (t) => {
  const { agent, outrider } = await setUp(t);
  const late = await http2(outrider.inbound, { ...GRPC, 'grpc-timeout': '200m', 'x-sleep': '60000' }, EMPTY_MESSAGE);
  assert.deepEqual([late.headers['grpc-status'] ?? late.trailers['grpc-status'], late.code], ['4', 0]);

  // An agent that knows nothing of deadlines.
  let aborted = 0;
  let te: unknown;
  const deaf = createHttp2Server((request, response) => {
    ({ te } = request.headers);
    response.stream.on('aborted', () => aborted++);
    response.writeHead(200, { 'content-type': 'application/grpc' });
    response.write(Buffer.from([0, 0, 0, 0, 1, 7]));
  });
  await new Promise<void>((resolve) => {
    deaf.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => deaf.close());
  const { port } = deaf.address() as { port: number };
  const sidecar = await outriderFor(t, { agentUrl: `http://127.0.0.1:${port}` });
  const cut = await http2(sidecar.inbound, { ...GRPC, 'grpc-timeout': '200m' }, EMPTY_MESSAGE);
  assert.deepEqual([cut.headers[':status'], cut.body.length, cut.trailers['grpc-status'], cut.code], [200, 6, '4', 0]);
  await until(() => aborted === 1, 'the agent to be told');
  assert.equal(te, 'trailers');
  const line = sidecar
    .logs()
    .find(({ msg, grpc_status: status }) => msg === 'request' && status === 'DEADLINE_EXCEEDED');
  assert.equal(line?.['level'], 'warn');
  assert.equal(agent.open, 0);
});

test('limits: RESOURCE_EXHAUSTED for the rate, UNAVAILABLE for too many at once', async (t) => {
  const { client } = await setUp(t, {
    config: 'limits: { concurrent_requests: 2, requests_per_second: 1, burst: 4 }',
  });
  const chats = [client.openChat({ metadata: { 'x-first': '1' } }), client.openChat({ metadata: { 'x-first': '1' } })];
  const ends = chats.map((chat) => outcome(chat));
  await Promise.all(
    chats.map(
      (chat) =>
        new Promise((resolve) => {
          chat.once('data', resolve);
        }),
    ),
  );
  const third = await client.unary('x');
  assert.deepEqual([third.code, third.details], [status.UNAVAILABLE, 'too many requests in flight']);
  for (const chat of chats) chat.end();
  for (const { code } of await Promise.all(ends)) assert.equal(code, status.OK);
  assert.equal((await client.unary('x')).code, status.OK);
  assert.equal((await client.unary('x')).code, status.RESOURCE_EXHAUSTED);
});

test('draining lets streams finish and sends new calls away', async (t) => {
  const { outrider, client } = await setUp(t);
  const chat = client.openChat({ metadata: { 'x-first': '1' } });
  const end = outcome(chat);
  await new Promise((resolve) => {
    chat.once('data', resolve);
  });
  outrider.process.signal('SIGTERM');
  await until(async () => (await http(`${outrider.inbound}/ready`)).status === 503, 'draining');
  const other = grpcClient(outrider.inbound, { token: TOKEN });
  t.after(() => other.close());
  const refused = await other.unary('x');
  assert.deepEqual([refused.code, refused.details], [status.UNAVAILABLE, 'shutting down, try another replica']);
  chat.write(Buffer.from('still here'));
  chat.end();
  const { code, messages } = await end;
  assert.deepEqual([code, messages.map(String)], [status.OK, ['hello', 'still here']]);
  assert.equal((await outrider.process.exited).code, 0);
});

test('HTTP/2 that is no gRPC, and gRPC-Web, reach an agent of HTTP/1.1', async (t) => {
  const agent = await startAgent();
  t.after(() => agent.close());
  const outrider = await outriderFor(t, { agentUrl: agent.url });
  const json = await http2(
    outrider.inbound,
    { ':path': '/chat?q=1', 'content-type': 'application/json' },
    Buffer.from('{"a":1}'),
  );
  assert.deepEqual([json.headers[':status'], json.body, json.headers['connection']], [200, '{"a":1}', undefined]);
  const web = await http2(
    outrider.inbound,
    { ':path': '/test.v1.Echo/Unary', 'content-type': 'application/grpc-web+proto' },
    EMPTY_MESSAGE,
  );
  assert.deepEqual([web.headers[':status'], web.headers['content-type']], [200, 'application/grpc-web+proto']);
  const overHttp1 = await http(`${outrider.inbound}/test.v1.Echo/Unary`, {
    body: EMPTY_MESSAGE,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/grpc-web' },
  });
  assert.equal(overHttp1.status, 200);
  const open = await http2(outrider.inbound, { ':method': 'GET', ':path': '/health' });
  assert.equal(open.headers[':status'], 200);
  const unknown = await http2(outrider.inbound, { ':path': '/chat', authorization: 'Bearer nonsense' }, EMPTY_MESSAGE);
  assert.deepEqual([unknown.headers[':status'], unknown.headers['content-type']], [401, 'application/problem+json']);
  const seen = agent.seen.map(({ method, target }) => `${method} ${target}`);
  assert.deepEqual(seen, ['POST /chat?q=1', 'POST /test.v1.Echo/Unary', 'POST /test.v1.Echo/Unary']);
  assert.equal(agent.seen[0]?.headers[agent.seen[0].headers.indexOf('te') + 1] === 'trailers', false);
});

test('a call is counted and traced by its method and status', async (t) => {
  const otlp = await startOtlpReceiver();
  t.after(() => otlp.close());
  const { outrider, client } = await setUp(t, {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url, OTEL_BSP_SCHEDULE_DELAY: '50' },
  });
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  await client.unary('x', { metadata: { traceparent } });
  await client.unary('x', { metadata: { traceparent, 'x-fail': String(status.NOT_FOUND) } });
  const stranger = grpcClient(outrider.inbound);
  t.after(() => stranger.close());
  await stranger.unary('x', { metadata: { traceparent } });
  const spans = await until(() => {
    const all = otlp.spans().filter(({ traceId }) => traceId === '0af7651916cd43dd8448eb211c80319c');
    return all.length >= 5 && all;
  }, 'the spans');
  const told = spans
    .map(({ kind, name, status: outcome, attributes }) =>
      [kind, name, outcome, attributes['rpc.system.name'] ?? '-', attributes['rpc.response.status_code'] ?? '-'].join(
        ' ',
      ),
    )
    .toSorted();
  assert.deepEqual(told, [
    'client test.v1.Echo/Unary error grpc NOT_FOUND',
    'client test.v1.Echo/Unary unset grpc OK',
    'server POST unset - UNAUTHENTICATED',
    'server test.v1.Echo/Unary unset grpc NOT_FOUND',
    'server test.v1.Echo/Unary unset grpc OK',
  ]);
  const { text } = await http(`${outrider.helpers}/metrics`);
  assert.match(text, /outrider_grpc_replies_total\{surface="inbound",grpc_status="OK"\} 1/);
  assert.match(text, /outrider_grpc_replies_total\{surface="inbound",grpc_status="NOT_FOUND"\} 1/);
  assert.match(text, /outrider_grpc_replies_total\{surface="inbound",grpc_status="UNAUTHENTICATED"\} 1/);
  assert.match(text, /outrider_requests_in_flight\{surface="inbound"\} 0/);
});

test('1,000 streams at once on one connection', async (t) => {
  const { agent, client } = await setUp(t);
  const calls = Array.from({ length: 1_000 }, () => client.openChat({ metadata: { 'x-first': '1' } }));
  const ends = calls.map((call) => outcome(call));
  await until(() => agent.open === 1_000, 'all of them to be open', 30_000);
  for (const call of calls) call.end(Buffer.from('bye'));
  const outcomes = await Promise.all(ends);
  const wrong = outcomes.filter(({ code, messages }) => (code as status) !== status.OK || messages.length !== 2);
  assert.deepEqual(
    wrong.map(({ code, details }) => [code, details]),
    [],
  );
});
