import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Body, readBody } from '../../src/body.ts';
import type { Reply } from '../../src/call.ts';
import { codecOf } from '../../src/contract/codec.ts';
import type { ExecuteEvent } from '../../src/contract/messages.ts';
import { ROUTES } from '../../src/contract/routes.ts';
import { hostGrpc } from '../../src/host/grpc.ts';
import { hostHttp } from '../../src/host/http.ts';
import { hostPath } from '../../src/host/http-paths.ts';
import type { HostInbound } from '../../src/host/inbound.ts';
import type { Operations } from '../../src/host/ports.ts';
import { envelope } from '../../src/protocols/envelope.ts';
import { type Golden, golden, messageOf, NEXT_VERSION, nextMessageOf, releasedVersions } from './versions.ts';

/** What every version put on the wire, against a host of today: what it is sent, and what its agents answered. */
const VERSIONS = [...releasedVersions(), NEXT_VERSION];

const parsed = ({ body }: Golden): object => JSON.parse(new TextDecoder().decode(body)) as object;
const of = (version: string, message: string): Golden[] => golden(version).filter((entry) => entry.message === message);
const old = (message: string) => codecOf<object, ReturnType<typeof messageOf>>(messageOf(message));
const newer = (message: string) => codecOf<object, ReturnType<typeof nextMessageOf>>(nextMessageOf(message));

/** Takes whatever comes, and answers what it is given. */
function host(answer: unknown): { operations: Operations; asked: object[] } {
  const asked: object[] = [];
  const take = (request: object): never => {
    asked.push(request);
    // What is tested here is what stands around the operations.
    return answer as never;
  };
  const operations: Operations = {
    execute: async (request) => take(request),
    async *executeStream(request) {
      yield* take(request) as ExecuteEvent[];
    },
    startJob: async (request) => take(request),
    getJob: async (which) => take(which),
    cancelJob: async (which) => take(which),
    listAgents: () => answer as never,
    getAgent: () => answer as never,
    registerAgent: async (request) => take(request),
    removeAgent: async (which) => take(which),
  };
  return { operations, asked };
}

function inbound(method: string, target: string, type: string, body: Body): HostInbound {
  return {
    method,
    target,
    headers: ['Host', 'localhost', 'Content-Type', type, 'outrider-contract', '1.9'],
    body,
    signal: new AbortController().signal,
    remote: '127.0.0.1',
    caller: { principal: 'tester', roles: [] },
    requestId: 'r',
  };
}

async function overHttp(answer: unknown, method: string, target: string, body: Body = null) {
  const { operations, asked } = host(answer);
  const serve = hostHttp(operations, { maxBodyBytes: 1e6, keepAliveMs: 15_000, firstEventMs: 1_000 });
  return { asked, reply: await serve(inbound(method, target, 'application/json', body)) };
}

async function overGrpc(answer: unknown, rpc: string, message: Uint8Array) {
  const { operations, asked } = host(answer);
  const path = `/outrider.agent.v1.AgentService/${rpc}`;
  const serve = hostGrpc(operations, { maxMessageBytes: 1e6 }).get(path);
  assert.ok(serve !== undefined);
  const call = { ...inbound('POST', path, 'application/grpc', envelope(0, message)), http2: true };
  const reply = await serve(call);
  const bytes = await readBody(reply.body, 1e6);
  assert.deepEqual([reply.status, fieldOf((await reply.trailers) ?? reply.headers, 'grpc-status')], [200, '0']);
  return { asked, messages: framesOf(bytes) };
}

function fieldOf(fields: readonly string[], name: string): string | undefined {
  const at = fields.findIndex((field, i) => i % 2 === 0 && field.toLowerCase() === name);
  return at < 0 ? undefined : fields[at + 1];
}

function framesOf(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const end = at + 5 + view.getUint32(at + 1);
    frames.push(bytes.subarray(at + 5, end));
    at = end;
  }
  return frames;
}

async function textOf(reply: Reply): Promise<string> {
  return new TextDecoder().decode(await readBody(reply.body, 1e6));
}

const EMPTY = { output: '', token_count: 0, execution_time_ms: 0, loop_count: 0, stop_reason: 'completed' };

for (const version of VERSIONS) {
  for (const entry of of(version, 'ExecuteRequest')) {
    const { agent_id: id = 'writer', ...rest } = parsed(entry) as { agent_id?: string };

    test(`${entry.file} is what the agent is asked, over HTTP`, async () => {
      for (const prefix of ['', '/v1']) {
        const { asked, reply } = await overHttp(EMPTY, 'POST', `${prefix}/agents/${id}/execute`, entry.body);
        assert.equal(reply.status, 200);
        assert.deepEqual(asked, [{ ...rest, agent_id: id }]);
      }
    });

    test(`${entry.file} is what the agent is asked, over gRPC`, async () => {
      const { asked } = await overGrpc(EMPTY, 'Execute', entry.binary);
      assert.equal(asked.length, 1);
      assert.deepEqual(newer('ExecuteRequest').decode(old('ExecuteRequest').encode(asked[0] ?? {})), parsed(entry));
    });
  }

  for (const entry of of(version, 'RegisterAgentRequest')) {
    test(`${entry.file} is what is registered`, async () => {
      const info = { id: 'a', name: '', model: '', description: '' };
      const http = await overHttp(info, 'POST', '/v1/agents', entry.body);
      assert.equal(http.reply.status, 201);
      assert.deepEqual(http.asked, [parsed(entry)]);
      const { asked } = await overGrpc(info, 'RegisterAgent', entry.binary);
      assert.deepEqual(
        newer('RegisterAgentRequest').decode(old('RegisterAgentRequest').encode(asked[0] ?? {})),
        parsed(entry),
      );
    });
  }

  for (const [message, method, target, rpc] of [
    ['ExecuteReply', 'POST', '/v1/agents/writer/execute', 'Execute'],
    ['Job', 'GET', '/v1/agents/writer/jobs/j-1', 'GetJob'],
    ['Job', 'DELETE', '/v1/agents/writer/jobs/j-1', 'CancelJob'],
    ['AgentInfo', 'GET', '/v1/agents/writer', 'GetAgent'],
    ['ListAgentsReply', 'GET', '/v1/agents', 'ListAgents'],
  ] as const) {
    for (const entry of of(version, message)) {
      // What an agent itself leaves out is filled in before it gets here.
      if (entry.file.endsWith('output-alone')) continue;

      test(`${entry.file} is the answer of ${rpc}`, async () => {
        const body = method === 'POST' ? Buffer.from('{"input":"hi"}') : null;
        const { reply } = await overHttp(parsed(entry), method, target, body);
        assert.equal(reply.status, 200);
        assert.deepEqual(JSON.parse(await textOf(reply)), parsed(entry));
        const request = codecOf<object, ReturnType<typeof messageOf>>(messageOf('ExecuteRequest'));
        const asked = rpc === 'Execute' ? request.encode({ input: 'hi', agent_id: 'writer' }) : new Uint8Array();
        const { messages } = await overGrpc(old(message).decode(entry.binary), rpc, asked);
        assert.deepEqual(
          messages.map((bytes) => newer(message).decode(bytes)),
          [parsed(entry)],
        );
      });
    }
  }

  test(`events of version ${version} are streamed as they are`, async () => {
    const entries = of(version, 'ExecuteEvent').filter(({ file }) => !file.endsWith('progress'));
    const events = entries.sort((a, b) => Number(a.file.endsWith('done')) - Number(b.file.endsWith('done')));
    const ask = Buffer.from('{"input":"hi"}');
    const { reply } = await overHttp(events.map(parsed), 'POST', '/v1/agents/writer/execute/stream', ask);
    const expected = events.flatMap((event) =>
      Object.entries(parsed(event)).map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`),
    );
    assert.equal(await textOf(reply), expected.join(''));
    const { messages } = await overGrpc(
      events.map(({ binary }) => old('ExecuteEvent').decode(binary)),
      'ExecuteStream',
      old('ExecuteRequest').encode({ input: 'hi', agent_id: 'writer' }),
    );
    assert.deepEqual(
      messages.map((bytes) => newer('ExecuteEvent').decode(bytes)),
      events.map(parsed),
    );
  });
}

test('every route of the contract is served', () => {
  for (const { path } of ROUTES) {
    assert.notEqual(hostPath(path.replaceAll(/\{\w+\}/g, 'a')), undefined, path);
  }
});
