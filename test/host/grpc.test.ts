import assert from 'node:assert/strict';
import { connect, constants } from 'node:http2';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import {
  type CallOptions,
  Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { AgentError } from '../../src/contract/agent-error.ts';
import { errorCodec, executeRequestCodec } from '../../src/contract/codec.ts';
import { AgentService } from '../../src/contract/gen/outrider/agent/v1/agent_pb.ts';
import { agentErrorFromGrpc } from '../../src/contract/grpc-error.ts';
import type { HostedAgent } from '../../src/host/ports.ts';
import type { HostRoutesOptions } from '../../src/host/routes.ts';
import { until, untilStill } from '../support/until.ts';
import { envelope, SERVICE, unary } from './raw-grpc.ts';
import { echo, endless, hosted, servedHost } from './support.ts';

const proto = join(import.meta.dirname, '../../proto');
const definition = loadSync(['outrider/agent/v1/agent.proto', 'grpc/health/v1/health.proto'], {
  includeDirs: [proto],
  keepCase: true,
  enums: String,
});

/** What grpc-js makes of a service: its methods are not typed. */
// oxlint-disable-next-line typescript/no-explicit-any -- its own type says the same
type Untyped = any;

function metadata(entries: Record<string, string> = {}): Metadata {
  const fields = new Metadata();
  for (const [name, value] of Object.entries({ authorization: 'Bearer alice', ...entries })) fields.set(name, value);
  return fields;
}

interface Reply {
  message: Untyped;
  error: ServiceError | undefined;
  headers: Metadata;
}

async function started(t: TestContext, agents: HostedAgent[], options: HostRoutesOptions = {}) {
  const host = await servedHost(agents, options);
  const target = host.url.slice('http://'.length);
  const make = (path: string[]): Untyped => {
    let at: Untyped = loadPackageDefinition(definition);
    for (const name of path) at = at[name];
    return new (at as ServiceClientConstructor)(target, credentials.createInsecure());
  };
  const client = make(['outrider', 'agent', 'v1', 'AgentService']);
  const health = make(['grpc', 'health', 'v1', 'Health']);
  t.after(async () => {
    client.close();
    health.close();
    await host.close();
  });
  /** One call, whichever way it ends. */
  const ask = (method: string, message: object, fields = metadata(), options: CallOptions = {}): Promise<Reply> =>
    new Promise((resolve) => {
      let headers = new Metadata();
      const call = client[method](message, fields, options, (error: ServiceError | null, reply: unknown) =>
        setImmediate(() => resolve({ message: reply, error: error ?? undefined, headers })),
      );
      call.on('metadata', (came: Metadata) => (headers = came));
    });
  return { host, client, health, ask };
}

/** The error that a client of this project makes of it. */
function agentError({ code, details, metadata: fields }: ServiceError): AgentError {
  const [bin] = fields.get('grpc-status-details-bin');
  return agentErrorFromGrpc(code, details, bin);
}

test('grpc-js runs an agent, streams it, and has jobs', async (t) => {
  const { client, ask } = await started(t, [hosted('echo', echo)]);
  const { message, headers } = await ask(
    'Execute',
    { agent_id: 'echo', input: 'hi' },
    metadata({ 'x-request-id': 'r-1' }),
  );
  assert.equal(message.output, 'hi');
  assert.equal(message.token_count, 3);
  assert.equal(message.stop_reason, 'completed');
  assert.deepEqual(headers.get('x-request-id'), ['r-1']);
  assert.deepEqual(headers.get('outrider-contract'), ['1.0']);

  const events: Untyped[] = [];
  for await (const event of client.ExecuteStream({ agent_id: 'echo', input: 'a b' }, metadata())) events.push(event);
  assert.deepEqual(
    events.map((event) => event.chunk?.text ?? event.done.output),
    ['a', 'b', 'ab'],
  );

  const { job_id } = (await ask('StartJob', { agent_id: 'echo', input: 'job' })).message;
  const job = await until(async () => {
    const { message } = await ask('GetJob', { agent_id: 'echo', job_id });
    return message.status !== 'running' && message;
  }, 'the end of the job');
  assert.deepEqual([job.status, job.result.output], ['completed', 'job']);
  assert.equal((await ask('CancelJob', { agent_id: 'echo', job_id })).message.status, 'completed');
  assert.equal((await ask('ListAgents', {})).message.agents[0].id, 'echo');
  assert.equal((await ask('GetAgent', { agent_id: 'echo' })).message.name, 'The echo');
});

test('agents are registered and removed by administrators', async (t) => {
  const { ask } = await started(t, []);
  const admin = metadata({ authorization: 'Bearer admin' });
  const request = { id: 'far', url: 'http://127.0.0.1:1' };
  assert.equal((await ask('RegisterAgent', request)).error?.code, status.PERMISSION_DENIED);
  assert.equal((await ask('RegisterAgent', request, admin)).message.id, 'far');
  assert.equal((await ask('RegisterAgent', request, admin)).error?.code, status.ALREADY_EXISTS);
  assert.equal((await ask('RegisterAgent', { id: 'b', url: 'ftp://x' }, admin)).error?.code, status.INVALID_ARGUMENT);
  assert.equal((await ask('RemoveAgent', { agent_id: 'far' }, admin)).error, undefined);
  assert.equal((await ask('RemoveAgent', { agent_id: 'far' }, admin)).error?.code, status.NOT_FOUND);
});

test('an error is a status, with all that the contract says of it', async (t) => {
  const long = 'ü'.repeat(4_000);
  const { ask, client } = await started(t, [
    hosted('kind', () => {
      throw new AgentError('quota_used_up', 'morgen wieder, grüß Gott %', {
        retryAfter: 60,
        details: { left: 0 },
        cause: new AgentError('rate_limited', 'the model says no'),
      });
    }),
    hosted('raw', () => {
      throw new Error('swordfish');
    }),
    hosted('long', () => {
      throw new AgentError('odd\r\n', `${long}\ud800`, { details: { long, odd: 1n } });
    }),
    hosted('shut', echo, { allowedRoles: ['boss'] }),
    hosted('down', echo, { ready: () => false }),
    hosted('half', {
      async *stream() {
        yield 'half';
        throw new AgentError('overloaded', 'gone', { retryAfter: 3 });
      },
    }),
  ]);
  const failing = async (
    agent_id: string,
    message: object = { input: 'x' },
    fields = metadata(),
  ): Promise<ServiceError> => {
    const { error } = await ask('Execute', { agent_id, ...message }, fields);
    assert.ok(error, agent_id);
    return error;
  };
  const kind = agentError(await failing('kind'));
  assert.equal(kind.code, 'quota_used_up');
  assert.equal(kind.message, 'morgen wieder, grüß Gott %');
  assert.equal(kind.retryAfter, 60);
  assert.deepEqual(kind.details, { left: 0 });
  assert.equal((kind.cause as AgentError).message, 'the model says no');

  const raw = await failing('raw');
  assert.equal(raw.code, status.UNKNOWN);
  assert.equal(raw.details, 'the agent failed');
  assert.doesNotMatch(JSON.stringify(raw.metadata.toJSON()), /swordfish/);
  const large = await failing('long');
  assert.equal(large.code, status.UNKNOWN);
  assert.match(large.details, /^ü+$/);
  assert.equal(agentError(large).code, 'agent_failed');

  const cases: [string, object, Metadata, number, string][] = [
    ['nobody', { input: 'x' }, metadata(), status.NOT_FOUND, 'not_found'],
    ['kind', {}, metadata(), status.INVALID_ARGUMENT, 'bad_request'],
    ['kind', { input: 'x', timeout_seconds: 0 }, metadata(), status.INVALID_ARGUMENT, 'bad_request'],
    ['kind', { input: 'x', timeout_seconds: Number.NaN }, metadata(), status.INVALID_ARGUMENT, 'bad_request'],
    ['../x', { input: 'x' }, metadata(), status.INVALID_ARGUMENT, 'bad_request'],
    ['shut', { input: 'x' }, metadata(), status.PERMISSION_DENIED, 'forbidden'],
    ['down', { input: 'x' }, metadata(), status.UNAVAILABLE, 'not_ready'],
    ['kind', { input: 'x' }, metadata({ authorization: 'none' }), status.UNAUTHENTICATED, 'unauthenticated'],
    ['kind', { input: 'x' }, metadata({ 'outrider-contract': '2.0' }), status.INVALID_ARGUMENT, 'bad_request'],
  ];
  for (const [id, message, fields, code, ours] of cases) {
    const error = await failing(id, message, fields);
    assert.equal(error.code, code, `${id} ${error.message}`);
    assert.equal(agentError(error).code, ours);
    assert.ok(error.metadata.get('x-request-id')[0], 'errors have an id too');
    assert.deepEqual(error.metadata.get('outrider-contract'), ['1.0']);
  }

  const pieces: string[] = [];
  const broken = await (async () => {
    try {
      for await (const event of client.ExecuteStream({ agent_id: 'half', input: 'x' }, metadata()))
        pieces.push(event.chunk.text);
    } catch (error) {
      return agentError(error as ServiceError);
    }
    return undefined;
  })();
  assert.deepEqual(pieces, ['half']);
  assert.deepEqual([broken?.code, broken?.retryAfter, broken?.retryable], ['overloaded', 3, true]);
});

test('what a newer peer says goes through unharmed, to the agent and back', async (t) => {
  const seen: unknown[] = [];
  const { host } = await started(t, [
    hosted('newer', (request) => {
      seen.push(executeRequestCodec.encode(request));
      return { output: 'x', stop_reason: 'later_reason' };
    }),
  ]);
  // Field 100, a string, behind what is known.
  const later = Buffer.from([0xa2, 0x06, 0x05, ...Buffer.from('later')]);
  const body = Buffer.concat([executeRequestCodec.encode({ agent_id: 'newer', input: 'x' }), later]);
  const reply = await unary(host, 'Execute', envelope(body));
  assert.equal(reply.trailers['grpc-status'] ?? reply.headers['grpc-status'], '0');
  assert.ok(Buffer.from(seen[0] as Uint8Array).includes(later));
  assert.match(reply.body.toString(), /later_reason/);
});

test('messages that are too large are refused: announced, sent, in pieces, compressed', async (t) => {
  const { host, ask } = await started(t, [hosted('echo', echo)], { maxBodyBytes: 100_000 });
  const large = executeRequestCodec.encode({ agent_id: 'echo', input: 'x'.repeat(200_000) });
  const small = executeRequestCodec.encode({ agent_id: 'echo', input: 'small' });
  const bomb = gzipSync(Buffer.alloc(50_000_000));
  assert.ok(bomb.length < 100_000);
  const cases: [string, Buffer | readonly Buffer[], Record<string, string>][] = [
    ['sent', envelope(large), {}],
    ['announced', envelope(small, 0, 0xffff_ffff), {}],
    ['bomb', envelope(bomb, 1), { 'grpc-encoding': 'gzip' }],
  ];
  for (const [name, body, fields] of cases) {
    const { headers, trailers } = await unary(host, 'Execute', body, fields);
    const { 'grpc-status': code, 'grpc-status-details-bin': details } = { ...headers, ...trailers };
    assert.equal(code, String(status.RESOURCE_EXHAUSTED), name);
    const error = agentErrorFromGrpc(Number(code), '', String(details));
    assert.deepEqual([error.code, error.retryable], ['body_too_large', false], name);
  }
  // Thousands of pieces of a byte are put together once, not again with each of them.
  const began = performance.now();
  const pieces = Array.from(
    envelope(executeRequestCodec.encode({ agent_id: 'echo', input: 'y'.repeat(20_000) })),
    (byte) => Buffer.from([byte]),
  );
  const { trailers } = await unary(host, 'Execute', pieces);
  assert.equal(trailers['grpc-status'], '0');
  assert.ok(performance.now() - began < 10_000);
  const fits = await ask('Execute', { agent_id: 'echo', input: 'z'.repeat(90_000) });
  assert.equal(fits.message.output.length, 90_000);
});

test('messages may be compressed, both ways', async (t) => {
  const { client, host } = await started(t, [hosted('echo', echo)]);
  const compressed = new client.constructor(host.url.slice('http://'.length), credentials.createInsecure(), {
    'grpc.default_compression_algorithm': 2,
  });
  t.after(() => compressed.close());
  const input = 'word '.repeat(2_000).trim();
  const reply = await new Promise<Untyped>((resolve, reject) => {
    compressed.Execute({ agent_id: 'echo', input }, metadata(), (error: Error | null, message: unknown) =>
      error === null ? resolve(message) : reject(error),
    );
  });
  assert.equal(reply.output, input);
  const events: Untyped[] = [];
  for await (const event of compressed.ExecuteStream({ agent_id: 'echo', input: 'a b' }, metadata()))
    events.push(event);
  assert.deepEqual(
    events.map((event) => event.chunk?.text ?? event.done.output),
    ['a', 'b', 'ab'],
  );
  const message = executeRequestCodec.encode({ agent_id: 'echo', input });
  const fields = { 'grpc-encoding': 'gzip', 'grpc-accept-encoding': 'gzip' };
  const { headers, body, trailers } = await unary(host, 'Execute', envelope(gzipSync(message), 1), fields);
  assert.deepEqual([headers['grpc-encoding'], trailers['grpc-status'], body[0]], ['gzip', '0', 1]);
  assert.ok(body.length < 1_000);
});

test('the JSON of the contract is served over HTTP/2 as well', async (t) => {
  const { host } = await started(t, [hosted('echo', echo)]);
  const fields = { 'content-type': 'application/json', ':path': '/v1/agents/echo/execute/stream' };
  const { headers, body } = await unary(host, 'Execute', Buffer.from('{"input":"a b"}'), fields);
  assert.equal(headers[':status'], '200');
  assert.match(body.toString(), /^event: chunk\ndata: \{"text":"a"\}\n\nevent: chunk\n.*\n\nevent: done\n/);
});

test('what is no message is refused, and nothing of it is run', async (t) => {
  const { host } = await started(t, [hosted('echo', echo)]);
  const message = executeRequestCodec.encode({ agent_id: 'echo', input: 'x' });
  const cases: [string, Buffer, Record<string, string>][] = [
    ['garbage', envelope(Buffer.from([0xff, 0xff, 0xff])), {}],
    ['invalid UTF-8', envelope(Buffer.from([0x12, 0x02, 0xc3, 0x28])), {}],
    ['cut', envelope(message).subarray(0, 8), {}],
    ['empty', Buffer.alloc(0), {}],
    ['two', Buffer.concat([envelope(message), envelope(message)]), {}],
    ['no gzip', envelope(message, 1), { 'grpc-encoding': 'gzip' }],
    ['unknown coding', envelope(message, 1), { 'grpc-encoding': 'zstd' }],
    ['bad timeout', envelope(message), { 'grpc-timeout': '5 minutes' }],
    ['unknown method', envelope(message), { ':path': `${SERVICE}/Nothing` }],
    ['unknown service', envelope(message), { ':path': '/x.Y/Z' }],
  ];
  for (const [name, body, fields] of cases) {
    const { headers, trailers } = await unary(host, 'Execute', body, fields);
    const code = Number({ ...headers, ...trailers }['grpc-status']);
    const expected = name.startsWith('unknown') || name === 'empty' || name === 'two' ? [12] : [3, 12, 13];
    assert.ok(expected.includes(code), `${name}: ${code}`);
    assert.equal(headers[':status'], '200');
    assert.ok(headers['x-request-id'], name);
  }
  assert.equal(host.runs.length, 0);
});

test('deadlines of the transport and of the request hold, the nearer one', async (t) => {
  const deadlines: number[] = [];
  const { ask, host } = await started(t, [
    hosted('deaf', () => sleep(60_000, 'late', { ref: false })),
    hosted('looks', (_request, { deadline = Number.POSITIVE_INFINITY }) => {
      deadlines.push(deadline - performance.now());
      return 'ok';
    }),
  ]);
  const began = performance.now();
  // Given to the host alone, so that the client's own timer does not answer.
  const late = await ask('Execute', { agent_id: 'deaf', input: 'x' }, metadata({ 'grpc-timeout': '50m' }));
  assert.equal(late.error?.code, status.DEADLINE_EXCEEDED);
  assert.equal(late.error && agentError(late.error).code, 'timeout');
  const own = await ask('Execute', { agent_id: 'deaf', input: 'x', timeout_seconds: 0.05 });
  assert.equal(own.error?.code, status.DEADLINE_EXCEEDED);
  assert.ok(performance.now() - began < 2_000);
  await ask('Execute', { agent_id: 'looks', input: 'x', timeout_seconds: 20 }, metadata(), {
    deadline: Date.now() + 5_000,
  });
  await ask('Execute', { agent_id: 'looks', input: 'x', timeout_seconds: 2 }, metadata(), {
    deadline: Date.now() + 5_000,
  });
  assert.ok((deadlines[0] ?? 0) <= 5_000 && (deadlines[0] ?? 0) > 3_000, String(deadlines[0]));
  assert.ok((deadlines[1] ?? 0) <= 2_000 && (deadlines[1] ?? 0) > 1_000, String(deadlines[1]));
  await until(() => host.runs.length === 4, 'all runs are over');
});

test('cancelling is told to the agent within 100 ms, in a call and in a stream', async (t) => {
  const agent = endless();
  const one = hosted('endless', agent);
  const { client, host } = await started(t, [one]);
  for (const method of ['Execute', 'ExecuteStream']) {
    const before = agent.aborted.length;
    const runs = agent.started;
    const message = { agent_id: 'endless', input: 'x' };
    const call =
      method === 'Execute'
        ? client.Execute(message, metadata(), () => undefined)
        : client.ExecuteStream(message, metadata());
    call.on('error', () => undefined).on('data', () => undefined);
    await until(() => agent.started === runs + 1, 'running');
    const left = performance.now();
    call.cancel();
    await until(() => agent.aborted.length === before + 1, 'the agent is told', 2_000, 1);
    assert.ok(performance.now() - left < 100, `${method}: ${performance.now() - left} ms`);
    await until(() => host.executor.load(one).running === 0, 'its place is free');
  }
  await until(() => host.listener.active() === 0, 'no request is left');
});

test('hundreds of streams that wait and are cancelled at once leave nothing', async (t) => {
  const agent = endless();
  const busy = hosted('busy', agent, { concurrency: 2, queue: 1_000 });
  const { client, host } = await started(t, [busy]);
  const calls = Array.from({ length: 300 }, () => {
    const call = client.ExecuteStream({ agent_id: 'busy', input: 'x' }, metadata());
    return call.on('error', () => undefined).on('data', () => undefined);
  });
  await until(() => host.executor.load(busy).waiting === 298, 'all wait', 20_000);
  for (const call of calls) call.cancel();
  await until(() => host.executor.load(busy).running + host.executor.load(busy).waiting === 0, 'nothing is left');
  assert.equal(agent.started, agent.aborted.length);
  await until(() => host.listener.active() === 0, 'no request is left');
});

test('a slow reader slows the agent', async (t) => {
  let given = 0;
  const fast = hosted('fast', {
    async *stream() {
      for (; given < 10_000; given++) yield 'x'.repeat(10_000);
    },
  });
  const { host } = await started(t, [fast]);
  const session = connect(host.url);
  t.after(() => session.destroy());
  // grpc-js would take in megabytes by itself.
  const stream = session.request({
    ':method': 'POST',
    ':path': `${SERVICE}/ExecuteStream`,
    'content-type': 'application/grpc',
    authorization: 'Bearer alice',
  });
  stream.end(envelope(executeRequestCodec.encode({ agent_id: 'fast', input: 'x' })));
  await new Promise((resolve) => stream.once('response', resolve));
  await untilStill(() => given, 'the agent waits for its reader');
  assert.ok(given < 100, `${given} pieces of 10 kB are under way`);
  stream.close(constants.NGHTTP2_CANCEL);
  await until(() => host.executor.load(fast).running === 0, 'the run is over');
});

test('gRPC, gRPC-Web and Connect clients have the same answers', async (t) => {
  const agent = endless();
  const { host } = await started(t, [
    hosted('echo', echo),
    hosted('endless', agent),
    hosted('failing', () => {
      throw new AgentError('quota_used_up', 'no more', { retryable: true });
    }),
  ]);
  const options = { baseUrl: host.url, defaultTimeoutMs: 10_000 };
  const transports: Record<string, Transport> = {
    grpc: createGrpcTransport(options),
    'grpc-web': createGrpcWebTransport({ ...options, httpVersion: '1.1' }),
    'grpc-web 2': createGrpcWebTransport({ ...options, httpVersion: '2' }),
    connect: createConnectTransport({ ...options, httpVersion: '1.1' }),
    'connect json': createConnectTransport({ ...options, httpVersion: '2', useBinaryFormat: false }),
  };
  const headers = { authorization: 'Bearer alice', 'x-request-id': 'r-9' };
  for (const [name, transport] of Object.entries(transports)) {
    const client = createClient(AgentService, transport);
    let id: string | null = null;
    const large = 'hi '.repeat(2_000);
    const reply = await client.execute(
      { agentId: 'echo', input: large },
      { headers, onHeader: (fields) => (id = fields.get('x-request-id')) },
    );
    assert.equal(reply.output, large, name);
    assert.equal(id, 'r-9', name);
    const texts: unknown[] = [];
    for await (const { event } of client.executeStream({ agentId: 'echo', input: 'a b' }, { headers }))
      texts.push(event.case);
    assert.deepEqual(texts, ['chunk', 'chunk', 'done'], name);
    const error = await client.execute({ agentId: 'failing', input: 'x' }, { headers }).catch((e: unknown) => e);
    assert.ok(error instanceof ConnectError);
    assert.equal(error.code, Code.Unknown, name);
    const [detail] = error.findDetails(errorCodec.schema);
    assert.equal(detail?.code, 'quota_used_up', name);
    assert.equal(detail?.details?.['retryable'], true, name);
    await assert.rejects(client.execute({ agentId: 'echo', input: 'x' }), { code: Code.Unauthenticated }, name);
    const before = agent.aborted.length;
    const leave = new AbortController();
    const left = (async () => {
      for await (const _event of client.executeStream(
        { agentId: 'endless', input: 'x' },
        { headers, signal: leave.signal },
      ))
        leave.abort();
    })();
    await assert.rejects(left, { code: Code.Canceled }, name);
    await until(() => agent.aborted.length === before + 1, `${name}: the agent is told`, 1_000, 1);
    const late = client.execute({ agentId: 'endless', input: 'x', timeoutSeconds: 0.05 }, { headers });
    await assert.rejects(late, { code: Code.DeadlineExceeded }, name);
  }
});

test('health is open, for each service and for the whole, and watched until the host drains', async (t) => {
  const { host, health } = await started(t, []);
  const check = (service: string): Promise<string> =>
    new Promise((resolve) => {
      health.Check({ service }, (error: ServiceError | null, reply: Untyped) =>
        resolve(error === null ? reply.status : status[error.code]),
      );
    });
  assert.equal(await check(''), 'SERVING');
  assert.equal(await check('outrider.agent.v1.AgentService'), 'SERVING');
  assert.equal(await check('grpc.reflection.v1.ServerReflection'), 'SERVING');
  assert.equal(await check('x.Y'), 'NOT_FOUND');
  const seen: string[] = [];
  const unknown: string[] = [];
  const watch = health.Watch({ service: '' });
  const other = health.Watch({ service: 'x.Y' });
  watch.on('data', (reply: Untyped) => seen.push(reply.status));
  other.on('data', (reply: Untyped) => unknown.push(reply.status)).on('error', () => undefined);
  const ended = new Promise<ServiceError>((resolve) => watch.on('error', resolve));
  await until(() => seen.length === 1 && unknown.length === 1, 'the first state');
  for (const state of ['not_serving', 'not_serving', 'serving', 'draining'] as const) {
    host.serving.state = state;
    host.serving.tell();
    await sleep(20);
  }
  assert.equal((await ended).code, status.UNAVAILABLE);
  assert.deepEqual(seen, ['SERVING', 'NOT_SERVING', 'SERVING', 'NOT_SERVING']);
  assert.deepEqual(unknown, ['SERVICE_UNKNOWN']);
  assert.equal(await check(''), 'NOT_SERVING');
  await until(() => host.serving.watchers() === 0, 'nobody is called back any more');

  host.serving.state = 'serving';
  const left = health.Watch({ service: '' }).on('error', () => undefined);
  await new Promise((resolve) => left.once('data', resolve));
  left.cancel();
  await until(() => host.serving.watchers() === 0, 'a watch that is cancelled leaves nothing');
});

test('reflection tells a client all it needs to know, in both of its versions', async (t) => {
  const { host } = await started(t, [hosted('echo', echo)]);
  const wire = loadSync('grpc/reflection/v1/reflection.proto', { includeDirs: [proto], keepCase: true, oneofs: true });
  const method = (wire['grpc.reflection.v1.ServerReflection'] as Untyped).ServerReflectionInfo;
  const client = new Client(host.url.slice('http://'.length), credentials.createInsecure());
  t.after(() => client.close());
  for (const version of ['v1', 'v1alpha']) {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    const questions = [
      { list_services: '' },
      { file_containing_symbol: 'outrider.agent.v1.AgentService' },
      { file_containing_symbol: 'outrider.agent.v1.AgentService.ExecuteStream' },
      { file_containing_symbol: 'outrider.agent.v1.Job.created_at' },
      { file_containing_symbol: `grpc.reflection.${version}.ServerReflection` },
      { file_by_filename: 'google/protobuf/struct.proto' },
      { file_by_filename: 'nothing.proto' },
      { file_containing_symbol: 'outrider.agent.v1.AgentService.Nothing' },
      { all_extension_numbers_of_type: 'outrider.agent.v1.Job' },
      { file_containing_extension: { containing_type: 'outrider.agent.v1.Job', extension_number: 1 } },
      {},
    ];
    const call = client.makeBidiStreamRequest(path, method.requestSerialize, method.responseDeserialize, metadata());
    for (const question of questions) call.write(question);
    call.end();
    const answers: Untyped[] = [];
    for await (const answer of call) answers.push(answer);
    assert.equal(answers.length, questions.length);
    assert.deepEqual(
      answers[0].list_services_response.service.map(({ name }: { name: string }) => name),
      [
        'outrider.agent.v1.AgentService',
        'grpc.health.v1.Health',
        'grpc.reflection.v1.ServerReflection',
        'grpc.reflection.v1alpha.ServerReflection',
      ],
    );
    for (const i of [1, 2, 3]) {
      const files = answers[i].file_descriptor_response.file_descriptor_proto as Buffer[];
      const text = Buffer.concat(files).toString('latin1');
      for (const name of ['agent.proto', 'google/protobuf/struct.proto', 'google/protobuf/timestamp.proto']) {
        assert.ok(text.includes(name), `${i} ${name}`);
      }
      assert.deepEqual(answers[i].original_request, { ...questions[i], message_request: 'file_containing_symbol' });
    }
    assert.ok(answers[4].file_descriptor_response.file_descriptor_proto[0].includes(`reflection.${version}`));
    assert.equal(answers[5].file_descriptor_response.file_descriptor_proto.length, 1);
    for (const i of [6, 7, 9]) assert.equal(answers[i].error_response.error_code, status.NOT_FOUND, String(i));
    assert.deepEqual(answers[8].all_extension_numbers_response.extension_number ?? [], []);
    assert.equal(answers[10].error_response.error_code, status.UNIMPLEMENTED);
  }
});

test('what reflection says is enough to make a call', async (t) => {
  const { host } = await started(t, [hosted('echo', echo)]);
  const wire = loadSync('grpc/reflection/v1/reflection.proto', { includeDirs: [proto], keepCase: true, oneofs: true });
  const method = (wire['grpc.reflection.v1.ServerReflection'] as Untyped).ServerReflectionInfo;
  const target = host.url.slice('http://'.length);
  const client = new Client(target, credentials.createInsecure());
  t.after(() => client.close());
  const call = client.makeBidiStreamRequest(
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    method.requestSerialize,
    method.responseDeserialize,
    metadata(),
  );
  call.write({ file_containing_symbol: 'outrider.agent.v1.AgentService' });
  const [answer] = await new Promise<Untyped[]>((resolve) => call.once('data', (one: Untyped) => resolve([one])));
  call.end();
  const { loadFileDescriptorSetFromObject } = await import('@grpc/proto-loader');
  const { fromBinary, toJson } = await import('@bufbuild/protobuf');
  const { FileDescriptorProtoSchema } = await import('@bufbuild/protobuf/wkt');
  const files = answer.file_descriptor_response.file_descriptor_proto.map((bytes: Buffer) =>
    toJson(FileDescriptorProtoSchema, fromBinary(FileDescriptorProtoSchema, bytes)),
  );
  const learnt: Untyped = loadPackageDefinition(loadFileDescriptorSetFromObject({ file: files }, { keepCase: true }));
  const agents = new learnt.outrider.agent.v1.AgentService(target, credentials.createInsecure());
  t.after(() => agents.close());
  const reply = await new Promise<Untyped>((resolve, reject) => {
    agents.Execute({ agent_id: 'echo', input: 'hi' }, metadata(), (error: Error | null, message: unknown) =>
      error === null ? resolve(message) : reject(error),
    );
  });
  assert.equal(reply.output, 'hi');
});

test('a question that is far too long ends its stream', async (t) => {
  const { host } = await started(t, []);
  const body = envelope(Buffer.concat([Buffer.from([0x22, 0x80, 0x80, 0x08]), Buffer.alloc(131_072, 'x')]));
  const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
  const { headers, trailers } = await unary(host, path, body);
  assert.equal({ ...headers, ...trailers }['grpc-status'], String(status.RESOURCE_EXHAUSTED));
  assert.equal({ ...(await unary(host, path, body, { authorization: 'x' })).headers }['grpc-status'], '16');
});

test('a wrong method or media type on a path of gRPC has the envelope', async (t) => {
  const { host } = await started(t, []);
  const ask = (method: string, type: string) =>
    fetch(`${host.url}${SERVICE}/Execute`, {
      method,
      headers: { authorization: 'Bearer a', 'content-type': type },
      ...(method === 'POST' && { body: 'x' }),
    });
  const got = await ask('GET', 'application/json');
  assert.equal(got.status, 405);
  assert.equal(got.headers.get('allow'), 'POST');
  const typed = await ask('POST', 'text/plain');
  assert.equal(typed.status, 415);
  assert.equal(((await typed.json()) as Untyped).error.code, 'unsupported_media_type');
});
