import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { ExecuteRequestSchema } from '../../src/contract/gen/outrider/agent/v1/agent_pb.ts';
import type { RemoteAgent } from '../../src/library/agent.ts';
import { failure, readStream } from '../support/agent-calls.ts';
import { HOST_TOKEN, type HostProcess, hostCommandFor, hostFor } from '../support/host.ts';
import { http } from '../support/http.ts';
import { grpcRaw, memoryOf, PROTOCOLS } from '../support/remote-agents.ts';
import { until } from '../support/until.ts';

const MIB = 2 ** 20;
const ends: (() => unknown)[] = [];
const t = { after: (end: () => unknown): void => void ends.push(end) };
const HEADERS = { Authorization: `Bearer ${HOST_TOKEN}` };
const METADATA = { authorization: `Bearer ${HOST_TOKEN}` };

let host: HostProcess;
before(async () => {
  host = await hostCommandFor(t, { args: [join(import.meta.dirname, 'fixtures/bad-day-agents.ts')] });
});
after(async () => {
  for (const end of ends.toReversed()) await end();
});

function agentBy(make: (typeof PROTOCOLS)[number][1], id: string): RemoteAgent {
  const agent = make({ url: host.url, id, token: HOST_TOKEN });
  t.after(() => agent.close());
  return agent;
}

const execute = (body: unknown, agent = 'echo', path = 'execute') =>
  http(`${host.url}/v1/agents/${agent}/${path}`, { headers: HEADERS, body });

for (const [protocol, make] of PROTOCOLS) {
  test(`${protocol}: an unknown agent is not found, and that is no reason to ask again`, async () => {
    const nobody = agentBy(make, 'nobody');
    for (const work of [() => nobody.execute({ input: 'x' }), () => readStream(nobody.stream({ input: 'x' }))]) {
      const { code, status, retryable } = await failure(work());
      assert.deepEqual([code, status, retryable], ['not_found', 404, false]);
    }
  });

  test(`${protocol}: 50 MB of input are refused quickly, and are never held by the host`, {
    timeout: 30_000,
  }, async () => {
    const echo = agentBy(make, 'echo');
    assert.equal((await echo.execute({ input: 'warm' })).output, 'warm');
    const input = 'x'.repeat(50 * MIB);
    const before = memoryOf(host.process.pid);
    const began = performance.now();
    for (let i = 0; i < 4; i++) {
      const error = await failure(i % 2 === 0 ? echo.execute({ input }) : readStream(echo.stream({ input })));
      assert.deepEqual([error.code, error.retryable], ['body_too_large', false]);
    }
    const tookMs = performance.now() - began;
    assert.ok(tookMs < 4 * 2_000, `${tookMs} ms for four`);
    const grown = memoryOf(host.process.pid).most - before.most;
    console.log(`${protocol}: 4 x 50 MiB took ${tookMs.toFixed(0)} ms, and ${grown.toFixed(0)} MiB at the host`);
    assert.ok(grown < 40, `the host grew by ${grown} MiB`);
    assert.equal((await echo.execute({ input: 'still there' })).output, 'still there');
  });
}

test('what is unknown or too large, in the words of each protocol', async () => {
  for (const path of ['execute', 'execute/stream', 'jobs']) {
    const reply = await execute({ input: 'x' }, 'nobody', path);
    assert.deepEqual([reply.status, reply.json.error.code], [404, 'not_found'], path);
    assert.ok(reply.headers['x-request-id']);
  }
  const message = (agentId: string, input: string): Buffer =>
    Buffer.from(toBinary(ExecuteRequestSchema, create(ExecuteRequestSchema, { agentId, input })));
  for (const method of ['Execute', 'StartJob']) {
    assert.equal((await grpcRaw(host.url, method, message('nobody', 'x'), METADATA)).code, status.NOT_FOUND);
  }
  const large = await grpcRaw(host.url, 'Execute', message('echo', 'x'.repeat(50 * MIB)), METADATA);
  assert.equal(large.code, status.RESOURCE_EXHAUSTED, large.details);
});

test('50 MB that are not announced are refused as soon as they are too many', async () => {
  const before = memoryOf(host.process.pid);
  const answered = Promise.withResolvers<number>();
  const stop = new AbortController();
  const outgoing = request(`${host.url}/v1/agents/echo/execute`, {
    method: 'POST',
    agent: false,
    headers: { ...HEADERS, 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' },
  });
  outgoing.on('response', (incoming) => {
    answered.resolve(incoming.resume().statusCode ?? 0);
    stop.abort();
  });
  outgoing.on('error', () => stop.abort());
  const piece = Buffer.alloc(MIB, 'x');
  let sent = 0;
  outgoing.write('{"input":"');
  while (sent < 50 && !stop.signal.aborted) {
    sent++;
    await new Promise<void>((next) => {
      outgoing.write(piece, () => next());
    });
  }
  outgoing.destroy();
  assert.equal(await answered.promise, 413);
  assert.ok(sent < 50, `${sent} MiB were sent`);
  const grown = memoryOf(host.process.pid).most - before.most;
  assert.ok(grown < 60, `the host grew by ${grown} MiB`);
});

test('what stands behind a request that was refused before its end is not run: nobody could be told', async (t) => {
  let runs = 0;
  const { port } = await hostFor(t, {
    config: 'limits: { body_bytes: 1KiB }',
    agents: [{ id: 'counted', execute: () => `${++runs}` }],
  });
  const head = (length: number): string =>
    `POST /v1/agents/counted/execute HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${HOST_TOKEN}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
  const body = '{"input":"x"}';
  // It goes on writing when the host has ended its side.
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  t.after(() => socket.destroy());
  let text = '';
  let isOver = false;
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.on('end', () => (isOver = true));
  socket.on('error', () => undefined);
  socket.write(head(2_000));
  await until(() => isOver && text.includes('HTTP/1.1 413 '), 'it is refused');
  socket.write('x'.repeat(2_000));
  socket.write(head(body.length) + body);
  await new Promise((resolve) => {
    setTimeout(resolve, 300);
  });
  assert.deepEqual([runs, text.match(/HTTP\/1\.1 /g)?.length], [0, 1]);
});

test('wrong types in JSON: 400, and every fault has its place', async () => {
  const wrong: [body: unknown, path: string][] = [
    [{ input: 7 }, 'input'],
    [{ input: null }, 'input'],
    [{}, 'input'],
    [{ input: 'x', timeout_seconds: '30' }, 'timeout_seconds'],
    [{ input: 'x', timeout_seconds: 0 }, 'timeout_seconds'],
    [{ input: 'x', parts: [{ text: 1 }] }, 'parts[0].text'],
    [{ input: 'x', metadata: { a: 1 } }, 'metadata.*'],
    [{ input: 'x', context: [] }, 'context'],
    [{ input: 'x', idempotency_key: 'ä' }, 'idempotency_key'],
  ];
  for (const [body, path] of wrong) {
    for (const to of ['execute', 'execute/stream', 'jobs']) {
      const reply = await execute(body, 'echo', to);
      const { code, details } = reply.json.error;
      assert.deepEqual([reply.status, code], [400, 'bad_request'], `${to} ${JSON.stringify(body)}`);
      assert.deepEqual(
        details.faults.map((fault: { path: string }) => fault.path),
        [path],
      );
    }
  }
  for (const body of ['[]', '"x"', 'null', '{', '{"input":"x"} more', '['.repeat(100_000)]) {
    const reply = await http(`${host.url}/v1/agents/echo/execute`, { headers: HEADERS, body });
    assert.deepEqual([reply.status, reply.json.error.code], [400, 'bad_request'], body.slice(0, 20));
  }
});

/** Field 1, `agent_id`: echo. */
const ECHO = Buffer.from([0x0a, 4, ...Buffer.from('echo')]);

test('wrong types in protobuf: INVALID_ARGUMENT', async () => {
  const wrong: [what: string, message: Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['an input that is a number', Buffer.concat([ECHO, Buffer.from([0x10, 7])])],
    ['no input', ECHO],
    ['a length beyond the end', Buffer.concat([ECHO, Buffer.from([0x12, 100, 0x61])])],
    ['no protobuf at all', Buffer.from('{"input":"x"}')],
    ['a group that never ends', Buffer.alloc(5_000, 0x1b)],
    ['no time', Buffer.concat([ECHO, Buffer.from([0x12, 1, 0x61, 0x19, 0, 0, 0, 0, 0, 0, 0, 0])])],
  ];
  for (const [what, message] of wrong) {
    const { code, details } = await grpcRaw(host.url, 'Execute', message, METADATA);
    assert.equal(code, status.INVALID_ARGUMENT, `${what}: ${details}`);
  }
});

test('what is not UTF-8: 400 and INVALID_ARGUMENT, and nothing gets to the agent', async () => {
  for (const bad of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98]]) {
    const body = Buffer.concat([Buffer.from('{"input":"a'), Buffer.from(bad), Buffer.from('"}')]);
    const json = await http(`${host.url}/v1/agents/echo/execute`, { headers: HEADERS, body });
    assert.deepEqual([json.status, json.json.error.code], [400, 'bad_request']);
    assert.match(json.json.error.message, /UTF-8/);
    const message = Buffer.concat([ECHO, Buffer.from([0x12, bad.length, ...bad])]);
    const { code, details } = await grpcRaw(host.url, 'Execute', message, METADATA);
    assert.equal(code, status.INVALID_ARGUMENT, details);
  }
});
