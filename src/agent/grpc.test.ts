import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventsOf, failure } from '../../test/support/agent-calls.ts';
import type { Call, Reply, Service } from '../call.ts';
import { AgentError } from '../contract/agent-error.ts';
import { executeEventCodec, executeReplyCodec, executeRequestCodec } from '../contract/codec.ts';
import { grpcErrorReply } from '../contract/grpc-error.ts';
import type { ExecuteEvent, ExecuteReply } from '../contract/messages.ts';
import { getField } from '../fields.ts';
import { envelope } from '../protocols/envelope.ts';
import { factsOf } from './error-facts.ts';
import { grpcAgentOver } from './grpc.ts';

const grpcFrame = (message: Uint8Array): Uint8Array => envelope(0, message);

const REPLY: ExecuteReply = {
  output: 'hello',
  token_count: 1,
  execution_time_ms: 2,
  loop_count: 3,
  stop_reason: 'completed',
};
const GRPC = ['content-type', 'application/grpc+proto'];
const OK = Promise.resolve(['grpc-status', '0']);

function agentOver(answer: Service | Reply, maxReplyBytes = 1_000) {
  const calls: Call[] = [];
  const send: Service = async (call) => {
    calls.push(call);
    return typeof answer === 'function' ? answer(call) : answer;
  };
  return { agent: grpcAgentOver(send, { id: 'a', token: 'secret', maxReplyBytes }), calls };
}

const unary = (body: Uint8Array | null, trailers: Promise<readonly string[]> = OK): Reply => ({
  status: 200,
  headers: GRPC,
  body,
  trailers,
});
const message = (reply: ExecuteReply): Uint8Array => grpcFrame(executeReplyCodec.encode(reply));
const event = (one: ExecuteEvent): Uint8Array => grpcFrame(executeEventCodec.encode(one));

test('a call is one frame over HTTP/2, with its deadline twice', async () => {
  const { agent, calls } = agentOver(unary(message(REPLY)));
  assert.deepEqual(await agent.execute({ input: 'x', timeout_seconds: 30 }), REPLY);
  const [call] = calls;
  assert.equal(call?.target, '/outrider.agent.v1.AgentService/Execute');
  assert.equal(call.http2, true);
  assert.equal(getField(call.headers, 'te'), 'trailers');
  assert.equal(getField(call.headers, 'authorization'), 'Bearer secret');
  assert.match(getField(call.headers, 'grpc-timeout') ?? '', /^(29\d{3}|30000)m$/);
  // A request of ours is at hand as a whole.
  const bytes = call.body as Uint8Array;
  assert.deepEqual(executeRequestCodec.decode(bytes.subarray(5)), { input: 'x', timeout_seconds: 30, agent_id: 'a' });
});

test('a call that says nothing of time does not tell the far side of ours', async () => {
  const { agent, calls } = agentOver(unary(message(REPLY)));
  await agent.execute({ input: 'x' });
  assert.equal(getField(calls[0]?.headers ?? [], 'grpc-timeout'), undefined);
});

const contract = new AgentError('draining', 'we close — später', { retryAfter: 5, details: { a: 1 } });

const refusals: readonly (readonly [what: string, reply: Reply, code: string])[] = [
  ['an error of the contract', grpcErrorReply(contract), 'draining'],
  [
    'a status alone',
    { status: 200, headers: [...GRPC, 'grpc-status', '7', 'grpc-message', 'no%20way%'], body: null },
    'forbidden',
  ],
  ['a status in trailers', unary(null, Promise.resolve(['grpc-status', '14'])), 'unreachable'],
  ['a message and a status that is bad', unary(message(REPLY), Promise.resolve(['grpc-status', '13'])), 'internal'],
  ['a status that is none', unary(message(REPLY), Promise.resolve(['grpc-status', 'fine'])), 'unreachable'],
  ['no status', unary(message(REPLY), Promise.resolve([])), 'unreachable'],
  ['no message', unary(null), 'unreadable'],
  ['half a message', unary(message(REPLY).subarray(0, 9)), 'unreadable'],
  ['two messages', unary(Buffer.concat([message(REPLY), message(REPLY)])), 'unreadable'],
  ['a message that is no reply', unary(grpcFrame(Buffer.from([0xff, 0xff]))), 'unreadable'],
  ['a message that is too large', unary(message({ ...REPLY, output: 'x'.repeat(2_000) })), 'unreadable'],
  ['another major version', { ...unary(message(REPLY)), headers: [...GRPC, 'outrider-contract', '2.0'] }, 'unreadable'],
  ['a page', { status: 200, headers: ['content-type', 'text/html'], body: Buffer.from('<h1>') }, 'unreadable'],
  [
    'a page with 502',
    { status: 502, headers: ['content-type', 'text/html'], body: Buffer.from('<h1>') },
    'unreachable',
  ],
  [
    'the problem document of a sidecar',
    {
      status: 401,
      headers: ['content-type', 'application/problem+json'],
      body: Buffer.from('{"code":"unauthenticated","detail":"no token"}'),
    },
    'unauthenticated',
  ],
];

for (const [what, reply, code] of refusals) {
  test(`execute and stream, answered with ${what}: ${code}`, async () => {
    const { agent } = agentOver(reply);
    assert.equal((await failure(agent.execute({ input: 'x' }))).code, code);
    const streamed = await failure(eventsOf(agent.stream({ input: 'x' })));
    // Of what is no event a stream has its own to say, and a reply is none.
    if (reply.body === null || reply.status !== 200)
      assert.equal(streamed.code, code === 'unreadable' ? 'unreachable' : code);
  });
}

test('an error keeps what it says', async () => {
  const error = await failure(agentOver(grpcErrorReply(contract)).agent.execute({ input: 'x' }));
  assert.equal(error.message, 'we close — später');
  assert.equal(error.retryAfter, 5);
  assert.deepEqual(error.details, { a: 1 });
  assert.equal(factsOf(error).nothingRan, false, 'a stranger may have run something');
});

test('a message of a status is decoded as far as it can be', async () => {
  const reply = (text: string): Reply => ({
    status: 200,
    headers: [...GRPC, 'grpc-status', '5', 'grpc-message', text],
    body: null,
  });
  assert.equal((await failure(agentOver(reply('so%C3%BC')).agent.execute({ input: 'x' }))).message, 'soü');
  assert.equal((await failure(agentOver(reply('100%zz')).agent.execute({ input: 'x' }))).message, '100%zz');
});

test('a stream ends with done, and events of later versions are passed over', async () => {
  const later = grpcFrame(Buffer.from([0x7a, 0x02, 0x0a, 0x00]));
  const body = Buffer.concat([
    event({ chunk: { text: 'a' } }),
    later,
    event({ chunk: { text: '' } }),
    event({ done: REPLY }),
  ]);
  const events = await eventsOf(agentOver(unary(body)).agent.stream({ input: 'x' }));
  assert.deepEqual(events, [{ chunk: { text: 'a' } }, { chunk: { text: '' } }, { done: REPLY }]);
});

test('a stream that ends well but without done broke off', async () => {
  const error = await failure(eventsOf(agentOver(unary(event({ chunk: { text: 'a' } }))).agent.stream({ input: 'x' })));
  assert.equal(error.code, 'unreachable');
  assert.equal(error.message, 'the stream broke off');
});

test('fields of a newer minor version go through an agent that hands them on', async () => {
  // Field 99, which nobody has yet: "hi".
  const bytes = Buffer.concat([executeReplyCodec.encode(REPLY), Buffer.from([0x9a, 0x06, 0x02, 0x68, 0x69])]);
  const reply = await agentOver(unary(grpcFrame(bytes))).agent.execute({ input: 'x' });
  assert.deepEqual(JSON.parse(JSON.stringify(reply)), REPLY);
  assert.ok(Buffer.from(executeReplyCodec.encode({ ...reply })).includes(Buffer.from([0x9a, 0x06, 0x02, 0x68, 0x69])));
});
