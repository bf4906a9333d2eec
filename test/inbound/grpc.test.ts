import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Metadata, status } from '@grpc/grpc-js';
import { type GrpcClient, type GrpcServer, grpcClient, outcome, startGrpcServer } from '../support/grpc.ts';
import { type Outrider, startOutrider, TOKEN } from '../support/outrider.ts';
import { until } from '../support/until.ts';

let agent: GrpcServer;
let outrider: Outrider;
let client: GrpcClient;

before(async () => {
  agent = await startGrpcServer();
  outrider = await startOutrider({ agentUrl: agent.url, config: 'limits: { concurrent_requests: 2000 }' });
  client = grpcClient(outrider.inbound, { token: TOKEN });
});
after(async () => {
  client?.close();
  agent?.close();
  await outrider?.stop();
});

test('a unary call: message, metadata of both sorts, trailers', async () => {
  const { messages, code, headers, trailers } = await client.unary('hello', {
    metadata: {
      'x-echo': 'a b',
      'x-echo-bin': Buffer.from([0, 255, 7]),
      'x-trail': 'end',
      'x-trail-bin': Buffer.from([1, 0]),
    },
  });
  assert.deepEqual([code, messages.map(String)], [status.OK, ['hello']]);
  assert.deepEqual(headers.get('x-echo'), ['a b']);
  assert.deepEqual(headers.get('x-echo-bin'), [Buffer.from([0, 255, 7])]);
  assert.deepEqual(trailers.get('x-trail'), ['end']);
  assert.deepEqual(trailers.get('x-trail-bin'), [Buffer.from([1, 0])]);
});

test('what the agent is told: its own metadata, who calls, and nothing of the token', async () => {
  await client.unary('x', {
    metadata: { 'x-mine': '1', 'x-forwarded-for': '6.6.6.6', 'x-outrider-principal': 'root' },
  });
  const seen = agent.seen.at(-1);
  assert.ok(seen !== undefined);
  assert.deepEqual(seen.metadata.get('x-mine'), ['1']);
  assert.deepEqual(seen.metadata.get('x-forwarded-for'), ['127.0.0.1']);
  assert.deepEqual(seen.metadata.get('x-outrider-principal'), []);
  assert.deepEqual(seen.metadata.get('authorization'), []);
});

test('streams: from the server, from the client, both ways in turn', async () => {
  const counted = await client.count(1000, { metadata: { 'x-size': '100', 'x-trail': 'done' } });
  assert.deepEqual([counted.code, counted.messages.length], [status.OK, 1000]);
  assert.deepEqual(counted.trailers.get('x-trail'), ['done']);
  assert.deepEqual((await client.count(0)).code, status.OK);

  const collected = await client.collect(Array.from({ length: 300 }, () => Buffer.alloc(1000)));
  assert.deepEqual([collected.code, collected.messages.map(String)], [status.OK, ['300000']]);

  const chat = client.openChat({ metadata: { 'x-trail': 'bye' } });
  const all = outcome(chat);
  let answers = 0;
  chat.on('data', () => answers++);
  for (let i = 1; i <= 5; i++) {
    chat.write(Buffer.from(`turn ${i}`));
    // Each answer comes while the request is still open.
    await until(() => answers === i, `answer ${i}`);
  }
  chat.end();
  const { code, messages, trailers } = await all;
  assert.deepEqual([code, messages.map(String)], [status.OK, [1, 2, 3, 4, 5].map((i) => `turn ${i}`)]);
  assert.deepEqual(trailers.get('x-trail'), ['bye']);
});

test('a server that speaks first is heard before the client has said anything', async () => {
  const chat = client.openChat({ metadata: { 'x-first': '1' } });
  const all = outcome(chat);
  let heard = '';
  chat.on('data', (message: Buffer) => (heard += message.toString()));
  await until(() => heard === 'hello', 'the first word');
  chat.end();
  assert.equal((await all).code, status.OK);
});

test('a failure keeps its status, words, details and trailers', async () => {
  for (const code of [status.NOT_FOUND, status.INTERNAL, status.DATA_LOSS]) {
    const failed = await client.unary('x', { metadata: { 'x-fail': String(code), 'x-trail': 'why' } });
    assert.deepEqual([failed.code, failed.details, failed.messages], [code, 'told to fail: ü%', []]);
    assert.deepEqual(failed.trailers.get('grpc-status-details-bin'), [Buffer.from('details')]);
    assert.deepEqual(failed.trailers.get('x-trail'), ['why']);
  }
  const late = await client.count(3, { metadata: { 'x-fail': String(status.ABORTED) } });
  assert.deepEqual([late.code, late.messages.length], [status.ABORTED, 3]);
  const chat = client.openChat();
  const ending = outcome(chat);
  chat.write(Buffer.from('error'));
  assert.equal((await ending).code, status.FAILED_PRECONDITION);
  const early = await client.collect(
    (async function* () {
      for (let i = 0; i < 10_000; i++) yield Buffer.alloc(1000);
    })(),
    { metadata: { 'x-fail': String(status.RESOURCE_EXHAUSTED) } },
  );
  assert.equal(early.code, status.RESOURCE_EXHAUSTED);
});

test('an unknown method is refused by the agent', async () => {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${TOKEN}`);
  const { code } = await new Promise<{ code: number }>((resolve) => {
    client.client.makeUnaryRequest(
      '/test.v1.Echo/Nothing',
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      Buffer.alloc(0),
      metadata,
      (error) => resolve({ code: error?.code ?? 0 }),
    );
  });
  assert.equal(code, status.UNIMPLEMENTED);
});

test('big and compressed messages', async () => {
  const big = Buffer.alloc(5 * 1024 * 1024, 'x');
  const echoed = await client.unary(big);
  assert.equal(echoed.code, status.OK);
  assert.ok(echoed.messages[0]?.equals(big));
  const zipping = grpcClient(outrider.inbound, { token: TOKEN, 'grpc.default_compression_algorithm': 2 });
  try {
    const reply = await zipping.unary(Buffer.alloc(100_000, 'compress me'));
    assert.deepEqual([reply.code, reply.messages[0]?.length], [status.OK, 100_000]);
  } finally {
    zipping.close();
  }
});

test('200 streams at once on one connection', async () => {
  const outcomes = await Promise.all(
    Array.from({ length: 200 }, () => client.count(50, { metadata: { 'x-gap': '1' } })),
  );
  assert.deepEqual(
    outcomes.filter(({ code, messages }) => (code as status) !== status.OK || messages.length !== 50),
    [],
  );
});

test('a client that cancels is gone for the agent as well, at once', async () => {
  for (const open of [
    () => client.openCount(1_000_000, { metadata: { 'x-gap': '5' } }),
    () => client.openChat({ metadata: { 'x-first': '1' } }),
  ]) {
    const before = agent.cancelled;
    const call = open();
    const all = outcome(call);
    await new Promise((resolve) => {
      call.once('data', resolve);
    });
    const began = performance.now();
    call.cancel();
    await until(() => agent.cancelled > before, 'the agent to see it', 5_000, 1);
    const took = performance.now() - began;
    assert.equal((await all).code, status.CANCELLED);
    assert.ok(took < 1_000, `it took ${took} ms`);
  }
  const before = agent.cancelled;
  const upload = client.openCollect();
  upload.on('error', () => undefined);
  upload.write(Buffer.alloc(10));
  await until(() => agent.open > 0, 'the upload to begin');
  upload.cancel();
  await until(() => agent.cancelled > before, 'the agent to see it');
  await until(() => agent.open === 0, 'all calls over');
});

test('a deadline goes along, and ends a call that the agent does not', async () => {
  const { code } = await client.unary('x', { deadlineMs: 300, metadata: { 'x-sleep': '60000' } });
  assert.equal(code, status.DEADLINE_EXCEEDED);
  const { deadline } = agent.seen.at(-1) ?? {};
  assert.ok(deadline instanceof Date || typeof deadline === 'number');
  assert.ok(Math.abs(Number(deadline) - Date.now()) < 10_000, String(deadline));
  await until(() => agent.open === 0, 'the call to be over at the agent');
});

test('a slow reader slows the agent, and costs no memory', async () => {
  const before = agent.written;
  const call = client.openCount(20_000, { metadata: { 'x-size': '16384' } });
  const all = outcome(call);
  call.pause();
  let last = -1;
  await until(
    () => {
      const { written } = agent;
      const stands = written > before && written === last;
      last = written;
      return stands;
    },
    'the agent to stand still',
    15_000,
    300,
  );
  assert.ok(agent.written - before < 8 * 1024 * 1024, `${agent.written - before} bytes were written`);
  call.resume();
  const { code, messages } = await all;
  assert.deepEqual([code, messages.length], [status.OK, 20_000]);
});

test('without a token: UNAUTHENTICATED, also for a stream that is being sent', async () => {
  const stranger = grpcClient(outrider.inbound);
  const impostor = grpcClient(outrider.inbound, { token: 'wrong-token-0123456789' });
  try {
    for (const caller of [stranger, impostor]) {
      const { code, details } = await caller.unary('x');
      assert.equal(code, status.UNAUTHENTICATED, details);
      const upload = await caller.collect(
        (async function* () {
          for (let i = 0; i < 1_000; i++) yield Buffer.alloc(10_000);
        })(),
      );
      assert.equal(upload.code, status.UNAUTHENTICATED, upload.details);
    }
  } finally {
    stranger.close();
    impostor.close();
  }
});
