import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Agent } from '../../src/agent/agent.ts';
import { grpcAgentOver } from '../../src/agent/grpc.ts';
import { httpAgentOver } from '../../src/agent/http.ts';
import { localAgent } from '../../src/agent/local.ts';
import type { Call, Reply } from '../../src/call.ts';
import { AgentError } from '../../src/contract/agent-error.ts';
import { codecOf, executeEventCodec, executeReplyCodec, executeRequestCodec } from '../../src/contract/codec.ts';
import { errorFromJson } from '../../src/contract/error-wire.ts';
import { grpcErrorReply } from '../../src/contract/grpc-error.ts';
import type { ExecuteReply, ExecuteRequest } from '../../src/contract/messages.ts';
import { checkExecuteRequest } from '../../src/contract/request.ts';
import { envelope } from '../../src/protocols/envelope.ts';
import { eventsOf } from '../support/agent-calls.ts';
import { type Golden, golden, NEXT_VERSION, nextMessageOf, releasedVersions } from './versions.ts';

/**
 * What every version put on the wire, against what reads it today: both adapters in the place of a caller, and in the place of a hop
 * that hands on what it was sent.
 */
const VERSIONS = [...releasedVersions(), NEXT_VERSION];
const ASKED: ExecuteRequest = { input: 'hi' };

const parsed = ({ body }: Golden): unknown => JSON.parse(new TextDecoder().decode(body));
const of = (version: string, message: string): Golden[] => golden(version).filter((entry) => entry.message === message);
const newer = (message: string) => codecOf<object, ReturnType<typeof nextMessageOf>>(nextMessageOf(message));

function overHttp(version: string, type: string, body: Uint8Array, status = 200): Agent {
  const headers = ['content-type', type, 'outrider-contract', version];
  return httpAgentOver(async () => ({ status, headers, body }), { id: 'writer' });
}

function overGrpc(version: string, ...messages: Uint8Array[]): Agent {
  const headers = ['content-type', 'application/grpc', 'outrider-contract', version];
  const trailers = Promise.resolve(['grpc-status', '0']);
  const body = Buffer.concat(messages.map((message) => envelope(0, message)));
  return grpcAgentOver(async () => ({ status: 200, headers, body, trailers }), { id: 'writer' });
}

for (const version of VERSIONS) {
  for (const entry of of(version, 'ExecuteReply')) {
    const expected = executeReplyCodec.checkReply(parsed(entry));

    test(`${entry.file} is the answer of an agent behind HTTP`, async () => {
      const reply = await overHttp(version, 'application/json', entry.body).execute(ASKED);
      // One that does not say how long it took is timed, which may be a millisecond or two.
      const says = 'execution_time_ms' in (parsed(entry) as object);
      const { execution_time_ms } = says ? reply : expected;
      assert.equal(JSON.stringify({ ...reply, execution_time_ms }), JSON.stringify(expected));
    });

    test(`${entry.file} is the answer of an agent behind gRPC, and can go on as it came`, async () => {
      const reply = await overGrpc(version, entry.binary).execute(ASKED);
      const known = executeReplyCodec.decode(executeReplyCodec.encode(expected));
      assert.equal(JSON.stringify(reply), JSON.stringify(executeReplyCodec.checkReply(known)));
      assert.deepEqual(newer('ExecuteReply').decode(executeReplyCodec.encode(reply)), expected);
    });

    test(`${entry.file} is the answer of an agent in the process`, async () => {
      const reply = await localAgent(() => parsed(entry) as ExecuteReply).execute(ASKED);
      const { execution_time_ms: took, ...rest } = reply;
      const { execution_time_ms: said, ...others } = expected;
      assert.deepEqual(rest, others);
      if ('execution_time_ms' in (parsed(entry) as object)) assert.equal(took, said);
    });
  }

  for (const entry of of(version, 'ExecuteRequest')) {
    const request = checkExecuteRequest(parsed(entry));
    // The deadline is sent as it was said, for this is the first hop.
    const expected = { ...request, agent_id: 'writer' };

    test(`${entry.file} is handed on over HTTP with all that is in it`, async () => {
      const body = (await sent((send) => httpAgentOver(send, { id: 'writer' }), request)).body;
      const got = JSON.parse(Buffer.from(body as Uint8Array).toString()) as object;
      assert.deepEqual({ ...got, agent_id: 'writer' }, expected);
    });

    test(`${entry.file} that came over gRPC is handed on over gRPC with all that is in it`, async () => {
      const came = checkExecuteRequest(executeRequestCodec.decode(entry.binary));
      const body = (await sent((send) => grpcAgentOver(send, { id: 'writer' }), came)).body;
      const message = Buffer.from(body as Uint8Array).subarray(5);
      assert.deepEqual(newer('ExecuteRequest').decode(message), expected);
    });
  }

  test(`events of version ${version} are read over HTTP, and those that are not known are skipped`, async () => {
    const events = [...of(version, 'ExecuteEvent')].sort(
      (a, b) => Number(a.file.endsWith('done')) - Number(b.file.endsWith('done')),
    );
    const texts = events.flatMap((entry) =>
      Object.entries(parsed(entry) as object).map(
        ([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`,
      ),
    );
    const seen = await eventsOf(overHttp(version, 'text/event-stream', Buffer.from(texts.join(''))).stream(ASKED));
    const known = events.map(parsed).filter((event) => !('progress' in (event as object)));
    assert.deepEqual(seen, known);
    assert.ok('done' in (seen.at(-1) ?? {}));
  });

  test(`events of version ${version} are read over gRPC, and those that are not known are skipped`, async () => {
    const events = [...of(version, 'ExecuteEvent')].sort(
      (a, b) => Number(a.file.endsWith('done')) - Number(b.file.endsWith('done')),
    );
    const seen = await eventsOf(overGrpc(version, ...events.map(({ binary }) => binary)).stream(ASKED));
    const known = events.map(parsed).filter((event) => !('progress' in (event as object)));
    const whole = seen.map((event) => newer('ExecuteEvent').decode(executeEventCodec.encode(event)));
    assert.deepEqual(whole, known);
  });

  for (const entry of of(version, 'ErrorEnvelope')) {
    test(`${entry.file} is the error of an agent, over HTTP and over gRPC`, async () => {
      const { error } = parsed(entry) as { error: object };
      const expected = errorFromJson(error, 409);
      const grpc = grpcAgentOver(async (): Promise<Reply> => grpcErrorReply(expected), { id: 'writer' });
      for (const agent of [overHttp(version, 'application/json', entry.body, 409), grpc]) {
        await assert.rejects(agent.execute(ASKED), (thrown) => {
          assert.ok(thrown instanceof AgentError);
          assert.deepEqual(
            [thrown.code, thrown.message, thrown.retryable],
            [expected.code, expected.message, expected.retryable],
          );
          return true;
        });
      }
    });
  }
}

/** What an adapter sends for a request; the answer that it gets is none. */
async function sent(make: (send: (call: Call) => Promise<Reply>) => Agent, request: ExecuteRequest): Promise<Call> {
  let seen: Call | undefined;
  const agent = make(async (call) => {
    seen = call;
    return { status: 503, headers: [], body: null };
  });
  await assert.rejects(agent.execute(request), AgentError);
  assert.ok(seen !== undefined);
  return seen;
}
